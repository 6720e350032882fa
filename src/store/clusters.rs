//! Clusters that were found in log containers: where each one's blobs lie and when it was seen.

use std::sync::Arc;

use time::OffsetDateTime;

use super::column::{self, Columns, VERSION};
use super::key;
use crate::model::ids::ClusterId;
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Key, Properties, Range, Table, Write};

/// The schema version that is written.
pub const CLUSTER_VERSION: i64 = 1;
const PARTITION: &str = "clusters";
/// How often a row is read again when somebody else changed it in between.
const ATTEMPTS: usize = 5;
/// Rows asked for in one scan; a store may give fewer.
const PAGE_ROWS: usize = 1000;

/// A cluster whose log lies in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCluster {
    pub cluster: ClusterId,
    pub account: String,
    pub container: String,
    /// The blob name up to and including the cluster's name, exactly as the platform spells it,
    /// without a closing slash.
    pub blob_prefix: String,
    /// When Midwatch saw it first and last; kept to 100 ns.
    pub first_seen: OffsetDateTime,
    pub last_seen: OffsetDateTime,
}

/// The repository of known clusters.
#[derive(Clone)]
pub struct Clusters {
    table: Arc<dyn Table>,
}

impl Clusters {
    /// The repository over a table.
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table }
    }

    /// Remembers that a cluster was seen: its times only widen, so calls may come in any order
    /// and more than once.
    pub async fn remember(&self, seen: &KnownCluster) -> PortResult<()> {
        let key = row_key(seen);
        for _ in 0..ATTEMPTS {
            let write = match self.table.get(&key).await? {
                None => Write::Insert { key: key.clone(), properties: to_properties(seen) },
                Some(row) => {
                    let known = from_properties(&row.properties)?;
                    let widened = KnownCluster {
                        first_seen: known.first_seen.min(seen.first_seen),
                        last_seen: known.last_seen.max(seen.last_seen),
                        ..seen.clone()
                    };
                    let properties = to_properties(&widened);
                    if properties == row.properties {
                        return Ok(());
                    }
                    Write::Replace { key: key.clone(), properties, etag: row.etag }
                }
            };
            match self.table.write(write).await {
                Err(error) if error.kind == PortErrorKind::Conflict => {}
                done => return done.map(drop),
            }
        }
        Err(PortError::new(
            PortErrorKind::Conflict,
            "remember a cluster",
            format!("its row changed {ATTEMPTS} times in a row under our hands"),
        ))
    }

    /// Every known cluster, ordered by account, container and prefix.
    pub async fn all(&self) -> PortResult<Vec<KnownCluster>> {
        let mut clusters = Vec::new();
        let mut continuation: Option<String> = None;
        loop {
            let page = self
                .table
                .scan(PARTITION, &Range::default(), PAGE_ROWS, continuation.as_deref())
                .await?;
            for row in &page.rows {
                clusters.push(from_properties(&row.properties)?);
            }
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(clusters);
            }
        }
    }
}

fn row_key(known: &KnownCluster) -> Key {
    let row = key::compound(&[&known.account, &known.container, &known.blob_prefix]);
    Key { partition: PARTITION.to_owned(), row }
}

pub(super) fn to_properties(known: &KnownCluster) -> Properties {
    let columns = [
        (VERSION, column::count(CLUSTER_VERSION.unsigned_abs())),
        ("cluster", column::text(known.cluster.as_str())),
        ("account", column::text(&known.account)),
        ("container", column::text(&known.container)),
        ("blob_prefix", column::text(&known.blob_prefix)),
        ("first_seen", column::time(known.first_seen)),
        ("last_seen", column::time(known.last_seen)),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn from_properties(properties: &Properties) -> PortResult<KnownCluster> {
    let columns = Columns::open("cluster", CLUSTER_VERSION, properties)?;
    Ok(KnownCluster {
        cluster: ClusterId::new(&columns.text("cluster")?),
        account: columns.text("account")?,
        container: columns.text("container")?,
        blob_prefix: columns.text("blob_prefix")?,
        first_seen: columns.time("first_seen")?,
        last_seen: columns.time("last_seen")?,
    })
}
