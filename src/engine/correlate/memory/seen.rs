//! First-seen: which values of which group were seen, and when last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Firings, FirstSeen, Recall};
use crate::engine::correlate::entry::Entry;
use crate::engine::correlate::judge::{Placed, Verdict};
use crate::engine::correlate::windows::{Counts, Limits};
use crate::engine::correlate::{Group, Moment};

/// What one rule has seen in one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::engine::correlate) struct Seen {
    pub groups: BTreeMap<Group, SeenGroup>,
    /// A whole group was dropped for want of room, so that one which looks new may be an old one:
    /// no group learns for itself any more.
    pub forgot_groups: bool,
    /// Groups by the moment at which they were seen last, the quietest first.
    ages: BTreeSet<(Moment, Group)>,
    values: usize,
}

/// What was seen in one group.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine::correlate) struct SeenGroup {
    /// The first moment.
    pub began: Moment,
    /// The last one.
    latest: Moment,
    /// When each value was seen last.
    pub values: BTreeMap<String, Moment>,
}

impl SeenGroup {
    /// Of a group that was first seen then.
    pub(super) fn new(began: Moment, values: BTreeMap<String, Moment>) -> Self {
        let latest = values.values().copied().max().unwrap_or(began);
        Self { began, latest, values }
    }

    /// Whether the value is new at that moment.
    fn is_new(&self, value: &str, moment: Moment, expiry: Moment) -> bool {
        self.values.get(value).is_none_or(|last| moment.saturating_sub(*last) > expiry)
    }

    /// Makes room for itself: what has expired goes first, then what was seen least lately.
    fn make_room(&mut self, now: Moment, expiry: Moment, limit: usize, counts: &mut Counts) {
        if self.values.len() <= limit {
            return;
        }
        self.values.retain(|_, last| now.saturating_sub(*last) <= expiry);
        let over = self.values.len().saturating_sub(limit);
        let mut by_age: Vec<(Moment, String)> =
            self.values.iter().map(|(value, last)| (*last, value.clone())).collect();
        by_age.sort();
        for (_, value) in by_age.into_iter().take(over) {
            self.values.remove(&value);
            counts.evicted_memories += 1;
        }
    }
}

impl Seen {
    /// Holds the values of one moment against those before it, and remembers them.
    pub(super) fn enter(
        &mut self,
        first: &FirstSeen,
        began: Moment,
        recall: &mut Recall<'_>,
        by_group: BTreeMap<Group, Vec<Placed>>,
    ) -> Firings {
        let moment = recall.moment;
        let learning = first.learning(recall.limits);
        let mut fired = Vec::new();
        for (group, placed) in by_group {
            // What has expired may still be here, if nothing happened that would have cleared it.
            let known = self.take(&group);
            let known = known.filter(|known| moment.saturating_sub(known.latest) <= first.expiry);
            let mut known = known.unwrap_or_else(|| SeenGroup::new(moment, BTreeMap::new()));
            let mut starts = vec![began];
            if first.new_groups_learn && !self.forgot_groups {
                starts.push(known.began);
            }
            let learns = starts.iter().any(|start| moment.saturating_sub(*start) < learning);
            let (news, told) = fresh(&known, first, &placed, recall);
            for value in placed.iter().flat_map(|placed| &placed.entry.texts) {
                known.values.insert(value.clone(), moment);
            }
            known.latest = known.latest.max(moment);
            known.make_room(moment, first.expiry, recall.limits.group_memories, recall.counts);
            if learns {
                recall.counts.learned += told.len() as u64;
            } else if !told.is_empty() {
                let what = if news == 1 { "new value" } else { "new values" };
                let measured = format!("{news} {what}");
                let verdict = Verdict { measured, steps: None, chosen: None };
                fired.push((group.clone(), verdict, told));
            }
            self.put(group, known);
        }
        self.make_room(moment, first.expiry, recall.limits, recall.counts);
        fired
    }

    /// Whether these values were seen at that moment or later.
    pub(super) fn knows(&self, group: &Group, entry: &Entry, moment: Moment) -> bool {
        let group = self.groups.get(group);
        !entry.texts.is_empty()
            && group.is_some_and(|group| {
                let later = |text| group.values.get(text).is_some_and(|last| *last >= moment);
                entry.texts.iter().all(later)
            })
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.forgot_groups |= other.forgot_groups;
        for (group, from) in other.groups {
            self.join(group, from);
        }
    }

    /// Puts a group in, as it was stored or as somebody else saw it.
    pub(super) fn join(&mut self, group: Group, from: SeenGroup) {
        let mut into =
            self.take(&group).unwrap_or_else(|| SeenGroup::new(from.began, BTreeMap::new()));
        into.began = into.began.min(from.began);
        into.latest = into.latest.max(from.latest);
        for (value, last) in from.values {
            let known = into.values.entry(value).or_insert(last);
            *known = last.max(*known);
        }
        self.put(group, into);
    }

    fn take(&mut self, group: &Group) -> Option<SeenGroup> {
        let known = self.groups.remove(group)?;
        self.ages.remove(&(known.latest, group.clone()));
        self.values -= known.values.len();
        Some(known)
    }

    fn put(&mut self, group: Group, known: SeenGroup) {
        self.values += known.values.len();
        self.ages.insert((known.latest, group.clone()));
        self.groups.insert(group, known);
    }

    /// Drops groups of which everything has expired, and the quietest when there is too much.
    fn make_room(&mut self, now: Moment, expiry: Moment, limits: &Limits, counts: &mut Counts) {
        while let Some((latest, group)) = self.ages.first().cloned() {
            let over = now.saturating_sub(latest) > expiry;
            let full = self.values > limits.memories;
            if !over && (!full || self.groups.len() == 1) {
                return;
            }
            let dropped = self.take(&group);
            if !over {
                self.forgot_groups = true;
                counts.evicted_memories += dropped.map_or(0, |group| group.values.len() as u64);
            }
        }
    }
}

/// How many values are new, and the events that brought them, each with what it brought.
fn fresh(
    known: &SeenGroup,
    first: &FirstSeen,
    placed: &[Placed],
    recall: &Recall<'_>,
) -> (usize, VecDeque<Placed>) {
    let mut told = VecDeque::new();
    let mut news: BTreeSet<&String> = BTreeSet::new();
    for event in placed.iter().filter(|event| recall.memory.tells(&event.entry.steps)) {
        let mine: BTreeSet<&String> = event
            .entry
            .texts
            .iter()
            .filter(|text| known.is_new(text, recall.moment, first.expiry))
            .collect();
        if mine.is_empty() {
            continue;
        }
        let mut event = event.clone();
        event.entry.texts = mine.iter().map(|text| (*text).clone()).collect();
        told.push_back(event);
        news.extend(mine);
    }
    (news.len(), told)
}
