//! Which findings a scan has shown already. The same event comes in two stages, and in two files
//! when downloads overlap; its finding is told once.

use std::collections::{HashSet, VecDeque};

use crate::model::ids::FindingId;

/// Ids remembered: about 50 bytes each, so 50 MB at the most. A repetition further away than
/// this many findings is told again.
const IDS_MAX: usize = 1_000_000;

/// The latest finding ids.
#[derive(Debug)]
pub(in crate::cli) struct Seen {
    ids: HashSet<u128>,
    order: VecDeque<u128>,
    max: usize,
}

impl Seen {
    /// Nothing seen.
    pub(in crate::cli) fn new() -> Self {
        Self::holding(IDS_MAX)
    }

    fn holding(max: usize) -> Self {
        Self { ids: HashSet::new(), order: VecDeque::new(), max }
    }

    /// Whether this id is new; it is remembered. An id is 128 bits in hexadecimal; one that is
    /// not counts as new each time.
    pub(in crate::cli) fn is_new(&mut self, id: &FindingId) -> bool {
        let Ok(id) = u128::from_str_radix(id.as_str(), 16) else {
            return true;
        };
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_known_until_too_many_came_between() {
        let id = |n: u32| FindingId::new(format!("{n:032x}"));
        let mut seen = Seen::holding(2);
        assert!(seen.is_new(&id(1)));
        assert!(!seen.is_new(&id(1)));
        assert!(seen.is_new(&id(2)));
        assert!(seen.is_new(&id(3)));
        assert!(seen.is_new(&id(1)), "forgotten");
        assert!(!seen.is_new(&id(3)));
    }
}
