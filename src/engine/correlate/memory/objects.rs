//! Object state: what was last seen of each object, and how the new differs from it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sight::{Sighting, Values};
use super::{Firings, Recall};
use crate::engine::correlate::judge::{Placed, Verdict};
use crate::engine::correlate::windows::{Counts, Limits};
use crate::engine::correlate::{Group, Moment};
use crate::sigma::pattern::Pattern;

/// Values told of one change, at most, and characters of each.
const TOLD_MAX: usize = 5;
const CHARS_MAX: usize = 80;

/// One change that a rule waits for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine::correlate) struct Watched {
    pub field: String,
    pub change: Change,
    /// Only of values that match one of these; of any without one.
    pub values: Vec<Pattern>,
}

/// How a field may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::correlate) enum Change {
    /// A value is there less often than before, or no more.
    Lost,
    /// A value is there more often than before.
    Gained,
    /// Either.
    Changed,
}

impl Change {
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("lost", Self::Lost), ("gained", Self::Gained), ("changed", Self::Changed)];
}

impl Watched {
    /// Whether the change took place. What is beyond the limit of values counts as any of them.
    fn took_place(&self, before: &Values, after: &Values) -> bool {
        let matches = |value: &str| {
            self.values.is_empty() || self.values.iter().any(|pattern| pattern.matches(value))
        };
        let lost = before.beyond(after).any(matches);
        let gained = after.beyond(before).any(matches);
        before.rest != after.rest
            || match self.change {
                Change::Lost => lost,
                Change::Gained => gained,
                Change::Changed => lost || gained,
            }
    }

    /// The field, and after a blank what became of its values.
    fn tell(&self, before: &Values, after: &Values) -> String {
        let list = |what: &str, values: &mut dyn Iterator<Item = &str>| {
            let short = |value: &str| value.chars().take(CHARS_MAX).collect::<String>();
            let values: Vec<String> = values.take(TOLD_MAX).map(short).collect();
            (!values.is_empty()).then(|| format!("{what} {}", values.join(", ")))
        };
        let lost = list("lost", &mut before.beyond(after));
        let gained = list("gained", &mut after.beyond(before));
        let rest = (before.rest != after.rest).then(|| "changed among too many values".to_owned());
        let parts: Vec<String> = [lost, gained, rest].into_iter().flatten().collect();
        format!("{} {}", self.field, parts.join("; "))
    }
}

/// What one rule knows of the objects of one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::engine::correlate) struct Objects {
    pub objects: BTreeMap<String, KnownObject>,
    /// Objects by the moment at which they were seen last, the quietest first.
    ages: BTreeSet<(Moment, String)>,
    values: usize,
}

/// What was seen last of one object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine::correlate) struct KnownObject {
    pub uid: String,
    pub seen: Moment,
    pub fields: BTreeMap<String, Values>,
}

impl KnownObject {
    /// What it takes of the room: one for itself, and its values.
    fn size(&self) -> usize {
        1 + self.fields.values().map(|values| values.counts.len()).sum::<usize>()
    }

    /// Whether the name is another object's now.
    fn is_other(&self, sighting: &Sighting) -> bool {
        let told = !self.uid.is_empty() && !sighting.uid.is_empty();
        sighting.created || (told && self.uid != sighting.uid)
    }
}

impl Objects {
    /// Holds what one moment shows against what was known, and remembers it.
    pub(super) fn enter(
        &mut self,
        watched: &[Watched],
        recall: &mut Recall<'_>,
        by_group: BTreeMap<Group, Vec<Placed>>,
    ) -> Firings {
        // One event may be in several groups; it changes its object once.
        let mut events: BTreeMap<String, Vec<(Group, Placed)>> = BTreeMap::new();
        for (group, placed) in by_group {
            for event in placed {
                events.entry(event.identity.clone()).or_default().push((group.clone(), event));
            }
        }
        let mut told: BTreeMap<Group, VecDeque<Placed>> = BTreeMap::new();
        for of_event in events.into_values() {
            let Some(sighting) = of_event.iter().find_map(|(_, e)| e.entry.sight.clone()) else {
                continue;
            };
            let changes = self.changes(watched, &sighting);
            for (group, mut event) in of_event {
                if !changes.is_empty() && recall.memory.tells(&event.entry.steps) {
                    event.entry.texts = changes.clone();
                    told.entry(group).or_default().push_back(event);
                }
            }
            self.remember(sighting, recall.moment);
        }
        self.make_room(recall.limits, recall.counts);
        let fired = told.into_iter().map(|(group, events)| {
            let count = events.iter().map(|event| event.entry.texts.len()).sum::<usize>();
            let what = if count == 1 { "change" } else { "changes" };
            let measured = format!("{count} {what}");
            (group, Verdict { measured, steps: None, chosen: None }, events)
        });
        fired.collect()
    }

    /// The changes that the rule waits for. First sight shows none, of an object or of a field.
    fn changes(&self, watched: &[Watched], sighting: &Sighting) -> BTreeSet<String> {
        let known = self.objects.get(&sighting.object).filter(|known| !known.is_other(sighting));
        let (Some(known), Some(fields)) = (known, &sighting.fields) else {
            return BTreeSet::new();
        };
        let change = |watched: &Watched| {
            let before = known.fields.get(&watched.field)?;
            let after = fields.get(&watched.field)?;
            watched.took_place(before, after).then(|| watched.tell(before, after))
        };
        watched.iter().filter_map(change).collect()
    }

    /// What an event does not show of its object stays as it was.
    fn remember(&mut self, sighting: Sighting, seen: Moment) {
        let known = self.take(&sighting.object).filter(|known| !known.is_other(&sighting));
        if let Some(shown) = sighting.fields {
            let mut fields = known.map(|known| known.fields).unwrap_or_default();
            fields.extend(shown);
            self.put(sighting.object, KnownObject { uid: sighting.uid, seen, fields });
        }
    }

    /// Whether the object was seen at that moment or later.
    pub(super) fn knows(&self, sighting: &Sighting, moment: Moment) -> bool {
        self.objects.get(&sighting.object).is_some_and(|known| known.seen >= moment)
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (object, from) in other.objects {
            self.join(object, from);
        }
    }

    /// Puts an object in, as it was stored or as somebody else saw it: the later sight stays.
    pub(super) fn join(&mut self, object: String, from: KnownObject) {
        let known = self.take(&object);
        let rank =
            |known: &KnownObject| (known.seen, format!("{:?}", known.fields), known.uid.clone());
        let latest = match known {
            Some(known) if rank(&known) >= rank(&from) => known,
            _ => from,
        };
        self.put(object, latest);
    }

    fn take(&mut self, object: &str) -> Option<KnownObject> {
        let known = self.objects.remove(object)?;
        self.ages.remove(&(known.seen, object.to_owned()));
        self.values -= known.size();
        Some(known)
    }

    fn put(&mut self, object: String, known: KnownObject) {
        self.values += known.size();
        self.ages.insert((known.seen, object.clone()));
        self.objects.insert(object, known);
    }

    /// Drops the objects that were quiet for longest when there is too much.
    fn make_room(&mut self, limits: &Limits, counts: &mut Counts) {
        while self.values > limits.memories
            && self.objects.len() > 1
            && let Some((_, object)) = self.ages.first().cloned()
        {
            let dropped = self.take(&object);
            counts.evicted_memories += dropped.map_or(0, |known| known.size() as u64);
        }
    }
}

#[cfg(test)]
mod tests;
