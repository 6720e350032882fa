//! Exceptions: documents of ours that mark findings as accepted, with somebody who answers for it
//! and a day on which it ends. Owns their reading; nothing here applies them.
//!
//! Polarity: the condition describes what is accepted, the opposite of a Sigma filter's.

use time::Date;
use time::macros::format_description;

use super::detection::{self, Detection};
use super::error::Faults;
use super::filter::{self, FilteredRules};
use super::metadata::{self, Metadata};
use super::node::{Entry, Node};

/// The key that makes a document an exception.
pub const KEY: &str = "midwatch_exception";
/// Keys of the section that are no selections.
const KEYS: [&str; 4] = ["rules", "owner", "reason", "expires"];

/// Findings of some rules that somebody has accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    pub metadata: Metadata,
    /// What findings are marked with.
    pub name: String,
    pub rules: FilteredRules,
    /// Who answers for it.
    pub owner: String,
    /// Why it is accepted.
    pub reason: String,
    /// The first day, in UTC, of which events are no longer accepted; `None` for `never`.
    pub expires: Option<Date>,
    pub detection: Detection,
    pub file: String,
    /// Where the document begins.
    pub line: u32,
}

pub(crate) fn read(node: &Node, section: &Entry, faults: &mut Faults) -> Option<Exception> {
    let before = faults.len();
    let metadata = metadata::read(node, &[KEY], faults);
    if metadata.name.is_none() {
        faults.add(node.place, "`name` is missing; findings are marked with the exception's name");
    }
    let rules = filter::rules(&section.value, faults);
    let mut said = |key: &str, missing: &str| {
        let entry = section.value.entries().iter().find(|entry| entry.key == key);
        if entry.is_none() {
            faults.add(section.place, format!("`{key}` is missing; {missing}"));
        }
        entry.and_then(|entry| metadata::text(entry, faults))
    };
    let owner = said("owner", "name who answers for the exception");
    let reason = said("reason", "say why this is no finding");
    let expires = said("expires", "give the first day on which it no longer holds, or `never`");
    let expires = expires.and_then(|text| expiry(&text, section, faults));
    let detection = detection::read(&section.value, &KEYS, faults);
    (faults.len() == before).then_some(Exception {
        name: metadata.name.clone()?,
        metadata,
        rules: rules?,
        owner: owner?,
        reason: reason?,
        expires: expires?,
        detection: detection?,
        file: faults.file().to_owned(),
        line: node.place.line,
    })
}

/// `None` for a text that is no date, `Some(None)` for `never`.
fn expiry(text: &str, section: &Entry, faults: &mut Faults) -> Option<Option<Date>> {
    if text == "never" {
        return Some(None);
    }
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
    if date.is_err() {
        let place = section.value.get("expires").map_or(section.place, |node| node.place);
        faults.add(place, "`expires` must be a date that exists, as 2026-01-31, or `never`");
    }
    date.ok().map(Some)
}
