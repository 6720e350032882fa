//! One event of every rule so that they differ from each other: the search behind `midwatch.differ`.
//!
//! Two events differ in a field when they have no value of it in common. The choice that comes
//! first in the order of rules and then of events is the one that is told, so it does not depend
//! on how the events arrived. Finding one can take every combination in the worst case; what a
//! search may cost is bounded, and a search that is given up is counted and finds nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use super::Moment;
use super::judge::Placed;
use crate::model::ids::RuleId;

/// Different values looked at in one search, at most. It takes several fields, or events of several
/// values, made for the purpose to reach it: a rule with many values differs from the others soon.
const LOOKS_MAX: usize = 20_000;

/// The values of one event, by the fields in which it must differ.
pub(super) type Values = Vec<BTreeSet<String>>;

/// A search that would have cost too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenUp;

/// The places in the window of one event for each rule, in the order of the rules; in order, each
/// at a later moment than the one before. `None` when there is no such choice.
pub(super) fn choose(
    window: &VecDeque<Placed>,
    steps: &[RuleId],
    ordered: bool,
    fields: usize,
) -> Result<Option<Vec<usize>>, GivenUp> {
    // What cannot be had in one field alone cannot be had in all of them, and is told sooner.
    for field in 0..if fields > 1 { fields } else { 0 } {
        if search(window, steps, ordered, field..field + 1) == Ok(None) {
            return Ok(None);
        }
    }
    search(window, steps, ordered, 0..fields)
}

#[derive(Debug, Clone, Copy)]
struct Candidate<'w> {
    at: usize,
    moment: Moment,
    values: &'w [BTreeSet<String>],
}

impl Candidate<'_> {
    fn differs_from(&self, other: &Self) -> bool {
        self.values.iter().zip(other.values).all(|(mine, others)| mine.is_disjoint(others))
    }
}

/// Events of one rule with the same values, in their order; never empty.
type Class<'w> = Vec<Candidate<'w>>;

struct Search<'w> {
    /// By rule, the events that are worth looking at.
    classes: Vec<Vec<Class<'w>>>,
    ordered: bool,
    looks: usize,
}

fn search(
    window: &VecDeque<Placed>,
    steps: &[RuleId],
    ordered: bool,
    fields: Range<usize>,
) -> Result<Option<Vec<usize>>, GivenUp> {
    let mut candidates: Vec<Vec<Candidate<'_>>> = Vec::new();
    for step in steps {
        let before = candidates.last().filter(|_| ordered).map(Vec::as_slice);
        let kept = worth_a_look(all(window, step, &fields), before);
        if kept.is_empty() {
            return Ok(None);
        }
        candidates.push(kept);
    }
    if ordered {
        drop_dead_ends(&mut candidates);
    }
    let classes = candidates.into_iter().map(by_values).collect();
    let mut search = Search { classes, ordered, looks: LOOKS_MAX };
    let mut chosen = Vec::new();
    let found = search.extend(&mut chosen)?;
    Ok(found.then(|| chosen.iter().map(|candidate| candidate.at).collect()))
}

fn all<'w>(
    window: &'w VecDeque<Placed>,
    step: &'w RuleId,
    fields: &Range<usize>,
) -> impl Iterator<Item = Candidate<'w>> {
    let fields = fields.clone();
    window.iter().enumerate().filter_map(move |(at, placed)| {
        let values = placed.entry.differ.get(step)?.get(fields.clone())?;
        Some(Candidate { at, moment: placed.moment, values })
    })
}

/// Of events with the same values the earliest is as good as any other: the first of all, or in
/// order the first behind each event of the rule before.
fn worth_a_look<'w>(
    all: impl Iterator<Item = Candidate<'w>>,
    before: Option<&[Candidate<'w>]>,
) -> Vec<Candidate<'w>> {
    let mut kept = Vec::new();
    let mut seen: BTreeSet<&[BTreeSet<String>]> = BTreeSet::new();
    let mut passed = 0;
    for candidate in all {
        if let Some(before) = before {
            let now = before.partition_point(|earlier| earlier.moment < candidate.moment);
            if now == 0 {
                continue;
            }
            if now > passed {
                seen.clear();
                passed = now;
            }
        }
        if seen.insert(candidate.values) {
            kept.push(candidate);
        }
    }
    kept
}

/// Drops events that no event of the next rule comes after.
fn drop_dead_ends(candidates: &mut [Vec<Candidate<'_>>]) {
    let mut latest: Option<Moment> = None;
    for step in candidates.iter_mut().rev() {
        if let Some(latest) = latest {
            step.retain(|candidate| candidate.moment < latest);
        }
        latest = Some(step.last().map_or(Moment::MIN, |candidate| candidate.moment));
    }
}

fn by_values(candidates: Vec<Candidate<'_>>) -> Vec<Class<'_>> {
    let mut classes: BTreeMap<&[BTreeSet<String>], Class<'_>> = BTreeMap::new();
    for candidate in candidates {
        classes.entry(candidate.values).or_default().push(candidate);
    }
    classes.into_values().collect()
}

impl<'w> Search<'w> {
    /// Adds an event of each rule that has none yet; leaves the choice as it was when it cannot.
    fn extend(&mut self, chosen: &mut Vec<Candidate<'w>>) -> Result<bool, GivenUp> {
        let Some(classes) = self.classes.get(chosen.len()) else { return Ok(true) };
        self.looks = self.looks.checked_sub(classes.len()).ok_or(GivenUp)?;
        let after = chosen.last().filter(|_| self.ordered).map(|last| last.moment);
        let earliest = |class: &Class<'w>| {
            let past = |one: &Candidate<'w>| after.is_some_and(|after| one.moment <= after);
            class.get(class.partition_point(past)).copied()
        };
        let fits = |one: &Candidate<'w>| chosen.iter().all(|other| one.differs_from(other));
        let mut next: Vec<Candidate<'w>> =
            classes.iter().filter_map(earliest).filter(fits).collect();
        next.sort_by_key(|candidate| candidate.at);
        for candidate in next {
            chosen.push(candidate);
            if self.extend(chosen)? {
                return Ok(true);
            }
            chosen.pop();
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
