//! Rules, loaded and compiled once. A rule that cannot be used is a problem with file, line and
//! reason, never a rule that silently does nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::attack::Attack;
use crate::model::ids::RuleId;
use crate::model::rule::RuleRef;
use crate::sigma::compile::Matcher;
use crate::sigma::document::{Document, Rule, parse};
use crate::sigma::error::SigmaError;
use crate::sigma::lint::Severity;
use crate::sigma::node::Place;

use super::metadata::{self, Metadata};
use super::visibility;

/// Rule documents in one set, at most; more is a mistake in a path rather than a rule set.
const RULES_MAX: usize = 10_000;

/// A rule file by name and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// Path as people would name it, for messages.
    pub path: String,
    pub text: String,
}

/// A detection rule, ready to run.
#[derive(Debug)]
pub struct LoadedRule {
    pub reference: RuleRef,
    pub document: Box<Rule>,
    pub metadata: Metadata,
    pub matcher: Matcher,
}

impl LoadedRule {
    /// The ATT&CK tactics and techniques it is tagged with.
    pub fn attack(&self) -> Vec<Attack> {
        let tags = self.document.tags.iter();
        tags.filter_map(|tag| Attack::from_tag(&format!("{}.{}", tag.namespace, tag.name)))
            .collect()
    }
}

/// A document that is sound but is not run by this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    pub file: String,
    pub line: u32,
    pub reason: String,
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// Rules by name, each compiled. Cheap to clone: the rules are shared.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    pub(super) rules: Vec<Arc<LoadedRule>>,
    /// Loaded, and not asked.
    idle: Vec<Arc<LoadedRule>>,
    pub(super) not_run: Vec<NotRun>,
}

impl RuleSet {
    /// Parses and compiles; all faults of all files at once.
    pub fn load(sources: &[RuleSource]) -> Result<Self, Vec<SigmaError>> {
        let (set, faults) = Self::load_sound(sources);
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    /// The rules that are sound, and all faults of all others: for whoever checks rules rather
    /// than runs them.
    pub fn load_sound(sources: &[RuleSource]) -> (Self, Vec<SigmaError>) {
        let mut set = Self::default();
        let mut faults = Vec::new();
        for source in sources {
            match parse(&source.text, &source.path) {
                Ok(documents) => {
                    for document in documents {
                        set.take(document, &mut faults);
                    }
                }
                Err(more) => faults.extend(more),
            }
            if let Some(beyond) = set.rules.get(RULES_MAX) {
                let reason = format!("more than {RULES_MAX} rules; load a smaller directory");
                faults.push(fault(beyond, reason));
                break;
            }
        }
        set.rules.sort_by(|a, b| a.reference.name.cmp(&b.reference.name));
        faults.extend(duplicates(&set.rules));
        (set, faults)
    }

    /// The rules that are asked about events, ordered by name.
    pub fn rules(&self) -> &[Arc<LoadedRule>] {
        &self.rules
    }

    /// The rule of this name.
    pub fn rule(&self, name: &str) -> Option<&LoadedRule> {
        self.rules.iter().find(|rule| rule.reference.name == name).map(Arc::as_ref)
    }

    /// Documents that parsed and were validated, and that this version does not run.
    pub fn not_run(&self) -> &[NotRun] {
        &self.not_run
    }

    /// Everything that is loaded, ordered by name, and whether it is asked about events.
    pub fn catalogue(&self) -> Vec<(&LoadedRule, bool)> {
        let asked = self.rules.iter().map(|rule| (rule.as_ref(), true));
        let idle = self.idle.iter().map(|rule| (rule.as_ref(), false));
        let mut all: Vec<_> = asked.chain(idle).collect();
        all.sort_by(|(a, _), (b, _)| a.reference.name.cmp(&b.reference.name));
        all
    }

    /// Asks only the rules that `keep` accepts; the others stay in the catalogue.
    #[must_use]
    pub fn asking_only(mut self, keep: impl Fn(&RuleRef) -> bool) -> Self {
        let (rules, more) = self.rules.into_iter().partition(|rule| keep(&rule.reference));
        self.rules = rules;
        self.idle.extend(more);
        self
    }

    fn take(&mut self, document: Document, faults: &mut Vec<SigmaError>) {
        match document {
            Document::Rule(rule) => {
                if let Some(reason) = foreign(&rule) {
                    self.not_run.push(NotRun { file: rule.file, line: rule.line, reason });
                    return;
                }
                match load(rule) {
                    Ok(rule) => self.rules.push(Arc::new(rule)),
                    Err(more) => faults.extend(more),
                }
            }
            Document::Correlation(correlation) => self.not_run.push(NotRun {
                file: correlation.file,
                line: correlation.line,
                reason: "correlations are validated but not run by this version".to_owned(),
            }),
            Document::Filter(filter) => self.not_run.push(NotRun {
                file: filter.file,
                line: filter.line,
                reason: "filters are validated but not applied by this version".to_owned(),
            }),
        }
    }
}

/// Why a rule is about something else than Kubernetes audit events, when it is.
fn foreign(rule: &Rule) -> Option<String> {
    let source = &rule.logsource;
    let ours = source.product.as_deref() == Some("kubernetes")
        && match source.service.as_deref() {
            None => matches!(source.category.as_deref(), None | Some("audit")),
            // `application` is what many public rules for the audit log say beside the service.
            Some("audit") => {
                matches!(source.category.as_deref(), None | Some("audit" | "application"))
            }
            Some(_) => false,
        };
    (!ours).then(|| "its logsource is not kubernetes/audit, which is all this version reads".into())
}

fn load(rule: Box<Rule>) -> Result<LoadedRule, Vec<SigmaError>> {
    let mut faults = Vec::new();
    let place = Place { line: rule.line, column: 1 };
    let mut fault = |reason: &str| {
        faults.push(SigmaError {
            file: rule.file.clone(),
            line: place.line,
            column: place.column,
            reason: reason.to_owned(),
        });
    };
    let id = rule.id.clone().unwrap_or_else(|| {
        fault(
            "the rule has no `id`; findings are derived from it, so draw a UUID once and keep it",
        );
        RuleId::new("")
    });
    let name = rule.name.clone().unwrap_or_else(|| {
        fault(&format!("the rule has no `name`; add `name: {}`", stem(&rule.file)));
        String::new()
    });
    let level = rule.level.unwrap_or_else(|| {
        fault("the rule has no `level`; use informational, low, medium, high or critical");
        crate::model::level::Level::Medium
    });
    let attributes = rule.custom.get("midwatch");
    let metadata =
        metadata::read(attributes, &rule.file, place).map_err(|more| faults.extend(more));
    let matcher = Matcher::compile(&rule).map_err(|more| faults.extend(more));
    if let Ok(metadata) = &metadata {
        // What can never fire would be silent for ever: an error here, not a remark.
        let lints = visibility::lint(&rule, metadata);
        faults.extend(lints.into_iter().filter(|lint| lint.severity == Severity::Error).map(
            |lint| SigmaError { file: lint.file, line: lint.line, column: 1, reason: lint.reason },
        ));
    }
    match (metadata, matcher) {
        (Ok(metadata), Ok(matcher)) if faults.is_empty() => Ok(LoadedRule {
            reference: RuleRef { id, name, title: rule.title.clone(), level, mode: metadata.mode },
            document: rule,
            metadata,
            matcher,
        }),
        _ => Err(faults),
    }
}

/// The file's name without folders and ending, which is what a rule is called.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name)
}

pub(super) fn fault(rule: &LoadedRule, reason: String) -> SigmaError {
    SigmaError { file: rule.document.file.clone(), line: rule.document.line, column: 1, reason }
}

fn duplicates(rules: &[Arc<LoadedRule>]) -> Vec<SigmaError> {
    let mut ids: BTreeMap<&str, &LoadedRule> = BTreeMap::new();
    let mut names: BTreeMap<&str, &LoadedRule> = BTreeMap::new();
    let mut faults = Vec::new();
    for rule in rules {
        if let Some(first) = ids.insert(rule.reference.id.as_str(), rule) {
            let file = &first.document.file;
            faults.push(fault(rule, format!("the id is taken by {file}; draw a new UUID")));
        }
        if let Some(first) = names.insert(&rule.reference.name, rule) {
            let file = &first.document.file;
            faults.push(fault(rule, format!("the name is taken by {file}; names are unique")));
        }
    }
    faults
}

#[cfg(test)]
mod tests;
