//! Floor 6: the composition root. It alone names concrete adapters, and builds the services once.

pub mod azure;
pub mod local;

use time::{Duration, OffsetDateTime};

use crate::engine::ruleset::RuleSet;
use crate::model::rule::Mode;
use crate::pipeline::rules::{RuleFeed, Rules};

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

/// The rules of a feed that make alerts, following their directory.
fn following(feed: RuleFeed, opted_in: &[String], every: Duration, now: OffsetDateTime) -> Rules {
    let opted_in = opted_in.to_vec();
    Rules::following(feed, move |rules| alerting(rules, &opted_in), every, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_shown_as_not_active_where_they_do_not_run() {
        let rules = RuleSet::builtin().expect("the shipped rules load");
        let told = rules.unheard().expect("some are shipped");
        assert!(told.contains("correlation rules are not run here"));
        let online = alerting(rules, &["pod-log-harvest".to_owned()]);
        assert_eq!((online.correlations().count(), online.unheard()), (0, None));
        let catalogue = online.catalogue();
        let mut correlations = catalogue.iter().filter(|(rule, _)| rule.is_correlation);
        assert!(correlations.all(|(_, active)| !active));
        assert!(online.telling().any(|rule| rule.reference.name == "csr-approved"));
    }
}
