//! The attributes that rules, correlations and filters share. Owns their validation.

use std::collections::BTreeMap;
use std::collections::HashSet;

use time::Date;
use time::macros::format_description;

use super::error::{Faults, quote};
use super::node::{Entry, Node, Place, Value};
use crate::model::ids::RuleId;
use crate::model::level::Level;

/// Sigma says that a title has at most this many characters.
const TITLE_MAX: usize = 256;

/// What a document says of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    pub title: String,
    /// In lower case.
    pub id: Option<RuleId>,
    /// The name that other documents may use instead of the id.
    pub name: Option<String>,
    pub status: Option<Status>,
    pub description: Option<String>,
    pub author: Option<String>,
    pub date: Option<Date>,
    pub modified: Option<Date>,
    pub license: Option<String>,
    pub references: Vec<String>,
    pub tags: Vec<Tag>,
    pub falsepositives: Vec<String>,
    pub level: Option<Level>,
    /// Fields worth showing to an analyst.
    pub fields: Vec<String>,
    pub related: Vec<Related>,
    pub scope: Vec<String>,
    pub taxonomy: Option<String>,
    /// Attributes that Sigma does not define, kept as they are.
    pub custom: BTreeMap<String, Node>,
}

/// How far a document is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Stable,
    Test,
    Experimental,
    Deprecated,
    Unsupported,
}

/// `namespace.name`, such as `attack.t1609`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub namespace: String,
    pub name: String,
    pub place: Place,
}

/// Another document that this one has to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    pub id: RuleId,
    pub kind: Relation,
}

/// What it has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    Derived,
    Obsolete,
    Merged,
    Renamed,
    Similar,
}

/// A closed set of words in the attributes.
pub(crate) trait Word: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
}

impl Word for Status {
    const ALL: &'static [(&'static str, Self)] = &[
        ("stable", Self::Stable),
        ("test", Self::Test),
        ("experimental", Self::Experimental),
        ("deprecated", Self::Deprecated),
        ("unsupported", Self::Unsupported),
    ];
}

impl Status {
    /// The word of the documents.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, status)| *status == self).map_or("", |(word, _)| word)
    }
}

impl Word for Relation {
    const ALL: &'static [(&'static str, Self)] = &[
        ("derived", Self::Derived),
        ("obsolete", Self::Obsolete),
        ("merged", Self::Merged),
        ("renamed", Self::Renamed),
        ("similar", Self::Similar),
    ];
}

impl Word for Level {
    const ALL: &'static [(&'static str, Self)] = &[
        ("informational", Self::Informational),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("critical", Self::Critical),
    ];
}

/// Reads the shared attributes of a document; `sections` are the keys read elsewhere, all other
/// unknown keys are kept as custom attributes.
pub(crate) fn read(document: &Node, sections: &[&str], faults: &mut Faults) -> Metadata {
    let mut metadata = Metadata::default();
    for entry in document.entries() {
        if !sections.contains(&entry.key.as_str()) {
            attribute(entry, &mut metadata, faults);
        }
    }
    if document.get("title").is_none() {
        faults.add(document.place, "`title` is missing; say in one line what happened");
    }
    metadata
}

fn attribute(entry: &Entry, into: &mut Metadata, faults: &mut Faults) {
    match entry.key.as_str() {
        "title" => {
            into.title = text(entry, faults).unwrap_or_default();
            if into.title.chars().count() > TITLE_MAX {
                let reason = format!("`title` has more than {TITLE_MAX} characters; shorten it");
                faults.add(entry.value.place, reason);
            }
        }
        "id" => into.id = uuid(entry, faults),
        "name" => into.name = text(entry, faults),
        "status" => into.status = word(entry, faults),
        "description" => into.description = text(entry, faults),
        "author" => into.author = text(entry, faults),
        "date" => into.date = date(entry, faults),
        "modified" => into.modified = date(entry, faults),
        "license" => into.license = text(entry, faults),
        "taxonomy" => into.taxonomy = text(entry, faults),
        "level" => into.level = word(entry, faults),
        "references" => into.references = texts(entry, faults),
        "falsepositives" => into.falsepositives = texts(entry, faults),
        "fields" => into.fields = texts(entry, faults),
        "scope" => into.scope = texts(entry, faults),
        "tags" => into.tags = tags(entry, faults),
        "related" => into.related = related(entry, faults),
        other => {
            into.custom.insert(other.to_owned(), entry.value.clone());
        }
    }
}

/// The text of an attribute that must have some.
pub(crate) fn text(entry: &Entry, faults: &mut Faults) -> Option<String> {
    match entry.value.text() {
        Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
        _ => {
            let (key, kind) = (quote(&entry.key), entry.value.description());
            let reason = format!("{key} must be text, not {kind}; write some or remove the key");
            faults.add(entry.value.place, reason);
            None
        }
    }
}

/// The texts of an attribute that must be a list.
pub(crate) fn texts(entry: &Entry, faults: &mut Faults) -> Vec<String> {
    located_texts(entry, faults).into_iter().map(|(text, _)| text).collect()
}

fn located_texts(entry: &Entry, faults: &mut Faults) -> Vec<(String, Place)> {
    let key = quote(&entry.key);
    let Value::List(items) = &entry.value.value else {
        let kind = entry.value.description();
        faults.add(entry.value.place, format!("{key} must be a list of texts, not {kind}"));
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        match item.text() {
            Some(text) => found.push((text.to_owned(), item.place)),
            None => {
                let kind = item.description();
                faults.add(item.place, format!("{key} holds texts, not {kind}; quote the value"));
            }
        }
    }
    found
}

/// A word out of a closed set.
pub(crate) fn word<W: Word>(entry: &Entry, faults: &mut Faults) -> Option<W> {
    let text = entry.value.text().unwrap_or_default();
    let known = W::ALL.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if known.is_none() {
        let words: Vec<&str> = W::ALL.iter().map(|(word, _)| *word).collect();
        let (key, words) = (quote(&entry.key), words.join(", "));
        let reason = format!("{key} cannot be {}; use one of {words}", quote(text));
        faults.add(entry.value.place, reason);
    }
    known
}

fn uuid(entry: &Entry, faults: &mut Faults) -> Option<RuleId> {
    let id = entry.value.text().and_then(as_uuid);
    if id.is_none() {
        let key = quote(&entry.key);
        let reason = format!("{key} must be a UUID, as in 5013198c-5a17-4b1e-9d1e-0123456789ab");
        faults.add(entry.value.place, reason);
    }
    id
}

/// A UUID in any case, as an id in lower case.
pub(crate) fn as_uuid(text: &str) -> Option<RuleId> {
    let lengths = text.split('-').map(str::len);
    let hex = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    (hex && lengths.eq([8, 4, 4, 4, 12])).then(|| RuleId::new(text.to_ascii_lowercase()))
}

fn date(entry: &Entry, faults: &mut Faults) -> Option<Date> {
    let text = entry.value.text().unwrap_or_default();
    let dashes = format_description!("[year]-[month]-[day]");
    let slashes = format_description!("[year]/[month]/[day]");
    let date = Date::parse(text, &dashes).or_else(|_| Date::parse(text, &slashes)).ok();
    if date.is_none() {
        let key = quote(&entry.key);
        faults.add(entry.value.place, format!("{key} must be a date that exists, as 2026-01-31"));
    }
    date
}

fn tags(entry: &Entry, faults: &mut Faults) -> Vec<Tag> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    for (text, place) in located_texts(entry, faults) {
        let parts = text.split_once('.').filter(|(namespace, name)| {
            !namespace.is_empty() && !name.is_empty() && text.chars().all(allowed)
        });
        match parts {
            None => faults.add(
                place,
                format!("{} is no tag; write `namespace.name` in lower case", quote(&text)),
            ),
            Some(_) if !seen.insert(text.clone()) => {
                faults
                    .add(place, format!("the tag {} stands here twice; remove one", quote(&text)));
            }
            Some((namespace, name)) => {
                tags.push(Tag { namespace: namespace.into(), name: name.into(), place });
            }
        }
    }
    tags
}

fn related(entry: &Entry, faults: &mut Faults) -> Vec<Related> {
    let Value::List(items) = &entry.value.value else {
        faults.add(entry.value.place, "`related` must be a list of maps with `id` and `type`");
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        let part = |key: &str| item.entries().iter().find(|entry| entry.key == key);
        let (Some(id), Some(kind)) = (part("id"), part("type")) else {
            faults.add(item.place, "an entry of `related` needs `id` and `type`");
            continue;
        };
        if let (Some(id), Some(kind)) = (uuid(id, faults), word(kind, faults)) {
            found.push(Related { id, kind });
        }
    }
    found
}
