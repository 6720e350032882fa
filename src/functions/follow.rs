//! `follow`: append blobs raise no event when they grow, so once a minute the ones that may have
//! grown are listed. What the timer says of its own past is a hint that this does not need.

use axum::body::Body;

use super::body::{self, BodyError};
use super::envelope::Envelope;
use super::verbs::{Completion, Verbs};

/// Bytes of a request, at most: a timer's is below one kilobyte.
pub const BODY_MAX: u64 = 64 * 1024;

/// Looks for growth, whatever the timer's payload says: `ScheduleStatus` may be null, and its
/// times may lack a zone or lie in the year 1.
pub(super) async fn run(verbs: &dyn Verbs, body: Body) -> Result<Completion, BodyError> {
    let envelope: Envelope = body::decode(body, BODY_MAX).await?;
    if envelope.into_datum().is_none() {
        return Err(BodyError::Malformed);
    }
    Ok(verbs.follow().await)
}
