//! The record of Azure Monitor around an event: category, cluster, and the `log` inside, in all
//! the spellings that have been seen. What else stands in an envelope is ignored.

use serde_json::{Map, Value};

use crate::audit::salvage::{OpenText, salvage};
use crate::model::ids::ClusterId;

/// Longest resource id believed; the longest that Azure allows is shorter.
const RESOURCE_ID_MAX: usize = 1024;

/// What kind of log a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// `kube-audit` or `kube-audit-admin`, in any case.
    Audit,
    /// Any other: API server text, guard, autoscaler and so on.
    Other,
    /// The record names none.
    Unstated,
}

impl Category {
    pub(super) fn of(members: &Map<String, Value>) -> Self {
        match members.get("category").and_then(Value::as_str).map(str::trim) {
            None | Some("") => Self::Unstated,
            Some(category) => {
                let is = |name| category.eq_ignore_ascii_case(name);
                if is("kube-audit") || is("kube-audit-admin") { Self::Audit } else { Self::Other }
            }
        }
    }
}

/// Whether an object looks like a record of the platform at all.
pub(super) fn is_envelope(members: &Map<String, Value>) -> bool {
    ["properties", "log", "category"].into_iter().any(|name| members.contains_key(name))
}

/// The cluster that the record names.
pub(super) fn cluster(members: &Map<String, Value>) -> Option<ClusterId> {
    believed(members.get("resourceId")?)
}

/// A resource id, when it has the form of one.
pub(super) fn believed(id: &Value) -> Option<ClusterId> {
    let id = id.as_str()?.trim_end_matches('/');
    let sound =
        id.starts_with('/') && id.len() <= RESOURCE_ID_MAX && !id.contains(char::is_control);
    sound.then(|| ClusterId::new(id))
}

/// The `log` of a record, parsed.
pub(super) struct Log {
    pub(super) value: Value,
    pub(super) cut: bool,
}

/// Finds and parses `properties.log`: `log` as text or as an object already, `properties` as an
/// object or as text, or `log` beside the other members. `None` when there is nothing to parse.
pub(super) fn log(mut members: Map<String, Value>) -> Option<Log> {
    let (mut properties, cut) = match members.remove("properties") {
        Some(Value::Object(properties)) => (properties, false),
        Some(Value::String(text)) => match parsed(&text)? {
            Log { value: Value::Object(properties), cut } => (properties, cut),
            _ => return None,
        },
        _ => (members, false),
    };
    match properties.remove("log")? {
        Value::String(text) => parsed(&text).map(|log| Log { cut: log.cut || cut, ..log }),
        value => Some(Log { value, cut }),
    }
}

/// JSON inside a text, salvaged when it is cut.
pub(super) fn parsed(text: &str) -> Option<Log> {
    let text = text.trim();
    if let Ok(value) = serde_json::from_str(text) {
        return Some(Log { value, cut: false });
    }
    let saved = salvage(text)?;
    let value = restored(saved.value, saved.open);
    Some(Log { value, cut: !saved.whole })
}

/// Puts back the beginning of a cut text where it is one that is parsed itself: the `log` or the
/// `properties` of the record that the cut went through. Everywhere else it stays out.
pub(super) fn restored(mut value: Value, open: Option<OpenText>) -> Value {
    let Some(OpenText { path, text }) = open else { return value };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (batch, inside) = match path.as_slice() {
        ["records", index, rest @ ..] => (vec!["records", *index], rest),
        [index, rest @ ..] if value.is_array() => (vec![*index], rest),
        rest => (vec![], rest),
    };
    let (owner, name) = match inside {
        ["properties", "log"] => (Some("properties"), "log"),
        [name @ ("properties" | "log")] => (None, *name),
        _ => return value,
    };
    let pointer: String = batch.into_iter().chain(owner).flat_map(|step| ["/", step]).collect();
    if let Some(Value::Object(members)) = value.pointer_mut(&pointer) {
        members.insert(name.to_owned(), Value::String(text));
    }
    value
}
