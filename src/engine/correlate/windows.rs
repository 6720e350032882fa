//! The state of all correlations: contributions that wait for their moment to be settled, and the
//! windows of each rule and group. A value: contributions in, findings out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::contribution::{Contribution, join};
use super::entry::Entry;
use super::judge::{Placed, Verdict};
use super::memory::RuleMemory;
use super::plan::GROUP_EVENTS_MAX;
use super::settle::Settling;
use super::{Group, Moment, SECOND};
use crate::engine::ruleset::RuleSet;
use crate::model::finding::Finding;
use crate::model::ids::{ClusterId, RuleId};

/// How much is kept, and for how long order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How much older than the newest event of its cluster an event may be and still count;
    /// `None` waits for all of them, until `waiting` is reached.
    pub lateness: Option<Moment>,
    /// Contributions of one cluster that wait, at most. Beyond it the oldest are settled early.
    pub waiting: usize,
    /// Groups of one rule and cluster. Beyond it the one that was quiet for longest is dropped.
    pub groups: usize,
    /// Events of one group. Beyond it the oldest is dropped.
    pub group_events: usize,
    /// Events of all groups of one rule and cluster; beyond it groups are dropped.
    pub rule_events: usize,
    /// Values of one group that a rule remembers; beyond it the one that was seen least lately
    /// goes, and is told again when it comes back.
    pub group_memories: usize,
    /// Values that one rule remembers in one cluster; beyond it groups go.
    pub memories: usize,
    /// Rules that learn do so for no longer than this, whatever they ask for; for trying them.
    pub learning: Option<Moment>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lateness: Some(15 * 60 * SECOND),
            waiting: 50_000,
            groups: 5_000,
            group_events: GROUP_EVENTS_MAX as usize,
            rule_events: 20_000,
            group_memories: 2_000,
            memories: 50_000,
            learning: None,
        }
    }
}

/// What became of contributions, since the state was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Contributions taken.
    pub taken: u64,
    /// Known already: another stage, another copy or a replay.
    pub repeated: u64,
    /// Older than the watermark, and not used. A replay of what is long forgotten is among them.
    pub late: u64,
    /// Lacking a group, a value or a time; see `contribution::Contributed`.
    pub ungrouped: u64,
    /// Groups dropped for want of room while they could still have counted.
    pub evicted_groups: u64,
    /// Events dropped for want of room while they could still have counted.
    pub evicted_events: u64,
    /// Windows in which the search for events that differ was given up, so that none was found.
    pub given_up: u64,
    /// Events that brought something new while their rule was still learning.
    pub learned: u64,
    /// Remembered values dropped for want of room while they still counted.
    pub evicted_memories: u64,
}

/// A rule that is still learning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learning {
    pub cluster: ClusterId,
    /// The rule's name.
    pub rule: String,
    /// From then on it tells.
    pub until: Moment,
}

/// All windows of all clusters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Windows {
    pub(super) clusters: BTreeMap<ClusterId, Cluster>,
    pub(super) counts: Counts,
}

/// By correlation, group and identity: what one moment brought.
pub(super) type Arrived = BTreeMap<RuleId, BTreeMap<(Group, String), Entry>>;

/// The windows of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cluster {
    /// The oldest moment seen, `Moment::MAX` before any: from then on the cluster is known.
    pub oldest: Moment,
    /// The newest moment seen.
    pub newest: Moment,
    /// The watermark: everything before it has been judged.
    pub settled: Moment,
    pub waiting: BTreeMap<Moment, Arrived>,
    pub rules: BTreeMap<RuleId, RuleWindows>,
    /// What the rules with a memory remember.
    pub memories: BTreeMap<RuleId, RuleMemory>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            oldest: Moment::MAX,
            newest: Moment::MIN,
            settled: Moment::MIN,
            waiting: BTreeMap::new(),
            rules: BTreeMap::new(),
            memories: BTreeMap::new(),
        }
    }
}

/// The groups of one correlation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RuleWindows {
    /// Groups that wait for an absence, by the moment at which it is proven.
    due: BTreeSet<(Moment, Group)>,
    pub groups: BTreeMap<Group, Window>,
    /// Groups by the moment of their latest event, the quietest first.
    ages: BTreeSet<(Moment, Group)>,
    events: usize,
}

/// The window of one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Window {
    /// In the order of moments and identities.
    pub events: VecDeque<Placed>,
    /// When it fired last.
    pub fired: Option<Moment>,
    /// What fires unless something follows; until that is known the group is silent.
    pub pending: Option<Box<Pending>>,
}

/// A condition that held, and waits for an absence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pending {
    /// When it held.
    pub moment: Moment,
    /// The first moment at which nothing can follow any more that counts.
    pub due: Moment,
    /// With places among `events`.
    pub verdict: Verdict,
    /// The entries that made it hold.
    pub events: VecDeque<Placed>,
}

impl Windows {
    /// What became of the contributions.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Conditions that held and whose absence is not proven: the events that were read do not reach
    /// far enough behind them.
    pub fn pending(&self) -> u64 {
        let rules = self.clusters.values().flat_map(|cluster| cluster.rules.values());
        rules.map(|rule| rule.due.len() as u64).sum()
    }

    /// Adds matches that belong to no group to the counts.
    pub fn count_ungrouped(&mut self, ungrouped: u64) {
        self.counts.ungrouped += ungrouped;
    }

    /// Takes contributions; nothing is judged before [`Windows::settle`].
    pub fn add(&mut self, contributions: Vec<Contribution>) {
        for contribution in contributions {
            let Contribution { cluster, moment, identity, rule, group, entry } = contribution;
            let cluster = self.clusters.entry(cluster).or_default();
            if moment < cluster.settled {
                let remembered = cluster.memories.get(&rule);
                let known = cluster.knows(&rule, &group, &identity)
                    || remembered.is_some_and(|memory| memory.knows(&group, &entry, moment));
                *(if known { &mut self.counts.repeated } else { &mut self.counts.late }) += 1;
                continue;
            }
            cluster.see(moment);
            let arrived = cluster.waiting.entry(moment).or_default().entry(rule).or_default();
            match arrived.get_mut(&(group.clone(), identity.clone())) {
                Some(known) => {
                    known.merge(entry);
                    self.counts.repeated += 1;
                }
                None => {
                    arrived.insert((group, identity), entry);
                    self.counts.taken += 1;
                }
            }
        }
    }

    /// Lets the time of a cluster go on without a contribution: any event of it will do. A caller
    /// that knows the present passes no moment beyond it, so that one record from the future does
    /// not make all others late.
    pub fn observe(&mut self, cluster: &ClusterId, moment: Moment) {
        let cluster = self.clusters.entry(cluster.clone()).or_default();
        cluster.see(moment);
    }

    /// The rules that have not yet learned long enough to tell anything.
    pub fn learning(&self, rules: &RuleSet, limits: &Limits) -> Vec<Learning> {
        let mut found = Vec::new();
        for (id, cluster) in &self.clusters {
            for correlation in rules.running() {
                let memory = cluster.memories.get(&correlation.reference.id);
                let until =
                    correlation.plan.memory.as_ref().zip(memory).and_then(|(plan, known)| {
                        Some(known.began(cluster.oldest).saturating_add(plan.learning(limits)?))
                    });
                if let Some(until) = until.filter(|until| cluster.newest < *until) {
                    let rule = correlation.reference.name.clone();
                    found.push(Learning { cluster: id.clone(), rule, until });
                }
            }
        }
        found
    }

    /// Joins the state of somebody who took other contributions. Exact as long as neither has
    /// settled a moment for which the other holds a contribution: those are counted as late.
    pub fn merge(&mut self, other: Self) {
        self.counts.add(other.counts);
        for (id, from) in other.clusters {
            let cluster = self.clusters.entry(id).or_default();
            for (rule, windows) in from.rules {
                let into = cluster.rules.entry(rule).or_default();
                for (group, window) in windows.groups {
                    into.merge(group, window);
                }
            }
            for (rule, memory) in from.memories {
                match cluster.memories.get_mut(&rule) {
                    Some(known) => known.merge(memory),
                    None => drop(cluster.memories.insert(rule, memory)),
                }
            }
            cluster.oldest = cluster.oldest.min(from.oldest);
            cluster.newest = cluster.newest.max(from.newest);
            cluster.settled = cluster.settled.max(from.settled);
            for (moment, arrived) in from.waiting {
                cluster.join(moment, arrived, &mut self.counts);
            }
        }
    }

    /// Judges what the watermark has passed. The findings come in the order of their moments.
    pub fn settle(&mut self, rules: &RuleSet, limits: &Limits) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (id, cluster) in &mut self.clusters {
            let watermark = match limits.lateness {
                Some(lateness) => cluster.newest.saturating_sub(lateness),
                None => Moment::MIN,
            };
            let mut step = Settling { id, rules, limits, counts: &mut self.counts };
            step.until(cluster, watermark, &mut findings);
            let mut waiting: usize =
                cluster.waiting.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum();
            while waiting > limits.waiting
                && let Some((moment, arrived)) = cluster.waiting.first_key_value()
            {
                waiting -= arrived.values().map(BTreeMap::len).sum::<usize>();
                let next = moment.saturating_add(1);
                step.until(cluster, next, &mut findings);
            }
        }
        findings
    }

    /// Judges everything that waits: the input has ended.
    pub fn finish(&mut self, rules: &RuleSet, limits: &Limits) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (id, cluster) in &mut self.clusters {
            let end = cluster.newest.saturating_add(1);
            let mut step = Settling { id, rules, limits, counts: &mut self.counts };
            step.until(cluster, end, &mut findings);
        }
        findings
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.repeated += other.repeated;
        self.late += other.late;
        self.ungrouped += other.ungrouped;
        self.evicted_groups += other.evicted_groups;
        self.evicted_events += other.evicted_events;
        self.learned += other.learned;
        self.evicted_memories += other.evicted_memories;
        self.given_up += other.given_up;
    }
}

impl Cluster {
    fn see(&mut self, moment: Moment) {
        self.oldest = self.oldest.min(moment);
        self.newest = self.newest.max(moment);
    }

    /// What a rule remembers, from the watermark on when it is new.
    pub(super) fn memory(&mut self, rule: &RuleId) -> &mut RuleMemory {
        let since = self.settled;
        self.memories.entry(rule.clone()).or_insert_with(|| RuleMemory::since(since))
    }

    /// The oldest moment that is still held, for a state that did not write down the oldest seen.
    pub(super) fn oldest_held(&self) -> Moment {
        let waiting = self.waiting.keys().next().copied();
        let groups = self.rules.values().flat_map(|windows| windows.groups.values());
        let held = groups.filter_map(|window| window.events.front().map(|event| event.moment));
        held.chain(waiting).min().unwrap_or(Moment::MAX)
    }

    fn knows(&self, rule: &RuleId, group: &Group, identity: &str) -> bool {
        let window = self.rules.get(rule).and_then(|windows| windows.groups.get(group));
        window.is_some_and(|window| window.events.iter().any(|event| event.identity == identity))
    }

    fn join(&mut self, moment: Moment, arrived: Arrived, counts: &mut Counts) {
        for (rule, entries) in arrived {
            for (key, entry) in entries {
                if moment < self.settled {
                    counts.late += 1;
                    continue;
                }
                let known =
                    self.waiting.entry(moment).or_default().entry(rule.clone()).or_default();
                match known.get_mut(&key) {
                    Some(known) => known.merge(entry),
                    None => drop(known.insert(key, entry)),
                }
            }
        }
    }
}

impl RuleWindows {
    /// Puts a group in, as it was stored or as somebody else saw it.
    pub(super) fn merge(&mut self, group: Group, window: Window) {
        let mut known = self.take(&group);
        for event in window.events {
            let same = |k: &Placed| k.moment == event.moment && k.identity == event.identity;
            match known.events.iter_mut().find(|k| same(k)) {
                Some(known) => known.entry.merge(event.entry),
                None => known.insert(event),
            }
        }
        known.fired = known.fired.max(window.fired);
        known.pending = match (known.pending, window.pending) {
            (Some(known), Some(other)) if other.moment < known.moment => Some(other),
            (None, other) => other,
            (known, _) => known,
        };
        self.put(group, known);
    }

    pub(super) fn take(&mut self, group: &Group) -> Window {
        let Some(window) = self.groups.remove(group) else { return Window::default() };
        self.ages.remove(&(window.latest(), group.clone()));
        self.events -= window.size();
        if let Some(pending) = &window.pending {
            self.due.remove(&(pending.due, group.clone()));
        }
        window
    }

    /// The first moment at which an absence is proven.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes what waited for an absence that is proven at `now`, with its group. It has fired.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<(Group, Pending)> {
        let (_, group) = self.due.first().filter(|(due, _)| *due <= now)?.clone();
        let mut window = self.take(&group);
        let pending = window.pending.take()?;
        window.fired = window.fired.max(Some(pending.moment));
        self.put(group.clone(), window);
        Some((group, *pending))
    }

    pub(super) fn put(&mut self, group: Group, window: Window) {
        self.events += window.size();
        if let Some(pending) = &window.pending {
            self.due.insert((pending.due, group.clone()));
        }
        self.ages.insert((window.latest(), group.clone()));
        self.groups.insert(group, window);
    }

    /// Drops groups that can no longer count, and the quietest when there are too many.
    pub(super) fn make_room(
        &mut self,
        now: Moment,
        timespan: Moment,
        limits: &Limits,
        counts: &mut Counts,
    ) {
        while let Some((latest, group)) = self.ages.first().cloned() {
            let over = latest.saturating_add(timespan) < now;
            let full = self.groups.len() > limits.groups || self.events > limits.rule_events;
            if !over && (!full || self.groups.len() == 1) {
                return;
            }
            let dropped = self.take(&group);
            if !over {
                counts.evicted_groups += 1;
                counts.evicted_events += dropped.size() as u64;
            }
        }
    }
}

impl Window {
    fn latest(&self) -> Moment {
        let event = self.events.back().map_or(Moment::MIN, |event| event.moment);
        let due = self.pending.as_ref().map_or(Moment::MIN, |pending| pending.due);
        event.max(self.fired.unwrap_or(Moment::MIN)).max(due)
    }

    fn size(&self) -> usize {
        self.events.len() + self.pending.as_ref().map_or(0, |pending| pending.events.len())
    }

    fn insert(&mut self, event: Placed) {
        let key = |e: &Placed| (e.moment, e.identity.clone());
        let at = self.events.partition_point(|known| key(known) < key(&event));
        self.events.insert(at, event);
    }
}

/// A group as one text.
pub(super) fn group_text(group: &Group) -> String {
    join(group)
}
