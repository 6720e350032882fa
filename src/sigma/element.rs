//! Same-element matching, an extension of ours: blocks under `midwatch.where`, each about the
//! elements of one array. Owns the reading of the blocks and how they are asked; a block can only
//! take matches away, so what does not know it sees a sound rule that matches more.

mod matching;

pub(crate) use matching::Block;

use super::condition::{self, Condition};
use super::detection::{self, Detection, Item};
use super::error::{Faults, bounded, quote};
use super::node::{Entry, Node, Place, Value};

/// Within a block: what starts the name of a field that is looked up in the event.
const OURS: &str = "midwatch.";
/// As [`OURS`], for fields of the event that have no name of ours.
const EVENT: &str = "midwatch.event.";
/// The attribute below `midwatch`.
const KEY: &str = "where";
/// Keys of a block that are no selections.
const KEYS: [&str; 3] = ["some", "none", "when"];
/// Characters of a condition that are kept for people.
const TEXT_MAX: usize = 200;

/// A demand on the elements of one array.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementBlock {
    pub occurrence: Occurrence,
    /// The path of the array in the event.
    pub path: String,
    pub path_place: Place,
    /// Over the rule's own selections: the block is about events that satisfy this; about all when
    /// not given.
    pub when: Option<Condition>,
    /// What one element must satisfy; fields are looked up in the element.
    pub detection: Detection,
    /// The conditions of the detection as written, for people.
    pub text: String,
    pub place: Place,
}

/// How many elements must satisfy a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// At least one. Without an array the block does not hold.
    Some,
    /// Not one. Without an array the block holds.
    None,
}

impl Occurrence {
    /// The word that rules use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Some => "some",
            Self::None => "none",
        }
    }
}

impl ElementBlock {
    /// Whether an event that has no such array can never match.
    pub fn requires_elements(&self) -> bool {
        self.occurrence == Occurrence::Some && self.when.is_none()
    }

    /// The path from the event to a field that the block names.
    pub(crate) fn absolute(&self, field: &str) -> String {
        match of_event(field) {
            Some(field) => field.to_owned(),
            None => format!("{}.{field}", self.path),
        }
    }
}

/// The field of the event that a name within a block stands for; `None` for one of the element.
fn of_event(field: &str) -> Option<&str> {
    field.strip_prefix(EVENT).or_else(|| field.starts_with(OURS).then_some(field))
}

/// The way from the event to a field that a block names, through the element of this number.
pub(crate) fn located(path: &str, element: usize, field: &str) -> String {
    match of_event(field) {
        Some(field) => field.to_owned(),
        None => format!("{path}[{element}].{field}"),
    }
}

/// Reads the blocks of a rule whose selections have these names.
pub(crate) fn read(document: &Node, names: &[&str], faults: &mut Faults) -> Vec<ElementBlock> {
    let Some(entry) = attribute(document) else { return Vec::new() };
    match &entry.value.value {
        Value::List(blocks) if !blocks.is_empty() => {
            blocks.iter().filter_map(|node| block(node, names, faults)).collect()
        }
        _ => {
            let reason = "`midwatch.where` must be a list of blocks, each with `some` or `none`, \
                          selections and a `condition`";
            faults.add(entry.value.place, reason);
            Vec::new()
        }
    }
}

/// Refuses the attribute in a document that is no rule.
pub(crate) fn refuse(document: &Node, kind: &str, faults: &mut Faults) {
    if let Some(entry) = attribute(document) {
        let kind = quote(kind);
        let reason =
            format!("`midwatch.where` belongs to a rule with a `detection`, not to {kind}");
        faults.add(entry.place, reason + "; move it into the rules that this document is about");
    }
}

fn attribute(document: &Node) -> Option<&Entry> {
    document.get("midwatch")?.entries().iter().find(|entry| entry.key == KEY)
}

fn block(node: &Node, names: &[&str], faults: &mut Faults) -> Option<ElementBlock> {
    if !matches!(node.value, Value::Map(_)) {
        let kind = node.description();
        faults.add(node.place, format!("a block of `where` is a map, not {kind}"));
        return None;
    }
    let before = faults.len();
    let entry = |key: &str| node.entries().iter().find(|entry| entry.key == key);
    let chosen = match (entry("some"), entry("none")) {
        (Some(entry), None) => Some((Occurrence::Some, entry)),
        (None, Some(entry)) => Some((Occurrence::None, entry)),
        (Some(_), Some(second)) => {
            let reason = "a block has `some` or `none`, not both; write a second block";
            faults.add(second.place, reason);
            None
        }
        (None, None) => {
            let reason = "the block names no array; add `some: PATH` (one element at least \
                          satisfies it) or `none: PATH`";
            faults.add(node.place, reason);
            None
        }
    };
    let path = chosen.and_then(|(_, entry)| path(entry, faults));
    let when = entry("when").and_then(|entry| when(&entry.value, names, faults));
    let detection = detection::read(node, &KEYS, faults);
    if let (Some(path), Some(detection)) = (&path, &detection) {
        check(path, detection, faults);
    }
    let ((occurrence, entry), detection) = (chosen?, detection?);
    (faults.len() == before).then_some(ElementBlock {
        occurrence,
        path: path?,
        path_place: entry.value.place,
        when,
        detection,
        text: text(node),
        place: node.place,
    })
}

fn path(entry: &Entry, faults: &mut Faults) -> Option<String> {
    let odd =
        |text: &str| text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == '|');
    match entry.value.text() {
        Some(text) if !odd(text) && !text.starts_with(EVENT) => Some(text.to_owned()),
        _ => {
            let key = quote(&entry.key);
            let reason = format!("{key} takes the path of an array, such as midwatch.object.rules");
            faults.add(entry.value.place, reason);
            None
        }
    }
}

fn when(node: &Node, names: &[&str], faults: &mut Faults) -> Option<Condition> {
    let Some(text) = node.text() else {
        let kind = node.description();
        let reason = format!("`when` is a condition over the rule's own selections, not {kind}");
        faults.add(node.place, reason);
        return None;
    };
    match condition::parse(text, names) {
        Ok(condition) => Some(condition),
        Err(fault) => {
            let reason = format!("`when` is about the rule's own selections: {}", fault.reason);
            faults.add(node.place_at(fault.offset), reason);
            None
        }
    }
}

/// The conditions of a block as they are written.
fn text(node: &Node) -> String {
    let Some(stated) = node.get("condition") else { return String::new() };
    let texts: Vec<&str> = match &stated.value {
        Value::List(items) => items.iter().filter_map(Node::text).collect(),
        _ => stated.text().into_iter().collect(),
    };
    bounded(&texts.join(" or "), TEXT_MAX)
}

/// What a block may not hold: keys that do nothing, and fields that are not those of an element.
fn check(path: &str, detection: &Detection, faults: &mut Faults) {
    let mut used = vec![false; detection.selections.len()];
    detection.conditions.iter().for_each(|condition| condition.mark(&mut used));
    for (selection, used) in detection.selections.iter().zip(used) {
        if !used {
            let name = quote(&selection.name);
            let reason = format!("{name} is neither a part of a block nor used by its condition");
            faults.add(selection.place, reason + "; name it there, or remove it");
        }
    }
    for item in detection.items() {
        item.field.iter().for_each(|field| check_field(field, path, item, faults));
        if item.is_reference() {
            item.values.iter().for_each(|value| check_field(&value.text, path, item, faults));
        }
    }
}

fn check_field(field: &str, path: &str, item: &Item, faults: &mut Faults) {
    let below = field.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
    if let Some(rest) = below {
        let (field, rest) = (quote(field), quote(rest));
        let reason = format!("{field} is looked up in the element already; write {rest}");
        faults.add(item.place, reason);
    }
}

#[cfg(test)]
mod tests;
