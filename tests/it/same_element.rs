//! Same-element matching against a naive evaluator that knows nothing but JSON.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use midwatch::sigma::compile::Matcher;
use midwatch::sigma::document::{Document, parse};

use crate::sigma_cases::Json;

/// One demand on a field of an element.
#[derive(Debug, Clone, Copy)]
enum Demand {
    Equals(u8, u8),
    Exists(u8, bool),
    Contains(u8, u8),
}

/// `a`, `not a`, `a and not b`, `a or b` over two selections, each with two demands.
#[derive(Debug, Clone)]
struct Asked {
    none: bool,
    deep: bool,
    when: Option<bool>,
    selections: [[Demand; 2]; 2],
    shape: u8,
}

const CONDITIONS: [&str; 5] =
    ["a and b", "a or b", "a and not b", "not a and not b", "not (a and b)"];

impl Demand {
    fn text(self) -> String {
        match self {
            Self::Equals(field, value) => format!("f{field}: v{value}"),
            Self::Exists(field, wanted) => format!("f{field}|exists: {wanted}"),
            Self::Contains(field, value) => format!("f{field}|contains: v{value}"),
        }
    }

    fn holds(self, element: &Map<String, Value>) -> bool {
        let (Self::Equals(field, _) | Self::Exists(field, _) | Self::Contains(field, _)) = self;
        let value = element.get(&format!("f{field}"));
        let texts: Vec<&str> = match value {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        match self {
            Self::Equals(_, wanted) => texts.contains(&format!("v{wanted}").as_str()),
            Self::Exists(_, wanted) => value.is_some() == wanted,
            Self::Contains(_, part) => texts.iter().any(|text| text.contains(&format!("v{part}"))),
        }
    }
}

impl Asked {
    /// The block as a rule states it. The two demands of a selection are alternatives or go
    /// together, by the selection.
    fn text(&self) -> String {
        let [a, b] = self.selections.map(|demands| demands.map(Demand::text));
        let path = if self.deep { "pods.list" } else { "list" };
        let when = match self.when {
            Some(true) => "      when: other\n",
            Some(false) => "      when: not other\n",
            None => "",
        };
        format!(
            "    - {}: {path}\n{when}      a: {{{}, {}}}\n      b:\n        - {{{}}}\n        - {{{}}}\n      \
             condition: {}\n",
            if self.none { "none" } else { "some" },
            a[0],
            a[1],
            b[0],
            b[1],
            CONDITIONS[usize::from(self.shape) % CONDITIONS.len()],
        )
    }

    fn holds(&self, event: &Value) -> bool {
        let other = event.get("other").and_then(Value::as_str) == Some("yes");
        if self.when.is_some_and(|when| when != other) {
            return true;
        }
        let mut elements = Vec::new();
        if self.deep {
            match &event["pods"] {
                Value::Array(pods) => {
                    pods.iter().for_each(|pod| flatten(&pod["list"], &mut elements))
                }
                pod => flatten(&pod["list"], &mut elements),
            }
        } else {
            flatten(&event["list"], &mut elements);
        }
        let satisfied = |element: &&Map<String, Value>| {
            let [[a1, a2], [b1, b2]] = self.selections;
            let a = a1.holds(element) && a2.holds(element);
            let b = b1.holds(element) || b2.holds(element);
            match usize::from(self.shape) % CONDITIONS.len() {
                0 => a && b,
                1 => a || b,
                2 => a && !b,
                3 => !a && !b,
                _ => !(a && b),
            }
        };
        elements.iter().any(satisfied) != self.none
    }
}

fn flatten<'v>(value: &'v Value, into: &mut Vec<&'v Map<String, Value>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
        Value::Object(members) => into.push(members),
        _ => {}
    }
}

fn demand(fields: std::ops::Range<u8>) -> impl Strategy<Value = Demand> {
    (0..3u8, fields, 0..3u8).prop_map(|(kind, field, value)| match kind {
        0 => Demand::Equals(field, value),
        1 => Demand::Exists(field, value > 0),
        _ => Demand::Contains(field, value),
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    // The two demands of one map are about two fields, since keys of a map are unique.
    let selection = || (demand(0..2), demand(2..4)).prop_map(|(one, two)| [one, two]);
    let parts = (any::<bool>(), any::<bool>(), proptest::option::of(any::<bool>()));
    (parts, selection(), selection(), 0..5u8).prop_map(|((none, deep, when), a, b, shape)| Asked {
        none,
        deep,
        when,
        selections: [a, b],
        shape,
    })
}

fn element() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        (0..3u8).prop_map(|n| json!(format!("v{n}"))),
        (0..3u8, 0..3u8).prop_map(|(n, m)| json!([format!("v{n}"), format!("xv{m}")])),
        Just(json!([])),
        Just(json!({"v0": "v0"})),
    ];
    let object =
        proptest::collection::btree_map((0..4u8).prop_map(|n| format!("f{n}")), value, 0..4);
    prop_oneof![
        6 => object.prop_map(|members| json!(members)),
        1 => Just(json!("v0")),
        1 => Just(json!(null)),
    ]
}

fn array() -> impl Strategy<Value = Value> {
    let plain = proptest::collection::vec(element(), 0..5).prop_map(Value::Array);
    let nested = proptest::collection::vec(
        proptest::collection::vec(element(), 0..3).prop_map(Value::Array),
        0..3,
    );
    prop_oneof![4 => plain, 1 => nested.prop_map(Value::Array), 1 => element()]
}

fn event() -> impl Strategy<Value = Value> {
    let pods = proptest::collection::vec(array(), 0..3);
    let list = proptest::option::weighted(0.9, array());
    (list, pods, any::<bool>()).prop_map(|(list, pods, other)| {
        let pods: Vec<Value> = pods.into_iter().map(|list| json!({"list": list})).collect();
        let mut event = json!({"pods": pods, "other": if other { "yes" } else { "no" }});
        if let Some(list) = list {
            event["list"] = list;
        }
        event
    })
}

fn compiled(blocks: &[Asked]) -> Matcher {
    let blocks: String = blocks.iter().map(Asked::text).collect();
    let text = format!(
        "title: t\nlogsource: {{product: k}}\ndetection:\n  sel: {{pods|exists: true}}\n  other: \
         {{other: 'yes'}}\n  condition: sel or (sel and other)\nmidwatch:\n  where:\n{blocks}"
    );
    let documents = parse(&text, "r.yml").unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"));
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    Matcher::compile(rule).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn blocks_hold_when_a_naive_evaluator_says_so(
        blocks in proptest::collection::vec(asked(), 1..3),
        events in proptest::collection::vec(event(), 4),
    ) {
        let matcher = compiled(&blocks);
        for event in events {
            // An empty array of pods is there as well.
            let expected = blocks.iter().all(|block| block.holds(&event));
            let fields = Json(event.clone());
            let explanation = matcher.explain(&fields);
            prop_assert_eq!(matcher.matches(&fields), expected, "{} {}", event, explanation);
            prop_assert_eq!(explanation.matched, expected, "{} {}", event, explanation);
            prop_assert_eq!(explanation.reasons().is_empty(), !expected);
        }
    }
}
