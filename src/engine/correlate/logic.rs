//! A condition over rules as alternatives: which rules must have fired, and which must not.

use std::collections::BTreeSet;

use crate::sigma::condition::{Condition, Quantity};

/// Alternatives of one condition, at most.
const ALTERNATIVES_MAX: usize = 256;

/// One way in which the condition holds. Numbers are those of the correlation's rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Alternative {
    pub required: BTreeSet<usize>,
    pub forbidden: BTreeSet<usize>,
}

/// Every rule is required.
pub(super) fn all(count: usize) -> Vec<Alternative> {
    vec![Alternative { required: (0..count).collect(), forbidden: BTreeSet::new() }]
}

/// The alternatives of a condition.
///
/// # Errors
/// It has too many, holds without any event, or never holds.
pub(super) fn alternatives(condition: &Condition) -> Result<Vec<Alternative>, &'static str> {
    let mut found = expand(condition, true)?;
    found.retain(|one| one.required.is_disjoint(&one.forbidden));
    if found.is_empty() {
        return Err("the condition can never hold: it asks for a rule and for its absence");
    }
    if found.iter().any(|one| one.required.is_empty()) {
        return Err("the condition holds without any event; join an `and` with a rule that fires");
    }
    Ok(found.into_iter().collect())
}

fn expand(condition: &Condition, wanted: bool) -> Result<BTreeSet<Alternative>, &'static str> {
    match condition {
        Condition::Selection(index) => Ok(BTreeSet::from([single(*index, wanted)])),
        Condition::Not(inner) => expand(inner, !wanted),
        Condition::And(parts) => join(parts.iter().map(|part| expand(part, wanted)), wanted),
        Condition::Or(parts) => join(parts.iter().map(|part| expand(part, wanted)), !wanted),
        Condition::Of { quantity, selections, .. } => {
            let parts = selections.iter().map(|index| Ok(BTreeSet::from([single(*index, wanted)])));
            join(parts, (*quantity == Quantity::All) == wanted)
        }
    }
}

fn single(index: usize, wanted: bool) -> Alternative {
    let mut one = Alternative::default();
    let side = if wanted { &mut one.required } else { &mut one.forbidden };
    side.insert(index);
    one
}

/// All parts at once when `every`, one of them otherwise.
fn join(
    parts: impl Iterator<Item = Result<BTreeSet<Alternative>, &'static str>>,
    every: bool,
) -> Result<BTreeSet<Alternative>, &'static str> {
    let mut joined = if every { BTreeSet::from([Alternative::default()]) } else { BTreeSet::new() };
    for part in parts {
        let part = part?;
        if every {
            let mut product = BTreeSet::new();
            for left in &joined {
                for right in &part {
                    product.insert(Alternative {
                        required: left.required.union(&right.required).copied().collect(),
                        forbidden: left.forbidden.union(&right.forbidden).copied().collect(),
                    });
                    if product.len() > ALTERNATIVES_MAX {
                        return Err("the condition has too many alternatives; split it");
                    }
                }
            }
            joined = product;
        } else {
            joined.extend(part);
        }
        if joined.len() > ALTERNATIVES_MAX {
            return Err("the condition has too many alternatives; split it");
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::condition::parse;

    /// Required and forbidden rules.
    type Sides<'a> = (&'a [usize], &'a [usize]);

    fn check(text: &str, expected: Result<&[Sides<'_>], &str>) {
        let found = alternatives(&parse(text, &["a", "b", "c"]).expect("a condition"));
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                let expected: Vec<Alternative> = expected
                    .iter()
                    .map(|(required, forbidden)| Alternative {
                        required: required.iter().copied().collect(),
                        forbidden: forbidden.iter().copied().collect(),
                    })
                    .collect();
                assert_eq!(found, expected, "{text}");
            }
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
            (found, expected) => panic!("{text}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_condition_becomes_what_is_required_and_what_is_forbidden() {
        check("a and b", Ok(&[(&[0, 1], &[])]));
        check("a and not b", Ok(&[(&[0], &[1])]));
        check("a and (b or c)", Ok(&[(&[0, 1], &[]), (&[0, 2], &[])]));
        check("a and not (b or c)", Ok(&[(&[0], &[1, 2])]));
        check("a and not all of them", Ok(&[(&[0], &[1]), (&[0], &[2])]));
        check("1 of them", Ok(&[(&[0], &[]), (&[1], &[]), (&[2], &[])]));
        check("all of them", Ok(&[(&[0, 1, 2], &[])]));
        check("not a", Err("without any event"));
        check("a or not b", Err("without any event"));
        check("a and not a", Err("never hold"));
    }
}
