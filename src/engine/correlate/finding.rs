//! The finding of a correlation: which events it names and what it says of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use time::OffsetDateTime;

use super::entry::{EVENTS_MAX, Witness};
use super::judge::{Placed, Verdict};
use super::memory::Memory;
use super::plan::LoadedCorrelation;
use super::windows::group_text;
use super::{Group, Moment};
use crate::engine::evaluate::unmarked;
use crate::engine::metadata::Denied;
use crate::model::fields::{Fields, Found, Scalar};
use crate::model::finding::{Actor, ActorKind, Target};
use crate::model::finding::{EventRef, Evidence, Finding, Outcome, Reason};
use crate::model::ids::{AlertId, ClusterId, FindingId, RuleId, SessionKey};
use crate::model::level::Level;

/// Characters of one value in the reasons, and values told.
const VALUE_MAX: usize = 200;
const VALUES_MAX: usize = 10;

/// A correlation that fired.
pub(super) struct Fired<'a> {
    pub cluster: &'a ClusterId,
    pub correlation: &'a LoadedCorrelation,
    pub group: &'a Group,
    pub moment: Moment,
    pub verdict: &'a Verdict,
    pub window: &'a VecDeque<Placed>,
}

impl Fired<'_> {
    /// The entries that made the condition hold.
    pub(super) fn contributing(&self) -> Vec<&Placed> {
        if let Some(chosen) = &self.verdict.chosen {
            let chosen: BTreeSet<&usize> = chosen.iter().collect();
            return chosen.into_iter().filter_map(|place| self.window.get(*place)).collect();
        }
        let ids = &self.correlation.plan.ids;
        let wanted: Option<BTreeSet<&RuleId>> = self
            .verdict
            .steps
            .as_ref()
            .map(|steps| steps.iter().filter_map(|step| ids.get(*step)).collect());
        let counts = |placed: &&Placed| {
            wanted
                .as_ref()
                .is_none_or(|wanted| placed.entry.steps.iter().any(|s| wanted.contains(s)))
        };
        self.window.iter().filter(counts).collect()
    }

    /// The events behind them, each once, in their order.
    pub(super) fn events(&self) -> Vec<Arc<Witness>> {
        let mut events: Vec<Arc<Witness>> = Vec::new();
        let mut seen = BTreeSet::new();
        for placed in self.contributing() {
            for event in &placed.entry.events {
                if seen.insert((event.audit_id.clone(), event.time, event.stage.clone())) {
                    events.push(Arc::clone(event));
                }
            }
        }
        events
    }

    /// How many contributed, also those that no entry names any more.
    pub(super) fn total(&self) -> u64 {
        self.contributing().iter().map(|placed| placed.entry.total).sum()
    }

    pub(super) fn finding(&self) -> Finding {
        let (reference, metadata) = (&self.correlation.reference, &self.correlation.metadata);
        let events = self.events();
        let last = events.last();
        let time = last.map_or(OffsetDateTime::UNIX_EPOCH, |event| event.time);
        let dedup = self.dedup();
        let anchor = format!("window|{}|{}", self.moment, group_text(self.group));
        let window = metadata.window_seconds;
        let told = events.len().saturating_sub(EVENTS_MAX);
        Finding {
            id: FindingId::derive(self.cluster, &anchor, &reference.id),
            alert: AlertId::derive(
                self.cluster,
                &reference.id,
                &dedup,
                time.unix_timestamp().div_euclid(window),
            ),
            rule: reference.clone(),
            level: self.level(&events),
            cluster: self.cluster.clone(),
            time,
            events: events.iter().skip(told).map(|event| event_ref(event)).collect(),
            actor: last.map_or_else(nobody, |event| event.actor.clone()),
            target: last.map_or_else(Target::default, |event| event.target.clone()),
            outcome: last.map_or(Outcome::Unknown, |event| event.outcome),
            why: self.why(),
            truncated: events.iter().any(|event| event.truncated),
            dedup,
            evidence: last.map_or_else(nowhere, |event| event.evidence.clone()),
            excepted: None,
        }
    }

    /// Its fields, as an exception may ask for them: those that it groups by.
    pub(super) fn fields(&self) -> Grouped<'_> {
        Grouped { names: &self.correlation.document.group_by, group: self.group }
    }

    /// As for single events: one lower when every event was refused, informational when nothing
    /// was to happen at all.
    fn level(&self, events: &[Arc<Witness>]) -> Level {
        let declared = self.correlation.reference.level;
        if !events.is_empty() && events.iter().all(|event| event.dry_run) {
            Level::Informational
        } else if !events.is_empty()
            && events.iter().all(|event| event.outcome == Outcome::Denied)
            && self.correlation.metadata.denied == Denied::Lower
        {
            declared.lowered()
        } else {
            declared
        }
    }

    /// The values of the `dedup` fields, which are among the groups.
    fn dedup(&self) -> String {
        let names = &self.correlation.document.group_by;
        let values: Vec<String> = self
            .correlation
            .metadata
            .dedup
            .iter()
            .filter_map(|field| names.iter().position(|name| name == field))
            .filter_map(|at| self.group.get(at).cloned())
            .collect();
        group_text(&values)
    }

    fn why(&self) -> Vec<Reason> {
        let document = &self.correlation.document;
        let contributing = self.contributing();
        let memory = self.correlation.plan.memory.as_ref();
        let mut why = vec![Reason {
            field: "(correlation)".to_owned(),
            value: format!("{} of {} events", self.verdict.measured, self.total()),
            clause: memory.map_or_else(
                || format!("{} within {}", document.kind.as_str(), span(document.timespan_seconds)),
                Memory::clause,
            ),
        }];
        let mut per_step: BTreeMap<&RuleId, u64> = BTreeMap::new();
        for placed in &contributing {
            for step in &placed.entry.steps {
                *per_step.entry(step).or_default() += 1;
            }
        }
        for step in &self.correlation.plan.steps {
            if let Some(count) = per_step.get(&step.id) {
                why.push(Reason {
                    field: "(rule)".to_owned(),
                    value: format!("{} fired {count} times", step.name),
                    clause: "rules".to_owned(),
                });
            }
        }
        for (name, value) in document.group_by.iter().zip(self.group) {
            let value = value.chars().take(VALUE_MAX).collect();
            why.push(Reason { field: name.clone(), value, clause: "group-by".to_owned() });
        }
        why.extend(self.differing());
        why.extend(self.correlation.document.absent.iter().map(|absent| {
            let names: Vec<&str> =
                self.correlation.plan.absent_steps().map(|step| step.name.as_str()).collect();
            Reason {
                field: "(absent)".to_owned(),
                value: names.join(", ").chars().take(VALUE_MAX).collect(),
                clause: format!("no event within {} after it", span(absent.within_seconds)),
            }
        }));
        let texts: BTreeSet<&String> =
            contributing.iter().flat_map(|placed| &placed.entry.texts).collect();
        for text in texts.into_iter().take(VALUES_MAX) {
            let (field, text) = memory
                .map_or_else(|| (document.fields().join(", "), text.as_str()), |m| m.reason(text));
            let value = text.chars().take(VALUE_MAX).collect();
            let clause = if memory.is_some() { "new" } else { "counted" };
            why.push(Reason { field, value, clause: clause.to_owned() });
        }
        why
    }

    /// The values that differ, by field and rule.
    fn differing(&self) -> Vec<Reason> {
        let plan = &self.correlation.plan;
        let chosen = self.verdict.chosen.as_deref().unwrap_or_default();
        let mut reasons = Vec::new();
        for (field, name) in plan.differ.iter().enumerate() {
            for (step, place) in plan.steps.iter().zip(chosen) {
                let entry = self.window.get(*place).map(|placed| &placed.entry);
                let by_field = entry.and_then(|entry| entry.differ.get(&step.id));
                let Some(values) = by_field.and_then(|values| values.get(field)) else { continue };
                let values: Vec<&str> =
                    values.iter().take(VALUES_MAX).map(String::as_str).collect();
                let value = format!("{}: {}", step.name, values.join(", "));
                reasons.push(Reason {
                    field: name.clone(),
                    value: value.chars().take(VALUE_MAX).collect(),
                    clause: "differ".to_owned(),
                });
            }
        }
        reasons
    }
}

/// The values of a group by the names of their fields.
pub(super) struct Grouped<'a> {
    names: &'a [String],
    group: &'a Group,
}

impl Fields for Grouped<'_> {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        let mut found = Found::default();
        let named = self.names.iter().zip(self.group).filter(|(name, _)| *name == path);
        for text in named.flat_map(|(_, value)| unmarked(value)) {
            found.present = true;
            found.values.push(Scalar::Text(text.into()));
        }
        found
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.group.iter().flat_map(|value| unmarked(value)).any(|text| test(&text))
    }

    /// The values of a group are texts.
    fn any_element(&self, _path: &str, _test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        false
    }
}

fn event_ref(event: &Witness) -> EventRef {
    let Witness { audit_id, stage, time, .. } = event;
    EventRef { audit_id: audit_id.clone(), stage: stage.clone(), time: *time }
}

/// A timespan in the largest unit that divides it.
pub(super) fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.iter().find(|(length, _)| seconds.is_multiple_of(*length));
    unit.map_or_else(
        || format!("{seconds}s"),
        |(length, name)| format!("{}{name}", seconds / length),
    )
}

fn nobody() -> Actor {
    Actor {
        username: String::new(),
        kind: ActorKind::Unknown,
        impersonated: None,
        source: None,
        client: String::new(),
        session: SessionKey::new(""),
    }
}

fn nowhere() -> Evidence {
    Evidence { origin: String::new(), offset: 0, length: 0 }
}
