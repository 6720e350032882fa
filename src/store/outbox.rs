//! The outbox: a mark per alert that somebody still has to be told of. A mark says nothing but
//! which alert; what to tell is read from the alert when it is delivered.

use std::sync::Arc;

use super::key;
use crate::model::ids::AlertId;
use crate::ports::error::{PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Properties, Range, Row, Table, Write};

use super::column::{self, Columns, VERSION};

/// The schema version that is written.
pub const OUTBOX_VERSION: i64 = 1;
const PARTITION: &str = "outbox";

/// The repository of marks.
#[derive(Clone)]
pub struct Outbox {
    table: Arc<dyn Table>,
}

/// One mark, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub alert: AlertId,
    pub etag: Etag,
}

impl Outbox {
    /// The repository over the table of alerts.
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table }
    }

    /// Marks an alert; marking it again renews the mark.
    pub async fn mark(&self, alert: &AlertId) -> PortResult<()> {
        let properties = to_properties(alert);
        self.table.write(Write::Upsert { key: row_key(alert), properties }).await.map(drop)
    }

    /// Takes back the mark as it was read, after the alert was delivered. `false` when it has
    /// been renewed (or taken) since: then there is something new to tell, and it stays.
    pub async fn clear(&self, mark: &Mark) -> PortResult<bool> {
        let write = Write::Delete { key: row_key(&mark.alert), etag: Some(mark.etag.clone()) };
        match self.table.write(write).await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.kind, PortErrorKind::Conflict | PortErrorKind::NotFound) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The mark of one alert.
    pub async fn get(&self, alert: &AlertId) -> PortResult<Option<Mark>> {
        self.table.get(&row_key(alert)).await?.as_ref().map(read).transpose()
    }

    /// At most `limit` marks, in no order that means anything.
    pub async fn pending(&self, limit: usize) -> PortResult<Vec<Mark>> {
        let mut marks = Vec::new();
        let mut continuation = None;
        while marks.len() < limit {
            let room = limit - marks.len();
            let page = self
                .table
                .scan(PARTITION, &Range::default(), room, continuation.as_deref())
                .await?;
            for row in &page.rows {
                marks.push(read(row)?);
            }
            continuation = page.continuation;
            if continuation.is_none() {
                break;
            }
        }
        Ok(marks)
    }
}

fn row_key(alert: &AlertId) -> Key {
    Key { partition: PARTITION.to_owned(), row: key::escape(alert.as_str()) }
}

pub(super) fn to_properties(alert: &AlertId) -> Properties {
    Properties::from([
        (VERSION.to_owned(), column::count(OUTBOX_VERSION.unsigned_abs())),
        ("alert".to_owned(), column::text(alert.as_str())),
    ])
}

fn read(row: &Row) -> PortResult<Mark> {
    Ok(Mark { alert: from_properties(&row.properties)?, etag: row.etag.clone() })
}

pub(super) fn from_properties(properties: &Properties) -> PortResult<AlertId> {
    let columns = Columns::open("outbox", OUTBOX_VERSION, properties)?;
    columns.text("alert").map(AlertId::new)
}
