//! From an event to what it contributes to the correlations whose rules it sets off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::differ::Values;
use super::entry::{Entry, Witness};
use super::memory::Memory;
use super::memory::normalise::Normaliser;
use super::plan::{LoadedCorrelation, Source, Step};
use super::{Group, Moment};
use crate::audit::event::Event;
use crate::engine::evaluate::{is_judged, marked};
use crate::engine::ruleset::RuleSet;
use crate::engine::tuning::tally::Filtered;
use crate::model::fields::Fields;
use crate::model::finding::ActorKind;
use crate::model::ids::{ClusterId, RuleId};

/// Values taken of one field of one event, at most, and characters of each; a longer value keeps
/// its beginning and a digest of the whole, so that no two become one.
pub(super) const VALUES_MAX: usize = 64;
const CHARS_MAX: usize = 200;

/// One event's part in one correlation.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    pub cluster: ClusterId,
    /// When the API server received the request; see the parent module.
    pub moment: Moment,
    /// What makes the event one of a kind.
    pub identity: String,
    /// The correlation.
    pub rule: RuleId,
    pub group: Group,
    pub entry: Entry,
}

/// What a batch of events came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contributed {
    pub contributions: Vec<Contribution>,
    /// Matches that lack a `group-by` field, a value that is counted or must differ, or any time:
    /// they belong to no window.
    pub ungrouped: u64,
    /// What filters took away from rules that make no findings of their own.
    pub filtered: Filtered,
}

/// The contributions of a batch, in the order of its events.
pub fn contribute(rules: &RuleSet, events: &[Event]) -> Contributed {
    let mut contributed = Contributed::default();
    for event in events.iter().filter(|event| is_judged(event)) {
        let fired: BTreeSet<&RuleId> = rules
            .correlated()
            .filter(|rule| rule.matcher.matches(event))
            .filter(|rule| rules.admits_part(&rule.reference.id, event, &mut contributed.filtered))
            .map(|rule| &rule.reference.id)
            .collect();
        contributed.event(rules, event, &fired);
    }
    contributed
}

impl Contributed {
    /// Adds what an event contributes that set off these rules.
    pub(in crate::engine) fn event(
        &mut self,
        rules: &RuleSet,
        event: &Event,
        fired: &BTreeSet<&RuleId>,
    ) {
        if fired.is_empty() {
            return;
        }
        let Some(received) = event.received() else {
            self.ungrouped += 1;
            return;
        };
        let witness = Arc::new(Witness::of(event));
        for correlation in rules.running() {
            let entries = entries(correlation, fired, event, &witness, self);
            let breaks = absences(correlation, fired, event, &witness, self);
            for (group, entry) in entries.into_iter().chain(breaks) {
                self.contributions.push(Contribution {
                    cluster: event.cluster().clone(),
                    moment: moment(received),
                    identity: identity(&event.identity(), &entry),
                    rule: correlation.reference.id.clone(),
                    group,
                    entry,
                });
            }
        }
    }
}

/// A time as the windows count it.
pub(crate) fn moment(time: OffsetDateTime) -> Moment {
    Moment::try_from(time.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(Moment::MAX)
}

/// By group: aliases may put one event into several.
fn entries(
    correlation: &LoadedCorrelation,
    fired: &BTreeSet<&RuleId>,
    event: &Event,
    witness: &Arc<Witness>,
    contributed: &mut Contributed,
) -> BTreeMap<Group, Entry> {
    let mut entries: BTreeMap<Group, Entry> = BTreeMap::new();
    let memory = correlation.plan.memory.as_ref();
    let concerned = correlation.plan.steps.iter().any(|step| fired.contains(&step.id));
    let sight = memory.filter(|_| concerned).and_then(|memory| memory.sighting(event));
    if sight.is_none() && memory.is_some_and(Memory::needs_object) {
        return entries;
    }
    for step in correlation.plan.steps.iter().filter(|step| fired.contains(&step.id)) {
        let counted = Counted::of(step, |source| looked_up(event, source));
        let differing = differing(step, |source| match source {
            Source::Field(field) => every_value(event, field),
            Source::Normalised(..) | Source::Group(_) | Source::Carried(_) => BTreeSet::new(),
        });
        match (group_of(event, step), counted, differing) {
            (Some(group), Some(counted), Some(differing)) => {
                let carried = step.carry.iter().map(|source| passed(event, source)).collect();
                let entry = Entry {
                    absence: false,
                    steps: BTreeSet::from([step.id.clone()]),
                    differ: by_step(step, differing),
                    texts: counted.texts,
                    numbers: counted.numbers,
                    carried,
                    sight: sight.clone(),
                    events: vec![Arc::clone(witness)],
                    total: 1,
                };
                match entries.get_mut(&group) {
                    Some(known) => known.merge(entry),
                    None => drop(entries.insert(group, entry)),
                }
            }
            _ => contributed.ungrouped += 1,
        }
    }
    entries
}

/// What an event has where a step looks; nothing where that is in correlations alone.
fn looked_up(event: &Event, source: &Source) -> BTreeSet<String> {
    match source {
        Source::Field(field) => values(event, field, None),
        Source::Normalised(field, with) => values(event, field, Some(*with)),
        Source::Group(_) | Source::Carried(_) => BTreeSet::new(),
    }
}

/// The same as one text; `None` when there is nothing.
fn passed(event: &Event, source: &Source) -> Option<String> {
    Some(joined(&looked_up(event, source))).filter(|text| !text.is_empty())
}

/// The group of an event; `None` when it lacks one of the fields.
fn group_of(event: &Event, step: &Step) -> Option<Group> {
    step.group.iter().map(|source| passed(event, source)).collect()
}

/// What makes an entry one of a kind: an event may be both, part of a window and what must not
/// follow on another.
pub(super) fn identity(of: &str, entry: &Entry) -> String {
    if entry.absence { format!("{of} absent") } else { of.to_owned() }
}

/// By group, events that must not follow.
fn absences(
    correlation: &LoadedCorrelation,
    fired: &BTreeSet<&RuleId>,
    event: &Event,
    witness: &Arc<Witness>,
    contributed: &mut Contributed,
) -> BTreeMap<Group, Entry> {
    let mut found = BTreeMap::new();
    for step in correlation.plan.absent_steps().filter(|step| fired.contains(&step.id)) {
        match group_of(event, step) {
            Some(group) => drop(found.insert(group, Entry::absence(&step.id, witness))),
            None => contributed.ungrouped += 1,
        }
    }
    found
}

/// The values that a correlation counts or sums.
pub(super) struct Counted {
    pub texts: BTreeSet<String>,
    pub numbers: Vec<f64>,
}

impl Counted {
    /// `None` when the step counts values and there are none. Of one field each value counts; of
    /// several, their combination, in which some may be missing.
    pub(super) fn of(step: &Step, look_up: impl Fn(&Source) -> BTreeSet<String>) -> Option<Self> {
        let mut texts = BTreeSet::new();
        let mut numbers = Vec::new();
        match step.values.as_slice() {
            [] => return Some(Self { texts, numbers }),
            [field] => {
                texts = look_up(field);
                numbers.extend(texts.iter().filter_map(|text| number(text)));
            }
            fields => {
                let parts: Vec<BTreeSet<String>> = fields.iter().map(look_up).collect();
                numbers.extend(parts.iter().flatten().filter_map(|text| number(text)));
                if parts.iter().any(|part| !part.is_empty()) {
                    let parts: Vec<String> = parts.iter().map(joined).collect();
                    texts.insert(join(&parts));
                }
            }
        }
        (!texts.is_empty() || !numbers.is_empty()).then_some(Self { texts, numbers })
    }
}

/// The values in which an event must differ from those of other rules, by field. `None` when one is
/// missing: it can prove no difference, so the event makes no condition hold.
pub(super) fn differing(
    step: &Step,
    look_up: impl Fn(&Source) -> BTreeSet<String>,
) -> Option<Values> {
    step.differ.iter().map(|source| Some(look_up(source)).filter(|v| !v.is_empty())).collect()
}

/// What an entry keeps of them.
pub(super) fn by_step(step: &Step, differing: Values) -> BTreeMap<RuleId, Values> {
    let some = Some(differing).filter(|values| !values.is_empty());
    some.map(|values| (step.id.clone(), values)).into_iter().collect()
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The values of a field, or what is remembered of them.
fn values(event: &Event, field: &str, with: Option<Normaliser>) -> BTreeSet<String> {
    let found = event.find(field);
    let texts = found.values.iter().filter_map(|value| value.to_text());
    let texts = texts.filter(|text| !text.is_empty()).take(VALUES_MAX);
    let Some(with) = with else { return texts.map(|text| bounded(&text)).collect() };
    let node = event.find("midwatch.actor.name");
    let node = node.values.first().and_then(|name| name.to_text());
    let node = node.filter(|_| event.actor_kind() == ActorKind::Node);
    texts.map(|text| bounded(&with.apply(&text, node.as_deref()))).collect()
}

/// All values, or none when there are so many that a common one might be left out.
fn every_value(event: &Event, field: &str) -> BTreeSet<String> {
    if event.find(field).values.len() < VALUES_MAX {
        values(event, field, None)
    } else {
        BTreeSet::new()
    }
}

pub(super) fn bounded(text: &str) -> String {
    if text.chars().nth(CHARS_MAX).is_none() {
        return text.to_owned();
    }
    let start: String = text.chars().take(CHARS_MAX).collect();
    let digest = Sha256::digest(text.as_bytes());
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{start}…{digits}")
}

/// Several values of one field as one, as alerts' keys have them.
fn joined(values: &BTreeSet<String>) -> String {
    let values: Vec<String> = values.iter().map(|text| marked(text.chars())).collect();
    values.join(",")
}

/// Values of several fields, each as [`joined`] has it, as one text.
pub(super) fn join(parts: &[String]) -> String {
    parts.join("|")
}
