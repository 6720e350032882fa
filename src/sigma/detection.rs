//! The detection part of a rule: selections, their items and the conditions over them. Owns the
//! reading of the tree; values are compiled elsewhere.

use std::collections::BTreeSet;

use super::condition::{self, Condition};
use super::encode::placeholders;
use super::error::{Faults, quote};
use super::literal::Literal;
use super::modifier::{self, Comparison, Plan};
use super::node::{Entry, Kind, Node, Place, Value};

/// What a rule looks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// In the order of the file.
    pub selections: Vec<Selection>,
    /// One or more; the rule matches when one of them holds.
    pub conditions: Vec<Condition>,
    /// Where the conditions stand, one for each.
    pub condition_places: Vec<Place>,
}

/// A named part of the detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    pub name: String,
    pub place: Place,
    pub body: Group,
}

/// A selection's content: maps are `All`, lists are `Any`, at any depth.
#[derive(Debug, Clone, PartialEq)]
pub enum Group {
    All(Vec<Group>),
    Any(Vec<Group>),
    Item(Item),
}

/// A field, or keywords, with what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `None` for keywords, which are looked for as parts of every text and number of the event.
    pub field: Option<String>,
    /// The key as written, modifiers included; empty for a bare list of keywords.
    pub key: String,
    pub plan: Plan,
    /// At least one.
    pub values: Vec<Literal>,
    pub place: Place,
}

impl Detection {
    /// Every item of every selection, in the order of the file.
    pub fn items(&self) -> Vec<&Item> {
        self.selections.iter().flat_map(Selection::items).collect()
    }

    /// The names of the value lists that it asks for.
    pub fn placeholders(&self) -> BTreeSet<String> {
        let expanding = self.items().into_iter().filter(|item| item.plan.expand);
        let values = expanding.flat_map(|item| &item.values);
        values.flat_map(|value| placeholders(&value.text)).collect()
    }
}

impl Item {
    /// Its values are names of other fields.
    pub fn is_reference(&self) -> bool {
        matches!(self.plan.comparison, Comparison::FieldRef(_))
    }
}

impl Selection {
    /// Every item of the selection, in the order of the file.
    pub fn items(&self) -> Vec<&Item> {
        let mut items = Vec::new();
        self.body.collect(&mut items);
        items
    }
}

impl Group {
    fn collect<'a>(&'a self, into: &mut Vec<&'a Item>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.collect(into));
            }
            Self::Item(item) => into.push(item),
        }
    }
}

/// Reads a detection (or a filter's selections): every key but `condition` and the `reserved`
/// ones is a selection.
pub(crate) fn read(node: &Node, reserved: &[&str], faults: &mut Faults) -> Option<Detection> {
    let Value::Map(entries) = &node.value else {
        let found = node.description();
        faults.add(node.place, format!("this must be a map of selections, not {found}"));
        return None;
    };
    let before = faults.len();
    let mut selections = Vec::new();
    let mut stated = None;
    for entry in entries {
        match entry.key.as_str() {
            "condition" => stated = Some(&entry.value),
            "timeframe" => faults.add(
                entry.place,
                "`timeframe` belongs to the old aggregations; write a correlation document with \
                 `timespan` instead",
            ),
            name if reserved.contains(&name) => {}
            _ => selections.extend(selection(entry, faults)),
        }
    }
    let Some(stated) = stated else {
        faults.add(node.place, "`condition` is missing; say which selections must hold");
        return None;
    };
    let names: Vec<&str> = entries
        .iter()
        .map(|entry| entry.key.as_str())
        .filter(|key| *key != "condition" && !reserved.contains(key))
        .collect();
    let (conditions, condition_places) = conditions(stated, &names, faults);
    (faults.len() == before && !conditions.is_empty()).then_some(Detection {
        selections,
        conditions,
        condition_places,
    })
}

fn conditions(node: &Node, names: &[&str], faults: &mut Faults) -> (Vec<Condition>, Vec<Place>) {
    let stated = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if stated.is_empty() {
        faults.add(node.place, "`condition` is an empty list; say which selections must hold");
    }
    let mut places = Vec::new();
    let mut found = Vec::new();
    for item in stated {
        let Some(text) = item.text() else {
            let kind = item.description();
            faults.add(item.place, format!("a condition must be text, not {kind}"));
            continue;
        };
        match condition::parse(text, names) {
            Ok(condition) => {
                found.push(condition);
                places.push(item.place);
            }
            Err(fault) => faults.add(item.place_at(fault.offset), fault.reason),
        }
    }
    (found, places)
}

fn selection(entry: &Entry, faults: &mut Faults) -> Option<Selection> {
    let name = entry.key.as_str();
    if let Some(reason) = condition::unusable_name(name) {
        faults.add(entry.place, reason);
    }
    let body = group(&entry.value, name, faults)?;
    Some(Selection { name: name.to_owned(), place: entry.place, body })
}

/// One level of a selection. The depth is bounded by the YAML reader.
fn group(node: &Node, name: &str, faults: &mut Faults) -> Option<Group> {
    match &node.value {
        Value::Scalar(scalar) if scalar.kind == Kind::Null => {
            let reason = format!("{} is empty; give it fields or keywords", quote(name));
            faults.add(node.place, reason);
            None
        }
        Value::Scalar(_) => keywords(std::slice::from_ref(node), node.place, faults),
        Value::Map(entries) if entries.is_empty() => {
            faults.add(node.place, format!("{} is an empty map; give it fields", quote(name)));
            None
        }
        Value::Map(entries) => {
            let items: Vec<Group> =
                entries.iter().filter_map(|entry| item(entry, faults).map(Group::Item)).collect();
            (items.len() == entries.len()).then_some(Group::All(items))
        }
        Value::List(items) if items.is_empty() => {
            let reason = format!("{} is an empty list, which nothing matches", quote(name));
            faults.add(node.place, reason + "; fill it or remove it");
            None
        }
        Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Scalar(_))) => {
            keywords(items, node.place, faults)
        }
        Value::List(items) => {
            let groups: Vec<Group> =
                items.iter().filter_map(|item| group(item, name, faults)).collect();
            (groups.len() == items.len()).then_some(Group::Any(groups))
        }
    }
}

fn keywords(nodes: &[Node], place: Place, faults: &mut Faults) -> Option<Group> {
    let plan = modifier::plan(&[], true).ok()?;
    let values: Vec<Literal> = nodes.iter().filter_map(Literal::of).collect();
    if let Some(null) = values.iter().find(|value| value.is_null()) {
        faults.add(null.place, "an empty keyword would match everything; remove it");
        return None;
    }
    Some(Group::Item(Item { field: None, key: String::new(), plan, values, place }))
}

fn item(entry: &Entry, faults: &mut Faults) -> Option<Item> {
    let mut parts = entry.key.split('|');
    let field = parts.next().unwrap_or_default();
    let names: Vec<&str> = parts.collect();
    if field.trim() != field {
        faults.add(entry.place, "blanks around a field's name are never part of it; remove them");
    }
    let keyword = field.is_empty();
    let planned = match modifier::plan(&names, keyword) {
        Ok(plan) => Some(plan),
        Err(reasons) => {
            for reason in reasons {
                faults.add(entry.place, reason);
            }
            None
        }
    };
    let values = values(entry, planned.as_ref(), keyword, faults);
    Some(Item {
        field: (!keyword).then(|| field.to_owned()),
        key: entry.key.clone(),
        plan: planned?,
        values: values?,
        place: entry.place,
    })
}

fn values(
    entry: &Entry,
    plan: Option<&Plan>,
    keyword: bool,
    faults: &mut Faults,
) -> Option<Vec<Literal>> {
    let node = &entry.value;
    let key = quote(&entry.key);
    let before = faults.len();
    let (nodes, listed) = match &node.value {
        Value::Scalar(_) => (std::slice::from_ref(node), false),
        Value::List(items) => (items.as_slice(), true),
        Value::Map(_) => {
            let reason = format!("the value of {key} is a map; write the path as one dotted field");
            faults.add(node.place, reason);
            return None;
        }
    };
    if nodes.is_empty() {
        let reason = format!("the list of {key} is empty, which nothing matches");
        faults.add(node.place, reason + "; fill it or remove the field");
    }
    for item in nodes {
        match Literal::of(item) {
            None => {
                let kind = item.description();
                faults.add(item.place, format!("a value of {key} must be a scalar, not {kind}"));
            }
            Some(value) if value.is_null() && listed => faults.add(
                item.place,
                format!("null cannot stand in the list of {key}; give it a selection of its own"),
            ),
            Some(value) if value.is_null() && (keyword || !takes_null(plan)) => {
                faults.add(item.place, format!("{key} needs a value; null goes with no modifier"));
            }
            Some(_) => {}
        }
    }
    if let Some(plan) = plan {
        check_count(plan, nodes.len(), listed, entry, faults);
    }
    (faults.len() == before).then(|| nodes.iter().filter_map(Literal::of).collect())
}

fn takes_null(plan: Option<&Plan>) -> bool {
    plan.is_none_or(|plan| {
        plan.comparison == Comparison::Value(super::pattern::Shape::Whole)
            && plan.transforms.is_empty()
            && !plan.expand
            && !plan.cased
    })
}

fn check_count(plan: &Plan, count: usize, listed: bool, entry: &Entry, faults: &mut Faults) {
    if plan.all && (!listed || count == 1) {
        faults.add(entry.place, "`all` needs a list of two or more values; remove `all`");
    }
    if plan.comparison == Comparison::Exists {
        let boolean = entry.value.boolean().is_some();
        if listed || !boolean {
            faults.add(entry.value.place, "`exists` takes true or false, and nothing else");
        }
    }
}
