//! Whether a rule's cases would notice a mistake in it: every clause is left out once and turned
//! round once, and at least one case must then come out wrong. What no case notices is a survivor.

mod change;
mod correlation;

use super::cases::{self, Case};
use super::evaluate::is_judged;
use super::loaded::LoadedRule;
use super::ruleset::{LoadedCorrelation, RuleSet};
use crate::audit::event::Event;
use crate::sigma::compile::Matcher;
use crate::sigma::detection::Detection;
use crate::sigma::encode::ValueLists;

/// A change of a rule that none of its cases notices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Survivor {
    pub rule: String,
    /// Which clause, and what was done to it: `write.verb removed`.
    pub change: String,
}

/// What the check of one rule came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Changes that were tried.
    pub tried: usize,
    pub survivors: Vec<Survivor>,
}

/// Tries every change of a rule on its cases. Cases that cannot be decoded, or come out wrong
/// without any change, are for `rules test` to complain of and are left out here.
pub fn check(rule: &LoadedRule, lists: &ValueLists, cases: &[Case], file: &str) -> Checked {
    let judged: Vec<(Event, bool)> = cases
        .iter()
        .filter_map(|case| {
            let mut events = cases::events(case, file).ok()?;
            let event = events.pop().filter(|event| events.is_empty() && is_judged(event))?;
            let sound = rule.matcher.matches(&event) == case.matches;
            sound.then_some((event, case.matches))
        })
        .collect();
    let mut checked = Checked::default();
    detection(rule, lists, &judged, file, &mut checked);
    blocks(rule, lists, &judged, &mut checked);
    checked
}

/// Tries every change of a correlation on its cases. What cannot be linked any more is no change
/// that could slip in, and is not counted.
pub fn check_correlation(
    rules: &RuleSet,
    correlation: &LoadedCorrelation,
    cases: &[Case],
    file: &str,
) -> Checked {
    let wrong = cases::run_correlation(rules, correlation, cases, file);
    let sound: Vec<Case> =
        cases.iter().filter(|case| wrong.iter().all(|it| it.line != case.line)).cloned().collect();
    let mut checked = Checked::default();
    for (change, document) in correlation::all(&correlation.document) {
        let mut copy = correlation.clone();
        *copy.document = document;
        let name = copy.reference.name.clone();
        let Some(rules) = rules.with_correlation(copy) else { continue };
        let Some(changed) = rules.correlation(&name) else { continue };
        checked.tried += 1;
        if cases::run_correlation(&rules, changed, &sound, file).is_empty() {
            checked.survivors.push(Survivor { rule: name, change });
        }
    }
    checked
}

/// The changes of the detection, on its own: what the blocks about elements take away, readers that
/// do not know them never see taken away, and a clause that a block implies is there for these.
fn detection(
    rule: &LoadedRule,
    lists: &ValueLists,
    judged: &[(Event, bool)],
    file: &str,
    checked: &mut Checked,
) {
    let compile = |detection: &Detection| Matcher::compile_detection(detection, file, lists);
    let Ok(alone) = compile(&rule.document.detection) else { return };
    let before: Vec<bool> = judged.iter().map(|(event, _)| alone.matches(event)).collect();
    for (name, changed) in change::all(&rule.document.detection) {
        let Ok(matcher) = compile(&changed) else { continue };
        let mut verdicts = judged.iter().zip(&before);
        let noticed = verdicts.any(|((event, _), before)| matcher.matches(event) != *before);
        checked.count(rule, name, noticed);
    }
}

/// The changes of the blocks about elements, within the whole rule.
fn blocks(rule: &LoadedRule, lists: &ValueLists, judged: &[(Event, bool)], checked: &mut Checked) {
    for (at, block) in rule.document.element_blocks.iter().enumerate() {
        for (name, changed) in change::all(&block.detection) {
            let mut document = rule.document.clone();
            document.element_blocks.get_mut(at).into_iter().for_each(|block| {
                block.detection = changed.clone();
            });
            let Ok(matcher) = Matcher::compile_with(&document, lists) else { continue };
            let noticed = judged.iter().any(|(event, matches)| matcher.matches(event) != *matches);
            checked.count(rule, format!("where[{at}] {name}"), noticed);
        }
    }
}

impl Checked {
    fn count(&mut self, rule: &LoadedRule, change: String, noticed: bool) {
        self.tried += 1;
        if !noticed {
            self.survivors.push(Survivor { rule: rule.reference.name.clone(), change });
        }
    }
}
