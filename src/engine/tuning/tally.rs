//! How often filters took an event away from a rule. Nothing is taken away uncounted.

use std::collections::BTreeMap;

/// Events that a rule would have told of, and filters took away; an event that comes in two stages
/// counts in each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filtered {
    /// Each rule and event once.
    pub events: u64,
    /// By the name of the filter. One that several filters take away counts for each of them.
    pub by_filter: BTreeMap<String, u64>,
}

impl Filtered {
    /// Counts one event of one rule, and the filters that took it away, if any did.
    pub(super) fn count(&mut self, filters: &[&str]) {
        if filters.is_empty() {
            return;
        }
        self.events += 1;
        for name in filters {
            match self.by_filter.get_mut(*name) {
                Some(counted) => *counted += 1,
                None => drop(self.by_filter.insert((*name).to_owned(), 1)),
            }
        }
    }

    /// Adds what a further batch came to.
    pub fn add(&mut self, more: Self) {
        self.events += more.events;
        for (name, counted) in more.by_filter {
            *self.by_filter.entry(name).or_default() += counted;
        }
    }
}
