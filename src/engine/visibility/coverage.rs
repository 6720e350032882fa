//! What a rule needs to see before it can match: verbs, bodies and the log category that brings
//! them. Derived from its detection and from the audit policy of AKS, never stated by hand.

mod combined;
pub mod volume;

use std::collections::BTreeSet;

use super::{Body, Requests, body_of, holds_without, unlogged};
use crate::audit::policy::bodies;
use crate::engine::loaded::LoadedRule;
use crate::engine::ruleset::RuleSet;
use crate::sigma::conjunct::{Asks, Conjunct, Term, conjuncts};
use crate::sigma::document::Rule;

/// Verbs of requests for resources, as an audit event has them.
pub const RESOURCE_VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
/// Verbs of requests for other paths: the methods of HTTP.
const PATH_VERBS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];
/// Verbs whose requests carry a body.
const BODY_VERBS: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];
/// What the category `kube-audit-admin` leaves out, as Azure documents it. Whether it keeps `watch`
/// is not stated; it is counted as kept.
pub const ADMIN_OMITS: [&str; 2] = ["get", "list"];

/// A log category of the diagnostic settings that carries audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Everything that the audit policy writes.
    KubeAudit,
    /// The same without `get` and `list`.
    KubeAuditAdmin,
}

impl Category {
    /// The name in Azure's diagnostic settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KubeAudit => "kube-audit",
            Self::KubeAuditAdmin => "kube-audit-admin",
        }
    }
}

/// What of a rule is left when only `kube-audit-admin` is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// It can never match.
    Blind,
    /// Some of the requests it is about are missing.
    Partly,
    /// Everything it is about is there.
    Whole,
}

impl Left {
    /// The word of our formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Partly => "partly",
            Self::Whole => "whole",
        }
    }
}

/// The bodies without which a rule does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BodyNeed {
    pub request: bool,
    pub response: bool,
    /// The final object: the response's body, or the request's where there is no other.
    pub object: bool,
    /// Some ways in which the rule matches need no body.
    pub avoidable: bool,
}

impl BodyNeed {
    /// Whether any way of matching needs a body.
    pub fn any(self) -> bool {
        self.request || self.response || self.object
    }

    /// `none`, or which bodies: `object`, `request or response`; `partly` before it when some ways
    /// of matching need none.
    pub fn describe(self) -> String {
        let parts =
            [(self.object, "object"), (self.request, "request"), (self.response, "response")];
        let parts: Vec<&str> =
            parts.iter().filter(|(needed, _)| *needed).map(|(_, word)| *word).collect();
        match (parts.is_empty(), self.avoidable) {
            (true, _) => "none".to_owned(),
            (false, true) => format!("partly {}", parts.join(" or ")),
            (false, false) => parts.join(" or "),
        }
    }

    fn add(&mut self, body: Option<Body>) {
        match body {
            None => self.avoidable = true,
            Some(Body::Request) => self.request = true,
            Some(Body::Response) => self.response = true,
            Some(Body::Either) => self.object = true,
        }
    }
}

/// What a rule needs to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Verbs with which it can match; [`RESOURCE_VERBS`] when it asks for none.
    pub verbs: Vec<&'static str>,
    pub body: BodyNeed,
    /// No request that the rule names has a body in the log of AKS, so that nothing it tells can be
    /// checked against the content.
    pub bodiless: bool,
    /// What is left of it under `kube-audit-admin`.
    pub admin: Left,
    /// It waits for the absence of what `kube-audit-admin` leaves out, and would alarm falsely.
    pub false_alarms: bool,
    /// The rule has more branches than are looked at; all verbs are assumed.
    pub undetermined: bool,
}

impl Needs {
    /// The least category with which nothing of the rule is lost.
    pub fn category(&self) -> Category {
        match self.admin {
            Left::Whole => Category::KubeAuditAdmin,
            Left::Partly | Left::Blind => Category::KubeAudit,
        }
    }

    /// The verbs that `kube-audit-admin` leaves out.
    pub fn verbs_lost(&self) -> Vec<&'static str> {
        self.verbs.iter().copied().filter(|verb| ADMIN_OMITS.contains(verb)).collect()
    }

    /// The verbs in words; `any` when the rule asks for none.
    pub fn describe_verbs(&self) -> String {
        if RESOURCE_VERBS.iter().all(|verb| self.verbs.contains(verb)) {
            "any".to_owned()
        } else {
            self.verbs.join(" ")
        }
    }
}

/// What the rule or correlation of this name needs; `None` when there is none. A correlation needs
/// what its members need.
pub fn needs(rules: &RuleSet, name: &str) -> Option<Needs> {
    if let Some(rule) = rules.rule(name) {
        return Some(of_rule(rule));
    }
    rules.correlation(name).map(|correlation| combined::of_correlation(rules, correlation))
}

/// What a rule about single events needs.
pub fn of_rule(rule: &LoadedRule) -> Needs {
    of_document(&rule.document)
}

fn of_document(rule: &Rule) -> Needs {
    let Ok(branches) = conjuncts(rule) else {
        return Needs {
            verbs: RESOURCE_VERBS.to_vec(),
            body: BodyNeed::default(),
            bodiless: false,
            admin: Left::Partly,
            false_alarms: false,
            undetermined: true,
        };
    };
    let mut body = BodyNeed::default();
    let mut verbs: BTreeSet<&'static str> = BTreeSet::new();
    let mut bodiless = true;
    for way in ways(&branches) {
        if way.verbs.is_empty() {
            continue;
        }
        body.add(way.body);
        bodiless = bodiless && way.bodiless;
        verbs.extend(&way.verbs);
    }
    let order = RESOURCE_VERBS.iter().chain(&PATH_VERBS);
    let mut ordered: Vec<&'static str> = Vec::new();
    for verb in order.filter(|verb| verbs.contains(*verb)) {
        if !ordered.contains(verb) {
            ordered.push(verb);
        }
    }
    let lost = ordered.iter().filter(|verb| ADMIN_OMITS.contains(verb)).count();
    let admin = match lost {
        0 => Left::Whole,
        lost if lost == ordered.len() => Left::Blind,
        _ => Left::Partly,
    };
    Needs { verbs: ordered, body, bodiless, admin, false_alarms: false, undetermined: false }
}

/// A branch of a rule, as far as it matters here.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    verbs: Vec<&'static str>,
    body: Option<Body>,
    bodiless: bool,
}

/// The different ways among the branches. Most branches of a rule with exclusions ask for the same
/// requests, which are looked at once.
fn ways(branches: &[Conjunct]) -> BTreeSet<Way> {
    let mut seen = BTreeSet::new();
    let mut ways = BTreeSet::new();
    for branch in branches {
        let body = body(branch);
        let verbs = verbs_asked(branch, body);
        let requests = Requests::of(branch);
        let first = seen.insert((requests, body, verbs.clone()));
        if first {
            let logged = |verb: &&'static str| unlogged(&narrowed(branch, verb)).is_none();
            let verbs: Vec<&'static str> = verbs.into_iter().filter(logged).collect();
            ways.insert(Way { bodiless: bodiless(branch, &verbs), verbs, body });
        }
    }
    ways
}

/// The body that the branch needs; where several, the one that the policy writes least often.
fn body(branch: &Conjunct) -> Option<Body> {
    let rank = |body: &Body| match body {
        Body::Response => 2,
        Body::Request => 1,
        Body::Either => 0,
    };
    branch.terms.iter().filter_map(body_of).max_by_key(rank)
}

/// Verbs that the terms of the branch allow, in the order of [`RESOURCE_VERBS`].
fn verbs_asked(branch: &Conjunct, body: Option<Body>) -> Vec<&'static str> {
    let about_paths = branch.terms.iter().any(|term| {
        let resource = matches!(term.field.as_deref(), Some("objectRef" | "objectRef.resource"));
        resource && matches!(term.asks, Asks::Null | Asks::Exists(false)) && !term.negated
    });
    let all: &[&'static str] = if about_paths { &PATH_VERBS } else { &RESOURCE_VERBS };
    let allowed = |verb: &&'static str| {
        branch.terms.iter().all(|term| allows(term, verb))
            && (body.is_none() || BODY_VERBS.contains(verb))
    };
    all.iter().copied().filter(allowed).collect()
}

/// Whether a request of this verb can satisfy the term, as far as the term says.
fn allows(term: &Term, verb: &str) -> bool {
    let positive = !holds_without(term);
    match term.field.as_deref() {
        Some("verb") => match &term.asks {
            Asks::OneOf(values) => values.iter().any(|value| value == verb) != term.negated,
            Asks::Null | Asks::Exists(false) => term.negated,
            Asks::Exists(true) => !term.negated,
            // Parts and patterns are not looked into: the verb stays possible.
            Asks::Other => true,
        },
        Some("objectRef.subresource") => match &term.asks {
            Asks::OneOf(values) if !term.negated => {
                values.iter().any(|value| subresource_takes(value, verb))
            }
            _ => true,
        },
        Some(field) if field.split('.').take(2).eq(["midwatch", "exec"]) => {
            !positive || subresource_takes("exec", verb)
        }
        _ => true,
    }
}

/// Whether requests for a subresource of a pod, node or service come with this verb. Streams are
/// opened by a GET (WebSocket) or a POST (SPDY), which are `get` and `create`.
fn subresource_takes(subresource: &str, verb: &str) -> bool {
    match subresource {
        "exec" | "attach" | "portforward" => ["get", "create"].contains(&verb),
        "proxy" => ["get", "create", "update", "patch", "delete"].contains(&verb),
        "log" => verb == "get",
        _ => true,
    }
}

/// The branch with its verb fixed.
fn narrowed(branch: &Conjunct, verb: &str) -> Conjunct {
    let mut terms: Vec<Term> =
        branch.terms.iter().filter(|term| term.field.as_deref() != Some("verb")).cloned().collect();
    terms.push(Term {
        selection: "verb".into(),
        field: Some("verb".into()),
        negated: false,
        asks: Asks::OneOf(vec![verb.to_owned()].into()),
        line: 0,
    });
    Conjunct { terms }
}

/// Whether AKS writes no body for anything that the branch names. Only said of named resources.
fn bodiless(branch: &Conjunct, verbs: &[&'static str]) -> bool {
    let named = Requests::of(branch);
    !named.resources.is_empty()
        && verbs.iter().all(|verb| {
            let branch = narrowed(branch, verb);
            let requests = Requests::of(&branch);
            requests.combinations() <= super::COMBINATIONS_MAX
                && requests.patterns().all(|pattern| {
                    let bodies = bodies(&pattern);
                    !bodies.request && !bodies.response
                })
        })
}

#[cfg(test)]
mod tests;
