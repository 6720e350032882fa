//! `detect`: a new audit blob exists. The blob is consumed from its checkpoint by ranged reads;
//! the bytes that the host has put into the request are skipped.

use axum::body::Body;

use super::blob_uri;
use super::body::{self, BodyError};
use super::envelope::BlobEnvelope;
use super::verbs::{Completion, Verbs};

/// Bytes of a request, at most. The host sends the whole blob in base64; Event Grid fires when a
/// log blob is created and still empty, so that even this bound is generous. Above it the host
/// sees a failure, and `follow` finds the blob all the same.
pub const BODY_MAX: u64 = 64 * 1024 * 1024;

/// Consumes the blob that the request names. A blob that is none of ours is given up at once,
/// because no repetition would change that.
pub(super) async fn run(verbs: &dyn Verbs, body: Body) -> Result<Completion, BodyError> {
    let envelope: BlobEnvelope = body::decode(body, BODY_MAX).await?;
    let Some(blob) = envelope.uri().as_deref().and_then(blob_uri::parse) else {
        return Ok(Completion::DeadLetter { reason: "the request names no blob".to_owned() });
    };
    if !verbs.reads(&blob.account, &blob.container) {
        let reason = "the blob lies outside the configured accounts and containers".to_owned();
        return Ok(Completion::DeadLetter { reason });
    }
    Ok(verbs.segment(&blob).await)
}
