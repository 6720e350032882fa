//! What a sound rule should not have: fields that no event has, values that no field takes, parts
//! that do nothing. Owns the findings; what an event can hold is told by a [`Taxonomy`].

use super::correlation::Correlation;
use super::document::Rule;
use super::exception::Exception;
use super::filter::Filter;
use super::node::Place;
use super::value_list::ValueList;

mod attributes;
mod elements;
mod logic;
mod values;

/// Something to mend in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    pub severity: Severity,
    /// Counted from 1.
    pub line: u32,
    /// What is wrong, and the cure.
    pub reason: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document works, but says more, less or other than its author thinks.
    Warning,
    /// The document, or a part of it, can never do anything.
    Error,
}

impl Severity {
    /// The word for people and formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What events can hold.
pub trait Taxonomy {
    /// What is known of a dotted path.
    fn look_up(&self, path: &str) -> Known<'_>;

    /// Whether there can be objects with fields of their own at the path, as in an array of them.
    fn has_elements(&self, path: &str) -> bool;

    /// The field that an author may have meant by an unknown one.
    fn nearest(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }
}

/// What is known of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    /// No event can have it.
    Unknown,
    /// It lies in (or is) a tree whose members are not known.
    Open,
    /// A field; `values` lists every possible value, or nothing when they are many.
    Field { kind: ValueKind, values: &'a [&'a str] },
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    Text,
    Number,
    Boolean,
    /// RFC 3339 text.
    Time,
    /// No value of its own, only what lies below it.
    Object,
}

/// The findings on one document.
#[derive(Debug, Default)]
struct Findings(Vec<Lint>);

impl Findings {
    fn error(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Severity::Error, place, reason.into());
    }

    fn warn(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Severity::Warning, place, reason.into());
    }

    fn add(&mut self, severity: Severity, place: Place, reason: String) {
        self.0.push(Lint { severity, line: place.line, reason });
    }

    fn sorted(mut self) -> Vec<Lint> {
        self.0.sort_by_key(|lint| lint.line);
        self.0
    }
}

/// Everything to mend in a rule, in the order of the file.
pub fn lint(rule: &Rule, taxonomy: &dyn Taxonomy) -> Vec<Lint> {
    let mut findings = Findings::default();
    attributes::of_rule(rule, &mut findings);
    let when: Vec<_> = rule.element_blocks.iter().filter_map(|it| it.when.as_ref()).collect();
    logic::check(&rule.detection, &when, &mut findings);
    rule.element_blocks.iter().for_each(|block| elements::check(block, taxonomy, &mut findings));
    let start = Place { line: rule.line, column: 1 };
    for field in &rule.fields {
        values::check_field(field, start, taxonomy, &mut findings);
    }
    for item in rule.detection.items() {
        values::check(item, taxonomy, &mut findings);
    }
    findings.sorted()
}

/// Everything to mend in a filter, in the order of the file.
pub fn lint_filter(filter: &Filter, taxonomy: &dyn Taxonomy) -> Vec<Lint> {
    let mut findings = Findings::default();
    let start = Place { line: filter.line, column: 1 };
    attributes::of_metadata(&filter.metadata, start, &mut findings);
    logic::check_added(&filter.detection, &mut findings);
    logic::check_polarity(&filter.detection, &mut findings);
    for item in filter.detection.items() {
        values::check(item, taxonomy, &mut findings);
    }
    findings.sorted()
}

/// Everything to mend in an exception, in the order of the file. What lies in the past is told by
/// whoever has a clock.
pub fn lint_exception(exception: &Exception, taxonomy: &dyn Taxonomy) -> Vec<Lint> {
    let mut findings = Findings::default();
    let start = Place { line: exception.line, column: 1 };
    logic::check(&exception.detection, &[], &mut findings);
    for item in exception.detection.items() {
        values::check(item, taxonomy, &mut findings);
    }
    if exception.expires.is_none() {
        let reason = "the exception never ends, so nobody will look at it again; give `expires` a \
                      date";
        findings.warn(start, reason);
    }
    findings.sorted()
}

/// Everything to mend in a value list, in the order of the file.
pub fn lint_list(list: &ValueList) -> Vec<Lint> {
    let mut findings = Findings::default();
    values::check_list(list, &mut findings);
    findings.sorted()
}

/// Everything to mend in a correlation, in the order of the file.
pub fn lint_correlation(correlation: &Correlation) -> Vec<Lint> {
    let mut findings = Findings::default();
    let start = Place { line: correlation.line, column: 1 };
    attributes::of_metadata(&correlation.metadata, start, &mut findings);
    attributes::of_correlation(correlation, start, &mut findings);
    findings.sorted()
}

#[cfg(test)]
mod tests;
