//! The changes of a detection, each with a name that stays when other parts of the rule change.

use crate::sigma::condition::Condition;
use crate::sigma::detection::{Detection, Group, Item};

/// What is done to a clause.
#[derive(Clone, Copy)]
enum How {
    Remove,
    Negate,
}

impl How {
    const ALL: [Self; 2] = [Self::Remove, Self::Negate];

    fn word(self) -> &'static str {
        match self {
            Self::Remove => "removed",
            Self::Negate => "negated",
        }
    }
}

/// Every detection that differs in one clause: an item of a selection, or a selection in the
/// condition.
pub(super) fn all(detection: &Detection) -> Vec<(String, Detection)> {
    let mut changed = Vec::new();
    for (at, selection) in detection.selections.iter().enumerate() {
        for path in paths(&selection.body) {
            for how in How::ALL {
                let mut copy = detection.clone();
                let Some(body) = copy.selections.get_mut(at).map(|it| &mut it.body) else {
                    continue;
                };
                let Some(key) = change_item(body, &path, how) else { continue };
                let place: String =
                    path.iter().rev().skip(1).rev().map(|at| format!("[{at}]")).collect();
                changed.push((format!("{}{place}.{key} {}", selection.name, how.word()), copy));
            }
        }
    }
    let names: Vec<&str> = detection.selections.iter().map(|it| it.name.as_str()).collect();
    for (at, condition) in detection.conditions.iter().enumerate() {
        let mut count = 0;
        leaves(condition, &mut count);
        for leaf in 0..count {
            for how in How::ALL {
                let mut told = String::new();
                let mut left = leaf;
                let replaced = change_leaf(condition, &mut left, how, &names, &mut told);
                let mut copy = detection.clone();
                match (replaced, copy.conditions.get_mut(at)) {
                    (Some(condition), Some(place)) => *place = condition,
                    // The condition was this leaf alone; without it there is no rule.
                    _ => continue,
                }
                changed.push((format!("condition: {told} #{} {}", leaf + 1, how.word()), copy));
            }
        }
    }
    changed
}

/// The way to every item below: positions in the groups from the outside in.
fn paths(group: &Group) -> Vec<Vec<usize>> {
    match group {
        Group::Item(_) => vec![Vec::new()],
        Group::All(parts) | Group::Any(parts) => parts
            .iter()
            .enumerate()
            .flat_map(|(at, part)| {
                paths(part).into_iter().map(move |mut path| {
                    path.insert(0, at);
                    path
                })
            })
            .collect(),
    }
}

/// Changes the item at the end of the path; the key that it had.
fn change_item(group: &mut Group, path: &[usize], how: How) -> Option<String> {
    match (path, how) {
        ([], How::Negate) => match group {
            Group::Item(item) => {
                item.plan.negated = !item.plan.negated;
                Some(key(item))
            }
            _ => None,
        },
        ([], How::Remove) => {
            let told = match group {
                Group::Item(item) => key(item),
                _ => return None,
            };
            // Nothing is asked any more, which everything satisfies.
            *group = Group::All(Vec::new());
            Some(told)
        }
        ([at], How::Remove) => {
            let (Group::All(parts) | Group::Any(parts)) = group else { return None };
            let Group::Item(item) = parts.get(*at)? else {
                return None;
            };
            let told = key(item);
            parts.remove(*at);
            Some(told)
        }
        ([at, rest @ ..], _) => {
            let (Group::All(parts) | Group::Any(parts)) = group else { return None };
            change_item(parts.get_mut(*at)?, rest, how)
        }
    }
}

fn key(item: &Item) -> String {
    if item.key.is_empty() { "keywords".to_owned() } else { item.key.clone() }
}

fn leaves(condition: &Condition, count: &mut usize) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().for_each(|part| leaves(part, count));
        }
        Condition::Not(inner) => leaves(inner, count),
        Condition::Selection(_) | Condition::Of { .. } => *count += 1,
    }
}

/// The condition with its leaf of this number changed; `None` when nothing would be left.
fn change_leaf(
    condition: &Condition,
    left: &mut usize,
    how: How,
    names: &[&str],
    told: &mut String,
) -> Option<Condition> {
    let mut parts_of = |parts: &[Condition]| -> Vec<Condition> {
        parts.iter().filter_map(|part| change_leaf(part, left, how, names, told)).collect()
    };
    match condition {
        Condition::And(parts) => {
            let parts = parts_of(parts);
            (!parts.is_empty()).then_some(Condition::And(parts))
        }
        Condition::Or(parts) => {
            let parts = parts_of(parts);
            (!parts.is_empty()).then_some(Condition::Or(parts))
        }
        Condition::Not(inner) => {
            change_leaf(inner, left, how, names, told).map(|inner| Condition::Not(Box::new(inner)))
        }
        Condition::Selection(_) | Condition::Of { .. } => {
            let mine = *left == 0 && told.is_empty();
            *left = left.saturating_sub(usize::from(told.is_empty()));
            if !mine {
                return Some(condition.clone());
            }
            match condition {
                Condition::Selection(index) => {
                    told.push_str(names.get(*index).copied().unwrap_or_default());
                }
                Condition::Of { text, .. } => told.push_str(text),
                _ => {}
            }
            match how {
                How::Remove => None,
                How::Negate => Some(Condition::Not(Box::new(condition.clone()))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::document::{Document, parse};

    #[test]
    fn every_clause_is_changed_in_both_ways_and_has_a_name() {
        let source = "title: t\nlogsource: {product: k}\ndetection:\n  a: {x: 1, y|contains: 2}\n  \
                      b:\n    - {z: 1}\n    - {w: 1}\n  condition: a and not (b or a)\n";
        let documents = parse(source, "r.yml").expect("a rule");
        let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
        let names: Vec<String> = all(&rule.detection).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "a.x removed",
            "a.x negated",
            "a.y|contains removed",
            "a.y|contains negated",
            "b[0].z removed",
            "b[0].z negated",
            "b[1].w removed",
            "b[1].w negated",
            "condition: a #1 removed",
            "condition: a #1 negated",
            "condition: b #2 removed",
            "condition: b #2 negated",
            "condition: a #3 removed",
            "condition: a #3 negated",
        ];
        assert_eq!(names, expected);
        let condition = |name: &str| {
            let found = all(&rule.detection).into_iter().find(|(known, _)| known == name);
            found.expect("there").1.conditions.remove(0)
        };
        use Condition::{And, Not, Or, Selection};
        let or = |parts| Not(Box::new(Or(parts)));
        assert_eq!(
            condition("condition: b #2 removed"),
            And(vec![Selection(0), or(vec![Selection(0)])])
        );
        assert_eq!(
            condition("condition: a #1 removed"),
            And(vec![or(vec![Selection(1), Selection(0)])])
        );
    }
}
