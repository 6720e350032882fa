//! What a rule asks for, branch by branch: its condition in disjunctive normal form. For analyses
//! of rules; evaluation does not go through here.

use std::sync::Arc;

use super::condition::{Condition, Quantity};
use super::detection::{Detection, Group, Item};
use super::document::Rule;
use super::literal::Literal;
use super::modifier::Comparison;
use super::node::Place;
use super::pattern::{Shape, fold, literal, tokens};

/// Branches that a rule may have here.
const CONJUNCTS_MAX: usize = 4_096;
/// Terms of all branches together.
const TERMS_MAX: usize = 100_000;

/// Branches among which those covered by others are looked for.
const ABSORBED_MAX: usize = 1_024;
/// Terms of one branch that are compared with each other for contradictions.
const COMPARED_MAX: usize = 500;

/// One way for a rule to match: every term holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conjunct {
    pub terms: Vec<Term>,
}

/// One item of the rule, as it stands in a conjunct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The selection that the item belongs to.
    pub selection: Arc<str>,
    /// `None` for keywords.
    pub field: Option<Arc<str>>,
    /// The item must not hold.
    pub negated: bool,
    pub asks: Asks,
    pub line: u32,
}

/// What an item compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// The field equals one of these, which are free of wildcards and have their case folded.
    OneOf(Arc<[String]>),
    /// The field is absent or null.
    Null,
    /// The field is there, or is not.
    Exists(bool),
    /// Anything else: wildcards, parts, networks, expressions, keywords.
    Other,
}

/// The rule has more branches than are worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rule has more than {CONJUNCTS_MAX} branches; make lists of its alternatives")]
pub struct TooLarge;

/// The branches of a rule, each with the arrays of which an element is asked for. Branches that contradict themselves are left out, so a rule that can
/// never match has none.
///
/// # Errors
///
/// [`TooLarge`] beyond 4,096 branches or 100,000 terms.
pub fn conjuncts(rule: &Rule) -> Result<Vec<Conjunct>, TooLarge> {
    let required = rule.element_blocks.iter().filter(|block| block.requires_elements());
    let elements: Vec<Term> = required
        .map(|block| Term {
            selection: Arc::from("where"),
            field: Some(Arc::from(block.path.as_str())),
            negated: false,
            asks: Asks::Other,
            line: block.path_place.line,
        })
        .collect();
    let mut branches = of_detection(&rule.detection)?;
    branches.iter_mut().for_each(|branch| branch.terms.extend(elements.iter().cloned()));
    branches.retain(|branch| !contradicts(branch));
    Ok(branches)
}

/// As [`conjuncts`], for the detection of a rule or filter.
///
/// # Errors
///
/// As [`conjuncts`].
pub fn of_detection(detection: &Detection) -> Result<Vec<Conjunct>, TooLarge> {
    let mut expansion = Expansion { detection, terms: Vec::new() };
    let mut branches = Vec::new();
    for condition in &detection.conditions {
        branches.extend(expansion.condition(condition, false)?);
        check(&branches)?;
    }
    let conjunct = |branch: Branch| Conjunct {
        terms: branch
            .iter()
            .filter_map(|(index, negated)| {
                let (term, _) = expansion.terms.get(*index)?;
                Some(Term { negated: *negated, ..term.clone() })
            })
            .collect(),
    };
    Ok(branches.into_iter().map(conjunct).filter(|found| !contradicts(found)).collect())
}

/// Terms by their number in the table, each with whether it is negated.
type Branch = Vec<(usize, bool)>;

struct Expansion<'a> {
    detection: &'a Detection,
    /// Each different item once, with its place and the number of its value.
    terms: Vec<(Term, (Place, usize))>,
}

impl Expansion<'_> {
    fn condition(&mut self, condition: &Condition, no: bool) -> Result<Vec<Branch>, TooLarge> {
        match condition {
            Condition::Not(inner) => self.condition(inner, !no),
            Condition::Selection(index) => self.selection(*index, no),
            Condition::And(parts) => self.join(parts, no, |this, part| this.condition(part, no)),
            Condition::Or(parts) => self.join(parts, !no, |this, part| this.condition(part, no)),
            Condition::Of { quantity, selections, .. } => {
                let any = *quantity == Quantity::Any;
                self.join(selections, any != no, |this, index| this.selection(*index, no))
            }
        }
    }

    fn selection(&mut self, index: usize, no: bool) -> Result<Vec<Branch>, TooLarge> {
        let detection = self.detection;
        match detection.selections.get(index) {
            Some(selection) => self.group(&selection.body, &Arc::from(selection.name.as_str()), no),
            None => Ok(Vec::new()),
        }
    }

    fn group(&mut self, group: &Group, name: &Arc<str>, no: bool) -> Result<Vec<Branch>, TooLarge> {
        match group {
            Group::All(parts) => self.join(parts, no, |this, part| this.group(part, name, no)),
            Group::Any(parts) => self.join(parts, !no, |this, part| this.group(part, name, no)),
            Group::Item(item) => Ok(self.item(item, name, no)),
        }
    }

    /// Branches of several parts, of which one suffices (`either`) or all are needed.
    fn join<T>(
        &mut self,
        parts: &[T],
        either: bool,
        expand: impl Fn(&mut Self, &T) -> Result<Vec<Branch>, TooLarge>,
    ) -> Result<Vec<Branch>, TooLarge> {
        let mut result: Vec<Branch> = if either { Vec::new() } else { vec![Vec::new()] };
        let mut absorbed = 1;
        for part in parts {
            let branches = expand(self, part)?;
            if either {
                result.extend(branches);
            } else {
                if result.len().saturating_mul(branches.len()) > CONJUNCTS_MAX {
                    return Err(TooLarge);
                }
                result = result
                    .iter()
                    .flat_map(|left| branches.iter().filter_map(move |right| merge(left, right)))
                    .collect();
            }
            check(&result)?;
            // Alternatives only add up: looking at them whenever they have doubled, and at the end,
            // costs no more than one look at all of them.
            if !either || result.len() >= 2 * absorbed {
                absorb(&mut result);
                absorbed = result.len().max(1);
            }
        }
        if either {
            absorb(&mut result);
        }
        Ok(result)
    }

    fn item(&mut self, item: &Item, name: &Arc<str>, no: bool) -> Vec<Branch> {
        let negated = no != item.plan.negated;
        let one = |values: &[Literal]| asks(item, values, negated);
        // `all` over plain values asks for each of them.
        let asked: Vec<Asks> = if item.plan.all {
            item.values.iter().map(|value| one(std::slice::from_ref(value))).collect()
        } else {
            vec![one(&item.values)]
        };
        let mut ids = asked.into_iter().enumerate().map(|(position, asks)| {
            let term = Term {
                selection: name.clone(),
                field: item.field.as_deref().map(Arc::from),
                negated: false,
                asks,
                line: item.place.line,
            };
            (self.intern(term, (item.place, position)), negated)
        });
        if negated {
            // Not all of them: one that is missing suffices.
            ids.map(|id| vec![id]).collect()
        } else {
            vec![ids.by_ref().collect()]
        }
    }

    /// The number of a term. Equal questions share one, which is how a contradiction shows; what
    /// is not plain is equal to nothing but itself.
    fn intern(&mut self, term: Term, origin: (Place, usize)) -> usize {
        let same = |(known, at): &(Term, (Place, usize))| {
            known.field == term.field
                && known.asks == term.asks
                && (known.asks != Asks::Other || *at == origin)
        };
        self.terms.iter().position(same).unwrap_or_else(|| {
            self.terms.push((term, origin));
            self.terms.len() - 1
        })
    }
}

fn check(branches: &[Branch]) -> Result<(), TooLarge> {
    let terms: usize = branches.iter().map(Vec::len).sum();
    if branches.len() > CONJUNCTS_MAX || terms > TERMS_MAX { Err(TooLarge) } else { Ok(()) }
}

/// Drops the branches that ask for all that another asks for, and more: the other one already
/// covers them. `not` over selections that share a field breeds many of these.
fn absorb(branches: &mut Vec<Branch>) {
    if branches.len() > ABSORBED_MAX {
        return;
    }
    let covers = |one: &Branch, other: &Branch| {
        one.len() <= other.len() && one.iter().all(|term| other.contains(term))
    };
    let kept: Vec<bool> = branches
        .iter()
        .enumerate()
        .map(|(index, branch)| {
            !branches.iter().enumerate().any(|(position, other)| {
                let first = position < index || other.len() < branch.len();
                position != index && first && covers(other, branch)
            })
        })
        .collect();
    let mut kept = kept.into_iter();
    branches.retain(|_| kept.next().unwrap_or(true));
}

/// Both branches at once; `None` when one wants what the other does not.
fn merge(left: &Branch, right: &Branch) -> Option<Branch> {
    let mut merged = left.clone();
    for (index, negated) in right {
        if left.contains(&(*index, !negated)) {
            return None;
        }
        if !left.contains(&(*index, *negated)) {
            merged.push((*index, *negated));
        }
    }
    Some(merged)
}

fn asks(item: &Item, values: &[Literal], negated: bool) -> Asks {
    let plan = &item.plan;
    match plan.comparison {
        Comparison::Exists => {
            let wanted =
                values.first().is_some_and(|value| value.text.eq_ignore_ascii_case("true"));
            Asks::Exists(wanted)
        }
        Comparison::Value(Shape::Whole) if plan.transforms.is_empty() && !plan.expand => {
            if values.iter().any(Literal::is_null) {
                return Asks::Null;
            }
            // What a cased value excludes is less than what the folded one would.
            let exact = !(plan.cased && negated);
            let plain: Option<Vec<String>> = values.iter().map(plain).collect();
            plain.filter(|_| exact).map_or(Asks::Other, |values| Asks::OneOf(values.into()))
        }
        _ => Asks::Other,
    }
}

fn plain(value: &Literal) -> Option<String> {
    literal(&tokens(&value.text)).map(|text| fold(&text).into_owned())
}

/// Whether the terms exclude each other on their face.
fn contradicts(conjunct: &Conjunct) -> bool {
    let terms = &conjunct.terms;
    if terms.len() > COMPARED_MAX {
        return false;
    }
    terms.iter().enumerate().any(|(index, one)| {
        terms.iter().skip(index + 1).any(|other| {
            one.field.is_some() && one.field == other.field && {
                excludes(one, other) || excludes(other, one)
            }
        })
    })
}

fn excludes(one: &Term, other: &Term) -> bool {
    let absent = match (&one.asks, one.negated) {
        (Asks::Exists(wanted), negated) => *wanted == negated,
        _ => false,
    };
    match (&one.asks, &other.asks) {
        (_, Asks::OneOf(_) | Asks::Other) if absent => !other.negated,
        // Some value is in the first list and none is in the second.
        (Asks::OneOf(wanted), Asks::OneOf(refused)) if !one.negated && other.negated => {
            wanted.iter().all(|value| refused.contains(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::document::{Document, parse};

    fn show(detection: &str) -> Result<Vec<String>, TooLarge> {
        let source = format!("title: t\nlogsource: {{product: k}}\ndetection:\n{detection}");
        let documents = parse(&source, "r.yml").unwrap();
        let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
        let term = |term: &Term| {
            let not = if term.negated { "!" } else { "" };
            let field = term.field.as_deref().unwrap_or("*");
            match &term.asks {
                Asks::OneOf(values) => format!("{not}{field}={}", values.join("/")),
                other => format!("{not}{field}:{other:?}"),
            }
        };
        let all = |found: Conjunct| found.terms.iter().map(term).collect::<Vec<_>>().join(" ");
        conjuncts(rule).map(|found| found.into_iter().map(all).collect())
    }

    fn check(detection: &str, expected: &[&str]) {
        assert_eq!(show(detection).unwrap(), expected, "{detection}");
    }

    #[test]
    fn a_condition_becomes_its_branches() {
        check(
            "  a: {verb: [Create, update], r: pods}\n  b:\n    - {x: 1}\n    - {y|contains: z}\n  \
             f: {u: root}\n  condition: a and b and not f\n",
            &["verb=create/update r=pods x=1 !u=root", "verb=create/update r=pods y:Other !u=root"],
        );
        check(
            "  a: {x: 1, y: null, z|exists: true}\n  condition: not a\n",
            &["!x=1", "!y:Null", "!z:Exists(true)"],
        );
        check("  a: {x|all: [p, q]}\n  condition: a\n", &["x=p x=q"]);
        check("  a: {x|neq: p}\n  condition: not a\n", &["x=p"]);
        check("  a: {x: p*}\n  b: {y|cased: Q}\n  condition: 1 of them\n", &["x:Other", "y=q"]);
    }

    #[test]
    fn branches_that_contradict_themselves_are_left_out() {
        check("  a: {x: 1}\n  condition: a and not a\n", &[]);
        check("  a: {x: p}\n  b: {x: [p, q]}\n  condition: a and not b\n", &[]);
        check("  a: {x: p, x|exists: false}\n  condition: a\n", &[]);
    }

    #[test]
    fn a_branch_that_another_covers_is_left_out() {
        let filters = "  a: {k: s, n: p}\n  b: {k: s, n: q}\n  c: {k: s, n: r}\n";
        check(&format!("{filters}  condition: not 1 of them\n"), &["!k=s", "!n=p !n=q !n=r"]);
        check("  a: {x: 1}\n  b: {y: 1}\n  condition: a or a and b\n", &["x=1"]);
    }

    #[test]
    fn two_patterns_on_one_line_are_not_one_question() {
        check("  a: {x|contains: p, x|contains|neq: q}\n  condition: a\n", &["x:Other !x:Other"]);
    }

    #[test]
    fn too_many_branches_are_an_error_and_not_a_hang() {
        let mut detection = String::new();
        for index in 0..13 {
            detection += &format!("  s{index}:\n    - {{a{index}: 1}}\n    - {{b{index}: 1}}\n");
        }
        assert_eq!(show(&format!("{detection}  condition: all of them\n")), Err(TooLarge));
    }
}
