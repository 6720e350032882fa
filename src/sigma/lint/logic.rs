//! Conditions and selections that do nothing, or nothing but one thing.

use super::Findings;
use crate::sigma::condition::Condition;
use crate::sigma::conjunct;
use crate::sigma::detection::Detection;
use crate::sigma::error::quote;

/// A detection that stands for itself. `also` are conditions elsewhere that use its selections.
pub(super) fn check(detection: &Detection, also: &[&Condition], findings: &mut Findings) {
    check_parts(detection, also, findings);
    let place = detection.condition_places.first().copied().unwrap_or_default();
    match conjunct::of_detection(detection) {
        Ok(branches) if branches.iter().any(|branch| branch.terms.iter().all(|t| t.negated)) => {
            let reason = "a branch of the condition asks only for what is not there, so almost \
                          every event matches; add what must be there";
            findings.warn(place, reason);
        }
        _ => {}
    }
}

/// A detection that is added to another one, where asking only for what is not there is usual.
pub(super) fn check_added(detection: &Detection, findings: &mut Findings) {
    check_parts(detection, &[], findings);
}

fn check_parts(detection: &Detection, also: &[&Condition], findings: &mut Findings) {
    let mut used = vec![false; detection.selections.len()];
    also.iter().for_each(|condition| condition.mark(&mut used));
    for (condition, place) in detection.conditions.iter().zip(&detection.condition_places) {
        condition.mark(&mut used);
        for text in lonely(condition) {
            let reason = format!("{} covers one selection; name the selection", quote(&text));
            findings.warn(*place, reason);
        }
    }
    for (selection, used) in detection.selections.iter().zip(used) {
        if selection.name.contains('|') {
            let name = quote(&selection.name);
            let reason = format!("the bar in {name} modifies nothing; modifiers go with fields");
            findings.warn(selection.place, reason);
        }
        if !used {
            let reason =
                format!("no condition uses {}; use it or remove it", quote(&selection.name));
            findings.warn(selection.place, reason);
        }
    }
    let place = detection.condition_places.first().copied().unwrap_or_default();
    match conjunct::of_detection(detection) {
        Ok(branches) if branches.is_empty() => {
            findings.error(place, "the condition contradicts itself and can never hold; mend it");
        }
        Ok(_) => {}
        Err(too_large) => findings.warn(place, too_large.to_string()),
    }
}

/// A filter whose condition has no `not` lets only the described events through, which is seldom
/// meant.
pub(super) fn check_polarity(detection: &Detection, findings: &mut Findings) {
    for (condition, place) in detection.conditions.iter().zip(&detection.condition_places) {
        if !negates(condition) {
            let name = match condition {
                Condition::Selection(index) => detection.selections.get(*index),
                _ => None,
            };
            let cure = name.map_or("…", |selection| selection.name.as_str());
            let reason = format!(
                "the filter keeps only the events it describes; to take them away, write {}",
                quote(&format!("condition: not {cure}"))
            );
            findings.warn(*place, reason);
        }
    }
}

fn negates(condition: &Condition) -> bool {
    match condition {
        Condition::Not(_) => true,
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(negates),
        Condition::Selection(_) | Condition::Of { .. } => false,
    }
}

/// The words of every `1 of …` and `all of …` that covers a single selection.
fn lonely(condition: &Condition) -> Vec<String> {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().flat_map(lonely).collect(),
        Condition::Not(inner) => lonely(inner),
        Condition::Of { text, selections, .. } if selections.len() == 1 => vec![text.clone()],
        Condition::Selection(_) | Condition::Of { .. } => Vec::new(),
    }
}
