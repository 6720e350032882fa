//! What is kept of a text that was cut, wherever the cut lies.

use serde_json::json;

use super::*;

#[track_caller]
fn check(text: &str, expected: &Value) {
    let salvaged = salvage(text).map(|salvaged| salvaged.value);
    assert_eq!(salvaged.as_ref(), Some(expected), "{text}");
}

#[test]
fn complete_members_and_elements_before_the_cut_are_kept() {
    check(r#"{"a":1,"b":{"c":[1,{"d":"x"},2"#, &json!({"a": 1, "b": {"c": [1, {"d": "x"}]}}));
    check(r#"{"a":1,"b":tru"#, &json!({"a": 1}));
    check(r#"{"a":1,"b":true"#, &json!({"a": 1, "b": true}));
    check(r#"{"a":1,"b"#, &json!({"a": 1}));
    check(r#"{"a":1,"b":"#, &json!({"a": 1}));
    check(r#"{"a":1,"b":{"#, &json!({"a": 1, "b": {}}));
    check(r#"{"a":1,"#, &json!({"a": 1}));
    check("{", &json!({}));
}

#[test]
fn what_could_read_differently_is_left_out() {
    check(r#"{"a":12"#, &json!({}));
    check(r#"{"a":12,"#, &json!({"a": 12}));
    check(r#"{"a":"tex"#, &json!({}));
    check(r#"{"a":["x","y"#, &json!({"a": ["x"]}));
}

#[test]
fn nothing_is_made_of_what_begins_nothing() {
    for text in ["", "  ", "tru", "12", "\"text", "klog text", "}", ","] {
        assert_eq!(salvage(text), None, "{text}");
    }
}

#[test]
fn the_string_that_was_cut_is_given_apart_with_its_path() {
    let open = |text: &str| salvage(text).and_then(|salvaged| salvaged.open);
    let expected =
        OpenText { path: vec!["p".into(), "1".into(), "log".into()], text: "a\"é".into() };
    assert_eq!(open(r#"{"p":[0,{"log":"a\"\u00e9\u00"#), Some(expected));
    assert_eq!(open(r#"{"p":1,"#), None);
    assert_eq!(open(r#"{"cut in a key"#), None);
}

#[test]
fn escapes_are_read_leniently_and_a_cut_one_is_left_out() {
    for (content, expected) in [
        (r"\/\b\f\n\r\t\\", "/\u{8}\u{c}\n\r\t\\"),
        (r"\ud83d\ude00!", "\u{1f600}!"),
        (r"a\ud83d!", "a\u{fffd}!"),
        (r"a\ude00!", "a\u{fffd}!"),
        (r"a\ud83d\ude0", "a"),
        (r"a\ud83d\", "a"),
        (r"a\ud83d", "a"),
        (r"a\u00e", "a"),
        (r"a\", "a"),
        (r"a\q", "a\u{fffd}"),
        (r"a\uzzzz", "a\u{fffd}zzzz"),
    ] {
        assert_eq!(unescaped(content).0, expected, "{content}");
    }
}

#[test]
fn a_text_that_is_only_unusual_is_whole() {
    let salvaged = salvage("{\"a\":\"line\nbreak \\ud800\"} rest").unwrap();
    assert!(salvaged.whole);
    assert_eq!(salvaged.consumed, 25);
    assert_eq!(salvaged.value, json!({"a": "line\nbreak \u{fffd}"}));
}

#[test]
fn what_is_nested_too_deep_is_skipped_and_what_follows_is_read() {
    let deep = format!("{}\"]\"{}", "[".repeat(5_000), "]".repeat(5_000));
    let salvaged = salvage(&format!(r#"{{"a":1,"deep":{deep},"b":2}}"#)).unwrap();
    assert!(!salvaged.whole);
    assert_eq!((&salvaged.value["a"], &salvaged.value["b"]), (&json!(1), &json!(2)));
    let salvaged = salvage(&format!(r#"{{"a":1,"deep":{}"#, "[".repeat(100_000))).unwrap();
    assert_eq!(salvaged.value["a"], 1);
}

#[test]
fn every_cut_of_a_small_document_keeps_a_part_of_it() {
    let text = r#"{"a":[1,-2.5e3,"x\u00e9"],"b":{"ü":null,"c":[{}, []]},"d":"end"}"#;
    let whole: Value = serde_json::from_str(text).unwrap();
    for (at, _) in text.char_indices().skip(1) {
        let salvaged = text.get(..at).and_then(salvage).unwrap();
        assert!(is_part(&salvaged.value, &whole), "{at}: {}", salvaged.value);
    }
    assert_eq!(salvage(text).unwrap().value, whole);
}

/// Whether every member and element of `part` is in `whole`, at its place.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|w| is_part(value, w)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len() && part.iter().zip(whole).all(|(p, w)| is_part(p, w))
        }
        _ => part == whole,
    }
}
