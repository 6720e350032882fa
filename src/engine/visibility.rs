//! What AKS writes down at all, held against what a rule asks for. A rule that waits for a body
//! that is never logged, a field that no event has or a value that no field takes would be silent
//! for ever; it is refused when it is loaded.

pub mod coverage;
pub mod never;

use std::collections::BTreeSet;
use std::fmt;

use crate::audit::policy::{AuditLevel, RequestPattern, RequestShape, bodies, level};
use crate::audit::taxonomy::{FIELDS, FieldKind, Known as KnownField, has_elements, knows};
use crate::sigma::conjunct::{Asks, Conjunct, Term, conjuncts};
use crate::sigma::document::Rule;
use crate::sigma::exception::Exception;
use crate::sigma::filter::Filter;
use crate::sigma::lint::{self as sigma_lint, Known, Severity, Taxonomy, ValueKind};

use super::metadata::Metadata;

/// Combinations of verbs, resources, names and so on that one branch is tried with, at most.
const COMBINATIONS_MAX: usize = 10_000;

/// Something to mend in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLint {
    pub file: String,
    pub line: u32,
    pub severity: Severity,
    /// What is wrong, and the cure.
    pub reason: String,
}

impl fmt::Display for RuleLint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.severity.as_str(), self.reason)
    }
}

/// Everything to mend in a rule, in the order of the file.
pub fn lint(rule: &Rule, metadata: &Metadata) -> Vec<RuleLint> {
    let mut found: Vec<(u32, Severity, String)> = sigma_lint::lint(rule, &AksTaxonomy)
        .into_iter()
        .map(|lint| (lint.line, lint.severity, lint.reason))
        .collect();
    found.extend(invisible(rule));
    for field in &metadata.dedup {
        if matches!(knows(field), KnownField::Unknown) {
            let reason = format!("`midwatch.dedup` names `{field}`, which no event has");
            found.push((rule.line, Severity::Error, reason));
        }
    }
    found.sort_by_key(|(line, ..)| *line);
    found.dedup();
    found
        .into_iter()
        .map(|(line, severity, reason)| RuleLint {
            file: rule.file.clone(),
            line,
            severity,
            reason,
        })
        .collect()
}

/// Everything to mend in a filter, in the order of the file.
pub fn lint_filter(filter: &Filter) -> Vec<RuleLint> {
    located(&filter.file, sigma_lint::lint_filter(filter, &AksTaxonomy))
}

/// Everything to mend in an exception, in the order of the file.
pub fn lint_exception(exception: &Exception) -> Vec<RuleLint> {
    located(&exception.file, sigma_lint::lint_exception(exception, &AksTaxonomy))
}

fn located(file: &str, lints: Vec<sigma_lint::Lint>) -> Vec<RuleLint> {
    lints
        .into_iter()
        .map(|sigma_lint::Lint { severity, line, reason }| RuleLint {
            file: file.to_owned(),
            line,
            severity,
            reason,
        })
        .collect()
}

/// The audit events of AKS, as the rule lint asks for them.
struct AksTaxonomy;

impl Taxonomy for AksTaxonomy {
    fn look_up(&self, path: &str) -> Known<'_> {
        let field = match knows(path) {
            KnownField::Unknown => return Known::Unknown,
            KnownField::Below(_) => return Known::Open,
            KnownField::Field(field) => field,
        };
        let kind = match field.kind {
            FieldKind::Open => return Known::Open,
            FieldKind::Text => ValueKind::Text,
            FieldKind::Number => ValueKind::Number,
            FieldKind::Boolean => ValueKind::Boolean,
            FieldKind::Time => ValueKind::Time,
            FieldKind::Object => ValueKind::Object,
        };
        Known::Field { kind, values: field.values }
    }

    fn has_elements(&self, path: &str) -> bool {
        has_elements(path)
    }

    fn nearest(&self, path: &str) -> Option<String> {
        let plain = |text: &str| text.to_lowercase().replace(['.', '_', '-'], "");
        let last = |text: &str| text.rsplit('.').next().map(str::to_lowercase);
        let twin = FIELDS.iter().find(|field| plain(field.path) == plain(path));
        let cousin = || FIELDS.iter().find(|field| last(field.path) == last(path));
        twin.or_else(cousin).map(|field| field.path.to_owned())
    }
}

/// Branches of the rule that ask for what AKS never writes.
fn invisible(rule: &Rule) -> Vec<(u32, Severity, String)> {
    let branches = match conjuncts(rule) {
        Ok(branches) => branches,
        Err(error) => return vec![(rule.line, Severity::Warning, error.to_string())],
    };
    branches.iter().filter_map(unlogged).collect()
}

/// Whether AKS writes the response's body of some request that the rule may be about.
pub(super) fn shows_object(rule: &Rule) -> bool {
    let Ok(branches) = conjuncts(rule) else { return true };
    branches.iter().any(|branch| {
        let requests = Requests::of(branch);
        requests.combinations() > COMBINATIONS_MAX
            || requests.patterns().any(|pattern| bodies(&pattern).response)
    })
}

/// Why a branch can never hold on AKS, when it cannot.
fn unlogged(branch: &Conjunct) -> Option<(u32, Severity, String)> {
    let requests = Requests::of(branch);
    if requests.combinations() > COMBINATIONS_MAX {
        return None; // long lists of names mean that the author knows what there is
    }
    if let Some(term) = requests.line_of_resource
        && requests.shapes().all(|shape| level(&shape) == AuditLevel::None)
    {
        let what = requests.describe();
        let reason = format!("AKS does not log {what}; the branch can never match");
        return Some((term, Severity::Error, reason));
    }
    let (term, body) = branch.terms.iter().find_map(|term| Some((term, body_of(term)?)))?;
    requests.line_of_resource?;
    let written = requests.patterns().any(|pattern| {
        let bodies = bodies(&pattern);
        match body {
            Body::Request => bodies.request,
            Body::Response => bodies.response,
            Body::Either => bodies.request || bodies.response,
        }
    });
    (!written).then(|| {
        let field = term.field.as_deref().unwrap_or_default();
        let what = requests.describe();
        let reason = format!(
            "`{field}` lies in a body, and AKS never writes one for {what}; ask for names, verbs, \
             outcome or annotations instead"
        );
        (term.line, Severity::Error, reason)
    })
}

/// Which body a term needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Body {
    Request,
    Response,
    Either,
}

/// Whether the term holds on an event that lacks the field.
fn holds_without(term: &Term) -> bool {
    match term.asks {
        Asks::Null | Asks::Exists(false) => !term.negated,
        Asks::Exists(true) | Asks::OneOf(_) | Asks::Other => term.negated,
    }
}

/// The body that must be there for the term to hold.
fn body_of(term: &Term) -> Option<Body> {
    if holds_without(term) {
        return None;
    }
    let field = term.field.as_deref()?;
    let below = |root: &str| {
        field.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if below("requestObject") {
        Some(Body::Request)
    } else if below("responseObject") {
        Some(Body::Response)
    } else {
        const DERIVED: [&str; 6] = [
            "midwatch.object",
            "midwatch.pod",
            "midwatch.pod_metadata",
            "midwatch.containers",
            "midwatch.images",
            "midwatch.csr",
        ];
        DERIVED.iter().any(|root| below(root)).then_some(Body::Either)
    }
}

/// The requests that a branch is about, as far as plain equalities say. An empty list means any.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Requests {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    subresources: Vec<String>,
    namespaces: Vec<String>,
    names: Vec<String>,
    line_of_resource: Option<u32>,
}

impl Requests {
    fn of(branch: &Conjunct) -> Self {
        let mut requests = Self::default();
        for term in branch.terms.iter().filter(|term| !term.negated) {
            let values: Vec<String> = match &term.asks {
                Asks::OneOf(values) => values.to_vec(),
                Asks::Null | Asks::Exists(false) => vec![String::new()],
                Asks::Exists(true) | Asks::Other => continue,
            };
            let part = match term.field.as_deref() {
                Some("verb") => &mut requests.verbs,
                Some("objectRef.apiGroup") => &mut requests.api_groups,
                Some("objectRef.resource") => {
                    requests.line_of_resource = Some(term.line);
                    &mut requests.resources
                }
                Some("objectRef.subresource") => &mut requests.subresources,
                Some("objectRef.namespace") => &mut requests.namespaces,
                Some("objectRef.name") => &mut requests.names,
                _ => continue,
            };
            if part.is_empty() {
                *part = values;
            } else {
                part.retain(|value| values.contains(value));
            }
        }
        requests
    }

    fn combinations(&self) -> usize {
        let parts = [
            &self.verbs,
            &self.api_groups,
            &self.resources,
            &self.subresources,
            &self.namespaces,
            &self.names,
        ];
        parts.iter().map(|part| part.len().max(1)).fold(1, usize::saturating_mul)
    }

    /// Every combination that the branch names, with what it leaves open.
    fn patterns(&self) -> impl Iterator<Item = RequestPattern<'_>> {
        let verbs = options(&self.verbs);
        let groups = options(&self.api_groups);
        let subresources = options(&self.subresources);
        let namespaces = options(&self.namespaces);
        let names = options(&self.names);
        let mut patterns = Vec::new();
        for resource in options(&self.resources) {
            for &verb in &verbs {
                for &api_group in &groups {
                    for &subresource in &subresources {
                        for &namespace in &namespaces {
                            for &name in &names {
                                patterns.push(RequestPattern {
                                    verb,
                                    api_group,
                                    resource,
                                    subresource,
                                    namespace,
                                    name,
                                });
                            }
                        }
                    }
                }
            }
        }
        patterns.into_iter()
    }

    /// Requests of an ordinary user that the branch may mean. What is left open is tried with
    /// several values, so that "not logged" is said only when none of them is.
    fn shapes(&self) -> impl Iterator<Item = RequestShape<'_>> {
        const VERBS: [&str; 4] = ["get", "list", "create", "delete"];
        // The groups of the only built-in resource that is left out of the log, events.
        const GROUPS: [&str; 2] = ["", "events.k8s.io"];
        const NAMESPACES: [&str; 2] = ["default", "an-application"];
        let mut shapes = Vec::new();
        for pattern in self.patterns() {
            let or = |value: Option<_>, several: &[&'static str]| match value {
                Some(value) => vec![value],
                None => several.to_vec(),
            };
            for verb in or(pattern.verb, &VERBS) {
                for api_group in or(pattern.api_group, &GROUPS) {
                    for namespace in or(pattern.namespace, &NAMESPACES) {
                        shapes.push(RequestShape {
                            user: "somebody",
                            groups: &["system:authenticated"],
                            verb,
                            api_group,
                            resource: pattern.resource.unwrap_or_default(),
                            subresource: pattern.subresource.unwrap_or_default(),
                            namespace,
                            name: pattern.name.unwrap_or_default(),
                            path: "",
                        });
                    }
                }
            }
        }
        shapes.into_iter()
    }

    /// The requests in words, for a message.
    fn describe(&self) -> String {
        let list = |values: &[String], any: &str| {
            let values: BTreeSet<&str> =
                values.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
            if values.is_empty() {
                any.to_owned()
            } else {
                values.into_iter().collect::<Vec<_>>().join(", ")
            }
        };
        let verbs = list(&self.verbs, "any request");
        format!("{verbs} of {}", list(&self.resources, "any resource"))
    }
}

fn options(values: &[String]) -> Vec<Option<&str>> {
    if values.is_empty() {
        vec![None]
    } else {
        values.iter().map(|value| Some(value.as_str())).collect()
    }
}
