//! The changes of a correlation: each part of it left out or moved by the least step.

use crate::sigma::correlation::{
    Correlation, CorrelationCondition, CorrelationKind, Relation, RuleName,
};

/// Every correlation that differs in one part, with a name for the change.
pub(super) fn all(document: &Correlation) -> Vec<(String, Correlation)> {
    let mut changed = Vec::new();
    let mut add = |name: String, change: &dyn Fn(&mut Correlation)| {
        let mut copy = document.clone();
        change(&mut copy);
        changed.push((name, copy));
    };
    for (at, field) in document.group_by.iter().enumerate() {
        add(format!("group-by {field} removed"), &|copy| {
            copy.group_by.remove(at);
        });
    }
    let least = if document.kind.is_temporal() { 2 } else { 1 };
    for (at, RuleName { text, .. }) in document.rules.iter().enumerate() {
        // A condition over rules numbers them, so it would be about others.
        let counted = !matches!(document.condition, CorrelationCondition::Rules(_));
        if counted && document.rules.len() > least {
            add(format!("rules {text} removed"), &|copy| {
                copy.rules.remove(at);
            });
        }
    }
    if document.kind == CorrelationKind::TemporalOrdered {
        add("order removed".to_owned(), &|copy| copy.kind = CorrelationKind::Temporal);
    }
    if let CorrelationCondition::Bounds { bounds, fields, .. } = &document.condition {
        for (at, bound) in bounds.iter().enumerate() {
            for step in [1.0, -1.0] {
                let word = if step > 0.0 { "raised" } else { "lowered" };
                add(format!("bound #{} {word}", at + 1), &|copy| {
                    if let CorrelationCondition::Bounds { bounds, .. } = &mut copy.condition
                        && let Some(bound) = bounds.get_mut(at)
                    {
                        bound.value += step;
                    }
                });
            }
            add(format!("bound #{} negated", at + 1), &|copy| {
                if let CorrelationCondition::Bounds { bounds, .. } = &mut copy.condition
                    && let Some(turned) = bounds.get_mut(at)
                {
                    turned.relation = opposite(bound.relation);
                }
            });
        }
        for (at, field) in fields.iter().enumerate().filter(|_| fields.len() > 1) {
            add(format!("field {field} removed"), &|copy| {
                if let CorrelationCondition::Bounds { fields, .. } = &mut copy.condition {
                    fields.remove(at);
                }
            });
        }
    }
    for (word, factor, divisor) in [("doubled", 2, 1), ("halved", 1, 2)] {
        add(format!("timespan {word}"), &|copy| {
            copy.timespan_seconds = copy.timespan_seconds.saturating_mul(factor) / divisor;
        });
    }
    changed
}

fn opposite(relation: Relation) -> Relation {
    match relation {
        Relation::Less => Relation::GreaterOrEqual,
        Relation::LessOrEqual => Relation::Greater,
        Relation::Greater => Relation::LessOrEqual,
        Relation::GreaterOrEqual => Relation::Less,
        Relation::Equal => Relation::NotEqual,
        Relation::NotEqual => Relation::Equal,
    }
}
