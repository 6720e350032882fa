//! Whether the condition of a correlation holds in a window.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::differ::{self, GivenUp};
use super::entry::Entry;
use super::logic::Alternative;
use super::risk::Risk;
use super::{Group, Moment};
use crate::model::ids::RuleId;
use crate::sigma::correlation::{Bound, Relation};

/// What is looked for in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// The number of events.
    Events(Vec<Bound>),
    /// The number of distinct values.
    Distinct(Vec<Bound>),
    /// A figure made of all values.
    Numbers { measure: Measure, bounds: Vec<Bound> },
    /// The number of rules that fired; in order, the longest run of them in the rules' order.
    Rules { ordered: bool, bounds: Vec<Bound> },
    /// One alternative of rules that fired, in their order when ordered.
    Steps { ordered: bool, alternatives: Vec<Alternative> },
    /// The number of rules that fired, and what they weigh together.
    Risk(Risk),
    /// One event of every rule, in their order when ordered, that differ in so many fields.
    Differing { ordered: bool, fields: usize },
}

/// How many values become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measure {
    Sum,
    Average,
    /// Linear between the closest ranks; the median is the fiftieth.
    Percentile(u8),
}

/// An entry at its place in the order of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub moment: Moment,
    pub identity: String,
    pub entry: Entry,
}

impl Placed {
    /// What one moment brought, by group.
    pub(super) fn by_group(
        moment: Moment,
        entries: BTreeMap<(Group, String), Entry>,
    ) -> BTreeMap<Group, Vec<Self>> {
        let mut by_group: BTreeMap<Group, Vec<Self>> = BTreeMap::new();
        for ((group, identity), entry) in entries {
            by_group.entry(group).or_default().push(Self { moment, identity, entry });
        }
        by_group
    }
}

/// Why the condition holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    /// The count or figure, for people.
    pub measured: String,
    /// The rules (by their numbers) whose events made it hold; every rule when `None`.
    pub steps: Option<BTreeSet<usize>>,
    /// The places in the window of one event for each rule, in the order of the rules, when only
    /// those made it hold.
    pub chosen: Option<Vec<usize>>,
}

/// Judges a window; `steps` are the rules in the correlation's order.
///
/// # Errors
/// Whether it holds would have cost too much to find out.
pub(super) fn judge(
    test: &Test,
    steps: &[RuleId],
    window: &VecDeque<Placed>,
) -> Result<Option<Verdict>, GivenUp> {
    let Test::Differing { ordered, fields } = test else { return Ok(plain(test, steps, window)) };
    let chosen = differ::choose(window, steps, *ordered, *fields)?;
    Ok(chosen.map(|chosen| Verdict {
        measured: format!("{} rules", steps.len()),
        steps: None,
        chosen: Some(chosen),
    }))
}

fn plain(test: &Test, steps: &[RuleId], window: &VecDeque<Placed>) -> Option<Verdict> {
    let counted = |count: usize, what: &str, bounds: &[Bound]| {
        let figure = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let measured = format!("{count} {what}");
        hold(bounds, figure).then_some(Verdict { measured, steps: None, chosen: None })
    };
    match test {
        Test::Events(bounds) => counted(window.len(), "events", bounds),
        Test::Distinct(bounds) => {
            let texts: BTreeSet<&String> =
                window.iter().flat_map(|placed| &placed.entry.texts).collect();
            counted(texts.len(), "distinct values", bounds)
        }
        Test::Numbers { measure, bounds } => {
            let numbers: Vec<f64> =
                window.iter().flat_map(|placed| &placed.entry.numbers).copied().collect();
            let figure = figure(*measure, numbers)?;
            let measured = figure.to_string();
            hold(bounds, figure).then_some(Verdict { measured, steps: None, chosen: None })
        }
        Test::Rules { ordered, bounds } => {
            let fired: Vec<usize> =
                (0..steps.len()).filter(|step| fired(steps, *step, window)).collect();
            let count = if *ordered { longest(steps, window) } else { fired.len() };
            let verdict = counted(count, "rules", bounds)?;
            Some(Verdict { steps: Some(fired.into_iter().collect()), ..verdict })
        }
        Test::Risk(risk) => {
            let fired: Vec<usize> =
                (0..steps.len()).filter(|step| fired(steps, *step, window)).collect();
            let verdict = counted(fired.len(), "rules", &risk.bounds)?;
            let measured = risk.weigh(&fired)?;
            Some(Verdict { measured, steps: Some(fired.into_iter().collect()), ..verdict })
        }
        Test::Steps { ordered, alternatives } => {
            let met = alternatives.iter().find(|one| {
                one.required.iter().all(|step| fired(steps, *step, window))
                    && !one.forbidden.iter().any(|step| fired(steps, *step, window))
                    && (!ordered || in_order(&one.required, steps, window))
            })?;
            let measured = format!("{} rules", met.required.len());
            Some(Verdict { measured, steps: Some(met.required.clone()), chosen: None })
        }
        Test::Differing { .. } => None,
    }
}

fn fired(steps: &[RuleId], step: usize, window: &VecDeque<Placed>) -> bool {
    after(steps, step, window, None).is_some()
}

/// The first moment of a rule in the window, after a given one.
fn after(
    steps: &[RuleId],
    step: usize,
    window: &VecDeque<Placed>,
    moment: Option<Moment>,
) -> Option<Moment> {
    let id = steps.get(step)?;
    let mut later = window.iter().filter(|placed| moment.is_none_or(|m| placed.moment > m));
    later.find(|placed| placed.entry.steps.contains(id)).map(|placed| placed.moment)
}

/// Each rule has an event, each at a later moment than that of the rule before.
fn in_order(required: &BTreeSet<usize>, steps: &[RuleId], window: &VecDeque<Placed>) -> bool {
    let mut last = None;
    required.iter().all(|step| {
        last = after(steps, *step, window, last);
        last.is_some()
    })
}

/// How many rules can be found one after the other, in their order and each later than the one
/// before. `ends` has the earliest moment at which a run of each length can end.
fn longest(steps: &[RuleId], window: &VecDeque<Placed>) -> usize {
    let mut ends: Vec<Moment> = Vec::new();
    for step in 0..steps.len() {
        for length in (0..=ends.len()).rev() {
            let before = length.checked_sub(1).and_then(|at| ends.get(at)).copied();
            let Some(end) = after(steps, step, window, before) else { continue };
            match ends.get_mut(length) {
                Some(known) => *known = end.min(*known),
                None => ends.push(end),
            }
        }
    }
    ends.len()
}

fn figure(measure: Measure, mut numbers: Vec<f64>) -> Option<f64> {
    let count = f64::from(u32::try_from(numbers.len()).ok().filter(|count| *count > 0)?);
    match measure {
        Measure::Sum => Some(numbers.iter().sum()),
        Measure::Average => Some(numbers.iter().sum::<f64>() / count),
        Measure::Percentile(percent) => {
            numbers.sort_by(f64::total_cmp);
            let steps = (numbers.len() - 1) * usize::from(percent);
            let (rank, rest) = (steps / 100, steps % 100);
            let low = numbers.get(rank)?;
            let high = numbers.get(rank + 1).unwrap_or(low);
            let share = f64::from(u8::try_from(rest).unwrap_or_default()) / 100.0;
            Some(low + (high - low) * share)
        }
    }
}

fn hold(bounds: &[Bound], figure: f64) -> bool {
    bounds.iter().all(|bound| match bound.relation {
        Relation::Less => figure < bound.value,
        Relation::LessOrEqual => figure <= bound.value,
        Relation::Greater => figure > bound.value,
        Relation::GreaterOrEqual => figure >= bound.value,
        Relation::Equal => (figure - bound.value).abs() <= f64::EPSILON,
        Relation::NotEqual => (figure - bound.value).abs() > f64::EPSILON,
    })
}
