//! Checkpoints of log blobs: a row per blob, changed only under its ETag.

use std::sync::Arc;

use super::column::{self, Columns, VERSION};
use super::{Stored, key};
use crate::model::checkpoint::{BlobRef, Checkpoint, Lease, Totals};
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Properties, Range, Row, Table, Write};

/// The schema version that is written.
pub const CHECKPOINT_VERSION: i64 = 2;

/// The repository of checkpoints.
#[derive(Clone)]
pub struct Checkpoints {
    table: Arc<dyn Table>,
}

/// One page of a listing, in order of blob names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckpointPage {
    pub checkpoints: Vec<(BlobRef, Stored<Checkpoint>)>,
    /// Give it back to go on; an empty page may still have one.
    pub cursor: Option<String>,
}

impl Checkpoints {
    /// The repository over a table.
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table }
    }

    /// The blob's checkpoint; `None` when nothing of it was consumed yet.
    pub async fn load(&self, blob: &BlobRef) -> PortResult<Option<Stored<Checkpoint>>> {
        let row = self.table.get(&row_key(blob)).await?;
        row.map(|row| read(&row).map(|(_, stored)| stored)).transpose()
    }

    /// Stores the first checkpoint of a blob; `Conflict` when it has one.
    pub async fn create(&self, blob: &BlobRef, checkpoint: &Checkpoint) -> PortResult<Etag> {
        let properties = to_properties(blob, checkpoint);
        written(self.table.write(Write::Insert { key: row_key(blob), properties }).await?)
    }

    /// Replaces the checkpoint that was read at `etag`; `Conflict` when it moved on since.
    pub async fn save(
        &self,
        blob: &BlobRef,
        checkpoint: &Checkpoint,
        etag: &Etag,
    ) -> PortResult<Etag> {
        let properties = to_properties(blob, checkpoint);
        let write = Write::Replace { key: row_key(blob), properties, etag: etag.clone() };
        written(self.table.write(write).await?)
    }

    /// Checkpoints of a container's blobs whose name starts with `prefix` (a cluster's prefix
    /// with its closing slash, an hour, or nothing).
    pub async fn list(
        &self,
        account: &str,
        container: &str,
        prefix: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> PortResult<CheckpointPage> {
        let (from, to) = key::starting_with(&[prefix]);
        let range = Range { from: Some(from), to };
        let partition = partition(account, container);
        let page = self.table.scan(&partition, &range, limit, cursor).await?;
        let checkpoints = page.rows.iter().map(read).collect::<PortResult<Vec<_>>>()?;
        Ok(CheckpointPage { checkpoints, cursor: page.continuation })
    }
}

fn partition(account: &str, container: &str) -> String {
    key::compound(&[account, container])
}

fn row_key(blob: &BlobRef) -> Key {
    Key { partition: partition(&blob.account, &blob.container), row: key::escape(&blob.name) }
}

fn written(etag: Option<Etag>) -> PortResult<Etag> {
    etag.ok_or_else(|| {
        PortError::new(PortErrorKind::Corrupt, "save a checkpoint", "the store gave no ETag back")
    })
}

pub(super) fn to_properties(blob: &BlobRef, checkpoint: &Checkpoint) -> Properties {
    let totals = &checkpoint.totals;
    let mut columns = vec![
        (VERSION, column::count(CHECKPOINT_VERSION.unsigned_abs())),
        ("account", column::text(&blob.account)),
        ("container", column::text(&blob.container)),
        ("name", column::text(&blob.name)),
        ("generation", column::count(checkpoint.generation.into())),
        ("offset", column::count(checkpoint.offset)),
        ("length_seen", column::count(checkpoint.length_seen)),
        ("records", column::count(totals.records)),
        ("evaluated", column::count(totals.evaluated)),
        ("truncated", column::count(totals.truncated)),
        ("malformed", column::count(totals.malformed)),
        ("other", column::count(totals.other)),
        ("findings", column::count(totals.findings)),
        ("excepted", column::count(totals.excepted)),
        ("filtered", column::count(totals.filtered)),
    ];
    if let Some(lease) = &checkpoint.lease {
        columns.push(("lease_owner", column::text(&lease.owner)));
        columns.push(("lease_until", column::time(lease.until)));
    }
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn read(row: &Row) -> PortResult<(BlobRef, Stored<Checkpoint>)> {
    let (blob, value) = from_properties(&row.properties)?;
    Ok((blob, Stored { value, etag: row.etag.clone() }))
}

pub(super) fn from_properties(properties: &Properties) -> PortResult<(BlobRef, Checkpoint)> {
    let columns = Columns::open("checkpoint", CHECKPOINT_VERSION, properties)?;
    let blob = BlobRef {
        account: columns.text("account")?,
        container: columns.text("container")?,
        name: columns.text("name")?,
    };
    let lease = if columns.has("lease_owner") {
        Some(Lease { owner: columns.text("lease_owner")?, until: columns.time("lease_until")? })
    } else {
        None
    };
    // Version 1 knew neither filters nor exceptions.
    let since_version_2 = |name| match columns.has(name) {
        true => columns.count(name),
        false => Ok(0),
    };
    let generation = u32::try_from(columns.count("generation")?)
        .map_err(|_| columns.corrupt("the checkpoint row counts too many generations"))?;
    let checkpoint = Checkpoint {
        generation,
        offset: columns.count("offset")?,
        length_seen: columns.count("length_seen")?,
        totals: Totals {
            records: columns.count("records")?,
            evaluated: columns.count("evaluated")?,
            truncated: columns.count("truncated")?,
            malformed: columns.count("malformed")?,
            other: columns.count("other")?,
            findings: columns.count("findings")?,
            excepted: since_version_2("excepted")?,
            filtered: since_version_2("filtered")?,
        },
        lease,
    };
    Ok((blob, checkpoint))
}
