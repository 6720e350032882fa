//! All or nothing within one partition. The table crate calls a rolled-back batch a success and
//! throws its body away: every inner status is looked at here.

use azure_data_tables::IfMatchCondition;

use super::super::answer::Answer;
use super::{AzureTable, body, failed, filter};
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::Write;

const DOING: &str = "write a batch";
/// How often rows that are gone already are taken out of a batch before it counts as a conflict.
const ROUNDS_MAX: usize = 3;

impl AzureTable {
    /// Sends a batch that passed the limits. Once only, as a single insert is.
    pub(super) async fn commit(&self, mut writes: Vec<Write>) -> PortResult<()> {
        for _ in 0..ROUNDS_MAX {
            if writes.is_empty() {
                return Ok(());
            }
            let Some(refused) = self.transact(&writes).await? else { return Ok(()) };
            // Deleting what is not there is done already, but the service fails the whole batch.
            // It does not say which row it means, so they are looked for.
            let before = writes.len();
            if refused == 404 {
                writes = self.without_done_deletions(writes).await?;
            }
            if writes.len() == before {
                return Err(inner(refused));
            }
        }
        Err(inner(404))
    }

    /// `None` when everything was done, else the status that rolled it back.
    async fn transact(&self, writes: &[Write]) -> PortResult<Option<u16>> {
        let Some(first) = writes.first() else { return Ok(None) };
        let partition = self.client.partition_key_client(filter::address(&first.key().partition));
        let mut batch = partition.transaction();
        for write in writes {
            let row = filter::address(&write.key().row);
            let added = match write {
                Write::Insert { .. } => batch.insert(body(write)),
                Write::Upsert { .. } => batch.insert_or_replace(row, body(write)),
                Write::Replace { etag, .. } => {
                    let condition = IfMatchCondition::Etag(etag.0.clone().into());
                    batch.update(row, body(write), Some(condition))
                }
                Write::Delete { etag, .. } => {
                    let condition =
                        etag.as_ref().map(|etag| IfMatchCondition::Etag(etag.0.clone().into()));
                    batch.delete(row, condition)
                }
            };
            batch = added.map_err(|error| failed(DOING, &error))?;
        }
        let answer = batch.await.map_err(|error| failed(DOING, &error))?;
        let statuses: Vec<u16> =
            answer.operation_responses.iter().map(|inner| u16::from(inner.status_code)).collect();
        if let Some(refused) = statuses.iter().find(|status| !(200..300).contains(*status)) {
            return Ok(Some(*refused));
        }
        if statuses.len() != writes.len() {
            let cause = "the answer does not account for every operation of the batch";
            return Err(PortError::new(PortErrorKind::Corrupt, DOING, cause));
        }
        Ok(None)
    }

    async fn without_done_deletions(&self, writes: Vec<Write>) -> PortResult<Vec<Write>> {
        let mut left = Vec::with_capacity(writes.len());
        for write in writes {
            let done = match &write {
                Write::Delete { key, etag: None } => self.try_get(key).await?.is_none(),
                _ => false,
            };
            if !done {
                left.push(write);
            }
        }
        Ok(left)
    }
}

fn inner(status: u16) -> PortError {
    let mut error = Answer { status, code: None, retry_after: None }.error(DOING);
    // A row to be replaced or deleted under an ETag is gone.
    if status == 404 {
        error.kind = PortErrorKind::Conflict;
    }
    error.cause = format!("the service rolled it back: an operation was answered {status}");
    error
}
