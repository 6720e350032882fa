//! `segment`: one message of the queue `audit-segments` is one blob to consume up to a budget.
//!
//! A message is only a hint where to look: one that cannot be read is given up at once, since
//! `follow` finds the blob again while its checkpoint lags behind.

use axum::body::Body;
use serde_json::Value;

use super::blob_uri::is_name;
use super::body::{self, BodyError};
use super::envelope::{self, Envelope};
use super::verbs::{Completion, Verbs};
use crate::model::checkpoint::BlobRef;
use crate::pipeline::discover::SegmentMessage;

/// Bytes of a request, at most: a message has up to 64 KiB, which two encodings as JSON text and
/// the copy in `Metadata` may blow up.
pub const BODY_MAX: u64 = 512 * 1024;

/// Consumes the blob that the message names.
pub(super) async fn run(verbs: &dyn Verbs, body: Body) -> Result<Completion, BodyError> {
    let envelope: Envelope = body::decode(body, BODY_MAX).await?;
    let datum = envelope.into_datum().ok_or(BodyError::Malformed)?;
    let Some(blob) = blob(datum) else {
        return Ok(Completion::DeadLetter { reason: "not a segment message".to_owned() });
    };
    if !verbs.reads(&blob.account, &blob.container) {
        let reason = "the blob lies outside the configured accounts and containers".to_owned();
        return Ok(Completion::DeadLetter { reason });
    }
    Ok(verbs.segment(&blob).await)
}

/// The blob of a message, which is taken strictly: an unknown field means that somebody else
/// wrote it.
fn blob(datum: Value) -> Option<BlobRef> {
    let object = envelope::queue_object(datum)?;
    let message: SegmentMessage = serde_json::from_value(Value::Object(object)).ok()?;
    is_name(&message.blob).then(|| message.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_taken_only_in_exactly_its_shape() {
        let sound = json!({"account": "acct", "container": "logs", "blob": "a/b.json"});
        assert_eq!(blob(sound).map(|blob| blob.name).as_deref(), Some("a/b.json"));
        for unsound in [
            json!({"account": "acct", "container": "logs"}),
            json!({"account": "acct", "container": "logs", "blob": ""}),
            json!({"account": "acct", "container": "logs", "blob": "../b"}),
            json!({"account": "acct", "container": "logs", "blob": "b", "offset": 3}),
            json!({"account": 1, "container": "logs", "blob": "b"}),
            json!("hello"),
        ] {
            assert_eq!(blob(unsound.clone()), None, "{unsound}");
        }
    }
}
