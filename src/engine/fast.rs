//! The fast path: which rules a line can match, told from its bytes.
//!
//! It walks the event where it lies in the line, escaped or not, looks at the fields that rules
//! name, and takes out every rule that a value refutes. Nothing is decoded that is not asked for.
//! What remains are candidates; the reference (`audit::record` and `sigma::matcher`) decodes the
//! line and decides. So the fast path may let a rule through in vain, and must never take one out
//! wrongly: of everything that it does not expect it says so, and the reference looks at the line.
//!
//! It compiles the parsed documents with code of its own. What both paths shared, no comparison of
//! the two could ever find wrong.

mod ask;
mod bits;
mod branch;
mod column;
mod derived;
mod envelope;
mod judge;
mod keys;
mod memory;
mod projection;
pub mod scan;
mod search;
mod surprise;
mod text;
mod tokens;
mod unescape;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use judge::{Candidates, Counters, Judge, Verdict};
pub use surprise::Surprise;

use self::bits::Bits;
use self::branch::{Asks, branches};
use self::column::{Column, ColumnBuilder};
use self::projection::{Node, Projection};
use self::scan::Scanner;
use super::loaded::LoadedRule;
use super::ruleset::RuleSet;
use crate::sigma::encode::ValueLists;

/// A rule that is asked, and what for.
#[derive(Debug, Clone)]
pub struct AskedRule {
    pub rule: Arc<LoadedRule>,
    /// It makes findings of its own.
    pub tells: bool,
    /// Correlations are made of it.
    pub correlates: bool,
}

/// All rules of a set, compiled together. Immutable; each thread judges with a [`Judge`] of its own.
#[derive(Debug)]
pub struct FastPath {
    rules: Vec<AskedRule>,
    /// For each branch, the rule that it is of; branches of one rule follow each other.
    rule_of_branch: Vec<usize>,
    all: Bits,
    columns: Vec<Column>,
    projection: Projection,
    scanner: Scanner,
}

impl FastPath {
    /// Compiles the rules that the set asks.
    pub fn compile(rules: &RuleSet) -> Self {
        Self::of(rules.asked(), rules.lists())
    }

    /// Compiles these rules; `lists` stand for their placeholders.
    pub fn of(rules: Vec<AskedRule>, lists: &ValueLists) -> Self {
        let mut asks = Asks::over(lists);
        let mut rule_of_branch = Vec::new();
        let mut all_branches = Vec::new();
        for (index, asked) in rules.iter().enumerate() {
            let ways = branches(&asked.rule.document.detection, &mut asks);
            rule_of_branch.extend(ways.iter().map(|_| index));
            all_branches.extend(ways);
        }
        let count = all_branches.len();
        let mut paths: Vec<String> = Vec::new();
        let mut builders: Vec<ColumnBuilder> = Vec::new();
        let mut column_of: BTreeMap<String, usize> = BTreeMap::new();
        let mut places = Vec::new();
        for ask in asks.all {
            let column = *column_of.entry(ask.field.clone()).or_insert_with(|| {
                paths.push(ask.field.clone());
                builders.push(Column::builder(count));
                builders.len() - 1
            });
            let question = builders.get_mut(column).map(|builder| builder.ask(ask.about));
            places.push((column, question.unwrap_or_default()));
        }
        for (branch, way) in all_branches.iter().enumerate() {
            for (ask, answer) in &way.0 {
                if let Some((column, question)) = places.get(*ask)
                    && let Some(builder) = builders.get_mut(*column)
                {
                    builder.wanted_by(*question, *answer, branch);
                }
            }
        }
        let columns: Vec<Column> = builders.into_iter().map(ColumnBuilder::build).collect();
        let projection = Projection::over(&paths, &columns, count);
        let (all, scanner) = (Bits::all(count), Scanner::detect());
        Self { rules, rule_of_branch, all, columns, projection, scanner }
    }

    /// The rules that are asked; candidates are indexes into these.
    pub fn rules(&self) -> &[AskedRule] {
        &self.rules
    }

    /// A judge that uses what this processor does best.
    pub fn judge(&self) -> Judge<'_> {
        self.judge_with(self.scanner)
    }

    /// A judge with this scanner, for tests that compare them.
    pub fn judge_with(&self, scanner: Scanner) -> Judge<'_> {
        Judge::new(self, scanner)
    }

    /// The node of a number; the projection makes no other.
    #[inline]
    fn node(&self, number: usize) -> &Node {
        self.projection.node(number)
    }
}
