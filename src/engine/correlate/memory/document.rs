//! How a correlation asks for a memory: `first_seen`, `object_state` and `remember_only` below `midwatch`. Owns
//! their reading and validation, and their refusal in documents that are no correlations.

use std::collections::{BTreeMap, BTreeSet};

use super::normalise::Normaliser;
use super::objects::Change;
use super::{FirstSeen, Kind, Memory, Watched};
use crate::audit::taxonomy::{Known, knows};
use crate::engine::correlate::{Moment, microseconds};
use crate::sigma::correlation::{
    Bound, Correlation, CorrelationCondition, CorrelationKind, Relation, RuleName, seconds,
};
use crate::sigma::error::{SigmaError, quote};
use crate::sigma::node::{Entry, Node, Place};
use crate::sigma::pattern::{Pattern, Shape, tokens};

/// The attributes of this module; `metadata` knows them too.
pub(in crate::engine) const ATTRIBUTES: [&str; 3] = ["first_seen", "object_state", "remember_only"];

/// Fields of one tuple, at most.
const FIELDS_MAX: usize = 8;
/// Changes of one rule, at most.
const CHANGES_MAX: usize = 8;
/// What an object's state can be read from. All of it lies in the response.
const OBJECT: [&str; 6] = [
    "midwatch.object.",
    "midwatch.pod.",
    "midwatch.pod_metadata.",
    "midwatch.containers.",
    "midwatch.images.",
    "responseObject.",
];
/// The longest time that is remembered, in seconds: 400 days.
const SECONDS_MAX: u64 = 400 * 86_400;

/// Faults of a document that is no correlation and asks for a memory all the same.
pub(in crate::engine) fn refuse(attributes: Option<&Node>, file: &str) -> Vec<SigmaError> {
    let entries = attributes.map(Node::entries).unwrap_or_default();
    let ours = entries.iter().filter(|entry| ATTRIBUTES.contains(&entry.key.as_str()));
    let fault = |entry: &Entry| SigmaError {
        file: file.to_owned(),
        line: entry.place.line,
        column: entry.place.column,
        reason: format!(
            "`midwatch.{}` is for correlations; move it to a `correlation` of type event_count \
             that names this rule",
            entry.key
        ),
    };
    ours.map(fault).collect()
}

/// What a correlation remembers, when it asks for that.
pub(in crate::engine) fn read(
    attributes: Option<&Node>,
    document: &Correlation,
) -> Result<Option<Memory>, Vec<SigmaError>> {
    let mut reader = Reader { document, faults: Vec::new() };
    let entries = attributes.map(Node::entries).unwrap_or_default();
    let entry = |key: &str| entries.iter().find(|entry| entry.key == key);
    let first = entry("first_seen").map(|entry| {
        reader.counts_one(entry);
        reader.first_seen(entry).map(Kind::FirstSeen)
    });
    let objects = entry("object_state").map(|entry| {
        reader.counts_one(entry);
        if first.is_some() {
            let reason = "a correlation has one memory; write another for `object_state`";
            reader.fault(entry.place, reason);
        }
        Some(Kind::ObjectState(reader.object_state(entry)))
    });
    let kind = first.or(objects);
    let silent = entry("remember_only").map(|entry| {
        if kind.is_none() {
            let reason = "`midwatch.remember_only` belongs to `first_seen` or `object_state`; \
                          add one";
            reader.fault(entry.place, reason);
        }
        reader.remember_only(entry)
    });
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    Ok(kind.flatten().map(|kind| Memory {
        kind,
        remember_only: silent.unwrap_or_default(),
        silent: BTreeSet::new(),
    }))
}

struct Reader<'a> {
    document: &'a Correlation,
    faults: Vec<SigmaError>,
}

impl Reader<'_> {
    fn fault(&mut self, place: Place, reason: impl Into<String>) {
        self.faults.push(SigmaError {
            file: self.document.file.clone(),
            line: place.line,
            column: place.column,
            reason: reason.into(),
        });
    }

    /// Only a correlation that fires at every event can be narrowed to those that are new.
    fn counts_one(&mut self, entry: &Entry) {
        let one = Bound { relation: Relation::GreaterOrEqual, value: 1.0 };
        let plain = matches!(&self.document.condition, CorrelationCondition::Bounds { bounds, .. }
            if bounds.as_slice() == [one]);
        if self.document.kind != CorrelationKind::EventCount || !plain {
            let reason = format!(
                "`midwatch.{}` narrows a correlation of `type: event_count` with `condition: {{gte: \
                 1}}`; write those",
                entry.key
            );
            self.fault(entry.place, reason);
        }
    }

    fn known(&mut self, entry: &Entry, known: &[&str]) {
        for part in entry.value.entries().iter().filter(|p| !known.contains(&p.key.as_str())) {
            let reason = format!(
                "`midwatch.{}` has no {}; it has {}",
                entry.key,
                quote(&part.key),
                known.join(", ")
            );
            self.fault(part.place, reason);
        }
    }

    fn first_seen(&mut self, entry: &Entry) -> Option<FirstSeen> {
        self.known(entry, &["fields", "learning", "expiry", "new_groups", "normalise"]);
        let fields = self.fields(entry);
        let learning = self.duration(entry, "learning");
        let expiry = self.duration(entry, "expiry");
        let new_groups_learn = self.new_groups(entry);
        let normalise = self.normalise(entry, &fields);
        let (learning, expiry) = (learning?, expiry?);
        if expiry < learning {
            let reason = "`expiry` is shorter than `learning`, so what was learned would be \
                          forgotten before it is of use; make it as long at least";
            self.fault(entry.place, reason);
        }
        Some(FirstSeen { fields, learning, expiry, new_groups_learn, normalise })
    }

    fn fields(&mut self, entry: &Entry) -> Vec<String> {
        let list = entry.value.get("fields");
        let items = list.map(Node::items).unwrap_or_default();
        let fields: Vec<String> = items.iter().filter_map(Node::text).map(str::to_owned).collect();
        let mut distinct = fields.clone();
        distinct.sort();
        distinct.dedup();
        if !(1..=FIELDS_MAX).contains(&items.len()) || distinct.len() != items.len() {
            let reason = format!(
                "`midwatch.first_seen.fields` must be a list of 1 to {FIELDS_MAX} different fields"
            );
            self.fault(list.map_or(entry.place, |list| list.place), reason);
        }
        fields
    }

    fn duration(&mut self, entry: &Entry, part: &str) -> Option<Moment> {
        let value = entry.value.get(part);
        let seconds = value
            .and_then(Node::text)
            .and_then(seconds)
            .filter(|seconds| *seconds <= SECONDS_MAX && (*seconds > 0 || part == "learning"));
        if seconds.is_none() {
            let reason = format!(
                "`midwatch.{}.{part}` must be a time up to 400d, such as 14d or 12h",
                entry.key
            );
            self.fault(value.map_or(entry.place, |value| value.place), reason);
        }
        seconds.map(microseconds)
    }

    fn new_groups(&mut self, entry: &Entry) -> bool {
        let Some(value) = entry.value.get("new_groups") else { return false };
        match value.text() {
            Some("learn") => true,
            Some("tell") => false,
            _ => {
                self.fault(value.place, "`midwatch.first_seen.new_groups` must be tell or learn");
                false
            }
        }
    }

    fn normalise(&mut self, entry: &Entry, fields: &[String]) -> BTreeMap<String, Normaliser> {
        let mut found = BTreeMap::new();
        let Some(map) = entry.value.get("normalise") else { return found };
        if map.entries().is_empty() {
            self.fault(
                map.place,
                "`normalise` maps a field of `fields` to the name of a normaliser",
            );
        }
        for part in map.entries() {
            if !fields.contains(&part.key) {
                let reason = format!("{} is none of `fields`; add it there", quote(&part.key));
                self.fault(part.place, reason);
            }
            let word = part.value.text();
            let known = Normaliser::ALL.into_iter().find(|(known, _)| word == Some(known));
            match known {
                Some((_, normaliser)) => drop(found.insert(part.key.clone(), normaliser)),
                None => {
                    let all = Normaliser::ALL.map(|(word, _)| word).join(", ");
                    let word = quote(word.unwrap_or_default());
                    self.fault(
                        part.value.place,
                        format!("there is no normaliser {word}; use {all}"),
                    );
                }
            }
        }
        found
    }

    fn object_state(&mut self, entry: &Entry) -> Vec<Watched> {
        let items = entry.value.items();
        if !(1..=CHANGES_MAX).contains(&items.len()) {
            let reason = format!(
                "`midwatch.object_state` must be a list of 1 to {CHANGES_MAX} changes, such as \
                 `{{field: midwatch.object.spec.failurePolicy, change: lost, values: [Fail]}}`"
            );
            self.fault(entry.place, reason);
        }
        items.iter().filter_map(|item| self.watched(item)).collect()
    }

    fn watched(&mut self, item: &Node) -> Option<Watched> {
        const KNOWN: [&str; 3] = ["field", "change", "values"];
        for part in item.entries().iter().filter(|part| !KNOWN.contains(&part.key.as_str())) {
            let reason =
                format!("a change has no {}; it has {}", quote(&part.key), KNOWN.join(", "));
            self.fault(part.place, reason);
        }
        let field = item.get("field").and_then(Node::text);
        let below = |field: &&str| OBJECT.iter().any(|root| field.starts_with(root));
        let readable = field.filter(below).filter(|field| !field.contains(char::is_whitespace));
        if readable.is_none() || readable.is_some_and(|f| matches!(knows(f), Known::Unknown)) {
            let reason = format!(
                "`field` must be a part of the object, below {}",
                OBJECT.map(|root| root.trim_end_matches('.')).join(", ")
            );
            self.fault(item.get("field").map_or(item.place, |field| field.place), reason);
        }
        let word = item.get("change").and_then(Node::text);
        let change = Change::ALL.into_iter().find(|(known, _)| word == Some(known));
        if change.is_none() {
            let place = item.get("change").map_or(item.place, |change| change.place);
            self.fault(place, "`change` must be lost, gained or changed");
        }
        let values = item.get("values");
        let texts: Vec<&str> =
            values.map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
        if let Some(values) = values
            && (texts.is_empty() || texts.len() != values.items().len())
        {
            let reason = "`values` must be a list of texts, which may have wildcards; leave it out \
                          for any value";
            self.fault(values.place, reason);
        }
        let pattern = |text: &&str| Pattern::new(&tokens(text), Shape::Whole, false);
        Some(Watched {
            field: readable?.to_owned(),
            change: change?.1,
            values: texts.iter().map(pattern).collect(),
        })
    }

    fn remember_only(&mut self, entry: &Entry) -> Vec<RuleName> {
        let items = entry.value.items();
        let named: Vec<RuleName> = items
            .iter()
            .filter_map(|node| Some(RuleName { text: node.text()?.to_owned(), place: node.place }))
            .collect();
        if named.is_empty() || named.len() != items.len() {
            self.fault(entry.place, "`midwatch.remember_only` must be a list of rules");
        }
        let rules = &self.document.rules;
        let stray: Vec<&RuleName> =
            named.iter().filter(|name| !rules.iter().any(|rule| rule.text == name.text)).collect();
        for name in &stray {
            let reason = format!("{} is not listed under `rules`; add it", quote(&name.text));
            self.fault(name.place, reason);
        }
        if stray.is_empty() && named.len() >= rules.len() {
            let reason = "every rule is only remembered, so this would never fire; leave one out";
            self.fault(entry.place, reason);
        }
        named
    }
}
