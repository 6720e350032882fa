//! Whether a rule can match at all, and why not. Says "never" only of a rule of which every branch
//! asks for something that no audit event of AKS has.

use std::collections::BTreeSet;

use super::{AksTaxonomy, holds_without, unlogged};
use crate::audit::taxonomy::{FieldKind, Known, knows};
use crate::sigma::conjunct::{Asks, Conjunct, Term, conjuncts};
use crate::sigma::document::Rule;
use crate::sigma::error::bounded;
use crate::sigma::lint::Taxonomy as _;

/// Different reasons that one rule is told, at most, and characters of each value.
const REASONS_MAX: usize = 4;
const VALUE_CHARS_MAX: usize = 60;

/// Why the rule can never match what AKS writes; `None` when it can, or is too large to tell.
pub fn never(rule: &Rule) -> Option<String> {
    let branches = conjuncts(rule).ok()?;
    if branches.is_empty() {
        return Some("its condition contradicts itself".to_owned());
    }
    let reasons: BTreeSet<String> = branches.iter().map(dead).collect::<Option<_>>()?;
    Some(reasons.into_iter().take(REASONS_MAX).collect::<Vec<_>>().join("; "))
}

/// Why a branch cannot hold, when it cannot.
fn dead(branch: &Conjunct) -> Option<String> {
    let of_term = branch.terms.iter().find_map(impossible);
    of_term.or_else(|| unlogged(branch).map(|(_, _, reason)| reason))
}

/// Why no event satisfies a term, when none does.
fn impossible(term: &Term) -> Option<String> {
    let field = term.field.as_deref()?;
    if holds_without(term) {
        return None;
    }
    let known = match knows(field) {
        Known::Unknown => {
            let field = bounded(field, VALUE_CHARS_MAX);
            let meant = AksTaxonomy.nearest(&field);
            let hint = meant.map(|meant| format!("; `{meant}` may be meant")).unwrap_or_default();
            return Some(format!("no event has the field `{field}`{hint}"));
        }
        Known::Below(_) => return None,
        Known::Field(field) => field,
    };
    let (Asks::OneOf(values), false) = (&term.asks, term.negated) else { return None };
    let listed = |value: &String| known.values.iter().any(|one| one.eq_ignore_ascii_case(value));
    let shown = || {
        let shown: Vec<String> = values
            .iter()
            .take(3)
            .map(|value| format!("`{}`", bounded(value, VALUE_CHARS_MAX)))
            .collect();
        shown.join(" or ")
    };
    if !known.values.is_empty() && !values.iter().any(listed) {
        return Some(format!("`{field}` is never {}", shown()));
    }
    let numeric = |value: &String| value.parse::<f64>().is_ok();
    let number = known.kind == FieldKind::Number;
    (number && !values.iter().any(numeric))
        .then(|| format!("`{field}` is a number and never {}", shown()))
}
