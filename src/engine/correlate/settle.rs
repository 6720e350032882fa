//! Moments judged one after the other: what enters a window, what fires, and what that
//! contributes to the correlations above it.

use std::collections::{BTreeMap, BTreeSet};

use super::contribution::{Counted, VALUES_MAX, by_step, differing};
use super::differ::GivenUp;
use super::entry::{EVENTS_MAX, Entry};
use super::judge::{Placed, judge};
use super::memory::{Firings, Recall, RuleMemory};
use super::plan::{LoadedCorrelation, Source};
use super::windows::{Arrived, Cluster, Counts, Limits, RuleWindows};
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
            let id = correlation.reference.id.clone();
            let since = cluster.settled;
            cluster.memories.entry(id).or_insert_with(|| RuleMemory::since(since));
        }
        while let Some(first) = cluster.waiting.first_entry().filter(|e| *e.key() < watermark) {
            let (moment, arrived) = first.remove_entry();
            self.moment(cluster, moment, arrived, found);
        }
        cluster.settled = cluster.settled.max(watermark);
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
            let Some(entries) = arrived.remove(&correlation.reference.id) else { continue };
            let fired = self.judge(correlation, cluster, moment, entries);
            for (group, verdict, window) in fired {
                let made = finding::Fired {
                    cluster: self.id,
                    correlation,
                    group: &group,
                    moment,
                    verdict: &verdict,
                    window: &window,
                };
                let mut finding = made.finding();
                let exceptions = self.rules.exceptions_of(&correlation.reference.id);
                finding.excepted = mark(exceptions, &made.fields(), finding.time);
                for parent in self.rules.running() {
                    let identity = finding.id.as_str();
                    if let Some((group, entry)) = passed_on(parent, correlation, &made) {
                        let entries = arrived.entry(parent.reference.id.clone()).or_default();
                        entries.insert((group, identity.to_owned()), entry);
                    }
                }
                if self.rules.tells(&correlation.reference.id) {
                    found.push(finding);
                }
            }
        }
    }

    /// The groups of a correlation that fire at a moment, with their windows.
    fn judge(
        &mut self,
        correlation: &LoadedCorrelation,
        cluster: &mut Cluster,
        moment: Moment,
        entries: BTreeMap<(Group, String), Entry>,
    ) -> Firings {
        let id = correlation.reference.id.clone();
        let Some(memory) = &correlation.plan.memory else {
            let windows = cluster.rules.entry(id).or_default();
            return self.enter(correlation, windows, moment, entries);
        };
        let since = cluster.settled;
        let known = cluster.memories.entry(id).or_insert_with(|| RuleMemory::since(since));
        let mut recall = Recall {
            memory,
            oldest: cluster.oldest,
            moment,
            limits: self.limits,
            counts: self.counts,
        };
        known.enter(&mut recall, entries)
    }

    /// Enters what one moment brought, and returns the groups that fire with their windows.
    fn enter(
        &mut self,
        correlation: &LoadedCorrelation,
        windows: &mut RuleWindows,
        moment: Moment,
        entries: BTreeMap<(Group, String), Entry>,
    ) -> Firings {
        let plan = &correlation.plan;
        let mut by_group: BTreeMap<Group, Vec<Placed>> = BTreeMap::new();
        for ((group, identity), entry) in entries {
            by_group.entry(group).or_default().push(Placed { moment, identity, entry });
        }
        let mut fired = Vec::new();
        for (group, events) in by_group {
            let mut window = windows.take(&group);
            window.events.extend(events);
            let begin = moment.saturating_sub(plan.timespan);
            while window.events.front().is_some_and(|event| event.moment < begin) {
                window.events.pop_front();
            }
            while window.events.len() > self.limits.group_events {
                window.events.pop_front();
                self.counts.evicted_events += 1;
            }
            let silent = window.fired.is_some_and(|at| at >= begin);
            match if silent { Ok(None) } else { judge(&plan.test, &plan.ids, &window.events) } {
                Ok(Some(verdict)) => {
                    window.fired = Some(moment);
                    fired.push((group.clone(), verdict, window.events.clone()));
                }
                Ok(None) => {}
                Err(GivenUp) => self.counts.given_up += 1,
            }
            windows.put(group, window);
        }
        windows.make_room(moment, plan.timespan, self.limits, self.counts);
        fired
    }
}

/// What a correlation that fired contributes to one that is made of it.
fn passed_on(
    parent: &LoadedCorrelation,
    child: &LoadedCorrelation,
    fired: &finding::Fired<'_>,
) -> Option<(Group, Entry)> {
    let step = parent.plan.steps.iter().find(|step| step.id == child.reference.id)?;
    let last = fired.contributing().last().map(|placed| &placed.entry.carried);
    let look_up = |source: &Source| match source {
        Source::Field(_) | Source::Normalised(..) => None,
        Source::Group(at) => fired.group.get(*at).cloned(),
        Source::Carried(at) => last.and_then(|carried| carried.get(*at)).cloned().flatten(),
    };
    let group: Group = step.group.iter().map(look_up).collect::<Option<_>>()?;
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
        steps: BTreeSet::from([step.id.clone()]),
        differ: by_step(step, differing),
        texts: counted.texts,
        numbers: counted.numbers,
        carried: step.carry.iter().map(look_up).collect(),
        events,
        total,
    };
    Some((group, entry))
}
