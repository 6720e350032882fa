//! Moments judged one after the other: what enters a window, what fires, and what that
//! contributes to the correlations above it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::contribution::{Counted, VALUES_MAX, by_step, differing, identity};
use super::differ::GivenUp;
use super::entry::{EVENTS_MAX, Entry};
use super::judge::{Placed, Test, Verdict, judge};
use super::memory::Recall;
use super::plan::{LoadedCorrelation, Source, Step};
use super::risk;
use super::windows::{Arrived, Cluster, Counts, Limits, Pending, RuleWindows, Window};
use super::{Group, Moment, finding};
use crate::engine::evaluate::unmarked;
use crate::engine::ruleset::RuleSet;
use crate::engine::tuning::exceptions::mark;
use crate::model::finding::Finding;
use crate::model::ids::ClusterId;

/// One cluster on its way to a watermark.
pub(super) struct Settling<'a> {
    pub id: &'a ClusterId,
    pub rules: &'a RuleSet,
    pub limits: &'a Limits,
    pub counts: &'a mut Counts,
}

impl Settling<'_> {
    /// Judges every moment before `watermark`.
    pub(super) fn until(
        &mut self,
        cluster: &mut Cluster,
        watermark: Moment,
        found: &mut Vec<Finding>,
    ) {
        for correlation in self.rules.running().filter(|rule| rule.plan.memory.is_some()) {
            cluster.memory(&correlation.reference.id);
        }
        while let Some(moment) = self.next(cluster).filter(|moment| *moment < watermark) {
            let arrived = cluster.waiting.remove(&moment).unwrap_or_default();
            self.moment(cluster, moment, arrived, found);
        }
        cluster.settled = cluster.settled.max(watermark);
    }

    /// The next moment at which there is something to judge: an event, or an absence.
    fn next(&self, cluster: &Cluster) -> Option<Moment> {
        let due = self.rules.running().filter_map(|correlation| {
            cluster.rules.get(&correlation.reference.id).and_then(RuleWindows::next_due)
        });
        due.chain(cluster.waiting.keys().next().copied()).min()
    }

    /// Those that others are made of come first, so that what fires can still contribute.
    fn moment(
        &mut self,
        cluster: &mut Cluster,
        moment: Moment,
        mut arrived: Arrived,
        found: &mut Vec<Finding>,
    ) {
        for correlation in self.rules.running() {
            let id = &correlation.reference.id;
            let mut fired = Vec::new();
            if let Some(windows) = cluster.rules.get_mut(id) {
                while let Some((group, pending)) = windows.take_due(moment) {
                    let Pending { moment, verdict, events, .. } = pending;
                    fired.push(Held { group, moment, verdict, window: events });
                }
            }
            if let Some(entries) = arrived.remove(id) {
                fired.extend(self.arrive(correlation, cluster, moment, entries));
            }
            for held in fired {
                self.fire(correlation, &held, &mut arrived, found);
            }
        }
    }

    /// What fires of a correlation at a moment.
    fn arrive(
        &mut self,
        correlation: &LoadedCorrelation,
        cluster: &mut Cluster,
        moment: Moment,
        entries: BTreeMap<(Group, String), Entry>,
    ) -> Vec<Held> {
        let id = &correlation.reference.id;
        let Some(memory) = &correlation.plan.memory else {
            let windows = cluster.rules.entry(id.clone()).or_default();
            return self.enter(correlation, windows, moment, entries);
        };
        let oldest = cluster.oldest;
        let mut recall =
            Recall { memory, oldest, moment, limits: self.limits, counts: self.counts };
        let fired = cluster.memory(id).enter(&mut recall, entries).into_iter();
        fired.map(|(group, verdict, window)| Held { group, moment, verdict, window }).collect()
    }

    /// Tells of a correlation that fired, and lets it contribute to those that are made of it.
    fn fire(
        &self,
        correlation: &LoadedCorrelation,
        held: &Held,
        arrived: &mut Arrived,
        found: &mut Vec<Finding>,
    ) {
        let made = finding::Fired {
            cluster: self.id,
            correlation,
            group: &held.group,
            moment: held.moment,
            verdict: &held.verdict,
            window: &held.window,
        };
        let mut finding = made.finding();
        let exceptions = self.rules.exceptions_of(&correlation.reference.id);
        finding.excepted = mark(exceptions, &made.fields(), finding.time);
        for parent in self.rules.running() {
            for (group, entry) in passed_on(parent, correlation, &made) {
                let identity = identity(finding.id.as_str(), &entry);
                let entries = arrived.entry(parent.reference.id.clone()).or_default();
                entries.insert((group, identity), entry);
            }
        }
        if self.rules.tells(&correlation.reference.id) {
            found.push(finding);
        }
    }

    /// Enters what one moment brought, and returns what fires.
    fn enter(
        &mut self,
        correlation: &LoadedCorrelation,
        windows: &mut RuleWindows,
        moment: Moment,
        entries: BTreeMap<(Group, String), Entry>,
    ) -> Vec<Held> {
        let plan = &correlation.plan;
        let mut fired = Vec::new();
        for (group, mut events) in Placed::by_group(moment, entries) {
            let mut window = windows.take(&group);
            let arrived = events.len();
            events.retain(|event| !event.entry.absence);
            if events.len() < arrived {
                // What held before this moment is followed by what must not follow.
                window.pending = None;
            }
            if !events.is_empty() {
                fired.extend(self.judge(correlation, &mut window, &group, events));
            }
            windows.put(group, window);
        }
        windows.make_room(moment, plan.timespan, self.limits, self.counts);
        fired
    }

    /// Judges the window that ends at the moment of these events. `None` also when it holds, and
    /// waits for an absence.
    fn judge(
        &mut self,
        correlation: &LoadedCorrelation,
        window: &mut Window,
        group: &Group,
        events: Vec<Placed>,
    ) -> Option<Held> {
        let plan = &correlation.plan;
        let moment = events.first()?.moment;
        window.events.extend(events);
        let begin = moment.saturating_sub(plan.timespan);
        while window.events.front().is_some_and(|event| event.moment < begin) {
            window.events.pop_front();
        }
        if matches!(plan.test, Test::Risk(_)) {
            risk::thin(&mut window.events);
        }
        while window.events.len() > self.limits.group_events {
            window.events.pop_front();
            self.counts.evicted_events += 1;
        }
        if window.pending.is_some() || window.fired.is_some_and(|at| at >= begin) {
            return None;
        }
        let verdict = match judge(&plan.test, &plan.ids, &window.events) {
            Ok(verdict) => verdict?,
            Err(GivenUp) => {
                self.counts.given_up += 1;
                return None;
            }
        };
        let held = Held { group: group.clone(), moment, verdict, window: window.events.clone() };
        let Some(absent) = &plan.absent else {
            window.fired = Some(moment);
            return Some(held);
        };
        let due = moment.saturating_add(absent.within).saturating_add(1);
        let (verdict, events) = held.contributing(correlation, self.id);
        window.pending = Some(Box::new(Pending { moment, due, verdict, events }));
        None
    }
}

/// A condition that held in a group.
struct Held {
    group: Group,
    moment: Moment,
    verdict: Verdict,
    window: VecDeque<Placed>,
}

impl Held {
    /// The entries that made it hold, and the verdict about them alone.
    fn contributing(
        &self,
        correlation: &LoadedCorrelation,
        cluster: &ClusterId,
    ) -> (Verdict, VecDeque<Placed>) {
        let made = finding::Fired {
            cluster,
            correlation,
            group: &self.group,
            moment: self.moment,
            verdict: &self.verdict,
            window: &self.window,
        };
        let chosen = self.verdict.chosen.as_ref().map(|chosen| {
            let kept: BTreeSet<&usize> = chosen.iter().collect();
            let place = |at: &usize| kept.iter().position(|kept| *kept == at).unwrap_or_default();
            chosen.iter().map(place).collect()
        });
        let verdict = Verdict { measured: self.verdict.measured.clone(), steps: None, chosen };
        (verdict, made.contributing().into_iter().cloned().collect())
    }
}

/// What a correlation that fired contributes to one that is made of it: as a part, as what must
/// not follow, or as both.
fn passed_on(
    parent: &LoadedCorrelation,
    child: &LoadedCorrelation,
    fired: &finding::Fired<'_>,
) -> Vec<(Group, Entry)> {
    let id = &child.reference.id;
    let as_part = parent.plan.steps.iter().find(|step| step.id == *id);
    let as_part = as_part.and_then(|step| part_of(step, fired));
    let as_absence = parent.plan.absent_steps().find(|step| step.id == *id).and_then(|step| {
        let last = fired.events().pop()?;
        Some((group_of(step, fired)?, Entry::absence(id, &last)))
    });
    as_part.into_iter().chain(as_absence).collect()
}

fn group_of(step: &Step, fired: &finding::Fired<'_>) -> Option<Group> {
    step.group.iter().map(|source| passed_value(source, fired)).collect()
}

fn passed_value(source: &Source, fired: &finding::Fired<'_>) -> Option<String> {
    match source {
        Source::Field(_) | Source::Normalised(..) => None,
        Source::Group(at) => fired.group.get(*at).cloned(),
        Source::Carried(at) => {
            fired.contributing().last().and_then(|last| last.entry.carried.get(*at).cloned())?
        }
    }
}

fn part_of(step: &Step, fired: &finding::Fired<'_>) -> Option<(Group, Entry)> {
    let look_up = |source: &Source| passed_value(source, fired);
    let group = group_of(step, fired)?;
    let counted = Counted::of(step, |source| look_up(source).into_iter().collect())?;
    let differing = differing(step, |source| {
        let values: BTreeSet<String> =
            look_up(source).iter().flat_map(|joined| unmarked(joined)).collect();
        Some(values).filter(|values| values.len() < VALUES_MAX).unwrap_or_default()
    })?;
    let mut events = fired.events();
    let total = fired.total();
    events.drain(..events.len().saturating_sub(EVENTS_MAX));
    let entry = Entry {
        absence: false,
        steps: BTreeSet::from([step.id.clone()]),
        differ: by_step(step, differing),
        texts: counted.texts,
        numbers: counted.numbers,
        carried: step.carry.iter().map(look_up).collect(),
        sight: None,
        events,
        total,
    };
    Some((group, entry))
}
