//! What a window keeps of an event: enough to count it, to compare it and to tell of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use time::OffsetDateTime;

use super::differ::Values;
use super::memory::sight::Sighting;
use crate::audit::event::Event;
use crate::model::finding::{Actor, Evidence, Outcome, Target};
use crate::model::ids::RuleId;

/// Events that one entry or finding names, at most.
pub(super) const EVENTS_MAX: usize = 100;

/// What a finding tells of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    pub audit_id: String,
    pub stage: String,
    /// Event time, as findings of single events have it.
    pub time: OffsetDateTime,
    pub actor: Actor,
    pub target: Target,
    pub outcome: Outcome,
    pub dry_run: bool,
    pub truncated: bool,
    pub evidence: Evidence,
}

impl Witness {
    /// What is kept of an event.
    pub(super) fn of(event: &Event) -> Self {
        Self {
            audit_id: event.audit_id().to_owned(),
            stage: event.stage().to_owned(),
            time: event.time(),
            actor: event.actor(),
            target: event.target(),
            outcome: event.outcome(),
            dry_run: event.is_dry_run(),
            truncated: event.truncated(),
            evidence: event.evidence(),
        }
    }

    /// Which of two stages or copies of an event is kept, however they arrive: the earlier one.
    pub(super) fn rank(&self) -> (OffsetDateTime, &str, &str, u64) {
        (self.time, &self.stage, &self.evidence.origin, self.evidence.offset)
    }
}

/// A contribution within its window. One of a correlation stands for all the events behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// It is of a rule that must not follow, and no part of a window.
    pub absence: bool,
    /// The rules that fired, of those that the correlation names.
    pub steps: BTreeSet<RuleId>,
    /// By rule, the values in which its event must differ from those of the other rules; empty
    /// unless the correlation asks for that.
    pub differ: BTreeMap<RuleId, Values>,
    /// Values that are counted when distinct.
    pub texts: BTreeSet<String>,
    /// Values that are summed or ranked.
    pub numbers: Vec<f64>,
    /// Values that correlations of this one ask for, in the order of the plan.
    pub carried: Vec<Option<String>>,
    /// What it shows of an object, for a rule that remembers objects.
    pub(super) sight: Option<Sighting>,
    /// The events behind it in their order; the latest hundred.
    pub events: Vec<Arc<Witness>>,
    /// How many there were.
    pub total: u64,
}

impl Entry {
    /// An event that must not follow.
    pub(super) fn absence(rule: &RuleId, event: &Arc<Witness>) -> Self {
        Self {
            absence: true,
            steps: BTreeSet::from([rule.clone()]),
            differ: BTreeMap::new(),
            texts: BTreeSet::new(),
            numbers: Vec::new(),
            carried: Vec::new(),
            sight: None,
            events: vec![Arc::clone(event)],
            total: 1,
        }
    }

    /// Joins another stage or copy of the same event. Any order comes to the same.
    pub(super) fn merge(&mut self, other: Self) {
        self.steps.extend(other.steps.iter().cloned());
        self.texts.extend(other.texts.iter().cloned());
        for (step, values) in &other.differ {
            let known = self.differ.entry(step.clone()).or_default();
            known.resize(values.len().max(known.len()), BTreeSet::new());
            for (known, more) in known.iter_mut().zip(values) {
                known.extend(more.iter().cloned());
            }
        }
        let earlier = match (other.events.first(), self.events.first()) {
            (Some(new), Some(old)) => new.rank() < old.rank(),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if earlier {
            let (steps, texts) = (std::mem::take(&mut self.steps), std::mem::take(&mut self.texts));
            let differ = std::mem::take(&mut self.differ);
            *self = Self { steps, texts, differ, ..other };
        }
    }
}
