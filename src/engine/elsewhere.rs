//! Rules that others wrote for any engine, such as those of SigmaHQ: what is put in for what they
//! do not say. A rule without `midwatch` attributes in a directory that somebody named is one.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::correlate::plan::LoadedCorrelation;
use super::loaded::LoadedRule;
use super::metadata::{DAY_SECONDS, DEDUP_FIELDS_MAX, Denied, Guide, Metadata};
use crate::model::ids::RuleId;
use crate::model::level::Level;
use crate::model::rule::Mode;

/// Where rule files come from, which decides what is demanded of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Our own: a rule says everything that Midwatch can use, and can fire.
    Shipped,
    /// Our own, as they lie in the binary. That each can fire was shown when it was built (a test
    /// loads them as [`Provenance::Shipped`]); to show it again at every start would take longer
    /// than everything else that a start does.
    Embedded,
    /// A directory that somebody named: its rules may know nothing of Midwatch.
    Directory,
}

/// The level of a rule that names none.
pub(super) const LEVEL: Level = Level::Medium;
/// What makes one alert of the findings of a rule that does not say.
const DEDUP: [&str; 2] = ["user.username", "objectRef.namespace"];

/// For a rule: on, because it was loaded deliberately; one alert a day for each user and
/// namespace; no guide.
pub(super) fn metadata() -> Metadata {
    Metadata {
        mode: Mode::On,
        dedup: DEDUP.map(str::to_owned).to_vec(),
        window_seconds: DAY_SECONDS,
        denied: Denied::Lower,
        guide: Guide::default(),
        ask: None,
        matrix: Vec::new(),
        actions: Vec::new(),
    }
}

/// For a correlation: the same, with one alert for each of its groups.
pub(super) fn correlation_metadata(group_by: &[String]) -> Metadata {
    let dedup = group_by.iter().take(DEDUP_FIELDS_MAX).cloned().collect();
    Metadata { dedup, ..metadata() }
}

/// The id of a rule that has none, in the form of a UUID: the same for the same name and title,
/// wherever the file lies, because findings derive from it.
pub(super) fn id(name: &str, title: &str) -> RuleId {
    let digest = Sha256::digest(format!("midwatch/rule-without-id/{name}\n{title}"));
    let hex: Vec<String> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().concat();
    RuleId::new([part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 16)].join("-"))
}

/// Gives rules that were called after their files, and share the name with another, the beginning
/// of their id as well. Somebody who names a rule may mean to replace one; a file's name means
/// nothing.
pub(super) fn tell_apart(
    rules: &mut [Arc<LoadedRule>],
    correlations: &mut [Arc<LoadedCorrelation>],
    mut taken: BTreeSet<String>,
) {
    taken.extend(rules.iter().filter_map(|rule| rule.document.name.clone()));
    taken.extend(correlations.iter().filter_map(|rule| rule.document.metadata.name.clone()));
    let of_rules = rules
        .iter_mut()
        .filter(|rule| rule.document.name.is_none())
        .filter_map(|rule| Some(&mut Arc::get_mut(rule)?.reference));
    let of_correlations = correlations
        .iter_mut()
        .filter(|rule| rule.document.metadata.name.is_none())
        .filter_map(|rule| Some(&mut Arc::get_mut(rule)?.reference));
    for reference in of_rules.chain(of_correlations) {
        if !taken.insert(reference.name.clone()) {
            let start: String = reference.id.as_str().chars().take(8).collect();
            reference.name = format!("{}-{start}", reference.name);
            taken.insert(reference.name.clone());
        }
    }
}

#[cfg(test)]
mod tests;
