//! What a correlation needs: what its members need, and what is left of it when some of them see
//! less.

use super::{BodyNeed, Left, Needs, RESOURCE_VERBS, of_rule};
use crate::engine::ruleset::{LoadedCorrelation, RuleSet};
use crate::model::ids::RuleId;
use crate::sigma::condition::{Condition, Quantity};
use crate::sigma::correlation::{Bound, CorrelationCondition, Relation};

/// The needs of a correlation's members together. Circles are refused when rules are loaded.
pub(super) fn of_correlation(rules: &RuleSet, correlation: &LoadedCorrelation) -> Needs {
    let of = |id: &RuleId| {
        let rule = rules.loaded().find(|rule| rule.reference.id == *id);
        rule.map(of_rule).or_else(|| {
            let mut below = rules.loaded_correlations();
            below.find(|it| it.reference.id == *id).map(|it| of_correlation(rules, it))
        })
    };
    let mut members: Vec<Needs> = correlation.plan.made_of().iter().filter_map(of).collect();
    let left: Vec<Left> = members.iter().map(|member| member.admin).collect();
    let document = &correlation.document;
    let (admin, false_alarms) = under(&document.condition, document.kind.is_temporal(), &left);
    // What must not follow must be seen if it does.
    let absent: Vec<Needs> = correlation.plan.not_to_follow().filter_map(of).collect();
    let unseen = absent.iter().any(|absent| absent.admin != Left::Whole);
    let false_alarms = false_alarms || (unseen && admin != Left::Blind);
    members.extend(absent);
    Needs {
        verbs: RESOURCE_VERBS
            .into_iter()
            .chain(super::PATH_VERBS.into_iter().filter(|verb| !RESOURCE_VERBS.contains(verb)))
            .filter(|verb| members.iter().any(|member| member.verbs.contains(verb)))
            .collect(),
        body: members.iter().fold(BodyNeed::default(), |all, member| BodyNeed {
            request: all.request || member.body.request,
            response: all.response || member.body.response,
            object: all.object || member.body.object,
            avoidable: all.avoidable || member.body.avoidable || !member.body.any(),
        }),
        bodiless: members.iter().all(|member| member.bodiless),
        admin,
        false_alarms: false_alarms || members.iter().any(|member| member.false_alarms),
        undetermined: members.iter().any(|member| member.undetermined),
    }
}

/// What is left of a condition whose members are left like this, and whether it would alarm falsely.
fn under(condition: &CorrelationCondition, temporal: bool, members: &[Left]) -> (Left, bool) {
    if members.iter().all(|member| *member == Left::Whole) {
        return (Left::Whole, false);
    }
    let seen = members.iter().filter(|member| **member != Left::Blind).count();
    let (possible, absence) = match condition {
        CorrelationCondition::AllRules => (seen == members.len(), false),
        CorrelationCondition::Rules(condition) => {
            (can_hold(condition, true, members), waits_for_absence(condition, false, members))
        }
        CorrelationCondition::Bounds { bounds, .. } => {
            let enough = if temporal { reached(bounds, seen) } else { seen > 0 };
            (enough, bounds.iter().any(is_upper))
        }
    };
    (if possible { Left::Partly } else { Left::Blind }, absence && possible)
}

/// Whether so many rules of a temporal correlation can satisfy its bounds.
fn reached(bounds: &[Bound], seen: usize) -> bool {
    let seen = u32::try_from(seen).map_or(f64::MAX, f64::from);
    bounds.iter().all(|bound| match bound.relation {
        Relation::Greater => seen > bound.value,
        Relation::GreaterOrEqual | Relation::Equal => seen >= bound.value,
        Relation::Less | Relation::LessOrEqual | Relation::NotEqual => seen > 0.0,
    })
}

fn is_upper(bound: &Bound) -> bool {
    matches!(
        bound.relation,
        Relation::Less | Relation::LessOrEqual | Relation::Equal | Relation::NotEqual
    )
}

/// Whether the condition can be `wanted` when blind members never fire.
fn can_hold(condition: &Condition, wanted: bool, members: &[Left]) -> bool {
    let one = |index: usize| !wanted || members.get(index).is_some_and(|it| *it != Left::Blind);
    let join = |every: bool, mut parts: Vec<bool>| {
        if every { parts.iter().all(|part| *part) } else { parts.drain(..).any(|part| part) }
    };
    match condition {
        Condition::Selection(index) => one(*index),
        Condition::Not(inner) => can_hold(inner, !wanted, members),
        Condition::And(parts) => {
            join(wanted, parts.iter().map(|part| can_hold(part, wanted, members)).collect())
        }
        Condition::Or(parts) => {
            join(!wanted, parts.iter().map(|part| can_hold(part, wanted, members)).collect())
        }
        Condition::Of { quantity, selections, .. } => {
            let every = (*quantity == Quantity::All) == wanted;
            join(every, selections.iter().map(|index| one(*index)).collect())
        }
    }
}

/// Whether a member that is not seen whole stands under a `not`.
fn waits_for_absence(condition: &Condition, negated: bool, members: &[Left]) -> bool {
    let one = |index: &usize| negated && members.get(*index).is_some_and(|it| *it != Left::Whole);
    match condition {
        Condition::Selection(index) => one(index),
        Condition::Not(inner) => waits_for_absence(inner, !negated, members),
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().any(|part| waits_for_absence(part, negated, members))
        }
        Condition::Of { selections, .. } => selections.iter().any(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_blind_when_one_of_its_steps_is() {
        use Left::{Blind, Partly, Whole};
        let all = CorrelationCondition::AllRules;
        assert_eq!(under(&all, true, &[Whole, Whole]), (Whole, false));
        assert_eq!(under(&all, true, &[Whole, Partly]), (Partly, false));
        assert_eq!(under(&all, true, &[Whole, Blind]), (Blind, false));
        let count = |relation, value| CorrelationCondition::Bounds {
            bounds: vec![Bound { relation, value }],
            fields: Vec::new(),
            percentile: None,
        };
        let least = count(Relation::GreaterOrEqual, 2.0);
        assert_eq!(under(&least, false, &[Whole, Blind]), (Partly, false));
        assert_eq!(under(&least, false, &[Blind]), (Blind, false));
        assert_eq!(under(&least, true, &[Whole, Blind]), (Blind, false));
        assert_eq!(under(&count(Relation::Less, 2.0), false, &[Partly]), (Partly, true));
    }

    #[test]
    fn what_waits_for_the_absence_of_something_unseen_alarms_falsely() {
        use Condition::{And, Not, Selection};
        let without = And(vec![Selection(0), Not(Box::new(Selection(1)))]);
        let condition = CorrelationCondition::Rules(without);
        assert_eq!(under(&condition, true, &[Left::Whole, Left::Blind]), (Left::Partly, true));
        assert_eq!(under(&condition, true, &[Left::Blind, Left::Whole]), (Left::Blind, false));
    }
}
