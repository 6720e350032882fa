//! The reasons that are given for a decision.

use std::borrow::Cow;

use super::*;
use crate::sigma::document::{Document, parse};

/// Fields by their whole path.
struct Flat(Vec<(&'static str, Vec<Scalar<'static>>)>);

impl Fields for Flat {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        match self.0.iter().find(|(known, _)| *known == path) {
            Some((_, values)) => Found { present: true, values: values.clone() },
            None => Found::default(),
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.0.iter().flat_map(|(_, values)| values).any(|value| {
            let text = value.to_text();
            text.is_some_and(|text| test(&text))
        })
    }

    fn any_element(&self, _path: &str, _test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        false
    }
}

fn text(text: &'static str) -> Scalar<'static> {
    Scalar::Text(Cow::Borrowed(text))
}

fn explain(detection: &str, event: &Flat) -> Explanation {
    let source = format!("title: t\nlogsource: {{product: k}}\ndetection:\n{detection}");
    let documents = parse(&source, "r.yml").unwrap();
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    Matcher::compile(rule).unwrap().explain(event)
}

const RULE: &str = "  pods:\n    verb|contains: [exec, attach]\n    user: null\n  words: [shell, bash]\n  \
    never: {verb: x}\n  trusted: {group|startswith: 'system:'}\n  \
    condition: pods and (words or never) and not trusted\n";

#[test]
fn reasons_are_the_clauses_that_held_and_what_made_them_hold() {
    let event = Flat(vec![("verb", vec![text("PodExec")]), ("cmd", vec![text("/bin/bash -i")])]);
    let reasons: Vec<(String, String, String)> = explain(RULE, &event)
        .reasons()
        .into_iter()
        .map(|reason| (reason.field, reason.value, reason.clause))
        .collect();
    let own = |field: &str, value: &str, clause: &str| {
        (field.to_owned(), value.to_owned(), clause.to_owned())
    };
    assert_eq!(
        reasons,
        [
            own("verb", "PodExec", "pods: verb|contains 'exec' or 'attach'"),
            own("user", "", "pods: user null"),
            own("(keywords)", "/bin/bash -i", "words: keyword 'shell' or 'bash'"),
            own("group", "", "not trusted"),
        ]
    );
}

#[test]
fn without_a_match_there_are_no_reasons_but_the_tree_shows_where_it_broke() {
    let event = Flat(vec![("verb", vec![text("exec")]), ("group", vec![text("system:x")])]);
    let explanation = explain(RULE, &event);
    assert!(!explanation.matched && explanation.reasons().is_empty());
    let shown = explanation.to_string();
    for line in ["no  and\n", "yes       ", "(exec)", "(absent)", "no    not\n", "(system:x)"] {
        assert!(shown.contains(line), "{line:?} in\n{shown}");
    }
}

#[test]
fn long_and_many_values_are_cut_and_cannot_drive_a_terminal() {
    let mut values = vec![text("a\u{1b}[2J"); 30];
    values.push(Scalar::Text(Cow::Owned("x".repeat(5_000))));
    let event = Flat(vec![("f", values)]);
    let explanation = explain("  s: {f|endswith: x}\n  condition: s\n", &event);
    let clause = &explanation.root.children[0].children[0];
    let StepKind::Clause(seen) = &clause.kind else { panic!("a clause") };
    assert_eq!((seen.seen.len(), seen.more), (10, 21));
    assert_eq!(seen.seen[0], "a\\u{1b}[2J");
    assert_eq!(seen.hit.as_ref().map(|hit| hit.chars().count()), Some(201));
}

#[test]
fn a_field_that_differs_is_told_with_the_value_that_it_has() {
    let event = Flat(vec![("verb", vec![text("list")])]);
    let reasons = explain("  s: {verb|neq: get}\n  condition: s\n", &event).reasons();
    assert_eq!(
        (reasons[0].value.as_str(), reasons[0].clause.as_str()),
        ("list", "s: verb|neq 'get'")
    );
}
