//! Alerts and their findings. An alert's partition is its id: the row `alert` and a row per
//! finding, changed together in one batch under the alert's ETag. What a finding does to an alert
//! is decided in `triage::fold`, not here.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::try_join_all;

use super::rows::{alert as alert_row, finding as finding_row};
use super::{Stored, key};
use crate::model::alert::Alert;
use crate::model::finding::Finding;
use crate::model::ids::{AlertId, FindingId};
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{BATCH_OPERATIONS_MAX, Etag, Key, Range, Row, Table, Write};

pub(super) mod newest;

pub use newest::{AlertPage, Filter, LISTED_MAX, VISITED_MAX};

/// Findings in one [`Alerts::save`], at most: a batch less the alert's own row.
pub const FINDINGS_PER_SAVE_MAX: usize = BATCH_OPERATIONS_MAX - 1;
/// The row of the alert itself.
const ALERT_ROW: &str = "alert";
const FINDING_PREFIX: &str = "finding-";
/// Rows fetched at the same time: enough to hide the latency of a remote store, few enough not to
/// be throttled.
const CONCURRENT: usize = 16;

/// The repository of alerts and findings.
#[derive(Clone)]
pub struct Alerts {
    table: Arc<dyn Table>,
}

/// One page of an alert's findings, in order of their ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindingPage {
    pub findings: Vec<Finding>,
    /// Give it back to go on; an empty page may still have one.
    pub cursor: Option<String>,
}

impl Alerts {
    /// The repository over a table.
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table }
    }

    /// The alert as it stands, with the version to save it under.
    pub async fn load(&self, id: &AlertId) -> PortResult<Option<Stored<Alert>>> {
        let Some(row) = self.table.get(&alert_key(id)).await? else { return Ok(None) };
        let value = alert_row::from_properties(&row.properties)?;
        Ok(Some(Stored { value, etag: row.etag }))
    }

    /// The alert, for a reader.
    pub async fn get(&self, id: &AlertId) -> PortResult<Option<Alert>> {
        Ok(self.load(id).await?.map(|stored| stored.value))
    }

    /// Which of these findings of the alert are stored already.
    pub async fn stored_findings(
        &self,
        alert: &AlertId,
        ids: &[FindingId],
    ) -> PortResult<BTreeSet<FindingId>> {
        let mut stored = BTreeSet::new();
        for group in ids.chunks(CONCURRENT) {
            let keys: Vec<Key> = group.iter().map(|id| finding_key(alert, id)).collect();
            let rows = try_join_all(keys.iter().map(|key| self.table.get(key))).await?;
            for (id, row) in group.iter().zip(rows) {
                if row.is_some() {
                    stored.insert(id.clone());
                }
            }
        }
        Ok(stored)
    }

    /// Stores an alert and the findings that are new in it, all or nothing. `etag` is `None` for
    /// a new alert. `Conflict` when the alert changed since it was loaded, or when a finding is
    /// stored already: load again, fold again, save again. `Invalid` with more than
    /// [`FINDINGS_PER_SAVE_MAX`] findings.
    ///
    /// The index row goes first: a crash in between leaves an index row without its alert, which
    /// a listing skips, and never an alert that no listing shows.
    pub async fn save(
        &self,
        alert: &Alert,
        etag: Option<&Etag>,
        new: &[Finding],
    ) -> PortResult<()> {
        if new.len() > FINDINGS_PER_SAVE_MAX {
            let cause = format!("at most {FINDINGS_PER_SAVE_MAX} findings fit into one batch");
            return Err(PortError::new(PortErrorKind::Invalid, "save an alert", cause));
        }
        let mut writes = Vec::with_capacity(new.len() + 1);
        for finding in new {
            let properties = finding_row::to_properties(finding)?;
            writes.push(Write::Insert { key: finding_key(&alert.id, &finding.id), properties });
        }
        let key = alert_key(&alert.id);
        let properties = alert_row::to_properties(alert)?;
        writes.push(match etag {
            None => Write::Insert { key, properties },
            Some(etag) => Write::Replace { key, properties, etag: etag.clone() },
        });
        self.table.write(newest::index_row(alert)).await?;
        self.table.batch(writes).await
    }

    /// The findings of an alert, at most `limit` a page.
    pub async fn findings(
        &self,
        alert: &AlertId,
        cursor: Option<&str>,
        limit: usize,
    ) -> PortResult<FindingPage> {
        let (from, to) = key::starting_with(&[FINDING_PREFIX]);
        let range = Range { from: Some(from), to };
        let partition = key::escape(alert.as_str());
        let page = self.table.scan(&partition, &range, limit, cursor).await?;
        let read = |row: &Row| finding_row::from_properties(&row.properties);
        let findings = page.rows.iter().map(read).collect::<PortResult<_>>()?;
        Ok(FindingPage { findings, cursor: page.continuation })
    }
}

fn alert_key(id: &AlertId) -> Key {
    Key { partition: key::escape(id.as_str()), row: ALERT_ROW.to_owned() }
}

fn finding_key(alert: &AlertId, id: &FindingId) -> Key {
    let row = key::escape(&format!("{FINDING_PREFIX}{id}"));
    Key { partition: key::escape(alert.as_str()), row }
}
