//! Reading a request body without trusting its size: it is decoded as it arrives, counted, and
//! what the decoder ignores is never held.
//!
//! The host writes a whole blob in base64 into one request and does not read an answer before it
//! has written everything. So a refused body is still read to its end and dropped, up to a
//! second bound, or the host would see a reset connection in place of our status.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

/// How much of a refused body is still read and dropped: twice the host's own limit of 100 MB.
const DRAIN_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// How long that may take.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(20);
/// Chunks between the connection and the decoder; the connection waits when they are full.
const CHUNKS_AHEAD: usize = 4;

/// Why a body could not be used. Says nothing of what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is larger than {max} bytes")]
    TooLarge { max: u64 },
    #[error("the body is not the JSON object that the Functions host sends")]
    Malformed,
    #[error("the body ended early")]
    Broken,
}

/// Decodes at most `max` bytes of JSON from `body`.
///
/// # Errors
/// [`BodyError`], after the rest of the body has been read and dropped.
pub async fn decode<T>(body: Body, max: u64) -> Result<T, BodyError>
where
    T: DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let decoder = tokio::task::spawn_blocking(move || {
        serde_json::from_reader(Chunks { receiver, current: Bytes::new() })
    });
    pump(body, max, sender).await?;
    match decoder.await {
        Ok(Ok(value)) => Ok(value),
        _ => Err(BodyError::Malformed),
    }
}

/// Hands the chunks to the decoder while it wants them, and reads to the end in any case.
async fn pump(body: Body, max: u64, sender: mpsc::Sender<Bytes>) -> Result<(), BodyError> {
    let mut chunks = body.into_data_stream();
    let mut seen: u64 = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        seen = seen.saturating_add(chunk.len() as u64);
        if seen > max {
            drop(sender);
            let drain = async {
                let mut dropped: u64 = 0;
                while let Some(Ok(chunk)) = chunks.next().await {
                    dropped = dropped.saturating_add(chunk.len() as u64);
                    if dropped > DRAIN_BYTES_MAX {
                        break;
                    }
                }
            };
            let _ = tokio::time::timeout(DRAIN_TIME_MAX, drain).await;
            return Err(BodyError::TooLarge { max });
        }
        // A decoder that has stopped (a syntax error) leaves the rest to be counted and dropped.
        let _ = sender.send(chunk).await;
    }
    Ok(())
}

/// The chunks as a reader for the decoder's thread.
struct Chunks {
    receiver: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl io::Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        if let Some(target) = buffer.get_mut(..length) {
            self.current.copy_to_slice(target);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn chunked(parts: Vec<&'static str>) -> Body {
        Body::from_stream(futures::stream::iter(parts.into_iter().map(Ok::<_, io::Error>)))
    }

    #[tokio::test]
    async fn a_body_is_decoded_across_chunks_cut_anywhere() {
        let body = chunked(vec!["{\"a", "\":[1,", "", "2]", "}"]);
        assert_eq!(decode::<Value>(body, 100).await, Ok(json!({"a": [1, 2]})));
    }

    #[tokio::test]
    async fn a_body_over_its_bound_is_refused_and_one_at_it_is_not() {
        assert_eq!(decode::<Value>(chunked(vec!["{\"a\"", ":1}"]), 7).await, Ok(json!({"a": 1})));
        let refused = decode::<Value>(chunked(vec!["{\"a\"", ":1}"]), 6).await;
        assert_eq!(refused, Err(BodyError::TooLarge { max: 6 }));
    }

    #[tokio::test]
    async fn what_is_not_json_or_goes_on_after_it_is_malformed() {
        for parts in [vec![], vec!["{"], vec!["{}", "x"], vec!["\u{0}"], vec!["{}{}"]] {
            let refused = decode::<Value>(chunked(parts.clone()), 100).await;
            assert_eq!(refused, Err(BodyError::Malformed), "{parts:?}");
        }
    }
}
