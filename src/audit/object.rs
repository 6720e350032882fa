//! The effective object of a request: what it came to, or at least what it asked for.
//!
//! The response holds the full final state even for a patch, so it goes before the request. It is
//! passed over when it is absent, a `Status`, or the marker of an object too big to log.

use serde_json::{Map, Value};

/// What AKS writes in the place of a body that is too big.
pub const DROPPED: &str = "skipped-too-big-size-object";

/// The effective objects of an event: one, or none. Two only when the record was cut inside its
/// response: then the response's beginning and the whole request are both looked at, so that a
/// padded object does not hide what the request says.
pub fn effective(event: &Map<String, Value>, cut: bool) -> impl Iterator<Item = &Value> {
    let response = body(event, "responseObject").filter(|object| !is_status(object));
    let response_is_whole = response.is_some() && !(cut && ends_in_body(event));
    let request = body(event, "requestObject").filter(|_| !response_is_whole);
    response.into_iter().chain(request)
}

/// A body that is an object.
pub fn body<'a>(event: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    event.get(name).filter(|body| body.is_object())
}

/// Whether a cut record ended in or before its bodies: the API server writes the timestamps after
/// them.
pub fn ends_in_body(event: &Map<String, Value>) -> bool {
    !["requestReceivedTimestamp", "stageTimestamp", "annotations"]
        .into_iter()
        .any(|name| event.contains_key(name))
}

fn is_status(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("Status")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(event: &Value, cut: bool, expected: &[i64]) {
        let event = event.as_object().unwrap();
        let seen: Vec<_> =
            effective(event, cut).filter_map(|object| object["n"].as_i64()).collect();
        assert_eq!(seen, expected, "{event:?}");
    }

    #[test]
    fn the_response_goes_before_the_request_unless_it_says_nothing() {
        let request = json!({"n": 1});
        check(&json!({"requestObject": request, "responseObject": {"n": 2}}), false, &[2]);
        check(&json!({"requestObject": request}), false, &[1]);
        for response in [json!({"kind": "Status", "n": 2}), json!(DROPPED), json!(null), json!(7)] {
            check(&json!({"requestObject": request, "responseObject": response}), false, &[1]);
        }
        check(&json!({"requestObject": DROPPED}), false, &[]);
        check(&json!({}), false, &[]);
    }

    #[test]
    fn a_response_cut_inside_does_not_hide_the_whole_request() {
        let bodies = json!({"requestObject": {"n": 1}, "responseObject": {"n": 2}});
        check(&bodies, true, &[2, 1]);
        let mut later = bodies;
        later["requestReceivedTimestamp"] = json!("2026-01-01T00:00:00Z");
        check(&later, true, &[2]);
    }
}
