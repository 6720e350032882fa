//! Why a rule did or did not fire on an event, clause by clause; also for an event that somebody
//! hands in as text.

use crate::audit::event::Event;
use crate::audit::record::{Origin, decode};
use crate::audit::source::ControlPlane;
use crate::model::finding::Excepted;
use crate::model::ids::ClusterId;
use crate::model::rule::RuleRef;
use crate::sigma::explain::{Explanation, Step};

use super::evaluate::is_judged;
use super::ruleset::{LoadedRule, RuleSet};
use super::tuning::exceptions;
use super::tuning::tally::Filtered;

/// Steps of all explanations of one event together, about: a rule has some twenty. At least one
/// rule is explained, however long it is.
const STEPS_MAX: usize = 4_000;

/// A decision and its reasons.
#[derive(Debug)]
pub struct Decision {
    /// The rule fires on this event.
    pub fires: bool,
    /// Why the event is not judged at all, when it is not.
    pub set_aside: Option<&'static str>,
    /// The condition as a tree, each part with its verdict and the values seen.
    pub explanation: Explanation,
    /// The rule's filters by name; one that does not hold takes the event away.
    pub filters: Vec<(String, Explanation)>,
    /// The exception that accepts the finding; `None` also when there is no finding.
    pub excepted: Option<Excepted>,
}

/// Decides and explains.
pub fn explain(rules: &RuleSet, rule: &LoadedRule, event: &Event) -> Decision {
    let explanation = rule.matcher.explain(event);
    let judged = is_judged(event);
    let fires = fires(rules, rule, event);
    let id = &rule.reference.id;
    let filters = rules.filters_of(id).iter();
    let mark = || exceptions::mark(rules.exceptions_of(id), event, event.time());
    Decision {
        fires,
        filters: filters.map(|it| (it.label().to_owned(), it.explain(event))).collect(),
        excepted: fires.then(mark).flatten(),
        set_aside: (!judged).then_some(
            "stage RequestReceived: the request has no outcome yet and comes again in a later stage",
        ),
        explanation,
    }
}

fn fires(rules: &RuleSet, rule: &LoadedRule, event: &Event) -> bool {
    let admits = || rules.admits(&rule.reference.id, event, &mut Filtered::default());
    is_judged(event) && rule.matcher.matches(event) && admits()
}

/// An event that was handed in, and what rules make of it.
#[derive(Debug)]
pub struct Explained {
    pub audit_id: String,
    pub stage: String,
    pub truncated: bool,
    /// Rules that were asked, and those of them that fire.
    pub asked: usize,
    pub fired: usize,
    /// Those that fire first, then by name; not all of them where they are long.
    pub decisions: Vec<(RuleRef, Decision)>,
}

/// Why nothing could be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The text holds no audit event; why, in our own words.
    NoEvent(String),
    /// It holds so many.
    SeveralEvents(usize),
    /// No rule has the name or id.
    UnknownRule,
    /// The rule is about several events.
    Correlation,
}

/// Explains an event, given as JSON in any form that records come in, by the rule of this name or
/// id, or by all that are asked about events.
///
/// # Errors
/// A [`Refusal`] when there is not one event, or no such rule.
pub fn explain_text(
    rules: &RuleSet,
    control_plane: &ControlPlane,
    text: &str,
    rule: Option<&str>,
) -> Result<Explained, Refusal> {
    let asked: Vec<&LoadedRule> = match rule {
        None => rules.rules().iter().map(AsRef::as_ref).collect(),
        Some(wanted) => vec![named(rules, wanted)?],
    };
    let event = only_event(text, control_plane)?;
    let mut firing: Vec<(&LoadedRule, bool)> =
        asked.iter().map(|rule| (*rule, fires(rules, rule, &event))).collect();
    firing.sort_by_key(|(_, fires)| !fires);
    let fired = firing.iter().filter(|(_, fires)| *fires).count();
    let (mut decisions, mut steps) = (Vec::new(), 0);
    for (rule, _) in &firing {
        let decision = explain(rules, rule, &event);
        let filters = decision.filters.iter().map(|(_, filter)| count(&filter.root));
        steps += count(&decision.explanation.root) + filters.sum::<usize>();
        if steps > STEPS_MAX && !decisions.is_empty() {
            break;
        }
        decisions.push((rule.reference.clone(), decision));
    }
    Ok(Explained {
        audit_id: event.audit_id().to_owned(),
        stage: event.stage().to_owned(),
        truncated: event.truncated(),
        asked: asked.len(),
        fired,
        decisions,
    })
}

fn named<'a>(rules: &'a RuleSet, wanted: &str) -> Result<&'a LoadedRule, Refusal> {
    let is = |reference: &RuleRef| {
        reference.name.eq_ignore_ascii_case(wanted)
            || reference.id.as_str().eq_ignore_ascii_case(wanted)
    };
    rules.loaded().find(|rule| is(&rule.reference)).ok_or_else(|| {
        match rules.catalogue().iter().any(|(rule, _)| is(rule.reference)) {
            true => Refusal::Correlation,
            false => Refusal::UnknownRule,
        }
    })
}

fn only_event(text: &str, control_plane: &ControlPlane) -> Result<Event, Refusal> {
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("unknown"),
        name: "request".to_owned(),
        control_plane: control_plane.clone(),
    };
    let decoded = decode(text.as_bytes(), 0, &origin);
    let count = decoded.events.len();
    let mut events = decoded.events.into_iter();
    match (events.next(), count) {
        (Some(event), 1) => Ok(event),
        (Some(_), _) => Err(Refusal::SeveralEvents(count)),
        (None, _) => {
            let told = decoded.problems.into_iter().next().map(|problem| problem.detail);
            let other = "the record is of another category than kube-audit";
            Err(Refusal::NoEvent(told.unwrap_or_else(|| other.to_owned())))
        }
    }
}

fn count(step: &Step) -> usize {
    step.children.iter().map(count).sum::<usize>() + 1
}
