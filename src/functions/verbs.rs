//! What a trigger may ask for, and how each ends. The verbs themselves are the pipeline's.

use async_trait::async_trait;

use crate::model::checkpoint::BlobRef;

/// How an invocation ended. [`super::reply`] alone turns it into an answer for the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// Done; one line for the invocation's log. Counts and places, never content.
    Done { log: String },
    /// It did not work out, and the same invocation may later: the host must see a failure.
    RetryLater { reason: String },
    /// It can never work out; repeating it would only end in a poison queue. Logged and counted.
    DeadLetter { reason: String },
}

/// The work behind the triggers.
#[async_trait]
pub trait Verbs: Send + Sync + 'static {
    /// Whether this account and container are configured as a source of audit logs. What a
    /// message or an event names is never read unless this says so.
    fn reads(&self, account: &str, container: &str) -> bool;

    /// Consumes one blob from its checkpoint, up to the budget.
    async fn segment(&self, blob: &BlobRef) -> Completion;

    /// Finds the blobs that have grown and hands each on as a segment.
    async fn follow(&self) -> Completion;
}
