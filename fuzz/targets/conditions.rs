//! Any text as a condition: nothing panics, a fault lies inside the text, a condition that is
//! written out again is read as the same one, and a rule with it matches exactly when its
//! selections say so.

use midwatch::audit::path::Element;
use midwatch::sigma::compile::Matcher;
use midwatch::sigma::condition::{Condition, Quantity, parse};
use midwatch::sigma::document::{self, Document};
use serde_json::{Value, json};

/// Selection number `n` holds when the event has a member of this name that is 1.
const NAMES: [&str; 8] =
    ["sel", "selection", "sel_a", "sel_b", "filter_main", "_hidden", "a.b", "of-course"];

pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse(&text, &NAMES) {
        Err(fault) => {
            assert!(fault.offset <= text.chars().count(), "{fault:?}");
            assert!(fault.reason.split_whitespace().count() >= 3, "{fault:?}");
            assert!(!fault.reason.contains(char::is_control), "{fault:?}");
        }
        Ok(condition) => {
            let written = written(&condition, 0);
            assert_eq!(parse(&written, &NAMES).as_ref(), Ok(&condition), "{written}");
            held(&text, &condition);
        }
    }
}

/// The condition with no more parentheses than it needs.
fn written(condition: &Condition, binding: u8) -> String {
    let joined = |parts: &[Condition], word: &str, inner: u8| {
        parts.iter().map(|part| written(part, inner)).collect::<Vec<_>>().join(word)
    };
    let (text, own) = match condition {
        Condition::Or(parts) => (joined(parts, " or ", 1), 0),
        Condition::And(parts) => (joined(parts, " and ", 2), 1),
        Condition::Not(inner) => (format!("not {}", written(inner, 2)), 2),
        Condition::Selection(index) => (NAMES[*index].to_owned(), 2),
        Condition::Of { text, .. } => (text.clone(), 2),
    };
    if own < binding { format!("({text})") } else { text }
}

fn holds(condition: &Condition, given: &[bool]) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().all(|part| holds(part, given)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, given)),
        Condition::Not(inner) => !holds(inner, given),
        Condition::Selection(index) => given[*index],
        Condition::Of { quantity: Quantity::Any, selections, .. } => {
            selections.iter().any(|index| given[*index])
        }
        Condition::Of { quantity: Quantity::All, selections, .. } => {
            selections.iter().all(|index| given[*index])
        }
    }
}

/// A rule with the condition says the same, for some of the ways in which selections can hold.
fn held(text: &str, condition: &Condition) {
    let mut rule = "title: Made\nlogsource: {product: kubernetes}\ndetection:\n".to_owned();
    for (index, name) in NAMES.iter().enumerate() {
        rule.push_str(&format!("  {name}: {{field_{index}: 1}}\n"));
    }
    rule.push_str(&format!("  condition: {}\n", Value::String(text.to_owned())));
    let Ok(documents) = document::parse(&rule, "made.yml") else { return };
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("no rule: {rule}") };
    let matcher = Matcher::compile(rule).unwrap_or_else(|faults| panic!("{faults:?}"));
    for bits in [0, 1, 2, 5, 0x1f, 0x20, 0x5a, 0xa5, 0xdf, 0xff_usize] {
        let given: Vec<bool> = (0..NAMES.len()).map(|index| bits >> index & 1 == 1).collect();
        let mut event = json!({});
        for (index, given) in given.iter().enumerate() {
            event[format!("field_{index}")] = json!(i32::from(*given));
        }
        assert_eq!(
            matcher.matches(&Element(&event)),
            holds(condition, &given),
            "{text} at {bits:#x}"
        );
    }
}
