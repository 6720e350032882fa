//! The newest-first index: a row per alert in the partition `newest`, ordered by inverted time of
//! recording, and the listing that walks it. An index row may be stale; the alert decides.

use futures::future::try_join_all;

use super::Alerts;
use crate::model::alert::{Alert, AlertState};
use crate::model::ids::{AlertId, ClusterId, SessionKey};
use crate::model::level::Level;
use crate::model::rule::Mode;
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Key, Properties, Range, Row, Write};
use crate::store::column::{self, Columns, VERSION};
use crate::store::key;

/// The schema version that is written.
pub(in crate::store) const INDEX_VERSION: i64 = 1;
/// Alerts on one page, at most.
pub const LISTED_MAX: usize = 200;
/// Index rows visited for one page, at most: what bounds the cost of a filter that fits nothing.
pub const VISITED_MAX: usize = 500;
const PARTITION: &str = "newest";
/// Index rows read at once.
const PAGE_ROWS: usize = 100;
/// Alerts fetched at the same time.
const CONCURRENT: usize = 8;

/// Which alerts to list; what is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub cluster: Option<ClusterId>,
    /// This level or higher.
    pub level_min: Option<Level>,
    /// The rule's name.
    pub rule: Option<String>,
    pub state: Option<AlertState>,
    pub mode: Option<Mode>,
    /// The session of its first finding.
    pub session: Option<SessionKey>,
}

/// One page of alerts, newest recorded first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertPage {
    pub alerts: Vec<Alert>,
    /// Give it back to go on, even when the page is short or empty; fit for a web link.
    pub cursor: Option<String>,
}

/// What an index row says of its alert: nothing that a later finding can change.
pub(in crate::store) struct Indexed {
    pub(in crate::store) alert: AlertId,
    pub(in crate::store) cluster: ClusterId,
    pub(in crate::store) rule: String,
}

impl Filter {
    fn may_want(&self, indexed: &Indexed) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| *cluster == indexed.cluster)
            && self.rule.as_ref().is_none_or(|rule| *rule == indexed.rule)
    }

    fn wants(&self, alert: &Alert) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| *cluster == alert.cluster)
            && self.level_min.is_none_or(|level| alert.level >= level)
            && self.rule.as_ref().is_none_or(|rule| *rule == alert.rule.name)
            && self.state.is_none_or(|state| state == alert.state)
            && self.mode.is_none_or(|mode| mode == alert.rule.mode)
            && self.session.as_ref().is_none_or(|session| *session == alert.actor.session)
    }
}

impl Alerts {
    /// Alerts that pass the filter, newest recorded first, at most `limit` (and never more than
    /// [`LISTED_MAX`]). Visits at most [`VISITED_MAX`] index rows a call and then gives a cursor.
    pub async fn newest(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> PortResult<AlertPage> {
        let limit = limit.clamp(1, LISTED_MAX);
        let range = Range { from: cursor.map(after_cursor).transpose()?, to: None };
        let mut page = AlertPage { alerts: Vec::new(), cursor: cursor.map(str::to_owned) };
        let mut continuation: Option<String> = None;
        let mut visited = 0;
        while visited < VISITED_MAX {
            let rows = PAGE_ROWS.min(VISITED_MAX - visited);
            let scanned = self.table.scan(PARTITION, &range, rows, continuation.as_deref()).await?;
            continuation = scanned.continuation;
            // The port allows empty pages with more behind them; counting them ends the walk.
            visited += scanned.rows.len().max(1);
            let last = scanned.rows.last().map(|row| row.key.row.clone());
            let full_at = self.take(filter, &scanned.rows, limit, &mut page).await?;
            if full_at.is_some() && (continuation.is_some() || full_at != last) {
                page.cursor = full_at;
                return Ok(page);
            }
            if continuation.is_none() {
                page.cursor = None;
                return Ok(page);
            }
            page.cursor = last.or(page.cursor);
        }
        if page.cursor.is_none() {
            let cause = "the store gave nothing but empty pages";
            return Err(PortError::new(PortErrorKind::Unavailable, "list alerts", cause));
        }
        Ok(page)
    }

    /// Adds what passes to the page; gives the key of the row that made the page full.
    async fn take(
        &self,
        filter: &Filter,
        rows: &[Row],
        limit: usize,
        page: &mut AlertPage,
    ) -> PortResult<Option<String>> {
        let mut wanted = Vec::new();
        for row in rows {
            let indexed = from_properties(&row.properties)?;
            if filter.may_want(&indexed) {
                wanted.push((row.key.row.clone(), indexed.alert));
            }
        }
        for group in wanted.chunks(CONCURRENT) {
            let alerts = try_join_all(group.iter().map(|(_, id)| self.get(id))).await?;
            for ((row, _), alert) in group.iter().zip(alerts) {
                let Some(alert) = alert else { continue };
                if index_key(&alert) != *row || !filter.wants(&alert) {
                    continue;
                }
                page.alerts.push(alert);
                if page.alerts.len() == limit {
                    return Ok(Some(row.clone()));
                }
            }
        }
        Ok(None)
    }
}

/// The index row of an alert, to be written before the alert itself.
pub(super) fn index_row(alert: &Alert) -> Write {
    let key = Key { partition: PARTITION.to_owned(), row: index_key(alert) };
    Write::Upsert { key, properties: to_properties(alert) }
}

fn index_key(alert: &Alert) -> String {
    key::escape(&format!("{}-{}", key::inverted_time(alert.recorded), alert.id))
}

/// No index key lies between a key and the same key with a blank behind it.
fn after(row: &str) -> String {
    format!("{row} ")
}

fn after_cursor(cursor: &str) -> PortResult<String> {
    let ours = cursor.len() <= key::KEY_UNITS_MAX
        && cursor.split_once('-').is_some_and(|(time, alert)| {
            time.len() == 21 && time.bytes().all(|byte| byte.is_ascii_digit()) && !alert.is_empty()
        });
    if !ours {
        let cause = "this is not a cursor of this list: start again without one";
        return Err(PortError::new(PortErrorKind::Invalid, "list alerts", cause));
    }
    Ok(after(cursor))
}

pub(in crate::store) fn to_properties(alert: &Alert) -> Properties {
    let columns = [
        (VERSION, column::count(INDEX_VERSION.unsigned_abs())),
        ("alert", column::text(alert.id.as_str())),
        ("cluster", column::text(alert.cluster.as_str())),
        ("rule", column::text(&alert.rule.name)),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(in crate::store) fn from_properties(properties: &Properties) -> PortResult<Indexed> {
    let columns = Columns::open("newest", INDEX_VERSION, properties)?;
    Ok(Indexed {
        alert: AlertId::new(columns.text("alert")?),
        cluster: ClusterId::new(&columns.text("cluster")?),
        rule: columns.text("rule")?,
    })
}
