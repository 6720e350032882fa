//! Memories as they are written down: the twins of what `memory` holds, and the way back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RuleMemory;
use super::objects::KnownObject;
use super::seen::SeenGroup;
use super::sight::{Sighting, Values};
use crate::engine::correlate::{Group, Moment};
use crate::model::ids::RuleId;

/// The memory of one rule.
#[derive(Serialize, Deserialize)]
pub(in crate::engine::correlate) struct MemoryTwin {
    rule: String,
    /// Missing for a rule that was there from the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Moment>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    forgot_groups: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<SeenTwin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<ObjectTwin>,
}

#[derive(Serialize, Deserialize)]
struct ObjectTwin {
    object: String,
    uid: String,
    seen: Moment,
    fields: BTreeMap<String, ValuesTwin>,
}

/// What one event that waits shows of an object.
#[derive(Serialize, Deserialize)]
pub(in crate::engine::correlate) struct SightTwin {
    object: String,
    uid: String,
    created: bool,
    /// Missing when the object is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeMap<String, ValuesTwin>>,
}

#[derive(Serialize, Deserialize)]
struct ValuesTwin {
    counts: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SeenTwin {
    group: Group,
    began: Moment,
    values: Vec<(String, Moment)>,
}

impl MemoryTwin {
    pub(in crate::engine::correlate) fn of(rule: &RuleId, memory: &RuleMemory) -> Self {
        let seen = memory.seen.groups.iter().map(|(group, known)| SeenTwin {
            group: group.clone(),
            began: known.began,
            values: known.values.iter().map(|(value, last)| (value.clone(), *last)).collect(),
        });
        Self {
            rule: rule.as_str().to_owned(),
            since: (memory.since != Moment::MIN).then_some(memory.since),
            forgot_groups: memory.seen.forgot_groups,
            seen: seen.collect(),
            objects: memory
                .objects
                .objects
                .iter()
                .map(|(o, known)| ObjectTwin::of(o, known))
                .collect(),
        }
    }

    pub(in crate::engine::correlate) fn read(self) -> (RuleId, RuleMemory) {
        let mut memory = RuleMemory::since(self.since.unwrap_or(Moment::MIN));
        memory.seen.forgot_groups = self.forgot_groups;
        for SeenTwin { group, began, values } in self.seen {
            let values: BTreeMap<String, Moment> = values.into_iter().collect();
            memory.seen.join(group, SeenGroup::new(began, values));
        }
        for ObjectTwin { object, uid, seen, fields } in self.objects {
            memory.objects.join(object, KnownObject { uid, seen, fields: values(fields) });
        }
        (RuleId::new(self.rule), memory)
    }
}

impl ObjectTwin {
    fn of(object: &str, known: &KnownObject) -> Self {
        Self {
            object: object.to_owned(),
            uid: known.uid.clone(),
            seen: known.seen,
            fields: twins(&known.fields),
        }
    }
}

impl SightTwin {
    pub(in crate::engine::correlate) fn of(sighting: &Sighting) -> Self {
        Self {
            object: sighting.object.clone(),
            uid: sighting.uid.clone(),
            created: sighting.created,
            fields: sighting.fields.as_ref().map(twins),
        }
    }

    pub(in crate::engine::correlate) fn read(self) -> Sighting {
        let Self { object, uid, created, fields } = self;
        Sighting { object, uid, created, fields: fields.map(values) }
    }
}

fn twins(fields: &BTreeMap<String, Values>) -> BTreeMap<String, ValuesTwin> {
    let twin =
        |values: &Values| ValuesTwin { counts: values.counts.clone(), rest: values.rest.clone() };
    fields.iter().map(|(field, values)| (field.clone(), twin(values))).collect()
}

fn values(fields: BTreeMap<String, ValuesTwin>) -> BTreeMap<String, Values> {
    let read = |ValuesTwin { counts, rest }| Values { counts, rest };
    fields.into_iter().map(|(field, twin)| (field, read(twin))).collect()
}
