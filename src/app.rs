//! Floor 6: the composition root. It alone names concrete adapters, and builds the services once.

pub mod azure;
pub mod local;

use crate::engine::ruleset::RuleSet;
use crate::model::rule::Mode;

/// The rules that make alerts by themselves: on, duet, and those opt-in rules that somebody
/// switched on by name. Building blocks wait for the rules that are built from them, and
/// correlations for a place to keep their windows.
pub fn alerting(rules: RuleSet, opted_in: &[String]) -> RuleSet {
    rules.without_correlations().asking_only(|rule| match rule.mode {
        Mode::On | Mode::Duet => true,
        Mode::OptIn => opted_in.contains(&rule.name),
        Mode::BuildingBlock => false,
    })
}
