//! Filter documents: conditions that are added to rules without touching them. Owns their
//! reading; nothing here applies them.
//!
//! Polarity: the condition says which events a rule may still report, so a filter that takes
//! events away writes `condition: not selection`. This is how pySigma reads filters.

use super::detection::{self, Detection};
use super::document::{Logsource, logsource};
use super::error::Faults;
use super::metadata::{self, Metadata};
use super::node::{Entry, Node, Value};

/// A filter for one or more rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    pub metadata: Metadata,
    pub logsource: Logsource,
    pub rules: FilteredRules,
    /// The selections and the condition that is joined to the rules' own with `and`.
    pub detection: Detection,
    pub file: String,
    /// Where the document begins.
    pub line: u32,
}

impl Filter {
    /// What people call it: its name, or its title.
    pub fn label(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or(&self.metadata.title)
    }
}

/// The rules that a filter applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilteredRules {
    /// Every rule of the log source.
    Any,
    /// These, by id or name.
    Listed(Vec<String>),
}

pub(crate) fn read(node: &Node, section: &Entry, faults: &mut Faults) -> Option<Filter> {
    let metadata = metadata::read(node, &["filter", "logsource"], faults);
    let logsource = logsource(node, faults);
    let rules = rules(&section.value, faults);
    let detection = detection::read(&section.value, &["rules"], faults);
    Some(Filter {
        metadata,
        logsource: logsource?,
        rules: rules?,
        detection: detection?,
        file: faults.file().to_owned(),
        line: node.place.line,
    })
}

/// The rules that a document names.
pub(super) fn rules(section: &Node, faults: &mut Faults) -> Option<FilteredRules> {
    let Some(entry) = section.entries().iter().find(|entry| entry.key == "rules") else {
        faults.add(section.place, "`rules` is missing; list ids or names, or write `rules: any`");
        return None;
    };
    match &entry.value.value {
        Value::Scalar(scalar) if scalar.text.eq_ignore_ascii_case("any") => {
            Some(FilteredRules::Any)
        }
        Value::List(items) if items.is_empty() => {
            faults.add(entry.value.place, "`rules` is an empty list; write `any` for every rule");
            None
        }
        Value::List(_) => Some(FilteredRules::Listed(metadata::texts(entry, faults))),
        _ => {
            faults.add(entry.value.place, "`rules` must be a list of ids or names, or `any`");
            None
        }
    }
}
