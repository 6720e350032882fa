//! What a site adds to rules without touching them: Sigma filters, exceptions and value lists.
//! Owns which rule each belongs to. `docs/tuning.md` says it for those who write them.

pub mod exceptions;
pub mod filters;
pub mod lists;
pub mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::exceptions::LoadedException;
use self::filters::LoadedFilter;
use self::lists::Lists;
use self::tally::Filtered;
use super::correlate::plan::LoadedCorrelation;
use super::loaded::{LoadedRule, fault_at};
use super::visibility::RuleLint;
use crate::audit::event::Event;
use crate::model::ids::RuleId;
use crate::sigma::detection::Detection;
use crate::sigma::error::SigmaError;
use crate::sigma::lint::Severity;

/// Filters, exceptions and lists of a rule set, and the rules that each is for.
#[derive(Debug, Clone, Default)]
pub(super) struct Tuning {
    pub lists: Lists,
    pub filters: Vec<Arc<LoadedFilter>>,
    pub exceptions: Vec<Arc<LoadedException>>,
    filters_of: BTreeMap<RuleId, Vec<Arc<LoadedFilter>>>,
    exceptions_of: BTreeMap<RuleId, Vec<Arc<LoadedException>>>,
}

impl Tuning {
    /// Finds the rules of every filter and exception.
    pub(super) fn link(&mut self, known: &KnownRules<'_>) -> Result<(), Vec<SigmaError>> {
        let mut faults = Vec::new();
        self.filters_of = filters::link(&self.filters, known, &mut faults);
        self.exceptions_of = exceptions::link(&self.exceptions, known, &mut faults);
        faults.extend(same_names(&self.filters, |it| (it.label(), it.file(), it.line())));
        faults.extend(same_names(&self.exceptions, |it| (it.name(), it.file(), it.line())));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The filters of a rule.
    pub(super) fn filters_of(&self, rule: &RuleId) -> &[Arc<LoadedFilter>] {
        self.filters_of.get(rule).map(Vec::as_slice).unwrap_or_default()
    }

    /// The exceptions of a rule or correlation.
    pub(super) fn exceptions_of(&self, rule: &RuleId) -> &[Arc<LoadedException>] {
        self.exceptions_of.get(rule).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether every filter of the rule lets the event through; those that do not are counted.
    pub(super) fn admits(&self, rule: &RuleId, event: &Event, filtered: &mut Filtered) -> bool {
        let filters = self.filters_of(rule);
        let against = filters.iter().filter(|filter| !filter.admits(event));
        let names: Vec<&str> = against.map(|filter| filter.label()).collect();
        filtered.count(&names);
        names.is_empty()
    }

    /// Everything to mend, given what rules ask for.
    pub(super) fn lints<'a>(&'a self, rules: impl Iterator<Item = &'a Detection>) -> Vec<RuleLint> {
        let mut found: Vec<RuleLint> = self.filters.iter().flat_map(|it| it.lint()).collect();
        found.extend(self.exceptions.iter().flat_map(|it| it.lint()));
        found.extend(self.lists.lint());
        let filters = self.filters.iter().map(|it| &it.document.detection);
        let exceptions = self.exceptions.iter().map(|it| &it.document.detection);
        let all = rules.chain(filters).chain(exceptions);
        let asked: BTreeSet<String> = all.flat_map(Detection::placeholders).collect();
        for list in self.lists.documents.iter().filter(|list| !asked.contains(&list.name)) {
            let reason = format!("no rule asks for `%{}%`; use the list or remove it", list.name);
            found.push(lists::at(list, list.line, Severity::Warning, reason));
        }
        for filter in &self.filters {
            let serves = |of: &Vec<Arc<LoadedFilter>>| of.iter().any(|it| Arc::ptr_eq(it, filter));
            if !self.filters_of.values().any(serves) {
                let reason = "the filter is for no rule that is loaded; correct its logsource";
                found.push(RuleLint {
                    file: filter.file().to_owned(),
                    line: filter.line(),
                    severity: Severity::Warning,
                    reason: reason.to_owned(),
                });
            }
        }
        found
    }
}

/// The rules that filters and exceptions may name.
pub(super) struct KnownRules<'a> {
    pub rules: &'a [Arc<LoadedRule>],
    pub correlations: &'a [Arc<LoadedCorrelation>],
    /// In lower case: names and ids of rules about other logs.
    pub foreign: &'a BTreeSet<String>,
    /// What ships, where a directory is looked at alone: it may be named all the same.
    pub idle: &'a [Arc<LoadedRule>],
    pub idle_correlations: &'a [Arc<LoadedCorrelation>],
}

/// What a name stands for.
pub(super) enum Named<'a> {
    Rule(&'a LoadedRule),
    Correlation(&'a LoadedCorrelation),
    /// A rule about other logs, which is not run here.
    Foreign,
}

impl KnownRules<'_> {
    fn all_rules(&self) -> impl Iterator<Item = &Arc<LoadedRule>> {
        self.rules.iter().chain(self.idle)
    }

    /// What has this name or id.
    pub(super) fn find(&self, name: &str) -> Option<Named<'_>> {
        let lower = name.to_lowercase();
        let is = |called: &str, id: &RuleId| called == name || id.as_str() == lower;
        let rule = self.all_rules().find(|it| is(&it.reference.name, &it.reference.id));
        if let Some(rule) = rule {
            return Some(Named::Rule(rule));
        }
        let mut correlations = self.correlations.iter().chain(self.idle_correlations);
        let correlation = correlations.find(|it| is(&it.reference.name, &it.reference.id));
        if let Some(correlation) = correlation {
            return Some(Named::Correlation(correlation));
        }
        self.foreign.contains(&lower).then_some(Named::Foreign)
    }
}

/// A name is what counters and findings carry, so two documents cannot share it.
fn same_names<T>(all: &[T], of: impl Fn(&T) -> (&str, &str, u32)) -> Vec<SigmaError> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, file, line) in all.iter().map(of) {
        if let Some(first) = seen.insert(name, file) {
            let reason = format!("the name `{name}` is taken by {first}; give this one another");
            faults.push(fault_at(file, line, &reason));
        }
    }
    faults
}

#[cfg(test)]
mod tests;
