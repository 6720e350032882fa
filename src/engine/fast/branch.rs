//! A rule's condition as branches: lists of questions of which all must be answered as wanted. A
//! rule can match only when one of its branches can. What the fast path cannot decide is left out
//! of a branch, which then lets more through and never less.

use super::ask::{Ask, asks, asks_for_absence};
use crate::sigma::condition::{Condition, Quantity};
use crate::sigma::detection::{Detection, Group, Item};
use crate::sigma::encode::ValueLists;

/// Branches of one rule, at most; beyond it a part of the condition counts as undecided.
const BRANCHES_MAX: usize = 80;

/// One way for a rule to match: questions by number, and the answer that each needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Branch(pub(super) Vec<(usize, bool)>);

/// Questions, each once.
#[derive(Debug)]
pub(super) struct Asks<'a> {
    pub(super) all: Vec<Ask>,
    known: std::collections::HashMap<(String, String), usize>,
    lists: &'a ValueLists,
}

impl<'a> Asks<'a> {
    /// None yet; `lists` stand for the placeholders of the rules.
    pub(super) fn over(lists: &'a ValueLists) -> Self {
        Self { all: Vec::new(), known: std::collections::HashMap::new(), lists }
    }

    fn number(&mut self, ask: Ask) -> usize {
        let key = (ask.field.clone(), ask.identity.clone());
        let next = self.all.len();
        let number = *self.known.entry(key).or_insert(next);
        if number == next {
            self.all.push(ask);
        }
        number
    }
}

/// The branches of a detection. None: it can never match.
pub(super) fn branches(detection: &Detection, asked: &mut Asks<'_>) -> Vec<Branch> {
    let conditions = detection.conditions.iter();
    let parts: Vec<_> =
        conditions.map(|condition| of_condition(condition, true, detection, asked)).collect();
    any(parts)
}

type Ways = Vec<Branch>;

/// No question asked: holds, for all we can tell.
fn undecided() -> Ways {
    vec![Branch::default()]
}

fn of_condition(
    condition: &Condition,
    wanted: bool,
    detection: &Detection,
    asked: &mut Asks<'_>,
) -> Ways {
    let selection = |index: usize, asked: &mut Asks<'_>| match detection.selections.get(index) {
        Some(selection) => of_group(&selection.body, wanted, asked),
        None => undecided(),
    };
    match condition {
        Condition::Not(inner) => of_condition(inner, !wanted, detection, asked),
        Condition::Selection(index) => selection(*index, asked),
        Condition::And(parts) | Condition::Or(parts) => {
            let conjunction = matches!(condition, Condition::And(_)) == wanted;
            let parts = parts.iter().map(|part| of_condition(part, wanted, detection, asked));
            joined(conjunction, parts.collect())
        }
        Condition::Of { quantity, selections, .. } => {
            let conjunction = (*quantity == Quantity::All) == wanted;
            let parts = selections.iter().map(|index| selection(*index, asked));
            joined(conjunction, parts.collect())
        }
    }
}

fn of_group(group: &Group, wanted: bool, asked: &mut Asks<'_>) -> Ways {
    match group {
        Group::All(parts) => {
            joined(wanted, parts.iter().map(|part| of_group(part, wanted, asked)).collect())
        }
        Group::Any(parts) => {
            joined(!wanted, parts.iter().map(|part| of_group(part, wanted, asked)).collect())
        }
        Group::Item(item) => of_item(item, wanted, asked),
    }
}

fn of_item(item: &Item, wanted: bool, asked: &mut Asks<'_>) -> Ways {
    let wanted = wanted != (item.plan.negated != asks_for_absence(item));
    let Some(asks) = asks(item, asked.lists) else { return undecided() };
    let each = asks.into_iter().map(|ask| vec![Branch(vec![(asked.number(ask), wanted)])]);
    joined(wanted, each.collect())
}

fn joined(conjunction: bool, parts: Vec<Ways>) -> Ways {
    if conjunction { all(parts) } else { any(parts) }
}

/// One of the parts holds.
fn any(parts: Vec<Ways>) -> Ways {
    let mut ways: Ways = Vec::new();
    for way in parts.into_iter().flatten() {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let decides_nothing = ways.iter().any(|way| way.0.is_empty());
    if decides_nothing || ways.len() > BRANCHES_MAX { undecided() } else { ways }
}

/// All parts hold. The smallest come first, so that when there are too many ways it is the widest
/// part that stays undecided.
fn all(mut parts: Vec<Ways>) -> Ways {
    parts.sort_by_key(Vec::len);
    let mut ways = undecided();
    for part in parts {
        if ways.len().saturating_mul(part.len()) > BRANCHES_MAX {
            continue;
        }
        ways = ways
            .iter()
            .flat_map(|way| part.iter().filter_map(move |more| both(way, more)))
            .collect();
    }
    ways
}

/// Both ways at once; `None` when they want opposite answers of one question.
fn both(one: &Branch, other: &Branch) -> Option<Branch> {
    let mut union = one.0.clone();
    for (ask, wanted) in &other.0 {
        match union.iter().find(|(known, _)| known == ask) {
            Some((_, answer)) if answer != wanted => return None,
            Some(_) => {}
            None => union.push((*ask, *wanted)),
        }
    }
    union.sort_unstable();
    Some(Branch(union))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::document::{Document, parse};

    fn ways(detection: &str) -> Vec<String> {
        let text = format!("title: t\nlogsource: {{product: k}}\ndetection:\n{detection}");
        let documents = parse(&text, "r.yml").unwrap();
        let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
        let lists = ValueLists::from([("names".to_owned(), vec!["x".to_owned()])]);
        let mut asked = Asks::over(&lists);
        let ways = branches(&rule.detection, &mut asked);
        let show = |(ask, wanted): &(usize, bool)| {
            format!("{}{}", if *wanted { "" } else { "!" }, asked.all[*ask].field)
        };
        ways.iter().map(|way| way.0.iter().map(show).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_condition_becomes_its_ways_to_hold() {
        let two = "  a: {v: x, r: y}\n  b: {u: z}\n";
        assert_eq!(ways(&format!("{two}  condition: a and not b\n")), ["v r !u"]);
        assert_eq!(ways(&format!("{two}  condition: not a\n")), ["!v", "!r"]);
        assert_eq!(ways(&format!("{two}  condition: 1 of them\n")), ["v r", "u"]);
        assert_eq!(ways(&format!("{two}  condition: not 1 of them\n")), ["!v !u", "!r !u"]);
        assert_eq!(ways("  a: {v|contains|all: [x, y]}\n  condition: not a\n"), ["!v", "!v"]);
        assert_eq!(ways("  a: {v|exists: false, w|neq: x}\n  condition: a\n"), ["!v !w"]);
        assert_eq!(ways("  a: {v: x}\n  condition: a and not a\n"), Vec::<String>::new());
    }

    #[test]
    fn placeholders_are_asked_with_the_values_of_their_list() {
        let named = |name: &str, more: &str| {
            format!("  a: {{v|{more}expand: '%{name}%'}}\n  condition: a\n")
        };
        assert_eq!(ways(&named("names", "")), ["v"]);
        assert_eq!(ways(&named("names", "startswith|")), ["v"]);
        assert_eq!(ways(&named("names", "re|")), [""]);
        let all = "  a: {v|all|expand: ['%names%', y]}\n  condition: a\n";
        assert_eq!(ways(all), [""]);
        assert_eq!(ways(&named("unknown", "")), [""]);
        let plain_and_list = "  a: {v: x}\n  b: {v|expand: '%names%'}\n  condition: a and not b\n";
        assert_eq!(ways(plain_and_list), Vec::<String>::new(), "the list holds x alone");
    }

    #[test]
    fn what_cannot_be_decided_lets_more_through() {
        let item = "  a: {v: x, midwatch.body: full}\n  k: [word]\n";
        assert_eq!(ways(&format!("{item}  condition: a\n")), ["v"]);
        assert_eq!(ways(&format!("{item}  condition: not a\n")), [""]);
        assert_eq!(ways(&format!("{item}  condition: a or k\n")), [""]);
    }

    #[test]
    fn too_many_ways_leave_the_widest_part_undecided() {
        let list = |field: &str| {
            let items: Vec<_> = (0..40).map(|n| format!("{{{field}{n}: 1}}")).collect();
            items.join(", ")
        };
        let text = format!("  a: [{}]\n  b: [{}]\n  condition: a and b\n", list("x"), list("y"));
        assert_eq!(ways(&text).len(), 40);
    }
}
