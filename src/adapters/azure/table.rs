//! The table port over Azure Table Storage, through `azure_data_tables` 0.21. The only file that
//! knows that crate, with the modules below it; `docs/adr/0001-table-crate.md` has the reasons,
//! its weaknesses and the guards against them.

mod batch;
mod continuation;
mod entity;
mod filter;
mod limits;

use async_trait::async_trait;
use azure_core_legacy::error::ErrorKind as LegacyKind;
use azure_core_legacy::prelude::Continuable;
use azure_data_tables::IfMatchCondition;
use azure_data_tables::clients::{EntityClient, TableClient, TableServiceClientBuilder};
use azure_storage::{CloudLocation, StorageCredentials};
use futures::TryStreamExt;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};
use std::sync::Arc;

use self::continuation::Continuation;
use super::answer::{Answer, garbled, unanswered};
use super::credential::Access;
use super::credential::legacy::LegacyTokenCredential;
use super::endpoint::Endpoint;
use super::http::Http;
use super::queue::not_https;
use super::retry;
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Page, Range, Row, Table, Write};

/// The most rows the service gives at once.
const PAGE_ROWS_MAX: usize = 1000;

/// One table.
pub struct AzureTable {
    client: TableClient,
}

impl AzureTable {
    /// A client for the table `name` (3 to 63 letters and digits, a letter first); nothing is
    /// sent yet.
    pub fn new(endpoint: &Endpoint, access: &Access, http: &Http, name: &str) -> PortResult<Self> {
        const DOING: &str = "open a table";
        if !is_table_name(name) {
            let cause = "a table's name has 3 to 63 letters and digits and starts with a letter";
            return Err(PortError::new(PortErrorKind::Invalid, DOING, cause));
        }
        let credentials = match access {
            Access::Token(_) if !endpoint.is_https() => return Err(not_https(DOING)),
            Access::Token(credential) => StorageCredentials::token_credential(Arc::new(
                LegacyTokenCredential(Arc::clone(credential)),
            )),
            Access::SharedKey(signer) => {
                StorageCredentials::access_key(signer.account(), signer.key().expose().to_owned())
            }
        };
        let location = CloudLocation::Custom {
            account: endpoint.account().to_owned(),
            uri: endpoint.to_string(),
        };
        let service = TableServiceClientBuilder::with_location(location, credentials)
            .transport(http.legacy_transport())
            // It would repeat inserts whose answer was lost, and report them as conflicts.
            .retry(azure_core_legacy::RetryOptions::none())
            .build();
        Ok(Self { client: service.table_client(name) })
    }

    fn entity(&self, key: &Key) -> EntityClient {
        // The crate puts keys between quotes as they are: without this, `o'brien` could be
        // written and never be read, and a chosen name could address another row.
        self.client
            .partition_key_client(filter::address(&key.partition))
            .entity_client(filter::address(&key.row))
    }

    async fn try_ensure(&self) -> PortResult<()> {
        match self.client.create().await {
            Ok(_) => Ok(()),
            Err(error) => match answer(&error) {
                Some(answer) if answer.is("TableAlreadyExists") => Ok(()),
                Some(answer) if answer.is("TableBeingDeleted") => Err(PortError::new(
                    PortErrorKind::Unavailable,
                    "create a table",
                    "a table of this name is being deleted; the name is free again in a minute",
                )),
                _ => Err(failed("create a table", &error)),
            },
        }
    }

    async fn try_get(&self, key: &Key) -> PortResult<Option<Row>> {
        match self.entity(key).get::<Map<String, Json>>().await {
            Ok(found) => entity::decode(found.entity, Some(found.etag.to_string())).map(Some),
            Err(error) => match answer(&error) {
                Some(answer) if is_missing_row(answer) => Ok(None),
                _ => Err(failed("read a row", &error)),
            },
        }
    }

    async fn insert(&self, write: &Write) -> PortResult<Option<Etag>> {
        const DOING: &str = "insert a row";
        let request = self.client.insert::<_, IgnoredAny>(body(write));
        let done = request.map_err(|error| failed(DOING, &error))?.await;
        done.map(|done| Some(Etag(done.etag.to_string()))).map_err(|error| failed(DOING, &error))
    }

    async fn replace(&self, write: &Write, etag: &Etag) -> PortResult<Option<Etag>> {
        const DOING: &str = "replace a row";
        let condition = IfMatchCondition::Etag(etag.0.clone().into());
        let request = self.entity(write.key()).update(body(write), condition);
        match request.map_err(|error| failed(DOING, &error))?.await {
            Ok(done) => Ok(Some(Etag(done.etag.to_string()))),
            Err(error) => Err(match answer(&error) {
                Some(answer) if is_missing_row(answer) => {
                    PortError::new(PortErrorKind::Conflict, DOING, "the row is gone")
                }
                _ => failed(DOING, &error),
            }),
        }
    }

    async fn upsert(&self, write: &Write) -> PortResult<Option<Etag>> {
        const DOING: &str = "write a row";
        let request = self.entity(write.key()).insert_or_replace(body(write));
        let done = request.map_err(|error| failed(DOING, &error))?.await;
        done.map(|done| Some(Etag(done.etag.to_string()))).map_err(|error| failed(DOING, &error))
    }

    async fn delete(&self, key: &Key, etag: Option<&Etag>) -> PortResult<Option<Etag>> {
        const DOING: &str = "delete a row";
        let condition = match etag {
            Some(etag) => IfMatchCondition::Etag(etag.0.clone().into()),
            None => IfMatchCondition::Any,
        };
        match self.entity(key).delete().if_match(condition).await {
            Ok(_) => Ok(None),
            Err(error) => match answer(&error) {
                Some(answer) if is_missing_row(answer) && etag.is_none() => Ok(None),
                Some(answer) if is_missing_row(answer) => {
                    Err(PortError::new(PortErrorKind::Conflict, DOING, "the row is gone"))
                }
                _ => Err(failed(DOING, &error)),
            },
        }
    }

    async fn try_scan(
        &self,
        filter: &str,
        rows: u32,
        from: Option<&Continuation>,
    ) -> PortResult<Page> {
        const DOING: &str = "scan a partition";
        let mut query = self.client.query().filter(filter.to_owned()).top(rows);
        if let Some(from) = from {
            query = query.initial_partition_key(from.partition.clone());
            if let Some(row) = &from.row {
                query = query.initial_row_key(row.clone());
            }
        }
        let mut pages = query.into_stream::<Map<String, Json>>();
        let Some(page) = pages.try_next().await.map_err(|error| failed(DOING, &error))? else {
            return Ok(Page::default());
        };
        let continuation =
            page.continuation().map(|(partition, row)| Continuation { partition, row }.encode());
        let rows: PortResult<Vec<_>> =
            page.entities.into_iter().map(|found| entity::decode(found, None)).collect();
        Ok(Page { rows: rows?, continuation })
    }
}

#[async_trait]
impl Table for AzureTable {
    async fn ensure(&self) -> PortResult<()> {
        retry::repeatable(|| self.try_ensure()).await
    }

    async fn get(&self, key: &Key) -> PortResult<Option<Row>> {
        limits::check_key(key)?;
        retry::repeatable(|| self.try_get(key)).await
    }

    async fn write(&self, write: Write) -> PortResult<Option<Etag>> {
        limits::check(&write)?;
        match &write {
            // Once only: when the answer was lost, a second try would find its own row and call
            // it somebody else's. The caller replays, and derived ids make that harmless.
            Write::Insert { .. } => self.insert(&write).await,
            Write::Replace { etag, .. } => self.replace(&write, etag).await,
            Write::Delete { key, etag: Some(etag) } => self.delete(key, Some(etag)).await,
            Write::Upsert { .. } => retry::repeatable(|| self.upsert(&write)).await,
            Write::Delete { key, etag: None } => retry::repeatable(|| self.delete(key, None)).await,
        }
    }

    async fn batch(&self, writes: Vec<Write>) -> PortResult<()> {
        limits::check_batch(&writes)?;
        self.commit(writes).await
    }

    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page> {
        let from = continuation.map(Continuation::decode).transpose()?;
        let rows = u32::try_from(limit.clamp(1, PAGE_ROWS_MAX)).unwrap_or(1);
        let filter = filter::scan(partition, range);
        retry::repeatable(|| self.try_scan(&filter, rows, from.as_ref())).await
    }
}

/// The row of a change; a deletion has none.
fn body(write: &Write) -> Map<String, Json> {
    match write {
        Write::Insert { key, properties }
        | Write::Replace { key, properties, .. }
        | Write::Upsert { key, properties } => entity::encode(key, properties),
        Write::Delete { .. } => Map::new(),
    }
}

/// What the service answered, kept by our transport.
fn answer(error: &azure_core_legacy::Error) -> Option<&Answer> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(answer) = cause.downcast_ref::<Answer>() {
            return Some(answer);
        }
        next = cause.source();
    }
    None
}

fn failed(doing: &'static str, error: &azure_core_legacy::Error) -> PortError {
    match answer(error) {
        Some(answer) if answer.is("TableNotFound") => {
            PortError::new(PortErrorKind::NotFound, doing, "the table does not exist yet")
        }
        None if matches!(error.kind(), LegacyKind::DataConversion) => garbled(doing),
        _ => unanswered(doing, error),
    }
}

/// A 404 for a row, not for its table.
fn is_missing_row(answer: &Answer) -> bool {
    answer.status == 404 && !answer.is("TableNotFound")
}

fn is_table_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        // Reserved by the service.
        && !name.eq_ignore_ascii_case("tables")
}
