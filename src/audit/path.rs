//! Dotted paths into JSON. Keys may contain dots and slashes themselves, a path through an array
//! reaches every element, and the work is bounded whatever the document holds.
//!
//! A path can often be read in more than one way (`labels.a.b` is the key `a.b`, or `b` in `a`).
//! All readings count, the one with the longest key first, so that a key which an attacker adds
//! cannot hide the value behind another reading.

use std::borrow::Cow;

use serde_json::Value;

use crate::model::fields::{Fields, Found, Scalar};

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

/// Whether some object that `path` reaches below `value` passes the test, in document order; an
/// empty path is the value itself. Scalars are passed over.
///
/// Every node has one way from the root, so it is visited once at most, and no limit is needed that
/// a long array could hide an element behind.
pub fn any_element(value: &Value, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
    path.bytes().filter(|byte| *byte == b'.').count() <= DOTS_MAX && reach(value, path, test)
}

fn reach(value: &Value, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| reach(element, path, test)),
        Value::Object(_) if path.is_empty() => test(&Element(value)),
        Value::Object(members) => {
            if members.get(path).is_some_and(|member| reach(member, "", test)) {
                return true;
            }
            path.rmatch_indices('.').any(|(dot, _)| {
                let (Some(key), Some(rest)) = (path.get(..dot), path.get(dot + 1..)) else {
                    return false;
                };
                members.get(key).is_some_and(|member| reach(member, rest, test))
            })
        }
        _ => false,
    }
}

/// An object whose fields are looked up below it, such as one within an event.
pub struct Element<'v>(pub &'v Value);

impl Fields for Element<'_> {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        let mut found = Found::default();
        find(self.0, path, &mut found);
        found
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        any_text(self.0, test)
    }

    fn any_element(&self, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        any_element(self.0, path, test)
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

    #[track_caller]
    fn check_elements(document: &Value, path: &str, expected: &[&str]) {
        let mut seen = Vec::new();
        let found = any_element(document, path, &mut |element| {
            let name = element.find("n");
            seen.push(
                name.values.first().and_then(Scalar::to_text).unwrap_or_default().into_owned(),
            );
            false
        });
        assert!(!found);
        assert_eq!(seen, expected.map_owned(), "{path} in {document}");
    }

    #[test]
    fn every_object_that_a_path_reaches_is_an_element() {
        let document = json!({"r": [{"n": 1}, "x", [{"n": 2}, [{"n": 3}]], null], "o": {"n": 4}});
        check_elements(&document, "r", &["1", "2", "3"]);
        check_elements(&document, "o", &["4"]);
        check_elements(&document, "missing", &[]);
        check_elements(&document, "r.n", &[]);
        check_elements(&json!([{"n": 1}, {"n": 2}]), "", &["1", "2"]);
        let deep = json!({"s": [{"c": [{"n": 1}]}, {"c": [{"n": 2}, {}]}]});
        check_elements(&deep, "s.c", &["1", "2", ""]);
        let dotted =
            json!({"a.b": {"c": [{"n": 1}]}, "a": {"b.c": {"n": 2}, "b": {"c": {"n": 3}}}});
        check_elements(&dotted, "a.b.c", &["1", "2", "3"]);
    }

    #[test]
    fn a_long_array_hides_no_element() {
        let mut elements = vec![json!({}); VISITS_MAX + 10];
        elements.push(json!({"n": "last"}));
        let document = json!({"r": elements});
        assert!(any_element(&document, "r", &mut |element| element.find("n").present));
    }

    #[test]
    fn keywords_look_at_strings_and_numbers_but_not_at_keys() {
        let document = json!({"key": ["a", {"b": 42}]});
        for (word, expected) in [("a", true), ("42", true), ("key", false), ("b", false)] {
            assert_eq!(any_text(&document, &mut |text| text == word), expected, "{word}");
        }
    }
}
