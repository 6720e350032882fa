//! Why an event does or does not satisfy a rule: the whole condition as a tree, each part with its
//! verdict and the values seen. Evaluates with the same comparisons as the matcher.

use std::fmt;

use super::compile::{Branch, Clause, Matcher};
use super::condition::{Condition, Quantity};
use super::element::{self, Block, Occurrence};
use super::error::bounded;
use super::matcher::{Hit, field_hit, keyword_hit};
use crate::model::fields::{Fields, Found, Scalar};
use crate::model::finding::Reason;

/// Characters shown of one value.
pub(crate) const VALUE_MAX: usize = 200;
/// What stands for a field where a clause looks at all texts.
const KEYWORDS: &str = "(keywords)";
/// Values shown of one field.
const VALUES_MAX: usize = 10;
/// Reasons given for one match.
const REASONS_MAX: usize = 50;

/// The verdict on one event, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub matched: bool,
    pub root: Step,
}

/// A part of the condition, of a selection, or a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub held: bool,
    pub kind: StepKind,
    pub children: Vec<Step>,
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    And,
    Or,
    Not,
    /// `1 of sel*` and the like.
    Of(String),
    /// A selection by its name; its child is its content.
    Selection(String),
    /// A map: every child must hold.
    AllOf,
    /// A list: one child must hold.
    AnyOf,
    /// What is asked of the elements of an array; the children are the element that decided it,
    /// or the first ones when none did.
    Elements(ElementsSeen),
    /// An element by its index, counted from 0; its child is the condition on it.
    Element(usize),
    Clause(ClauseSeen),
}

/// What is asked of the elements of an array, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementsSeen {
    pub occurrence: Occurrence,
    /// The path of the array.
    pub path: String,
    /// The condition on an element, as the rule states it.
    pub text: String,
    pub line: u32,
    /// Elements looked at; none after the first that satisfies.
    pub looked_at: usize,
    /// How many of them are not shown.
    pub more: usize,
}

impl ElementsSeen {
    /// The block in the rule's terms.
    pub fn label(&self) -> String {
        format!("{} {}: {}", self.occurrence.as_str(), self.path, self.text)
    }
}

/// A clause and what the event had for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseSeen {
    /// The field as the rule names it; `(keywords)` for a keyword search.
    pub field: String,
    /// The clause in the rule's terms.
    pub text: String,
    pub line: u32,
    /// The event has the field (always true for keywords).
    pub present: bool,
    /// The values seen, each cut to 200 characters, ten at most.
    pub seen: Vec<String>,
    /// How many values are not shown.
    pub more: usize,
    /// The value that satisfied the comparison, if one did.
    pub hit: Option<String>,
}

impl Matcher {
    /// The verdict on an event, part by part; every part is evaluated, decisive or not.
    pub fn explain(&self, fields: &dyn Fields) -> Explanation {
        let condition = self.explain_condition(&self.condition, fields);
        if self.blocks.is_empty() {
            return Explanation { matched: condition.held, root: condition };
        }
        let blocks = self.blocks.iter().map(|block| self.explain_block(block, fields));
        let root = Step::all(StepKind::And, std::iter::once(condition).chain(blocks).collect());
        Explanation { matched: root.held, root }
    }

    /// A block; one that is about some events only is an alternative to not being one of them.
    fn explain_block(&self, block: &Block, fields: &dyn Fields) -> Step {
        let step = block.explain(fields);
        let Some(when) = &block.when else { return step };
        let when = self.explain_condition(when, fields);
        let other = Step { held: !when.held, kind: StepKind::Not, children: vec![when] };
        Step::any(StepKind::Or, vec![other, step])
    }

    fn explain_condition(&self, condition: &Condition, fields: &dyn Fields) -> Step {
        let each = |parts: &[Condition]| -> Vec<Step> {
            parts.iter().map(|part| self.explain_condition(part, fields)).collect()
        };
        match condition {
            Condition::And(parts) => Step::all(StepKind::And, each(parts)),
            Condition::Or(parts) => Step::any(StepKind::Or, each(parts)),
            Condition::Not(inner) => {
                let child = self.explain_condition(inner, fields);
                Step { held: !child.held, kind: StepKind::Not, children: vec![child] }
            }
            Condition::Selection(index) => self.explain_selection(*index, fields),
            Condition::Of { quantity, text, selections } => {
                let children =
                    selections.iter().map(|index| self.explain_selection(*index, fields)).collect();
                match quantity {
                    Quantity::Any => Step::any(StepKind::Of(text.clone()), children),
                    Quantity::All => Step::all(StepKind::Of(text.clone()), children),
                }
            }
        }
    }

    fn explain_selection(&self, index: usize, fields: &dyn Fields) -> Step {
        match self.selections.get(index) {
            Some(selection) => {
                let child = explain_branch(&selection.body, fields);
                let kind = StepKind::Selection(selection.name.clone());
                Step { held: child.held, kind, children: vec![child] }
            }
            // The parser numbers only selections that exist.
            None => Step::any(StepKind::AnyOf, Vec::new()),
        }
    }
}

fn explain_branch(branch: &Branch, fields: &dyn Fields) -> Step {
    let each = |parts: &[Branch]| -> Vec<Step> {
        parts.iter().map(|part| explain_branch(part, fields)).collect()
    };
    match branch {
        Branch::All(parts) => Step::all(StepKind::AllOf, each(parts)),
        Branch::Any(parts) => Step::any(StepKind::AnyOf, each(parts)),
        Branch::Clause(clause) => explain_clause(clause, fields),
    }
}

fn explain_clause(clause: &Clause, fields: &dyn Fields) -> Step {
    let (hits, found): (Vec<Option<String>>, _) = match &clause.field {
        Some(field) => {
            let found = fields.find(field);
            let hits = clause.values.iter().map(|probes| {
                field_hit(probes, &found, fields).map(|hit| match hit {
                    Hit::Field => found.values.first().map(shown).unwrap_or_default(),
                    Hit::Value(index) => found.values.get(index).map(shown).unwrap_or_default(),
                })
            });
            (hits.collect(), found)
        }
        None => {
            let hits = clause.values.iter().map(|probes| keyword_hit(probes, fields));
            (hits.collect(), Found { present: true, values: Vec::new() })
        }
    };
    let compared = if clause.all {
        hits.iter().all(Option::is_some)
    } else {
        hits.iter().any(Option::is_some)
    };
    let seen: Vec<String> = found.values.iter().take(VALUES_MAX).map(shown).collect();
    let kind = StepKind::Clause(ClauseSeen {
        field: clause.field.clone().unwrap_or_else(|| KEYWORDS.to_owned()),
        text: clause.text.clone(),
        line: clause.line,
        present: found.present,
        more: found.values.len() - seen.len(),
        seen,
        hit: hits.into_iter().flatten().next(),
    });
    Step { held: compared != clause.negated, kind, children: Vec::new() }
}

fn shown(scalar: &Scalar<'_>) -> String {
    scalar.to_text().map_or_else(|| "null".to_owned(), |text| bounded(&text, VALUE_MAX))
}

impl Step {
    fn all(kind: StepKind, children: Vec<Self>) -> Self {
        Self { held: children.iter().all(|child| child.held), kind, children }
    }

    fn any(kind: StepKind, children: Vec<Self>) -> Self {
        Self { held: children.iter().any(|child| child.held), kind, children }
    }

    /// The step in the terms of the condition, such as `not filter`.
    pub fn label(&self) -> String {
        let join = |word: &str| {
            let parts: Vec<String> = self.children.iter().map(Self::label).collect();
            format!("({})", parts.join(word))
        };
        match &self.kind {
            StepKind::And => join(" and "),
            StepKind::Or => join(" or "),
            StepKind::Not => {
                format!("not {}", self.children.first().map(Self::label).unwrap_or_default())
            }
            StepKind::Of(text) | StepKind::Selection(text) => text.clone(),
            StepKind::AllOf => "all of".to_owned(),
            StepKind::AnyOf => "one of".to_owned(),
            StepKind::Elements(seen) => seen.label(),
            StepKind::Element(index) => format!("element [{index}]"),
            StepKind::Clause(clause) => clause.text.clone(),
        }
    }

    fn fields(&self, into: &mut Vec<String>) {
        if let StepKind::Clause(clause) = &self.kind
            && !into.contains(&clause.field)
        {
            into.push(clause.field.clone());
        }
        self.children.iter().for_each(|child| child.fields(into));
    }
}

impl Explanation {
    /// The clauses that held and made the rule match, with the values that did it; empty when it
    /// did not match. A `not` that held is one reason without a value.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        collect(&self.root, &Scope::default(), &mut reasons);
        reasons
    }
}

/// Where a step stands.
#[derive(Clone, Default)]
struct Scope<'s> {
    selection: &'s str,
    block: Option<&'s ElementsSeen>,
    element: usize,
}

impl Scope<'_> {
    /// The field with the way to it from the event.
    fn field(&self, field: &str) -> String {
        match self.block {
            Some(block) if field == KEYWORDS => format!("{}[{}]", block.path, self.element),
            Some(block) => element::located(&block.path, self.element, field),
            None => field.to_owned(),
        }
    }

    /// The clause with the block that it stands in.
    fn clause(&self, clause: &str) -> String {
        match self.block {
            Some(block) => format!("{} {}: {clause}", block.occurrence.as_str(), block.path),
            None => clause.to_owned(),
        }
    }
}

fn collect(step: &Step, scope: &Scope<'_>, into: &mut Vec<Reason>) {
    if !step.held || into.len() >= REASONS_MAX {
        return;
    }
    let reason = match &step.kind {
        StepKind::Clause(clause) => Reason {
            field: scope.field(&clause.field),
            value: clause.hit.as_ref().or(clause.seen.first()).cloned().unwrap_or_default(),
            clause: scope.clause(&format!("{}: {}", scope.selection, clause.text)),
        },
        StepKind::Not => {
            let mut fields = Vec::new();
            step.fields(&mut fields);
            let fields: Vec<String> = fields.iter().take(3).map(|it| scope.field(it)).collect();
            let clause = scope.clause(&step.label());
            Reason { field: fields.join(", "), value: String::new(), clause }
        }
        StepKind::Elements(seen) if seen.occurrence == Occurrence::None => {
            Reason { field: seen.path.clone(), value: String::new(), clause: seen.label() }
        }
        kind => {
            let mut scope = scope.clone();
            match kind {
                StepKind::Selection(name) => scope.selection = name,
                StepKind::Elements(seen) => scope.block = Some(seen),
                StepKind::Element(index) => scope.element = *index,
                _ => {}
            }
            step.children.iter().for_each(|child| collect(child, &scope, into));
            return;
        }
    };
    if !into.contains(&reason) {
        into.push(reason);
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_step(&self.root, 0, f)
    }
}

fn write_step(step: &Step, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let verdict = if step.held { "yes" } else { "no " };
    let name = match &step.kind {
        StepKind::And => "and".to_owned(),
        StepKind::Or => "or".to_owned(),
        StepKind::Not => "not".to_owned(),
        _ => step.label(),
    };
    write!(f, "{verdict} {:indent$}{name}", "", indent = depth * 2)?;
    if let StepKind::Clause(clause) = &step.kind {
        match (clause.present, clause.seen.is_empty()) {
            (false, _) => write!(f, "   (absent)")?,
            (true, true) => {}
            (true, false) => write!(f, "   ({})", clause.seen.join(", "))?,
        }
        if clause.more > 0 {
            write!(f, " and {} more", clause.more)?;
        }
    }
    if let StepKind::Elements(seen) = &step.kind {
        write!(f, "   ({} elements looked at, {} not shown)", seen.looked_at, seen.more)?;
    }
    writeln!(f)?;
    step.children.iter().try_for_each(|child| write_step(child, depth + 1, f))
}

#[cfg(test)]
mod tests;
