//! Why a verb did not finish.

use crate::model::checkpoint::NotContiguous;
use crate::ports::error::PortError;

/// An invocation that failed. `Display` names no content and no secret.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A call over a port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The blob's name is not one that Azure Monitor gives to a cluster's log.
    #[error("the blob is not a log blob of a cluster; expected resourceId=/…/PT1H.json")]
    NotALogBlob,
    /// The blob lies in an account or a container that is not configured.
    #[error(
        "the blob's account or container is not one that Midwatch reads; see the settings \
             MIDWATCH_LOG_ACCOUNTS and MIDWATCH_LOG_CONTAINERS"
    )]
    NotOurs,
    /// Two writers moved one checkpoint. Nothing was lost: the segment is replayed.
    #[error(transparent)]
    Position(#[from] NotContiguous),
    /// Another instance moved the checkpoint. What we stored it finds stored.
    #[error("another instance moved the checkpoint; the segment is its matter now")]
    Overtaken,
    /// An alert changed under us more often than we tried.
    #[error("an alert kept changing while findings were recorded; the segment will be replayed")]
    Contended,
}

impl PipelineError {
    /// Whether trying the same input again can help.
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Self::NotALogBlob | Self::NotOurs)
    }
}
