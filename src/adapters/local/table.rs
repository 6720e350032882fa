//! Tables in one redb file. A change is on disk when the call returns; a process that is killed
//! leaves the file at its last change. One process at a time may have the file open.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
    TableError,
};

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Page, Range, Row, Table, Write};

mod limits;
mod row;

/// Rows by partition and row key, which redb orders part by part and by UTF-8 bytes.
type Rows<'a> = TableDefinition<'a, (&'static str, &'static str), &'static [u8]>;
/// What belongs to the file as a whole. The names of ports' tables are prefixed, so none collides.
const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
/// The version given out last, over all tables: a row that is deleted and made anew gets a new one.
const LAST_VERSION: &str = "last_version";
/// Rows on one page, at most; what Azure gives.
const PAGE_ROWS_MAX: usize = 1000;

/// The file.
#[derive(Clone)]
pub struct LocalTables {
    database: Arc<Database>,
}

/// One table in the file.
#[derive(Clone)]
pub struct LocalTable {
    database: Arc<Database>,
    name: Arc<str>,
}

impl LocalTables {
    /// Opens the file, or creates it; blocks while it does. `Unavailable` when another process
    /// has it open.
    pub fn open(path: &Path) -> PortResult<Self> {
        let database = Database::create(path).map_err(|error| not_opened(path, error))?;
        Ok(Self { database: Arc::new(database) })
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Arc<dyn Table> {
        let name = format!("table-{name}").into();
        Arc::new(LocalTable { database: Arc::clone(&self.database), name })
    }
}

#[async_trait]
impl Table for LocalTable {
    async fn ensure(&self) -> PortResult<()> {
        self.blocking("create a table", |table| {
            let transaction = table.database.begin_write().map_err(fault_in("create a table"))?;
            transaction.open_table(table.rows()).map_err(fault_in("create a table"))?;
            transaction.commit().map_err(fault_in("create a table"))
        })
        .await
    }

    async fn get(&self, key: &Key) -> PortResult<Option<Row>> {
        limits::check_key(key)?;
        let key = key.clone();
        self.blocking("read a row", move |table| table.get_now(key)).await
    }

    async fn write(&self, write: Write) -> PortResult<Option<Etag>> {
        limits::check_write(&write)?;
        let etags = self.blocking("write a row", |table| table.apply(vec![write])).await?;
        Ok(etags.into_iter().next().flatten())
    }

    async fn batch(&self, writes: Vec<Write>) -> PortResult<()> {
        limits::check_batch(&writes)?;
        self.blocking("write a batch", |table| table.apply(writes)).await.map(drop)
    }

    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page> {
        const DOING: &str = "scan rows";
        if limit == 0 {
            return Err(PortError::new(PortErrorKind::Invalid, DOING, "a page of no rows"));
        }
        let after = continuation
            .map(|text| {
                let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
                String::from_utf8(bytes).ok()
            })
            .map(|key| {
                let cause = "the continuation is none of ours";
                key.ok_or_else(|| PortError::new(PortErrorKind::Invalid, DOING, cause))
            })
            .transpose()?;
        let (partition, range) = (partition.to_owned(), range.clone());
        let limit = limit.min(PAGE_ROWS_MAX);
        self.blocking(DOING, move |table| {
            table.scan_now(&partition, &range, limit, after.as_deref())
        })
        .await
    }
}

impl LocalTable {
    fn rows(&self) -> Rows<'_> {
        TableDefinition::new(&self.name)
    }

    /// redb waits for the disk, so its work is done where waiting harms nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Self) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let table = self.clone();
        tokio::task::spawn_blocking(move || work(&table)).await.unwrap_or_else(|_| {
            Err(PortError::new(PortErrorKind::Unavailable, doing, "the work was cut short"))
        })
    }

    fn get_now(&self, key: Key) -> PortResult<Option<Row>> {
        const DOING: &str = "read a row";
        let transaction = self.database.begin_read().map_err(fault_in(DOING))?;
        let rows = match transaction.open_table(self.rows()) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            rows => rows.map_err(fault_in(DOING))?,
        };
        let stored = rows.get((key.partition.as_str(), key.row.as_str()));
        let Some(stored) = stored.map_err(fault_in(DOING))? else { return Ok(None) };
        row::decode(key, stored.value()).map(Some)
    }

    /// Everything in one transaction, which is dropped, and so undone, at the first refusal.
    fn apply(&self, writes: Vec<Write>) -> PortResult<Vec<Option<Etag>>> {
        const DOING: &str = "write rows";
        let transaction = self.database.begin_write().map_err(fault_in(DOING))?;
        let mut etags = Vec::with_capacity(writes.len());
        {
            let mut meta = transaction.open_table(META).map_err(fault_in(DOING))?;
            let mut rows = transaction.open_table(self.rows()).map_err(fault_in(DOING))?;
            let last = meta.get(LAST_VERSION).map_err(fault_in(DOING))?;
            let mut version = last.map_or(0, |last| last.value());
            for write in writes {
                version += 1;
                etags.push(apply_one(&mut rows, write, version)?);
            }
            meta.insert(LAST_VERSION, version).map_err(fault_in(DOING))?;
        }
        transaction.commit().map_err(fault_in(DOING))?;
        Ok(etags)
    }

    fn scan_now(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        after: Option<&str>,
    ) -> PortResult<Page> {
        const DOING: &str = "scan rows";
        let transaction = self.database.begin_read().map_err(fault_in(DOING))?;
        let rows = match transaction.open_table(self.rows()) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Page::default()),
            rows => rows.map_err(fault_in(DOING))?,
        };
        let from = after.max(range.from.as_deref()).unwrap_or_default();
        let mut page = Page::default();
        for entry in rows.range((partition, from)..).map_err(fault_in(DOING))? {
            let (key, value) = entry.map_err(fault_in(DOING))?;
            let (found, row) = key.value();
            if found != partition || range.to.as_deref().is_some_and(|to| row >= to) {
                break;
            }
            if after.is_some_and(|after| row <= after) {
                continue;
            }
            if page.rows.len() == limit {
                let last = page.rows.last().map(|last| last.key.row.as_bytes());
                page.continuation = last.map(|last| URL_SAFE_NO_PAD.encode(last));
                break;
            }
            let key = Key { partition: partition.to_owned(), row: row.to_owned() };
            page.rows.push(row::decode(key, value.value())?);
        }
        Ok(page)
    }
}

type OpenRows<'a> = redb::Table<'a, (&'static str, &'static str), &'static [u8]>;

fn apply_one(rows: &mut OpenRows<'_>, write: Write, new_version: u64) -> PortResult<Option<Etag>> {
    const DOING: &str = "write rows";
    let key = write.key().clone();
    let key = (key.partition.as_str(), key.row.as_str());
    let stored = match rows.get(key).map_err(fault_in(DOING))? {
        Some(stored) => Some(row::version(stored.value())?),
        None => None,
    };
    let properties = match write {
        Write::Insert { properties, .. } => {
            if stored.is_some() {
                return Err(conflict("the row exists already"));
            }
            properties
        }
        Write::Replace { properties, etag, .. } => {
            if stored.map(row::etag) != Some(etag) {
                return Err(conflict("the row changed since it was read"));
            }
            properties
        }
        Write::Upsert { properties, .. } => properties,
        Write::Delete { etag, .. } => {
            if etag.is_some() && stored.map(row::etag) != etag {
                return Err(conflict("the row changed since it was read"));
            }
            rows.remove(key).map_err(fault_in(DOING))?;
            return Ok(None);
        }
    };
    let bytes = row::encode(new_version, &properties)?;
    rows.insert(key, bytes.as_slice()).map_err(fault_in(DOING))?;
    Ok(Some(row::etag(new_version)))
}

fn not_opened(path: &Path, error: DatabaseError) -> PortError {
    const DOING: &str = "open the state file";
    let path = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            let cause = format!(
                "{path} is in use by another midwatch: end that one first, or name another file"
            );
            PortError::new(PortErrorKind::Unavailable, DOING, cause)
        }
        DatabaseError::UpgradeRequired(version) => {
            let cause = format!(
                "{path} has the old file format {version}: move it away to start with a new one"
            );
            PortError::new(PortErrorKind::Corrupt, DOING, cause)
        }
        DatabaseError::Storage(error) if is_damage(&error) => {
            let cause = format!(
                "{path} is no state file, or a damaged one: move it away to start with a new one"
            );
            PortError::new(PortErrorKind::Corrupt, DOING, cause)
        }
        other => {
            let fault = fault(DOING, other);
            PortError { cause: format!("{path}: {}", fault.cause), ..fault }
        }
    }
}

/// What the file holds is the trouble, and not the way to it.
fn is_damage(error: &StorageError) -> bool {
    match error {
        StorageError::Corrupted(_) => true,
        StorageError::Io(error) => {
            matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

fn conflict(cause: &'static str) -> PortError {
    PortError::new(PortErrorKind::Conflict, "write rows", cause)
}

fn fault_in<E: Into<redb::Error>>(doing: &'static str) -> impl Fn(E) -> PortError {
    move |error| fault(doing, error)
}

fn fault(doing: &'static str, error: impl Into<redb::Error>) -> PortError {
    let error = error.into();
    let kind = match &error {
        redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::LockPoisoned(_) => {
            PortErrorKind::Unavailable
        }
        _ => PortErrorKind::Corrupt,
    };
    PortError::new(kind, doing, error.to_string())
}

#[cfg(test)]
mod tests;
