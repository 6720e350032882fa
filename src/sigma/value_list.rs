//! Value lists: documents of ours that name the values which placeholders such as `%admins%` stand
//! for. Owns their reading; how several documents make one list is decided elsewhere.

use super::error::{Faults, quote};
use super::literal::Literal;
use super::metadata::{self, Metadata, Word};
use super::node::{Entry, Node, Place, Value};

/// The key that makes a document a value list.
pub const KEY: &str = "midwatch_list";
/// Keys of the section.
const KEYS: [&str; 3] = ["name", "mode", "values"];

/// One document about one list.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueList {
    pub metadata: Metadata,
    /// What stands between the percent signs.
    pub name: String,
    pub mode: ListMode,
    /// At least one. Each is a Sigma string, so `*` and `?` are wildcards.
    pub values: Vec<Literal>,
    pub file: String,
    /// Where the document begins.
    pub line: u32,
}

/// What the document does with the list of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListMode {
    /// Makes it; nobody else has.
    Define,
    /// Takes the place of what was there.
    Replace,
    /// Adds to what is there.
    Append,
    /// Takes values away from what is there.
    Remove,
}

impl Word for ListMode {
    const ALL: &'static [(&'static str, Self)] = &[
        ("define", Self::Define),
        ("append", Self::Append),
        ("replace", Self::Replace),
        ("remove", Self::Remove),
    ];
}

impl ListMode {
    /// The word of documents.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("define", |(word, _)| word)
    }
}

pub(crate) fn read(node: &Node, section: &Entry, faults: &mut Faults) -> Option<ValueList> {
    let before = faults.len();
    let metadata = metadata::read(node, &[KEY], faults);
    for entry in section.value.entries().iter().filter(|it| !KEYS.contains(&it.key.as_str())) {
        let reason = format!("`{KEY}` has no {}; it has name, mode and values", quote(&entry.key));
        faults.add(entry.place, reason);
    }
    let part = |key: &str| section.value.entries().iter().find(|entry| entry.key == key);
    let name = name(part("name"), section.place, faults);
    let mode = match part("mode") {
        None => Some(ListMode::Define),
        Some(entry) => metadata::word(entry, faults),
    };
    let values = values(part("values"), section.place, faults);
    (faults.len() == before).then_some(ValueList {
        metadata,
        name: name?,
        mode: mode?,
        values,
        file: faults.file().to_owned(),
        line: node.place.line,
    })
}

fn name(entry: Option<&Entry>, place: Place, faults: &mut Faults) -> Option<String> {
    let Some(entry) = entry else {
        faults.add(place, "`name` is missing; write what stands between the percent signs");
        return None;
    };
    let name = metadata::text(entry, faults)?;
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.chars().all(sound) {
        let reason = format!("{} is no name of a list", quote(&name));
        faults.add(entry.value.place, reason + "; use letters, digits, `_`, `-` and `.`");
        return None;
    }
    Some(name)
}

fn values(entry: Option<&Entry>, place: Place, faults: &mut Faults) -> Vec<Literal> {
    let items = match entry.map(|entry| &entry.value.value) {
        Some(Value::List(items)) if !items.is_empty() => items,
        _ => {
            let place = entry.map_or(place, |entry| entry.value.place);
            faults.add(place, "`values` must be a list of one or more values");
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for item in items {
        match Literal::of(item) {
            Some(value) if value.is_null() || value.text.is_empty() => {
                faults.add(item.place, "an empty value in a list; write one, or remove the line");
            }
            Some(value) => found.push(value),
            None => {
                let kind = item.description();
                faults.add(item.place, format!("a list holds texts, not {kind}; write one a line"));
            }
        }
    }
    found
}
