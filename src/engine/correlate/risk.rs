//! The risk that one principal amounts to: how grave the rules are that it set off, each counted
//! once, and how many tactics they are of. Signs that mean little alone are told together.

use std::collections::{BTreeSet, VecDeque};

use super::judge::Placed;
use crate::model::ids::RuleId;
use crate::model::level::Level;
use crate::sigma::correlation::Bound;

/// What a risk is made of and what it must come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Risk {
    /// Of the number of rules, as the standard condition has it.
    pub bounds: Vec<Bound>,
    /// The least sum of weights.
    pub score: u32,
    /// The least number of tactics.
    pub tactics: usize,
    /// What each rule brings, in the order of the correlation.
    pub shares: Vec<Share>,
}

/// What one rule brings when it fired, however often it did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub weight: u32,
    /// ATT&CK tactics, as the rule's tags name them.
    pub tactics: BTreeSet<String>,
}

/// The weight of a rule of this level: each level counts for more than two of the level below.
pub(super) fn weight(level: Level) -> u32 {
    match level {
        Level::Informational => 1,
        Level::Low => 3,
        Level::Medium => 7,
        Level::High => 15,
        Level::Critical => 31,
    }
}

impl Risk {
    /// What the rules that fired come to, for people; `None` when it is not enough.
    pub(super) fn weigh(&self, fired: &[usize]) -> Option<String> {
        let shares = || fired.iter().filter_map(|step| self.shares.get(*step));
        let score: u32 = shares().map(|share| share.weight).sum();
        let tactics: BTreeSet<&String> = shares().flat_map(|share| &share.tactics).collect();
        (score >= self.score && tactics.len() >= self.tactics).then(|| {
            let tactics: Vec<&str> = tactics.into_iter().map(String::as_str).collect();
            format!("score {score} of {} rules ({})", fired.len(), tactics.join(", "))
        })
    }
}

/// Keeps of a window the latest event of each rule. That is all a risk asks for, and a principal who
/// repeats one thing all day pushes nothing else out.
pub(super) fn thin(window: &mut VecDeque<Placed>) {
    let mut seen: BTreeSet<RuleId> = BTreeSet::new();
    let mut kept = VecDeque::new();
    while let Some(placed) = window.pop_back() {
        let mut latest = false;
        for step in &placed.entry.steps {
            latest |= seen.insert(step.clone());
        }
        if latest {
            kept.push_front(placed);
        }
    }
    *window = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_counts_once_and_both_limits_have_to_be_met() {
        let share = |level, tactics: &[&str]| Share {
            weight: weight(level),
            tactics: tactics.iter().map(|tactic| (*tactic).to_owned()).collect(),
        };
        let risk = Risk {
            bounds: Vec::new(),
            score: 10,
            tactics: 2,
            shares: vec![
                share(Level::Medium, &["discovery"]),
                share(Level::Low, &["discovery"]),
                share(Level::Low, &["execution", "impact"]),
                share(Level::Informational, &["persistence"]),
            ],
        };
        assert_eq!(risk.weigh(&[0, 1]), None, "one tactic");
        assert_eq!(risk.weigh(&[1, 2, 3]), None, "seven points");
        let told = risk.weigh(&[0, 2]);
        assert_eq!(told.as_deref(), Some("score 10 of 2 rules (discovery, execution, impact)"));
    }

    #[test]
    fn a_level_outweighs_two_of_the_level_below() {
        let levels =
            [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];
        for pair in levels.windows(2) {
            assert!(weight(pair[1]) > 2 * weight(pair[0]), "{pair:?}");
        }
    }
}
