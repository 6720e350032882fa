//! Is it an audit event? Tells events and lists of events from everything else, by their own
//! words, and never by where they were found.

use serde_json::{Map, Value};

/// Every API version of audit events begins so: `v1`, `v1beta1`.
const API_GROUP: &str = "audit.k8s.io/";

/// Members of an audit event. One of them is enough where `kind` and `apiVersion` do not speak
/// against it.
const MARKS: [&str; 8] =
    ["auditID", "objectRef", "requestURI", "sourceIPs", "stage", "user", "userAgent", "verb"];

/// What an object is.
pub(super) enum Shape {
    Event(Map<String, Value>),
    /// The items of an `EventList`, not yet looked at.
    List(Vec<Value>),
    Neither(Map<String, Value>),
}

impl Shape {
    /// Judges an object. A cut one is an event as soon as anything of an event is seen.
    pub(super) fn of(mut members: Map<String, Value>, cut: bool) -> Self {
        if !is_of_group(&members) {
            return Self::Neither(members);
        }
        match members.get("kind") {
            Some(Value::String(kind)) if kind == "EventList" => match members.remove("items") {
                Some(Value::Array(items)) => Self::List(items),
                _ => Self::Neither(members),
            },
            Some(Value::String(kind)) if kind == "Event" => {
                if cut || is_marked(&members) {
                    Self::Event(members)
                } else {
                    Self::Neither(members)
                }
            }
            None if is_marked(&members) || (cut && members.contains_key("level")) => {
                Self::Event(members)
            }
            _ => Self::Neither(members),
        }
    }
}

/// `apiVersion` is that of an audit event, or is not there.
fn is_of_group(members: &Map<String, Value>) -> bool {
    let version = members.get("apiVersion");
    version.is_none_or(|v| v.as_str().is_some_and(|v| v.starts_with(API_GROUP)))
}

fn is_marked(members: &Map<String, Value>) -> bool {
    MARKS.into_iter().any(|name| members.contains_key(name))
}
