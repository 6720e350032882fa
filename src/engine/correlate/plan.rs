//! A correlation with its rules found: what each of them contributes, and what is looked for.

use super::Moment;
use super::judge::{Measure, Test};
use super::logic;
use super::memory::Memory;
use super::memory::normalise::Normaliser;
use crate::engine::metadata::Metadata;
use crate::model::ids::RuleId;
use crate::model::rule::RuleRef;
use crate::sigma::correlation::{
    Bound, Correlation, CorrelationCondition, CorrelationKind, Relation,
};

/// Events of one group that a window holds, at most; a condition cannot ask for more.
pub(super) const GROUP_EVENTS_MAX: u32 = 5_000;

/// A correlation, ready to run.
#[derive(Debug, Clone)]
pub struct LoadedCorrelation {
    pub reference: RuleRef,
    pub document: Box<Correlation>,
    pub metadata: Metadata,
    /// What it asks to remember; the plan has it with its rules found.
    pub(in crate::engine) memory: Option<Memory>,
    pub(in crate::engine) plan: Plan,
}

/// The correlation's rules and its test.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) ids: Vec<RuleId>,
    pub(super) timespan: Moment,
    pub(super) test: Test,
    /// Fields that correlations of this one ask for, beyond its groups.
    pub(super) carry: Vec<String>,
    /// What narrows it to events that bring something new.
    pub(super) memory: Option<Memory>,
    /// Fields in which the events of the steps must differ.
    pub(super) differ: Vec<String>,
    /// What must not follow.
    pub(super) absent: Option<Absent>,
}

/// Rules of which none may have an event after the condition held.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Absent {
    pub steps: Vec<Step>,
    pub within: Moment,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            ids: Vec::new(),
            timespan: 0,
            test: Test::Events(Vec::new()),
            carry: Vec::new(),
            memory: None,
            differ: Vec::new(),
            absent: None,
        }
    }
}

/// One rule of a correlation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub id: RuleId,
    pub name: String,
    pub group: Vec<Source>,
    pub values: Vec<Source>,
    pub carry: Vec<Source>,
    pub differ: Vec<Source>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A field of the event.
    Field(String),
    /// What is remembered of a field of the event.
    Normalised(String, Normaliser),
    /// A group value of the correlation that fired.
    Group(usize),
    /// What the correlation that fired carries.
    Carried(usize),
}

impl Plan {
    /// The rules and correlations it is made of.
    pub(in crate::engine) fn made_of(&self) -> &[RuleId] {
        &self.ids
    }

    /// The rules and correlations that must not follow. They are no part of what is told.
    pub(in crate::engine) fn not_to_follow(&self) -> impl Iterator<Item = &RuleId> {
        self.absent_steps().map(|step| &step.id)
    }

    pub(super) fn absent_steps(&self) -> impl Iterator<Item = &Step> {
        self.absent.iter().flat_map(|absent| &absent.steps)
    }
}

pub(super) fn test(document: &Correlation) -> Result<Test, String> {
    let ordered = document.kind == CorrelationKind::TemporalOrdered;
    let (bounds, percentile) = match &document.condition {
        CorrelationCondition::AllRules if !document.differ.is_empty() => {
            return Ok(Test::Differing { ordered, fields: document.differ.len() });
        }
        CorrelationCondition::AllRules => {
            let alternatives = logic::all(document.rules.len());
            return Ok(Test::Steps { ordered, alternatives });
        }
        CorrelationCondition::Rules(condition) => {
            let alternatives = logic::alternatives(condition).map_err(str::to_owned)?;
            return Ok(Test::Steps { ordered, alternatives });
        }
        CorrelationCondition::Bounds { bounds, percentile, .. } => (bounds.clone(), *percentile),
    };
    let numbers = |measure| Test::Numbers { measure, bounds: bounds.clone() };
    Ok(match document.kind {
        CorrelationKind::EventCount => Test::Events(reachable(bounds)?),
        CorrelationKind::ValueCount => Test::Distinct(reachable(bounds)?),
        CorrelationKind::ValueSum => numbers(Measure::Sum),
        CorrelationKind::ValueAvg => numbers(Measure::Average),
        CorrelationKind::ValuePercentile => numbers(Measure::Percentile(percentile.unwrap_or(50))),
        CorrelationKind::ValueMedian => numbers(Measure::Percentile(50)),
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => {
            Test::Rules { ordered, bounds }
        }
    })
}

/// A window is bounded, so a count beyond it would never be reached.
fn reachable(bounds: Vec<Bound>) -> Result<Vec<Bound>, String> {
    let beyond = bounds.iter().any(|bound| {
        !matches!(bound.relation, Relation::Less | Relation::LessOrEqual | Relation::NotEqual)
            && bound.value >= f64::from(GROUP_EVENTS_MAX)
    });
    if beyond {
        return Err(format!("a window holds {GROUP_EVENTS_MAX} events, so ask for fewer"));
    }
    Ok(bounds)
}
