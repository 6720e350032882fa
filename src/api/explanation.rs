//! A decision about an event as JSON: the condition of a rule as a tree, each part with its
//! verdict and the values seen. The command line and the API send the same.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::explain::Decision;
use crate::sigma::explain::{ClauseSeen, ElementsSeen, Step, StepKind};

/// What a rule makes of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionBody {
    /// The event's `auditID`.
    pub event: String,
    /// The rule fires on it.
    pub fires: bool,
    /// Why the event is not judged at all, when it is not.
    pub not_judged: Option<&'static str>,
    pub condition: StepBody,
    /// The rule's filters; one whose condition does not hold takes the event away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterBody>,
    /// The exception that accepts the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excepted: Option<AcceptedBody>,
}

/// A filter and what it makes of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedFilter)]
pub struct FilterBody {
    pub name: String,
    pub condition: StepBody,
}

/// The mark of an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedException)]
pub struct AcceptedBody {
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Why the finding is accepted.
    pub reason: String,
}

/// A part of a rule's condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedStep)]
pub struct StepBody {
    /// This part holds.
    pub held: bool,
    #[serde(flatten)]
    pub kind: KindBody,
    /// What it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub parts: Vec<StepBody>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[schema(as = ExplainedKind)]
pub enum KindBody {
    /// Every part must hold.
    All,
    /// One part must hold.
    Any,
    /// The part must not hold.
    Not,
    /// `1 of selection*` and the like.
    Of { text: String },
    /// A selection by its name.
    Selection { name: String },
    /// What is asked of the elements of an array; the parts are the element that decided it, or
    /// the first ones when none did.
    Elements(ElementsBody),
    /// An element of the array, counted from 0.
    Element { index: usize },
    /// A field and what it is compared with.
    Clause(ClauseBody),
}

/// What is asked of the elements of an array, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedElements)]
pub struct ElementsBody {
    /// `some` (one element at least satisfies the condition) or `none`.
    pub occurrence: &'static str,
    /// The path of the array.
    pub path: String,
    /// The condition on an element, as the rule states it.
    pub condition: String,
    /// Where it stands in the rule's file.
    pub line: u32,
    /// Elements looked at; none after the first that satisfies.
    pub looked_at: usize,
    /// Elements that are not shown.
    pub not_shown: usize,
}

/// A clause and what the event had for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedClause)]
pub struct ClauseBody {
    /// The field as the rule names it.
    pub field: String,
    /// The clause in the rule's terms.
    pub clause: String,
    /// Where it stands in the rule's file.
    pub line: u32,
    /// The event has the field.
    pub present: bool,
    /// The values seen, bounded in number and length.
    pub seen: Vec<String>,
    /// How many values are not shown.
    pub not_shown: usize,
    /// The value that made it hold, if one did.
    pub hit: Option<String>,
}

impl DecisionBody {
    /// A decision about the event of this id.
    pub fn new(audit_id: &str, decision: &Decision) -> Self {
        Self {
            event: audit_id.to_owned(),
            fires: decision.fires,
            not_judged: decision.set_aside,
            condition: StepBody::new(&decision.explanation.root),
            filters: decision
                .filters
                .iter()
                .map(|(name, filter)| FilterBody {
                    name: name.clone(),
                    condition: StepBody::new(&filter.root),
                })
                .collect(),
            excepted: decision.excepted.as_ref().map(|mark| AcceptedBody {
                name: mark.name.clone(),
                owner: mark.owner.clone(),
                reason: mark.reason.clone(),
            }),
        }
    }
}

impl StepBody {
    /// A part with everything below it.
    pub fn new(step: &Step) -> Self {
        let kind = match &step.kind {
            StepKind::And | StepKind::AllOf => KindBody::All,
            StepKind::Or | StepKind::AnyOf => KindBody::Any,
            StepKind::Not => KindBody::Not,
            StepKind::Of(text) => KindBody::Of { text: text.clone() },
            StepKind::Selection(name) => KindBody::Selection { name: name.clone() },
            StepKind::Elements(seen) => KindBody::Elements(ElementsBody::new(seen)),
            StepKind::Element(index) => KindBody::Element { index: *index },
            StepKind::Clause(clause) => KindBody::Clause(ClauseBody::new(clause)),
        };
        let parts = step.children.iter().map(Self::new).collect();
        Self { held: step.held, kind, parts }
    }
}

impl ElementsBody {
    fn new(seen: &ElementsSeen) -> Self {
        Self {
            occurrence: seen.occurrence.as_str(),
            path: seen.path.clone(),
            condition: seen.text.clone(),
            line: seen.line,
            looked_at: seen.looked_at,
            not_shown: seen.more,
        }
    }
}

impl ClauseBody {
    fn new(clause: &ClauseSeen) -> Self {
        Self {
            field: clause.field.clone(),
            clause: clause.text.clone(),
            line: clause.line,
            present: clause.present,
            seen: clause.seen.clone(),
            not_shown: clause.more,
            hit: clause.hit.clone(),
        }
    }
}
