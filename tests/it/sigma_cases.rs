//! Sigma's semantics as data: every case of `tests/data/sigma`, through every evaluator.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use midwatch::audit::path;
use midwatch::model::fields::{Fields, Found};
use midwatch::sigma::compile::Matcher;
use midwatch::sigma::document::{Document, Rule, parse};
use midwatch::sigma::error::SigmaError;
use serde::Deserialize;
use serde_json::Value;

/// A case says either which events match and miss, or which fault the text has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The body of one selection, which is the whole condition.
    selection: Option<String>,
    /// A detection with its condition.
    detection: Option<String>,
    /// A whole file.
    document: Option<String>,
    /// Value lists for placeholders.
    #[serde(default)]
    lists: BTreeMap<String, Vec<String>>,
    /// Events that match, one JSON object a line.
    #[serde(default, rename = "match")]
    matching: String,
    /// Events that do not.
    #[serde(default)]
    miss: String,
    /// The kinds of the documents of the file.
    #[serde(default)]
    kinds: Vec<String>,
    error: Option<Fault>,
}

/// A fault at a line of the case's own text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    line: u32,
    contains: String,
}

/// An event that is plain JSON.
pub(crate) struct Json(pub(crate) Value);

impl Fields for Json {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        let mut found = Found::default();
        path::find(&self.0, path, &mut found);
        found
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        any_text(&self.0, test)
    }

    fn any_element(&self, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        path::any_element(&self.0, path, test)
    }
}

fn any_text(value: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Number(number) => test(&number.to_string()),
        Value::Array(items) => items.iter().any(|item| any_text(item, test)),
        Value::Object(members) => members.values().any(|member| any_text(member, test)),
        Value::Null | Value::Bool(_) => false,
    }
}

/// A way to decide whether a rule matches. All of them must agree with the cases.
type Evaluator = fn(&Matcher, &dyn Fields) -> bool;

const EVALUATORS: [(&str, Evaluator); 2] = [("matcher", plain), ("explanation", explained)];

fn plain(matcher: &Matcher, event: &dyn Fields) -> bool {
    matcher.matches(event)
}

fn explained(matcher: &Matcher, event: &dyn Fields) -> bool {
    let explanation = matcher.explain(event);
    assert_eq!(explanation.matched, !explanation.reasons().is_empty(), "{explanation}");
    explanation.matched
}

impl Case {
    /// The file of the case, and how many lines stand before the case's own text.
    fn source(&self) -> (String, u32) {
        const HEAD: &str = "title: case\nlogsource: {product: kubernetes}\ndetection:\n";
        match (&self.selection, &self.detection, &self.document) {
            (Some(selection), None, None) => {
                let body = indented(selection, 4);
                (format!("{HEAD}  sel:\n{body}  condition: sel\n"), 4)
            }
            (None, Some(detection), None) => (format!("{HEAD}{}", indented(detection, 2)), 3),
            (None, None, Some(document)) => (document.clone(), 0),
            _ => panic!("{}: give a selection, a detection or a document", self.name),
        }
    }

    fn run(&self) {
        let (source, before) = self.source();
        let parsed = parse(&source, &self.name);
        if let Some(expected) = &self.error {
            let faults = match parsed {
                Ok(documents) => self.compile(&documents).expect_err(&self.name),
                Err(faults) => faults,
            };
            let there = |fault: &SigmaError| {
                fault.line == expected.line + before && fault.reason.contains(&expected.contains)
            };
            assert!(faults.iter().any(there), "{}: {faults:#?}", self.name);
            return;
        }
        let documents = parsed.unwrap_or_else(|faults| panic!("{}: {faults:#?}", self.name));
        if !self.kinds.is_empty() {
            assert_eq!(documents.iter().map(kind).collect::<Vec<_>>(), self.kinds, "{}", self.name);
        }
        let matchers = self.compile(&documents).unwrap_or_else(|faults| {
            panic!("{}: {faults:#?}", self.name);
        });
        let verdicts = [(&self.matching, true), (&self.miss, false)];
        for (events, expected) in verdicts {
            for event in events.lines().filter(|line| !line.trim().is_empty()) {
                self.judge(&matchers, event, expected);
            }
        }
        let events = self.matching.len() + self.miss.len();
        assert!(events > 0 || !self.kinds.is_empty(), "{}: nothing is asked", self.name);
    }

    fn judge(&self, matchers: &[Matcher], event: &str, expected: bool) {
        let decoded = serde_json::from_str(event)
            .unwrap_or_else(|error| panic!("{}: {event}: {error}", self.name));
        let event_fields = Json(decoded);
        for (evaluator, decide) in EVALUATORS {
            let verdict = matchers.iter().any(|matcher| decide(matcher, &event_fields));
            let explanation: String =
                matchers.iter().map(|matcher| matcher.explain(&event_fields).to_string()).collect();
            assert_eq!(
                verdict, expected,
                "{} by the {evaluator}: {event}\n{explanation}",
                self.name
            );
        }
    }

    fn compile(&self, documents: &[Document]) -> Result<Vec<Matcher>, Vec<SigmaError>> {
        let rules = documents.iter().filter_map(|document| match document {
            Document::Rule(rule) => Some(rule.as_ref()),
            _ => None,
        });
        rules.map(|rule: &Rule| Matcher::compile_with(rule, &self.lists)).collect()
    }
}

fn kind(document: &Document) -> &'static str {
    match document {
        Document::Rule(_) => "rule",
        Document::Correlation(_) => "correlation",
        Document::Filter(_) => "filter",
        Document::Mapping(_) => "mapping",
        Document::Exception(_) => "exception",
        Document::List(_) => "list",
    }
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sigma");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            serde_saphyr::from_str::<Vec<Case>>(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
        .collect()
}

#[test]
fn every_case_has_its_verdict() {
    let cases = cases();
    let mut failed = Vec::new();
    for case in &cases {
        let run = std::panic::catch_unwind(|| case.run());
        if run.is_err() {
            failed.push(&case.name);
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), cases.len());
}

#[test]
fn there_are_enough_cases_and_each_has_its_own_name() {
    let cases = cases();
    assert!(cases.len() >= 300, "{}", cases.len());
    let mut names = HashSet::new();
    for case in &cases {
        assert!(names.insert(&case.name), "{} stands twice", case.name);
    }
}
