//! Whether an event has a body to look at, or why not. A rule that judges a body must be able to
//! tell "harmless" from "not seen".

use serde_json::{Map, Value};

use super::object;

/// `midwatch.body`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyState {
    /// There is an effective object, whole.
    Full,
    /// The platform left the body out because of its size.
    Dropped,
    /// The record was cut before or inside the body.
    Cut,
    /// No body was to be expected, or none is there.
    Absent,
}

impl BodyState {
    /// The word that rules use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Dropped => "dropped",
            Self::Cut => "cut",
            Self::Absent => "absent",
        }
    }

    /// Judges an event; `cut` says that its record was cut.
    pub fn of(event: &Map<String, Value>, cut: bool) -> Self {
        let never_has_one = event.get("level").and_then(Value::as_str) == Some("Metadata");
        if cut && !never_has_one && object::ends_in_body(event) {
            Self::Cut
        } else if object::effective(event, cut).next().is_some() {
            Self::Full
        } else if has_marker(event) || (is_marked_truncated(event) && !never_has_one) {
            Self::Dropped
        } else {
            Self::Absent
        }
    }
}

fn has_marker(event: &Map<String, Value>) -> bool {
    ["requestObject", "responseObject"]
        .into_iter()
        .any(|name| event.get(name).and_then(Value::as_str) == Some(object::DROPPED))
}

/// Whether the API server itself says that it left the bodies out: its truncating backend sets the
/// annotation `audit.k8s.io/truncated`.
pub fn is_marked_truncated(event: &Map<String, Value>) -> bool {
    let annotation = event.get("annotations").and_then(|all| all.get("audit.k8s.io/truncated"));
    annotation.and_then(Value::as_str) == Some("true")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(event: &Value, cut: bool, expected: &str) {
        let state = BodyState::of(event.as_object().unwrap(), cut);
        assert_eq!(state.as_str(), expected, "{event}");
    }

    #[test]
    fn whole_records_are_full_dropped_or_absent() {
        let marker = object::DROPPED;
        check(&json!({"requestObject": {}}), false, "full");
        check(&json!({"requestObject": {}, "responseObject": marker}), false, "full");
        check(&json!({"requestObject": marker, "responseObject": marker}), false, "dropped");
        check(&json!({"responseObject": {"kind": "Status"}}), false, "absent");
        check(&json!({"level": "Metadata"}), false, "absent");
        check(&json!({"annotations": {"audit.k8s.io/truncated": "true"}}), false, "dropped");
    }

    #[test]
    fn cut_records_say_so_unless_the_cut_came_after_the_body() {
        check(&json!({"level": "RequestResponse", "verb": "create"}), true, "cut");
        check(&json!({"level": "Request", "requestObject": {}}), true, "cut");
        check(&json!({"verb": "create"}), true, "cut");
        check(&json!({"level": "Metadata", "verb": "create"}), true, "absent");
        let later =
            json!({"level": "Request", "requestObject": {}, "requestReceivedTimestamp": ""});
        check(&later, true, "full");
    }
}
