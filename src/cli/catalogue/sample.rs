//! An example event for people: the parts that say something, shortened.

use serde_json::{Map, Value};

use crate::engine::cases::{self, Case};

/// Characters of one text, elements of one list, and levels, beyond which it is cut.
const TEXT_MAX: usize = 120;
const ITEMS_MAX: usize = 3;
const DEPTH_MAX: usize = 9;
/// Lines of the whole example.
const LINES_MAX: usize = 80;
/// What says nothing about the behaviour.
const LEFT_OUT: &[&str] = &[
    "managedFields",
    "kubectl.kubernetes.io/last-applied-configuration",
    "resourceVersion",
    "creationTimestamp",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "apiserver.latency.k8s.io/authentication",
    "apiserver.latency.k8s.io/authorization",
    "apiserver.latency.k8s.io/etcd",
    "apiserver.latency.k8s.io/total",
];

/// The last event of a case as indented JSON; `None` when it is none.
pub(super) fn event(case: &Case) -> Option<String> {
    let last = Case { events: vec![case.events.last()?.clone()], ..case.clone() };
    let mut event = cases::events(&last, "").ok()?.pop()?.raw().clone();
    shorten(&mut event, 0);
    let lines =
        |event: &Value| serde_json::to_string_pretty(event).map(|text| text.lines().count());
    let object = event.as_object_mut()?;
    // The final object says more than the request that led to it, but repeats it.
    if object.contains_key("requestObject") && object.contains_key("responseObject") {
        object.insert("responseObject".to_owned(), Value::String("…".to_owned()));
    }
    // The deepest parts go first: who did what where is what a reader needs most.
    for depth in 0..=DEPTH_MAX {
        if lines(&event).ok()? <= LINES_MAX {
            break;
        }
        for body in ["requestObject", "responseObject"] {
            if let Some(value) = event.get_mut(body) {
                shorten(value, depth);
            }
        }
    }
    serde_json::to_string_pretty(&event).ok()
}

fn shorten(value: &mut Value, depth: usize) {
    match value {
        Value::String(text) if text.chars().count() > TEXT_MAX => {
            let mut short: String = text.chars().take(TEXT_MAX).collect();
            short.push('…');
            *text = short;
        }
        Value::Array(items) => {
            let more = items.len().saturating_sub(ITEMS_MAX);
            items.truncate(ITEMS_MAX);
            items.iter_mut().for_each(|item| shorten(item, depth + 1));
            if more > 0 {
                items.push(Value::String(format!("… and {more} more")));
            }
        }
        Value::Object(members) if depth >= DEPTH_MAX && !members.is_empty() => {
            *value = Value::String("…".to_owned());
        }
        Value::Object(members) => {
            let kept: Map<String, Value> = std::mem::take(members)
                .into_iter()
                .filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()))
                .map(|(key, mut value)| {
                    shorten(&mut value, depth + 1);
                    (key, value)
                })
                .collect();
            *members = kept;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_short_whatever_the_event_is() {
        let mut spec = serde_json::json!({"containers": vec!["x".repeat(500); 40]});
        for _ in 0..40 {
            spec = serde_json::json!({"a": spec, "b": {"managedFields": 1}, "c": {"d": 1, "e": 2}});
        }
        let event =
            serde_json::json!({"verb": "create", "requestObject": spec, "responseObject": spec});
        let record = serde_json::json!({"properties": {"log": event.to_string()}});
        let case =
            Case { line: 1, name: "x".into(), matches: true, events: vec![record.to_string()] };
        let text = super::event(&case).expect("an event");
        assert!(text.contains("\"verb\": \"create\"") && !text.contains("managedFields"), "{text}");
        assert!(text.lines().count() <= LINES_MAX, "{}", text.lines().count());
    }
}
