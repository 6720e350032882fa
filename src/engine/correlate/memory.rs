//! What a correlation remembers beyond a window. Both extensions narrow a plain correlation: of
//! its events, only those count that bring something new. Owns the memories of one cluster as a
//! value; how a document asks for one is `document`'s business.
//!
//! Memories are judged as windows are: in the order of moments, once the watermark has passed. All
//! events of one moment are held against what was remembered before it, and then remembered.

pub(in crate::engine) mod document;
pub(in crate::engine) mod normalise;
mod objects;
mod seen;
pub(super) mod sight;
pub(super) mod twin;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::normalise::Normaliser;
use self::sight::Sighting;
use super::entry::Entry;
use super::finding::span;
use super::judge::{Placed, Verdict};
use super::windows::{Counts, Limits};
use super::{Group, Moment, SECOND};
use crate::audit::event::Event;
use crate::model::ids::RuleId;
use crate::sigma::correlation::RuleName;

pub(super) use self::objects::{Objects, Watched};
pub(super) use self::seen::Seen;

/// What a correlation remembers.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Memory {
    pub(super) kind: Kind,
    /// Rules whose events are remembered and never told, as the document names them.
    pub(super) remember_only: Vec<RuleName>,
    /// The same, found.
    pub(super) silent: BTreeSet<RuleId>,
}

/// What is held against what.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    FirstSeen(FirstSeen),
    /// Joined by `or`.
    ObjectState(Vec<Watched>),
}

/// Values that were never seen in their group, or not for long.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FirstSeen {
    pub fields: Vec<String>,
    /// For so long after it began to look at a cluster, the rule only learns.
    pub learning: Moment,
    /// What was not seen for longer is new again.
    pub expiry: Moment,
    /// A group that is new learns for itself as long again.
    pub new_groups_learn: bool,
    pub normalise: BTreeMap<String, Normaliser>,
}

/// What one rule remembers in one cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleMemory {
    /// Everything before it has never been shown to the rule; `Moment::MIN` when it was there
    /// from the beginning.
    pub since: Moment,
    pub seen: Seen,
    pub objects: Objects,
}

/// Groups that fire, why, and with which events.
pub(super) type Firings = Vec<(Group, Verdict, VecDeque<Placed>)>;

/// What one moment brought, on its way into a memory.
pub(super) struct Recall<'a> {
    pub memory: &'a Memory,
    /// The oldest moment of the cluster that is known.
    pub oldest: Moment,
    pub moment: Moment,
    pub limits: &'a Limits,
    pub counts: &'a mut Counts,
}

impl Memory {
    /// The fields whose values are remembered, where those are fields that chains can pass on.
    pub(super) fn fields(&self) -> &[String] {
        match &self.kind {
            Kind::FirstSeen(first) => &first.fields,
            Kind::ObjectState(_) => &[],
        }
    }

    /// What an event shows of an object, where that is what is remembered.
    pub(super) fn sighting(&self, event: &Event) -> Option<Sighting> {
        match &self.kind {
            Kind::FirstSeen(_) => None,
            Kind::ObjectState(watched) => {
                Sighting::of(event, watched.iter().map(|watched| watched.field.as_str()))
            }
        }
    }

    /// Whether only events that show an object count.
    pub(super) fn needs_object(&self) -> bool {
        matches!(self.kind, Kind::ObjectState(_))
    }

    /// What came about, of a text in an entry that fired: the field, and what is told of it.
    pub(super) fn reason<'a>(&'a self, text: &'a str) -> (String, &'a str) {
        match &self.kind {
            Kind::FirstSeen(first) => (first.fields.join(", "), text),
            Kind::ObjectState(_) => {
                let (field, told) = text.split_once(' ').unwrap_or(("", text));
                (field.to_owned(), told)
            }
        }
    }

    pub(super) fn normaliser(&self, field: &str) -> Option<Normaliser> {
        match &self.kind {
            Kind::FirstSeen(first) => first.normalise.get(field).copied(),
            Kind::ObjectState(_) => None,
        }
    }

    /// What made it fire, for people.
    pub(super) fn clause(&self) -> String {
        match &self.kind {
            Kind::FirstSeen(first) => {
                let seconds = u64::try_from(first.expiry / SECOND).unwrap_or_default();
                format!("first_seen, not within {}", span(seconds))
            }
            Kind::ObjectState(_) => "object_state".to_owned(),
        }
    }

    /// Whether an event that set off these rules may be told.
    fn tells(&self, steps: &BTreeSet<RuleId>) -> bool {
        !steps.is_subset(&self.silent)
    }

    /// How long it learns under these limits; `None` when it tells from the beginning.
    pub(super) fn learning(&self, limits: &Limits) -> Option<Moment> {
        match &self.kind {
            Kind::FirstSeen(first) => Some(first.learning(limits)),
            Kind::ObjectState(_) => None,
        }
    }
}

impl FirstSeen {
    /// How long it learns under these limits.
    pub(super) fn learning(&self, limits: &Limits) -> Moment {
        limits.learning.map_or(self.learning, |limit| limit.min(self.learning))
    }
}

impl RuleMemory {
    /// Of a rule that looks at what comes after that moment.
    pub(super) fn since(since: Moment) -> Self {
        Self { since, seen: Seen::default(), objects: Objects::default() }
    }

    /// When the rule began to look at the cluster, whose oldest moment this is.
    pub(super) fn began(&self, oldest: Moment) -> Moment {
        self.since.max(oldest)
    }

    /// Holds what one moment brought against the memory, and remembers it.
    pub(super) fn enter(
        &mut self,
        recall: &mut Recall<'_>,
        entries: BTreeMap<(Group, String), Entry>,
    ) -> Firings {
        let began = self.began(recall.oldest);
        let by_group = Placed::by_group(recall.moment, entries);
        match &recall.memory.kind {
            Kind::FirstSeen(first) => self.seen.enter(first, began, recall, by_group),
            Kind::ObjectState(watched) => self.objects.enter(watched, recall, by_group),
        }
    }

    /// Whether an event of that moment would change nothing.
    pub(super) fn knows(&self, group: &Group, entry: &Entry, moment: Moment) -> bool {
        match &entry.sight {
            Some(sighting) => self.objects.knows(sighting, moment),
            None => self.seen.knows(group, entry, moment),
        }
    }

    /// Joins what somebody else remembered. Any order comes to the same.
    pub(super) fn merge(&mut self, other: Self) {
        self.since = self.since.min(other.since);
        self.seen.merge(other.seen);
        self.objects.merge(other.objects);
    }
}

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
