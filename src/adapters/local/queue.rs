//! A queue within this process, bounded, for `up` and for tests. It forgets everything when the
//! process ends, which harms nothing: whoever follows the logs finds again what is left to do.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::queue::Queue;

/// Bytes of one message, at most, as the port promises.
const MESSAGE_BYTES_MAX: usize = 48 * 1024;

/// The sending half.
#[derive(Debug, Clone)]
pub struct LocalQueue {
    sender: mpsc::Sender<LocalMessage>,
}

/// The receiving half.
#[derive(Debug)]
pub struct LocalQueueReceiver {
    receiver: mpsc::Receiver<LocalMessage>,
}

/// A message and the queue it was sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMessage {
    pub queue: String,
    pub text: String,
}

/// A queue that holds at most `capacity` messages (at least one).
pub fn channel(capacity: usize) -> (LocalQueue, LocalQueueReceiver) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (LocalQueue { sender }, LocalQueueReceiver { receiver })
}

impl LocalQueueReceiver {
    /// Waits for the next message; `None` when every sender is gone.
    pub async fn receive(&mut self) -> Option<LocalMessage> {
        self.receiver.recv().await
    }

    /// The next message, if one is there.
    pub fn receive_now(&mut self) -> Option<LocalMessage> {
        self.receiver.try_recv().ok()
    }
}

#[async_trait]
impl Queue for LocalQueue {
    /// Never waits for room: the receiver sends too, and would wait for itself. A full queue is
    /// `Throttled`.
    async fn send(&self, queue: &str, message: &str) -> PortResult<()> {
        const DOING: &str = "send a message";
        if message.len() > MESSAGE_BYTES_MAX {
            let cause = format!("a message holds at most {MESSAGE_BYTES_MAX} bytes");
            return Err(PortError::new(PortErrorKind::Invalid, DOING, cause));
        }
        let message = LocalMessage { queue: queue.to_owned(), text: message.to_owned() };
        self.sender.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                PortError::new(PortErrorKind::Throttled, DOING, "the queue is full")
            }
            mpsc::error::TrySendError::Closed(_) => {
                PortError::new(PortErrorKind::Unavailable, DOING, "nobody receives any more")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_arrive_in_order_and_a_full_queue_says_so() {
        let (queue, mut receiver) = channel(2);
        queue.send("a", "1").await.expect("room");
        queue.send("b", "2").await.expect("room");
        let full = queue.send("a", "3").await.expect_err("full");
        assert_eq!(full.kind, PortErrorKind::Throttled);
        let first = LocalMessage { queue: "a".into(), text: "1".into() };
        assert_eq!(receiver.receive().await, Some(first));
        assert_eq!(receiver.receive_now().map(|message| message.text), Some("2".into()));
        assert_eq!(receiver.receive_now(), None);
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_invalid_and_a_closed_queue_unavailable() {
        let (queue, receiver) = channel(1);
        let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
        assert_eq!(queue.send("a", &long).await.expect_err("long").kind, PortErrorKind::Invalid);
        drop(receiver);
        let closed = queue.send("a", "1").await.expect_err("closed");
        assert_eq!(closed.kind, PortErrorKind::Unavailable);
    }
}
