//! Rows of the Log Analytics tables `AKSAudit` and `AKSAuditAdmin`, as queries and exports give
//! them: one column for each member of the event, spelt otherwise, and objects as JSON or as
//! text that holds JSON. Makes the raw event of a row again, so that nothing else knows of rows.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::envelope;
use crate::audit::event::timestamp;
use crate::model::ids::ClusterId;

/// Columns and the members of an event that they hold, texts and times.
const TEXTS: [(&str, &str); 8] = [
    ("AuditId", "auditID"),
    ("Level", "level"),
    ("RequestReceivedTime", "requestReceivedTimestamp"),
    ("RequestUri", "requestURI"),
    ("Stage", "stage"),
    ("StageReceivedTime", "stageTimestamp"),
    ("UserAgent", "userAgent"),
    ("Verb", "verb"),
];

/// The same for columns of the type dynamic, which come as JSON or as its text.
const DYNAMICS: [(&str, &str); 7] = [
    ("Annotations", "annotations"),
    ("ObjectRef", "objectRef"),
    ("RequestObject", "requestObject"),
    ("ResponseObject", "responseObject"),
    ("ResponseStatus", "responseStatus"),
    ("SourceIps", "sourceIPs"),
    ("User", "user"),
];

/// Columns that no table has but the two; one is enough.
const MARKS: [&str; 4] = ["AuditId", "ObjectRef", "RequestReceivedTime", "StageReceivedTime"];

/// What a row says.
pub(super) struct Row {
    pub(super) event: Map<String, Value>,
    pub(super) cluster: Option<ClusterId>,
    pub(super) time: Option<OffsetDateTime>,
    /// The text of a column ended too early.
    pub(super) cut: bool,
}

/// Whether an object is a row of a table of AKS.
pub(super) fn is_row(members: &Map<String, Value>) -> bool {
    MARKS.into_iter().any(|name| members.contains_key(name)) || table(members).is_some()
}

/// The table that the row names, where it is one of AKS.
fn table(members: &Map<String, Value>) -> Option<&str> {
    let table = members.get("Type")?.as_str()?;
    ["AKSAudit", "AKSAuditAdmin", "AKSControlPlane"].into_iter().find(|known| *known == table)
}

/// The event of a row; `None` for a row of the control plane's other logs.
pub(super) fn event(mut members: Map<String, Value>) -> Option<Row> {
    if table(&members) == Some("AKSControlPlane") {
        return None;
    }
    let cluster = members.get("_ResourceId").and_then(envelope::believed);
    let time = members.get("TimeGenerated").and_then(Value::as_str).and_then(timestamp);
    let mut event = Map::new();
    event.insert("kind".to_owned(), "Event".into());
    event.insert("apiVersion".to_owned(), "audit.k8s.io/v1".into());
    let mut cut = false;
    for (column, name) in TEXTS {
        if let Some(value) = members.remove(column).filter(|value| !is_empty(value)) {
            event.insert(name.to_owned(), value);
        }
    }
    for (column, name) in DYNAMICS {
        let Some(value) = members.remove(column).filter(|value| !is_empty(value)) else { continue };
        let value = match value {
            Value::String(text) => {
                let (value, was_cut) = dynamic(text);
                cut |= was_cut;
                value
            }
            value => value,
        };
        event.insert(name.to_owned(), value);
    }
    Some(Row { event, cluster, time, cut })
}

/// A column that an event did not fill is empty or null: the member is absent.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// The JSON in a text. A text that holds none is a value itself: AKS writes a word in place of a
/// body that it left out.
fn dynamic(text: String) -> (Value, bool) {
    if !text.trim_start().starts_with(['{', '[']) {
        return (Value::String(text), false);
    }
    match envelope::parsed(&text) {
        Some(found) => (found.value, found.cut),
        None => (Value::String(text), true),
    }
}
