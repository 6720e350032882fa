//! Trying again, in one place and with one budget. The SDKs' own retries are switched off: they
//! repeat inserts whose first answer was lost, and wait longer than a function may run.

use std::time::Duration;

use azure_core::http::RetryOptions;

use crate::ports::error::{PortError, PortResult};

/// Waits before the second and the third try. Together with three exchanges this stays well
/// below the host's timeout; who needs longer patience has a queue.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// The longest wait asked for by a service that is waited out here. What is longer is the
/// caller's to plan.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(2);

/// Tries an operation that may be repeated without harm: reads, unconditional writes, sending to
/// a queue whose messages are made to be received twice. Gives up at once on anything that time
/// does not cure.
pub async fn repeatable<T, F>(mut operation: impl FnMut() -> F) -> PortResult<T>
where
    F: Future<Output = PortResult<T>>,
{
    for wait in WAITS {
        match operation().await {
            Err(error) if error.is_transient() => match patience(&error, wait) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            },
            done => return done,
        }
    }
    operation().await
}

fn patience(error: &PortError, wait: Duration) -> Option<Duration> {
    match error.retry_after {
        Some(asked) if asked > RETRY_AFTER_MAX => None,
        Some(asked) => Some(asked.max(wait)),
        None => Some(wait),
    }
}

/// For the current SDK's clients.
pub fn none() -> RetryOptions {
    RetryOptions::none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::error::PortErrorKind;

    async fn calls(kind: PortErrorKind, retry_after: Option<Duration>) -> usize {
        let mut calls = 0;
        let answer: PortResult<()> = repeatable(|| {
            calls += 1;
            let mut error = PortError::new(kind, "read blob", "x");
            error.retry_after = retry_after;
            async { Err(error) }
        })
        .await;
        assert_eq!(answer.unwrap_err().kind, kind);
        calls
    }

    #[tokio::test]
    async fn only_what_time_cures_is_tried_again_and_only_within_the_budget() {
        assert_eq!(calls(PortErrorKind::Unavailable, None).await, 3);
        assert_eq!(calls(PortErrorKind::Conflict, None).await, 1);
        assert_eq!(calls(PortErrorKind::Throttled, Some(Duration::from_secs(30))).await, 1);
    }
}
