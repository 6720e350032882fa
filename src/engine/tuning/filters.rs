//! Sigma filters over rules. A filter's condition is joined to the rule's with `and`, as pySigma
//! has it; it never touches a correlation, only the rules that one is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{KnownRules, Named};
use crate::audit::event::Event;
use crate::engine::correlate::memory::document as memory;
use crate::engine::loaded::{LoadedRule, fault_at};
use crate::engine::visibility::{self, RuleLint};
use crate::model::ids::RuleId;
use crate::sigma::compile::Matcher;
use crate::sigma::document::Logsource;
use crate::sigma::encode::ValueLists;
use crate::sigma::error::{SigmaError, quote};
use crate::sigma::explain::Explanation;
use crate::sigma::filter::{Filter, FilteredRules};
use crate::sigma::lint::Severity;

/// A filter, ready to be asked.
#[derive(Debug)]
pub struct LoadedFilter {
    pub document: Box<Filter>,
    matcher: Matcher,
}

impl LoadedFilter {
    /// What people call it.
    pub fn label(&self) -> &str {
        self.document.label()
    }

    /// The file it stands in.
    pub fn file(&self) -> &str {
        &self.document.file
    }

    /// Where the document begins.
    pub fn line(&self) -> u32 {
        self.document.line
    }

    /// Whether the event stays with the rule.
    pub fn admits(&self, event: &Event) -> bool {
        self.matcher.matches(event)
    }

    /// Why it stays or not; what holds, stays.
    pub fn explain(&self, event: &Event) -> Explanation {
        self.matcher.explain(event)
    }

    /// Everything to mend in it.
    pub fn lint(&self) -> Vec<RuleLint> {
        visibility::lint_filter(&self.document)
    }
}

/// Checks and compiles a filter.
pub(in crate::engine) fn load(
    document: Box<Filter>,
    lists: &ValueLists,
) -> Result<LoadedFilter, Vec<SigmaError>> {
    let matcher = Matcher::compile_detection(&document.detection, &document.file, lists)?;
    let mut faults = errors(visibility::lint_filter(&document));
    faults.extend(memory::refuse(document.metadata.custom.get("midwatch"), &document.file));
    if faults.is_empty() { Ok(LoadedFilter { document, matcher }) } else { Err(faults) }
}

/// Those lints that make a document useless, as faults.
pub(super) fn errors(lints: Vec<RuleLint>) -> Vec<SigmaError> {
    lints
        .into_iter()
        .filter(|lint| lint.severity == Severity::Error)
        .map(|lint| fault_at(&lint.file, lint.line, &lint.reason))
        .collect()
}

/// Why a filter is for other logs than ours, when it is.
pub(in crate::engine) fn foreign(filter: &Filter) -> Option<String> {
    let source = &filter.logsource;
    let other = |part: &Option<String>, ours: &[&str]| {
        part.as_deref().is_some_and(|part| !ours.contains(&part))
    };
    let foreign = other(&source.product, &["kubernetes"])
        || other(&source.service, &["audit"])
        || other(&source.category, &["audit", "application"]);
    foreign.then(|| "its logsource is not kubernetes/audit, which is all this version reads".into())
}

/// The filters of each rule.
pub(super) fn link(
    filters: &[Arc<LoadedFilter>],
    known: &KnownRules<'_>,
    faults: &mut Vec<SigmaError>,
) -> BTreeMap<RuleId, Vec<Arc<LoadedFilter>>> {
    let mut found: BTreeMap<RuleId, Vec<Arc<LoadedFilter>>> = BTreeMap::new();
    for filter in filters {
        let mut cover = |rule: &LoadedRule| {
            let filters = found.entry(rule.reference.id.clone()).or_default();
            if !filters.iter().any(|known| Arc::ptr_eq(known, filter)) {
                filters.push(Arc::clone(filter));
            }
        };
        match &filter.document.rules {
            FilteredRules::Any => {
                let rules = known.all_rules().filter(|rule| covers(filter, rule));
                rules.for_each(|rule| cover(rule));
            }
            FilteredRules::Listed(names) => {
                for name in names {
                    match named(filter, name, known) {
                        Ok(Some(rule)) => cover(rule),
                        Ok(None) => {}
                        Err(reason) => {
                            faults.push(fault_at(filter.file(), filter.line(), &reason));
                        }
                    }
                }
            }
        }
    }
    found
}

/// The rule that a filter names; `None` for one about other logs, which is not run.
fn named<'a>(
    filter: &LoadedFilter,
    name: &str,
    known: &'a KnownRules<'_>,
) -> Result<Option<&'a LoadedRule>, String> {
    match known.find(name) {
        Some(Named::Rule(rule)) if covers(filter, rule) => Ok(Some(rule)),
        Some(Named::Rule(_)) => Err(format!(
            "the filter's logsource is not that of the rule {}, so it would do nothing; give it \
             the rule's",
            quote(name)
        )),
        Some(Named::Correlation(_)) => Err(format!(
            "{} is a correlation, which filters do not touch; name the rules that it is made of",
            quote(name)
        )),
        Some(Named::Foreign) => Ok(None),
        None => Err(format!(
            "there is no rule {}; `midwatch rules list` shows their names, and `any` means all",
            quote(name)
        )),
    }
}

/// Whether the filter's log source is the rule's, or a wider one.
fn covers(filter: &LoadedFilter, rule: &LoadedRule) -> bool {
    let (wide, narrow): (&Logsource, &Logsource) =
        (&filter.document.logsource, &rule.document.logsource);
    let part = |wide: &Option<String>, narrow: &Option<String>| wide.is_none() || wide == narrow;
    part(&wide.product, &narrow.product)
        && part(&wide.service, &narrow.service)
        && part(&wide.category, &narrow.category)
}
