//! What callers of a rule set ask about its filters, exceptions and value lists, and what becomes
//! of rules when lists change.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{LoadedCorrelation, RuleSet};
use crate::audit::event::Event;
use crate::engine::tuning::exceptions::{self, LoadedException};
use crate::engine::tuning::filters::{self, LoadedFilter};
use crate::engine::tuning::lists::Lists;
use crate::engine::tuning::tally::Filtered;
use crate::engine::visibility::RuleLint;
use crate::model::ids::RuleId;
use crate::sigma::encode::ValueLists;
use crate::sigma::error::SigmaError;
use crate::sigma::value_list::ValueList;

impl RuleSet {
    /// The set with a changed correlation in place of the one of its id; `None` when that cannot
    /// be linked.
    pub(in crate::engine) fn with_correlation(&self, changed: LoadedCorrelation) -> Option<Self> {
        let mut set = self.clone();
        set.correlations.retain(|it| it.reference.id != changed.reference.id);
        set.correlations.push(Arc::new(changed));
        set.link(&Self::default()).ok()?;
        Some(set)
    }

    /// The value lists that stand for placeholders: those that ship, as a site has changed them.
    pub fn lists(&self) -> &ValueLists {
        &self.tuning.lists.values
    }

    /// The documents that the value lists are made of.
    pub fn list_documents(&self) -> &[Arc<ValueList>] {
        &self.tuning.lists.documents
    }

    /// All filters.
    pub fn filters(&self) -> &[Arc<LoadedFilter>] {
        &self.tuning.filters
    }

    /// All exceptions.
    pub fn exceptions(&self) -> &[Arc<LoadedException>] {
        &self.tuning.exceptions
    }

    /// The filters of a rule.
    pub fn filters_of(&self, rule: &RuleId) -> &[Arc<LoadedFilter>] {
        self.tuning.filters_of(rule)
    }

    /// The exceptions of a rule or correlation.
    pub fn exceptions_of(&self, rule: &RuleId) -> &[Arc<LoadedException>] {
        self.tuning.exceptions_of(rule)
    }

    /// Whether the filters of a rule let the event through that it matches; if not, that is
    /// counted. Whoever asks a rule's matcher must ask this as well.
    pub fn admits(&self, rule: &RuleId, event: &Event, filtered: &mut Filtered) -> bool {
        self.tuning.admits(rule, event, filtered)
    }

    /// As [`RuleSet::admits`], for a part of a correlation: one that makes findings as well is
    /// asked and counted there.
    pub(in crate::engine) fn admits_part(
        &self,
        rule: &RuleId,
        event: &Event,
        filtered: &mut Filtered,
    ) -> bool {
        if self.telling().any(|told| told.reference.id == *rule) {
            return self.admits(rule, event, &mut Filtered::default());
        }
        self.admits(rule, event, filtered)
    }

    /// Everything to mend in filters, exceptions and value lists.
    pub fn tuning_lints(&self) -> Vec<RuleLint> {
        let rules = self.rules.iter().chain(&self.idle);
        // What ships asks for its lists, also where a directory is looked at alone.
        let shipped = Self::builtin().unwrap_or_default();
        let rules = rules.chain(&shipped.rules);
        self.tuning.lints(rules.flat_map(|rule| rule.document.detections()))
    }

    /// Compiles over other lists what asks for one that has changed.
    pub(super) fn over_lists(&mut self, lists: Lists) -> Vec<SigmaError> {
        let before = std::mem::replace(&mut self.tuning.lists, lists);
        let lists = &self.tuning.lists.values;
        let changed = |names: BTreeSet<String>| {
            names.iter().any(|name| before.values.get(name) != lists.get(name))
        };
        let mut faults = Vec::new();
        let mut keep = |faulty: Vec<SigmaError>| faults.extend(faulty);
        for rule in self.rules.iter_mut().filter(|rule| changed(rule.document.placeholders())) {
            match rule.over(lists) {
                Ok(over) => *rule = Arc::new(over),
                Err(more) => keep(more),
            }
        }
        for it in self
            .tuning
            .filters
            .iter_mut()
            .filter(|it| changed(it.document.detection.placeholders()))
        {
            match filters::load(it.document.clone(), lists) {
                Ok(over) => *it = Arc::new(over),
                Err(more) => keep(more),
            }
        }
        for it in self
            .tuning
            .exceptions
            .iter_mut()
            .filter(|it| changed(it.document.detection.placeholders()))
        {
            match exceptions::load(it.document.clone(), lists) {
                Ok(over) => *it = Arc::new(over),
                Err(more) => keep(more),
            }
        }
        faults
    }
}
