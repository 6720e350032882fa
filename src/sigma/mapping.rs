//! Mapping documents: other names for the fields of a log source, as data. No part of Sigma,
//! which leaves the names of fields to whoever runs a rule. A mapping rewrites the names in a
//! parsed rule before anything reads it, so that matching, lint and explanation see one document;
//! the key as it was written stays beside the field, for messages.

use std::collections::{BTreeMap, HashMap};

use super::detection::{Detection, Group};
use super::document::{self, Document, Logsource};
use super::error::{Faults, quote};
use super::metadata::{self, Metadata};
use super::node::{Entry, Node, Place, Value};

/// Fields that one document may rename; an event has some hundred.
const FIELDS_MAX: usize = 2_000;

/// One mapping document.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub metadata: Metadata,
    /// The rules that it is for: those whose log source contradicts none of its parts.
    pub logsource: Logsource,
    /// The log source that those rules are then about; their own when not given.
    pub target: Option<Logsource>,
    pub fields: Vec<Rename>,
    pub file: String,
    /// Where the document begins.
    pub line: u32,
}

/// A field under another name. What lies below the field moves with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    pub from: String,
    pub to: String,
    pub place: Place,
}

/// Reads a mapping document.
pub(crate) fn read(node: &Node, section: &Entry, faults: &mut Faults) -> Option<Mapping> {
    let metadata = metadata::read(node, &["mapping", "logsource"], faults);
    let logsource = document::logsource(node, faults);
    let before = faults.len();
    let (mut target, mut fields) = (None, Vec::new());
    for entry in section.value.entries() {
        match entry.key.as_str() {
            "logsource" => target = document::logsource(&section.value, faults),
            "fields" => fields = renames(entry, faults),
            other => {
                let reason = format!("{} is no part of `mapping`", quote(other));
                faults.add(entry.place, reason + "; it takes `fields` and `logsource`");
            }
        }
    }
    if fields.is_empty() && faults.len() == before {
        faults.add(section.place, "a mapping needs `fields`: a map from other names to ours");
    }
    Some(Mapping {
        metadata,
        logsource: logsource?,
        target,
        fields,
        file: faults.file().to_owned(),
        line: node.place.line,
    })
}

fn renames(entry: &Entry, faults: &mut Faults) -> Vec<Rename> {
    if !matches!(entry.value.value, Value::Map(_)) {
        let kind = entry.value.description();
        faults.add(entry.value.place, format!("`fields` must be a map of names, not {kind}"));
        return Vec::new();
    }
    let all = entry.value.entries();
    if all.len() > FIELDS_MAX {
        faults.add(entry.place, format!("more than {FIELDS_MAX} fields; split the document"));
        return Vec::new();
    }
    let mut found = Vec::new();
    for field in all {
        let name =
            |text: &str| !text.trim().is_empty() && text.trim() == text && !text.contains('|');
        match field.value.text().filter(|to| name(to) && name(&field.key)) {
            Some(to) => found.push(Rename {
                from: field.key.clone(),
                to: to.to_owned(),
                place: field.place,
            }),
            None => {
                let reason = format!("{} must be one field's name to another's", quote(&field.key));
                faults.add(field.place, reason + ", without modifiers");
            }
        }
    }
    found
}

/// Mapping documents as they act together. Of two that rename one field the later one is used.
#[derive(Debug, Clone, Default)]
pub struct Mappings(Vec<(Mapping, HashMap<String, String>)>);

impl Mappings {
    /// One more document, which goes before those that are there.
    pub fn add(&mut self, mapping: Mapping) {
        let names = mapping.fields.iter().map(|it| (it.from.clone(), it.to.clone())).collect();
        self.0.push((mapping, names));
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rewrites the names in a document, and the log source where a mapping says so. A name is
    /// looked up once: what it becomes is not looked up again.
    pub fn apply(&self, document: &mut Document) {
        match document {
            Document::Rule(rule) => {
                let names = self.names(&rule.logsource);
                rename_all(&mut rule.detection, &names);
                // What lies in an element has the names that Kubernetes gives it.
                rule.element_blocks.iter_mut().for_each(|block| names.rename(&mut block.path));
                rule.fields.iter_mut().for_each(|field| names.rename(field));
                self.route(&mut rule.logsource);
            }
            Document::Filter(filter) => {
                let names = self.names(&filter.logsource);
                rename_all(&mut filter.detection, &names);
                self.route(&mut filter.logsource);
            }
            // An exception names no log source: it is ours, and about events of this one.
            Document::Exception(_) => {}
            // Its own names are those of its aliases and groups; the rules it is made of were
            // mapped by themselves.
            Document::Correlation(_) | Document::Mapping(_) | Document::List(_) => {}
        }
    }

    fn for_source(
        &self,
        source: &Logsource,
    ) -> impl Iterator<Item = &(Mapping, HashMap<String, String>)> {
        self.0.iter().rev().filter(|(mapping, _)| is_for(&mapping.logsource, source))
    }

    fn names(&self, source: &Logsource) -> Names<'_> {
        Names(self.for_source(source).map(|(_, names)| names).collect())
    }

    fn route(&self, source: &mut Logsource) {
        let target = self.for_source(source).find_map(|(mapping, _)| mapping.target.as_ref());
        if let Some(target) = target.cloned() {
            *source =
                Logsource { place: source.place, definition: source.definition.take(), ..target };
        }
    }
}

/// Whether no part that the mapping names is another in the rule. A mapping for one service is
/// for rules that name the product alone, too: they mean that service as well.
fn is_for(mapping: &Logsource, rule: &Logsource) -> bool {
    let agrees = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let named = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    // Something must be the same, or a mapping for a product would be for every category.
    (named(&mapping.product, &rule.product)
        || named(&mapping.category, &rule.category)
        || named(&mapping.service, &rule.service))
        && agrees(&mapping.product, &rule.product)
        && agrees(&mapping.category, &rule.category)
        && agrees(&mapping.service, &rule.service)
}

/// The renames for one log source, the ones that go first first.
struct Names<'a>(Vec<&'a HashMap<String, String>>);

impl Names<'_> {
    /// The whole name, or else its longest beginning that ends at a dot.
    fn rename(&self, field: &mut String) {
        let mut length = field.len();
        loop {
            let Some(head) = field.get(..length) else { return };
            if let Some(to) = self.0.iter().find_map(|names| names.get(head)) {
                let rest = field.get(length..).unwrap_or_default();
                *field = format!("{to}{rest}");
                return;
            }
            match head.rfind('.') {
                Some(dot) => length = dot,
                None => return,
            }
        }
    }
}

fn rename_all(detection: &mut Detection, names: &Names<'_>) {
    if !names.0.is_empty() {
        detection.selections.iter_mut().for_each(|selection| rename(&mut selection.body, names));
    }
}

fn rename(group: &mut Group, names: &Names<'_>) {
    match group {
        Group::All(parts) | Group::Any(parts) => {
            parts.iter_mut().for_each(|part| rename(part, names));
        }
        Group::Item(item) => {
            item.field.iter_mut().for_each(|field| names.rename(field));
            if item.is_reference() {
                item.values.iter_mut().for_each(|value| names.rename(&mut value.text));
            }
        }
    }
}

/// Renames of one field to two, within documents for one log source: nobody can tell which counts.
pub fn disagreements(mappings: &[Mapping]) -> Vec<(&Mapping, &Rename)> {
    let mut seen: BTreeMap<(String, &str), &str> = BTreeMap::new();
    let mut found = Vec::new();
    for mapping in mappings {
        let Logsource { category, product, service, .. } = &mapping.logsource;
        let source = format!("{category:?} {product:?} {service:?}");
        for rename in &mapping.fields {
            let first = *seen.entry((source.clone(), &rename.from)).or_insert(&rename.to);
            if first != rename.to {
                found.push((mapping, rename));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
