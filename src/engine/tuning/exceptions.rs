//! Exceptions over findings. One marks a finding and leaves it where it is; what it says ends on a
//! day, by the time of the event, so that a replay comes to the same marks.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::{Date, OffsetDateTime, UtcOffset};

use super::{KnownRules, Named, filters};
use crate::engine::correlate::memory::document as memory;
use crate::engine::correlate::plan::LoadedCorrelation;
use crate::engine::loaded::fault_at;
use crate::engine::visibility::{self, RuleLint};
use crate::model::fields::Fields;
use crate::model::finding::Excepted;
use crate::model::ids::RuleId;
use crate::sigma::compile::Matcher;
use crate::sigma::encode::ValueLists;
use crate::sigma::error::{SigmaError, bounded, quote};
use crate::sigma::exception::Exception;
use crate::sigma::filter::FilteredRules;

/// Characters of the texts that a finding is marked with.
const TEXT_MAX: usize = 500;

/// An exception, ready to be asked.
#[derive(Debug)]
pub struct LoadedException {
    pub document: Box<Exception>,
    matcher: Matcher,
}

impl LoadedException {
    /// What findings are marked with.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// The file it stands in.
    pub fn file(&self) -> &str {
        &self.document.file
    }

    /// Where the document begins.
    pub fn line(&self) -> u32 {
        self.document.line
    }

    /// Whether it no longer holds for events of that day.
    pub fn has_ended(&self, day: Date) -> bool {
        self.document.expires.is_some_and(|expires| day >= expires)
    }

    /// Everything to mend in it, but for its age.
    pub fn lint(&self) -> Vec<RuleLint> {
        visibility::lint_exception(&self.document)
    }

    fn accepts(&self, fields: &dyn Fields, time: OffsetDateTime) -> bool {
        let day = time.checked_to_offset(UtcOffset::UTC).map(OffsetDateTime::date);
        day.is_some_and(|day| !self.has_ended(day)) && self.matcher.matches(fields)
    }

    fn mark(&self) -> Excepted {
        Excepted {
            name: bounded(&self.document.name, TEXT_MAX),
            owner: bounded(&self.document.owner, TEXT_MAX),
            reason: bounded(&self.document.reason, TEXT_MAX),
        }
    }
}

/// Checks and compiles an exception.
pub(in crate::engine) fn load(
    document: Box<Exception>,
    lists: &ValueLists,
) -> Result<LoadedException, Vec<SigmaError>> {
    let matcher = Matcher::compile_detection(&document.detection, &document.file, lists)?;
    let mut faults = filters::errors(visibility::lint_exception(&document));
    faults.extend(memory::refuse(document.metadata.custom.get("midwatch"), &document.file));
    if faults.is_empty() { Ok(LoadedException { document, matcher }) } else { Err(faults) }
}

/// The mark of the first exception that accepts what has these fields.
pub(in crate::engine) fn mark(
    exceptions: &[Arc<LoadedException>],
    fields: &dyn Fields,
    time: OffsetDateTime,
) -> Option<Excepted> {
    exceptions.iter().find(|it| it.accepts(fields, time)).map(|it| it.mark())
}

/// The exceptions of each rule and correlation, in the order of their names.
pub(super) fn link(
    exceptions: &[Arc<LoadedException>],
    known: &KnownRules<'_>,
    faults: &mut Vec<SigmaError>,
) -> BTreeMap<RuleId, Vec<Arc<LoadedException>>> {
    let mut found: BTreeMap<RuleId, Vec<Arc<LoadedException>>> = BTreeMap::new();
    for exception in exceptions {
        let mut cover = |rule: &RuleId| {
            let of_rule = found.entry(rule.clone()).or_default();
            if !of_rule.iter().any(|known| Arc::ptr_eq(known, exception)) {
                of_rule.push(Arc::clone(exception));
            }
        };
        let names = match &exception.document.rules {
            // A correlation knows only what it groups by, so it is meant only where it is named.
            FilteredRules::Any => {
                known.all_rules().for_each(|rule| cover(&rule.reference.id));
                continue;
            }
            FilteredRules::Listed(names) => names,
        };
        for name in names {
            let reason = match known.find(name) {
                Some(Named::Rule(rule)) => {
                    cover(&rule.reference.id);
                    continue;
                }
                Some(Named::Correlation(correlation)) => match unknown(exception, correlation) {
                    None => {
                        cover(&correlation.reference.id);
                        continue;
                    }
                    Some(field) => format!(
                        "{} is a correlation and knows the fields of its `group-by` alone; {} is \
                         none of them",
                        quote(name),
                        quote(&field)
                    ),
                },
                Some(Named::Foreign) => continue,
                None => format!(
                    "there is no rule {}; `midwatch rules list` shows their names",
                    quote(name)
                ),
            };
            faults.push(fault_at(exception.file(), exception.line(), &reason));
        }
    }
    for of_rule in found.values_mut() {
        of_rule.sort_by(|a, b| a.name().cmp(b.name()));
    }
    found
}

/// What an exception asks and a correlation does not know.
fn unknown(exception: &LoadedException, correlation: &LoadedCorrelation) -> Option<String> {
    let known = &correlation.document.group_by;
    exception.document.detection.items().into_iter().find_map(|item| match &item.field {
        Some(field) if known.contains(field) => None,
        Some(field) => Some(field.clone()),
        None => Some("(keywords)".to_owned()),
    })
}
