//! The one table port: keys, ETags, batches and ordered range scans. Two adapters pass one
//! contract suite (`tests/it/table_contract.rs`): Azure Table Storage and redb.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::error::PortResult;

/// Operations in one batch, at most (Azure Table Storage).
pub const BATCH_OPERATIONS_MAX: usize = 100;
/// Bytes of one property, at most: 64 KiB, where text counts two bytes a UTF-16 unit.
pub const PROPERTY_BYTES_MAX: usize = 64 * 1024;
/// Properties of one row besides its keys, at most (Azure allows 252 of our own).
pub const PROPERTIES_MAX: usize = 252;

/// A property's value. Only what both stores keep without loss.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Bool(bool),
    Time(OffsetDateTime),
    Bytes(Vec<u8>),
}

/// Opaque version of a stored row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Etag(pub String);

/// Where a row lies. Keys are made by `store::key` alone, which escapes and bounds them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub partition: String,
    pub row: String,
}

/// A row's properties, by name.
pub type Properties = BTreeMap<String, Value>;

/// A row as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: Key,
    pub etag: Etag,
    pub properties: Properties,
}

/// One change. All of a batch share the partition of their keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// `Conflict` when the row exists.
    Insert { key: Key, properties: Properties },
    /// Replaces the whole row; `Conflict` when its ETag moved on or it is gone.
    Replace { key: Key, properties: Properties, etag: Etag },
    /// Inserts or replaces, whatever is there.
    Upsert { key: Key, properties: Properties },
    /// Deletes; `Conflict` when an ETag is given and moved on. Deleting what is not there, with
    /// no ETag, is done already.
    Delete { key: Key, etag: Option<Etag> },
}

impl Write {
    /// The row it changes.
    pub fn key(&self) -> &Key {
        match self {
            Self::Insert { key, .. }
            | Self::Replace { key, .. }
            | Self::Upsert { key, .. }
            | Self::Delete { key, .. } => key,
        }
    }
}

/// A stretch of row keys within one partition, ordered by their UTF-8 bytes; both ends optional.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Inclusive.
    pub from: Option<String>,
    /// Exclusive.
    pub to: Option<String>,
}

/// One page of a scan. An empty page may still have a continuation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Opaque and fit for a web link; give it back to go on.
    pub continuation: Option<String>,
}

/// One table.
#[async_trait]
pub trait Table: Send + Sync {
    /// Creates the table when it is missing.
    async fn ensure(&self) -> PortResult<()>;

    /// The row, or `None`.
    async fn get(&self, key: &Key) -> PortResult<Option<Row>>;

    /// Changes one row and returns its new ETag (`None` after a delete).
    async fn write(&self, write: Write) -> PortResult<Option<Etag>>;

    /// Changes up to [`BATCH_OPERATIONS_MAX`] rows of one partition: all of them or none. A key
    /// twice, two partitions, or too many operations is `Invalid`.
    async fn batch(&self, writes: Vec<Write>) -> PortResult<()>;

    /// Rows of a partition in key order, at most `limit` a page.
    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page>;
}
