//! Lines in, findings out. The fast path looks at each line first; what no rule can match is
//! counted and never decoded. Everything else is decoded, and the reference decides about the rules
//! that are left.

use std::collections::{BTreeMap, BTreeSet};

use super::correlate::Moment;
use super::correlate::contribution::{Contributed, moment};
use super::evaluate::{finding, is_judged};
use super::fast::{Counters, FastPath, Judge, Surprise, Verdict};
use super::ruleset::RuleSet;
use super::tuning::tally::Filtered;
use crate::audit::event::Event;
use crate::audit::record::{Decoded, Origin, decode};
use crate::model::checkpoint::Totals;
use crate::model::finding::Finding;
use crate::model::ids::{ClusterId, RuleId};
use crate::model::problem::Problem;

/// Lines of a batch that are all kept for a look at their time, and of how many more one is: so a
/// long batch is known to a few lines' time, at next to no cost.
const KEPT_ALL: u64 = 64;
const KEPT_EVERY: u64 = 16;

/// Reads the lines of one origin after the other; remembers what values came to.
#[derive(Debug)]
pub struct Reader<'r> {
    rules: &'r RuleSet,
    fast: &'r FastPath,
    judge: Judge<'r>,
    outcome: Outcome,
    /// Correlations wait for what follows, and have to know how far the events reach.
    watches_time: bool,
    /// A line near the end of those that were counted and not decoded.
    kept: Vec<u8>,
}

/// What lines came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// `records = evaluated + malformed + other`. Findings are not counted here: who keeps them
    /// knows which are new.
    pub totals: Totals,
    /// In the order of the lines.
    pub problems: Vec<Problem>,
    /// In the order of events and then of rules.
    pub findings: Vec<Finding>,
    /// What filters took away from rules.
    pub filtered: Filtered,
    /// What events contribute to correlations.
    pub contributed: Contributed,
    /// Lines that the reference decoded.
    pub decoded: u64,
    /// By cluster, the newest moment of the events that were decoded; see [`Reader::observe`].
    /// Nothing where no correlation runs.
    pub newest: BTreeMap<ClusterId, Moment>,
}

impl<'r> Reader<'r> {
    /// A reader that asks these rules.
    pub fn new(rules: &'r RuleSet) -> Self {
        let fast = rules.fast();
        Self {
            rules,
            fast,
            judge: fast.judge(),
            outcome: Outcome::default(),
            watches_time: rules.running().next().is_some(),
            kept: Vec::new(),
        }
    }

    /// Reads a line without its line end, which begins at `offset`.
    pub fn line(&mut self, line: &[u8], offset: u64, origin: &Origin) {
        self.judge.set_control_plane(&origin.control_plane);
        let candidates = match self.judge.judge(line, origin.cluster.as_ref()) {
            Verdict::Nothing => {
                self.outcome.totals.records += 1;
                self.outcome.totals.evaluated += 1;
                let read = self.outcome.totals.records;
                if self.watches_time && (read <= KEPT_ALL || read.is_multiple_of(KEPT_EVERY)) {
                    self.kept.clear();
                    self.kept.extend_from_slice(line);
                }
                return;
            }
            Verdict::Candidates(candidates) | Verdict::Surprise(Surprise::Cut, candidates) => {
                Some(candidates.indexes().collect::<Vec<_>>())
            }
            Verdict::Surprise(..) => None,
        };
        self.decoded(decode(line, offset, origin), candidates.as_deref());
    }

    /// Reads a text that is not one line, such as a document over many lines: the reference alone
    /// looks at it.
    pub fn document(&mut self, text: &[u8], origin: &Origin) {
        self.decoded(decode(text, 0, origin), None);
    }

    /// Looks at the time of a line near the end of those that were not decoded, so that
    /// `newest` says how far the events reach; never further than they do.
    pub fn observe(&mut self, origin: &Origin) {
        if !self.kept.is_empty() {
            let events = decode(&self.kept, 0, origin).events;
            self.kept.clear();
            events.iter().for_each(|event| self.outcome.reach(event));
        }
    }

    /// What was read since the last call.
    pub fn take(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    /// How often the fast path came to which verdict.
    pub fn counters(&self) -> &Counters {
        self.judge.counters()
    }

    fn decoded(&mut self, decoded: Decoded, candidates: Option<&[usize]>) {
        let outcome = &mut self.outcome;
        outcome.decoded += 1;
        outcome.totals.add(&decoded.totals);
        outcome.problems.extend(decoded.problems);
        // What was found out is about one event; if the decoder sees more, it is about none.
        let candidates = candidates.filter(|_| decoded.events.len() == 1);
        if self.watches_time {
            decoded.events.iter().for_each(|event| outcome.reach(event));
        }
        for event in decoded.events.iter().filter(|event| is_judged(event)) {
            self.event(event, candidates);
        }
    }

    fn event(&mut self, event: &Event, candidates: Option<&[usize]>) {
        let rules = self.fast.rules();
        let all = 0..if candidates.is_none() { rules.len() } else { 0 };
        let asked = candidates.unwrap_or_default().iter().copied().chain(all);
        let mut fired: BTreeSet<&RuleId> = BTreeSet::new();
        for asked in asked.filter_map(|index| rules.get(index)) {
            if !asked.rule.matcher.matches(event) {
                continue;
            }
            let id = &asked.rule.reference.id;
            if !self.rules.admits(id, event, &mut self.outcome.filtered) {
                continue;
            }
            if asked.tells {
                self.outcome.findings.push(finding(self.rules, &asked.rule, event));
            }
            if asked.correlates {
                fired.insert(&asked.rule.reference.id);
            }
        }
        self.outcome.contributed.event(self.rules, event, &fired);
    }
}

impl Outcome {
    fn reach(&mut self, event: &Event) {
        let Some(received) = event.received().map(moment) else { return };
        match self.newest.get_mut(event.cluster()) {
            Some(newest) => *newest = received.max(*newest),
            None => drop(self.newest.insert(event.cluster().clone(), received)),
        }
    }
}
