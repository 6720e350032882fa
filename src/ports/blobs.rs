//! Reading a log account: listing by prefix, and bounded ranged reads.

use async_trait::async_trait;
use bytes::Bytes;
use time::OffsetDateTime;

use super::error::PortResult;

/// A blob as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobItem {
    /// Full name within its container.
    pub name: String,
    /// Bytes, when it was listed.
    pub length: u64,
    pub last_modified: Option<OffsetDateTime>,
}

/// One page of a listing. An empty page may still have a continuation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlobPage {
    pub items: Vec<BlobItem>,
    /// Opaque; give it back to go on.
    pub continuation: Option<String>,
}

/// The answer to a ranged read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The bytes from the offset asked for; at most as many as asked for, at least one.
    Bytes(Bytes),
    /// The blob ends at or before the offset: Azure says 416 for both, so the reader who must
    /// tell them apart asks for the length.
    PastEnd,
}

/// A log account (or a directory of the same layout), read only.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// The account's name, or a label for a directory; part of a checkpoint's key.
    fn account(&self) -> &str;

    /// Blobs whose name starts with `prefix`, in name order. A container that does not exist
    /// yet is an empty page: the platform creates it with the first record.
    async fn list(
        &self,
        container: &str,
        prefix: &str,
        continuation: Option<&str>,
    ) -> PortResult<BlobPage>;

    /// Length in bytes; `NotFound` when the blob is gone.
    async fn length(&self, container: &str, name: &str) -> PortResult<u64>;

    /// At most `max` bytes from `offset`, in one request and without an ETag condition, because
    /// the blob may grow meanwhile. `NotFound` when the blob is gone.
    async fn read(&self, container: &str, name: &str, offset: u64, max: u64) -> PortResult<Read>;
}
