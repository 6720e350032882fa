//! What Midwatch adds to correlations, below the custom key `midwatch` of their documents. Owns
//! the reading and validation; nothing here runs them.
//!
//! An extension only narrows: without it the document is a valid Sigma correlation that fires more
//! often. So whoever does not know the extension is told too much, and never too little.

use super::{CorrelationCondition, CorrelationKind, RuleName};
use crate::sigma::error::{Faults, quote};
use crate::sigma::node::{Entry, Node, Place, Value};

/// The custom key under which they stand.
const SECTION: &str = "midwatch";
/// Values of the steps must differ.
const DIFFER: &str = "differ";
/// The extensions that only correlations have.
pub const KEYS: [&str; 1] = [DIFFER];
/// Fields in which steps must differ, at most.
const DIFFER_FIELDS_MAX: usize = 4;
/// Rules whose events are compared with each other, at most: every choice is weighed against
/// every other.
const DIFFER_RULES_MAX: usize = 6;

/// A field or an alias, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldName {
    pub text: String,
    pub place: Place,
}

/// What the extensions are checked against.
pub(super) struct Core<'a> {
    pub kind: CorrelationKind,
    pub rules: &'a [RuleName],
    pub group_by: &'a [String],
    pub condition: &'a CorrelationCondition,
}

/// Refuses the extensions in a document that is no correlation; `what` says what it is.
pub(in crate::sigma) fn refuse(node: &Node, what: &str, faults: &mut Faults) {
    let Some(section) = node.get(SECTION) else { return };
    for entry in section.entries().iter().filter(|entry| KEYS.contains(&entry.key.as_str())) {
        let reason = format!(
            "`midwatch.{}` is about several events, and this is {what}; remove it, or write a \
             correlation and put it there",
            entry.key
        );
        faults.add(entry.place, reason);
    }
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Entry> {
    node.get(SECTION)?.entries().iter().find(|entry| entry.key == key)
}

/// The fields in which the events of the steps must differ; none when the document does not ask.
pub(super) fn differ(node: &Node, core: &Core<'_>, faults: &mut Faults) -> Vec<FieldName> {
    let Some(entry) = entry(node, DIFFER) else { return Vec::new() };
    let fields = fields(entry, faults);
    if !core.kind.is_temporal() {
        let reason = format!(
            "`midwatch.differ` compares the events of different rules, and {} counts events; use \
             temporal or temporal_ordered, or remove it",
            core.kind.as_str()
        );
        faults.add(entry.place, reason);
    } else if *core.condition != CorrelationCondition::AllRules {
        let reason = "`midwatch.differ` compares one event of every rule; remove `condition`, or \
                      write a correlation for each of its alternatives";
        faults.add(entry.place, reason);
    }
    if core.rules.len() > DIFFER_RULES_MAX {
        let reason =
            format!("`midwatch.differ` compares {DIFFER_RULES_MAX} rules at most; name fewer");
        faults.add(entry.place, reason);
    }
    for field in fields.iter().filter(|field| core.group_by.contains(&field.text)) {
        let reason = format!(
            "{} is the same in all events of a group and can never differ; remove it here or from \
             `group-by`",
            quote(&field.text)
        );
        faults.add(field.place, reason);
    }
    fields
}

fn fields(entry: &Entry, faults: &mut Faults) -> Vec<FieldName> {
    let nodes = match &entry.value.value {
        Value::List(items) => items.as_slice(),
        _ => &[],
    };
    if nodes.is_empty() || nodes.len() > DIFFER_FIELDS_MAX {
        let reason = format!(
            "`midwatch.differ` is a list of one to {DIFFER_FIELDS_MAX} fields, as \
             `[midwatch.source.address]`"
        );
        faults.add(entry.value.place, reason);
        return Vec::new();
    }
    let mut fields: Vec<FieldName> = Vec::new();
    for node in nodes {
        match node.text() {
            Some(text) if fields.iter().any(|field| field.text == text) => {
                faults.add(node.place, format!("{} stands here twice; remove one", quote(text)));
            }
            Some(text) => fields.push(FieldName { text: text.to_owned(), place: node.place }),
            None => faults.add(node.place, "`midwatch.differ` lists fields or aliases"),
        }
    }
    fields
}
