//! Sigma documents, and those of ours: from the text of a file to rules, correlations, filters,
//! exceptions and value lists, or to every fault that the text has.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::correlation::{self, Correlation};
use super::detection::{self, Detection};
use super::element::{self, ElementBlock};
use super::error::{Faults, SigmaError, quote};
use super::exception::{self, Exception};
use super::filter::{self, Filter};
use super::mapping::{self, Mapping};
use super::metadata::{self, Metadata, Related, Status, Tag};
use super::node::{Entry, Node, Place, Value};
use super::value_list::{self, ValueList};
use super::yaml;
use crate::model::ids::RuleId;
use crate::model::level::Level;

/// One YAML document of a Sigma file.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Rule(Box<Rule>),
    Correlation(Box<Correlation>),
    Filter(Box<Filter>),
    /// Ours, and no part of Sigma.
    Mapping(Box<Mapping>),
    Exception(Box<Exception>),
    List(Box<ValueList>),
}

/// A detection rule. The attributes are those of [`Metadata`].
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: Option<RuleId>,
    pub name: Option<String>,
    pub title: String,
    pub status: Option<Status>,
    pub description: Option<String>,
    pub author: Option<String>,
    pub date: Option<Date>,
    pub modified: Option<Date>,
    pub license: Option<String>,
    pub references: Vec<String>,
    pub tags: Vec<Tag>,
    pub logsource: Logsource,
    pub detection: Detection,
    /// What is asked of elements of arrays besides, each of which must hold: `midwatch.where`.
    pub element_blocks: Vec<ElementBlock>,
    pub falsepositives: Vec<String>,
    pub level: Option<Level>,
    pub fields: Vec<String>,
    pub related: Vec<Related>,
    pub scope: Vec<String>,
    pub taxonomy: Option<String>,
    /// Attributes that Sigma does not define; ours stand under `midwatch`.
    pub custom: BTreeMap<String, Node>,
    pub file: String,
    /// Where the document begins.
    pub line: u32,
}

impl Rule {
    /// The detection, and those of the element blocks.
    pub fn detections(&self) -> impl Iterator<Item = &Detection> {
        let blocks = self.element_blocks.iter().map(|block| &block.detection);
        std::iter::once(&self.detection).chain(blocks)
    }

    /// The names of the value lists that it asks for.
    pub fn placeholders(&self) -> BTreeSet<String> {
        self.detections().flat_map(Detection::placeholders).collect()
    }
}

/// Which logs a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logsource {
    pub category: Option<String>,
    pub product: Option<String>,
    pub service: Option<String>,
    pub definition: Option<String>,
    /// Attributes that Sigma does not define, with the text of their scalars.
    pub custom: BTreeMap<String, String>,
    pub place: Place,
}

/// Reads every document of a file. `file` is the name that errors carry.
///
/// # Errors
///
/// Every fault of the file, in its order. A fault in the YAML itself hides what comes after it.
pub fn parse(source: &str, file: &str) -> Result<Vec<Document>, Vec<SigmaError>> {
    let mut faults = Faults::new(file);
    let nodes = yaml::read(source, &mut faults);
    if nodes.is_empty() && faults.is_empty() {
        faults.add(Place { line: 1, column: 1 }, "the file is empty; write a rule or remove it");
    }
    let documents: Vec<Document> =
        nodes.iter().filter_map(|node| document(node, &mut faults)).collect();
    if faults.is_empty() { Ok(documents) } else { Err(faults.into_sorted()) }
}

fn document(node: &Node, faults: &mut Faults) -> Option<Document> {
    if !matches!(node.value, Value::Map(_)) {
        let kind = node.description();
        faults.add(node.place, format!("a Sigma document is a map of attributes, not {kind}"));
        return None;
    }
    let key = |name: &str| node.entries().iter().find(|entry| entry.key == name);
    if let Some(action) = key("action") {
        faults.add(action.place, legacy(action));
        return None;
    }
    let kinds = ["detection", "correlation", "filter", exception::KEY, value_list::KEY];
    let kinds: Vec<&Entry> = kinds.into_iter().filter_map(key).collect();
    let other = match kinds.first().map(|section| section.key.as_str()) {
        Some("correlation") => None,
        Some("detection") => Some("a rule"),
        Some("filter") => Some("a filter"),
        Some(exception::KEY) => Some("an exception"),
        Some(_) => Some("a value list"),
        None => Some("a mapping"),
    };
    if let Some(what) = other {
        correlation::extension::refuse(node, what, faults);
    }
    if let [section] = kinds.as_slice()
        && section.key != "detection"
    {
        element::refuse(node, &section.key, faults);
    }
    match kinds.as_slice() {
        // Only where nothing else is: a rule may have an attribute of its own of this name.
        [] if key("mapping").is_some() => {
            let section = key("mapping")?;
            mapping::read(node, section, faults).map(Box::new).map(Document::Mapping)
        }
        [] => {
            let reason = "neither a rule, a correlation nor a filter; add `detection`, \
                          `correlation` or `filter`";
            faults.add(node.place, reason);
            None
        }
        [section] => match section.key.as_str() {
            "detection" => rule(node, section, faults).map(Box::new).map(Document::Rule),
            "correlation" => {
                correlation::read(node, section, faults).map(Box::new).map(Document::Correlation)
            }
            exception::KEY => {
                exception::read(node, section, faults).map(Box::new).map(Document::Exception)
            }
            value_list::KEY => {
                value_list::read(node, section, faults).map(Box::new).map(Document::List)
            }
            _ => filter::read(node, section, faults).map(Box::new).map(Document::Filter),
        },
        [first, second, ..] => {
            let reason = format!(
                "{} and {} cannot stand in one document; put `---` and a second document",
                quote(&first.key),
                quote(&second.key)
            );
            faults.add(second.place, reason);
            None
        }
    }
}

fn legacy(action: &Entry) -> String {
    let cure = match action.value.text() {
        Some("global") => "copy the shared attributes into each rule, each with its own id",
        Some("repeat") => "write the rule out in full, with an id of its own",
        Some("reset") => "remove the document; nothing carries over between documents any more",
        _ => "write each document out in full, without `action`",
    };
    format!("`action` documents are Sigma version 1; {cure}")
}

fn rule(node: &Node, section: &Entry, faults: &mut Faults) -> Option<Rule> {
    let metadata = metadata::read(node, &["detection", "logsource"], faults);
    let logsource = logsource(node, faults);
    let detection = detection::read(&section.value, &[], faults);
    let selections = section.value.entries().iter().map(|entry| entry.key.as_str());
    let names: Vec<&str> = selections.filter(|name| *name != "condition").collect();
    let element_blocks = element::read(node, &names, faults);
    let Metadata { title, id, name, status, description, author, date, modified, .. } = metadata;
    Some(Rule {
        id,
        name,
        title,
        status,
        description,
        author,
        date,
        modified,
        license: metadata.license,
        references: metadata.references,
        tags: metadata.tags,
        logsource: logsource?,
        detection: detection?,
        element_blocks,
        falsepositives: metadata.falsepositives,
        level: metadata.level,
        fields: metadata.fields,
        related: metadata.related,
        scope: metadata.scope,
        taxonomy: metadata.taxonomy,
        custom: metadata.custom,
        file: faults.file().to_owned(),
        line: node.place.line,
    })
}

/// The log source of a rule or filter, which must name at least one of its three parts.
pub(crate) fn logsource(node: &Node, faults: &mut Faults) -> Option<Logsource> {
    let Some(found) = node.entries().iter().find(|entry| entry.key == "logsource") else {
        let reason = "`logsource` is missing; name the product and service of the logs";
        faults.add(node.place, reason);
        return None;
    };
    let before = faults.len();
    let mut logsource = Logsource { place: found.place, ..Logsource::default() };
    for entry in found.value.entries() {
        match entry.key.as_str() {
            "category" => logsource.category = metadata::text(entry, faults),
            "product" => logsource.product = metadata::text(entry, faults),
            "service" => logsource.service = metadata::text(entry, faults),
            "definition" => logsource.definition = metadata::text(entry, faults),
            other => {
                let text = entry.value.text().unwrap_or_default();
                logsource.custom.insert(other.to_owned(), text.to_owned());
            }
        }
    }
    let Logsource { category, product, service, .. } = &logsource;
    if faults.len() == before && category.is_none() && product.is_none() && service.is_none() {
        faults.add(found.place, "`logsource` must name a `category`, `product` or `service`");
    }
    (faults.len() == before).then_some(logsource)
}

#[cfg(test)]
mod tests;
