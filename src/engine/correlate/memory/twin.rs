//! Memories as they are written down: the twins of what `memory` holds, and the way back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RuleMemory;
use super::seen::SeenGroup;
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
    seen: Vec<SeenTwin>,
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
        }
    }

    pub(in crate::engine::correlate) fn read(self) -> (RuleId, RuleMemory) {
        let mut memory = RuleMemory::since(self.since.unwrap_or(Moment::MIN));
        memory.seen.forgot_groups = self.forgot_groups;
        for SeenTwin { group, began, values } in self.seen {
            let values: BTreeMap<String, Moment> = values.into_iter().collect();
            memory.seen.join(group, SeenGroup::new(began, values));
        }
        (RuleId::new(self.rule), memory)
    }
}
