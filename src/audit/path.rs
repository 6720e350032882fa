//! Dotted paths into JSON. Keys may contain dots and slashes themselves, a path through an array
//! reaches every element, and the work is bounded whatever the document holds.
//!
//! A path can often be read in more than one way (`labels.a.b` is the key `a.b`, or `b` in `a`).
//! All readings count, the one with the longest key first, so that a key which an attacker adds
//! cannot hide the value behind another reading.

use std::borrow::Cow;

use serde_json::Value;

use crate::model::fields::{Found, Scalar};

/// Nodes visited for one lookup. An event has a few thousand; this stops one built to explode.
const VISITS_MAX: usize = 200_000;

/// Dots in a path that are considered; the longest useful ones have about fifteen.
const DOTS_MAX: usize = 40;

/// Adds what `path` leads to below `value` to `found`; an empty path is the value itself.
pub fn find<'a>(value: &'a Value, path: &str, found: &mut Found<'a>) {
    if path.bytes().filter(|byte| *byte == b'.').count() <= DOTS_MAX {
        let mut visits = VISITS_MAX;
        descend(value, path, found, &mut visits);
    }
}

/// Recursion is bounded by the document's depth, which the decoder has limited.
fn descend<'a>(value: &'a Value, path: &str, found: &mut Found<'a>, visits: &mut usize) {
    if *visits == 0 {
        return;
    }
    *visits -= 1;
    match value {
        Value::Array(elements) => {
            found.present |= path.is_empty();
            for element in elements {
                descend(element, path, found, visits);
            }
        }
        Value::Object(_) if path.is_empty() => found.present = true,
        Value::Object(members) => {
            if let Some(member) = members.get(path) {
                descend(member, "", found, visits);
            }
            for (dot, _) in path.rmatch_indices('.') {
                let (Some(key), Some(rest)) = (path.get(..dot), path.get(dot + 1..)) else {
                    continue;
                };
                if let Some(member) = members.get(key) {
                    descend(member, rest, found, visits);
                }
            }
        }
        _ if path.is_empty() => {
            found.present = true;
            found.values.extend(scalar(value));
        }
        _ => {}
    }
}

/// The value as rules compare it; `None` for arrays and objects.
pub fn scalar(value: &Value) -> Option<Scalar<'_>> {
    match value {
        Value::Null => Some(Scalar::Null),
        Value::Bool(truth) => Some(Scalar::Bool(*truth)),
        Value::Number(number) => {
            let float = || Scalar::Float(number.as_f64().unwrap_or(f64::NAN));
            Some(number.as_i64().map_or_else(float, Scalar::Int))
        }
        Value::String(text) => Some(Scalar::Text(Cow::Borrowed(text))),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether any string or number below `value` passes the test. Keys are not looked at.
pub fn any_text(value: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Number(number) => test(&number.to_string()),
        Value::Array(elements) => elements.iter().any(|element| any_text(element, test)),
        Value::Object(members) => members.values().any(|member| any_text(member, test)),
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(document: &Value, path: &str, present: bool, texts: &[&str]) {
        let mut found = Found::default();
        find(document, path, &mut found);
        let seen: Vec<_> =
            found.values.iter().map(|v| v.to_text().unwrap_or_default().into_owned()).collect();
        assert_eq!((found.present, seen.as_slice()), (present, texts.map_owned().as_slice()));
    }

    trait MapOwned {
        fn map_owned(&self) -> Vec<String>;
    }

    impl MapOwned for [&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[test]
    fn keys_with_dots_and_slashes_are_found_without_quoting() {
        let document = json!({"annotations": {"authorization.k8s.io/decision": "allow"}});
        check(&document, "annotations.authorization.k8s.io/decision", true, &["allow"]);
        check(&document, "annotations.authorization", false, &[]);
        let deep = json!({"m": {"labels": {"a.b": {"c": 1}, "a": {"b.c": 2}}}});
        check(&deep, "m.labels.a.b.c", true, &["1", "2"]);
    }

    #[test]
    fn a_shadowing_key_cannot_hide_a_value() {
        let document = json!({"spec.hostPID": false, "spec": {"hostPID": true}});
        check(&document, "spec.hostPID", true, &["false", "true"]);
    }

    #[test]
    fn a_path_through_arrays_reaches_every_element() {
        let document = json!({"c": [{"s": {"p": true}}, {"s": {}}, [{"s": {"p": null}}], "x"]});
        check(&document, "c.s.p", true, &["true", ""]);
        check(&document, "c", true, &["x"]);
        check(&document, "c.s", true, &[]);
        check(&json!({"c": []}), "c", true, &[]);
        check(&json!({"c": []}), "c.x", false, &[]);
    }

    #[test]
    fn presence_is_told_apart_from_values() {
        let document = json!({"o": {"n": null, "i": 7, "f": 1.5, "u": u64::MAX}});
        check(&document, "o", true, &[]);
        check(&document, "o.n", true, &[""]);
        check(&document, "o.i", true, &["7"]);
        check(&document, "o.missing", false, &[]);
        check(&document, "o.i.x", false, &[]);
        check(&document, "", true, &[]);
    }

    #[test]
    fn keywords_look_at_strings_and_numbers_but_not_at_keys() {
        let document = json!({"key": ["a", {"b": 42}]});
        for (word, expected) in [("a", true), ("42", true), ("key", false), ("b", false)] {
            assert_eq!(any_text(&document, &mut |text| text == word), expected, "{word}");
        }
    }
}
