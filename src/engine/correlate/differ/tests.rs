//! The search against trying everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::engine::correlate::entry::Entry;

/// What one event of the tests is: when, and by rule its values of two fields.
type Told = (Moment, BTreeMap<usize, [BTreeSet<String>; 2]>);

fn steps(count: usize) -> Vec<RuleId> {
    (0..count).map(|step| RuleId::new(format!("rule-{step}"))).collect()
}

fn window(told: &[Told], fields: usize) -> VecDeque<Placed> {
    let place = |(at, (moment, values)): (usize, &Told)| {
        let differ: BTreeMap<RuleId, Values> = values
            .iter()
            .map(|(step, values)| {
                let values = values.iter().take(fields).cloned().collect();
                (RuleId::new(format!("rule-{step}")), values)
            })
            .collect();
        let entry = Entry {
            absence: false,
            steps: differ.keys().cloned().collect(),
            differ,
            texts: BTreeSet::new(),
            numbers: Vec::new(),
            carried: Vec::new(),
            sight: None,
            events: Vec::new(),
            total: 1,
        };
        Placed { moment: *moment, identity: format!("{at:05}"), entry }
    };
    told.iter().enumerate().map(place).collect()
}

/// The first choice in the order of rules and events, by trying all.
fn plain(
    window: &VecDeque<Placed>,
    steps: &[RuleId],
    ordered: bool,
    chosen: &mut Vec<usize>,
) -> bool {
    let Some(step) = steps.get(chosen.len()) else { return true };
    for (at, placed) in window.iter().enumerate() {
        let Some(mine) = placed.entry.differ.get(step) else { continue };
        let fits = chosen.iter().zip(steps).all(|(other, of)| {
            let other = &window[*other];
            let theirs = &other.entry.differ[of];
            (!ordered || other.moment < placed.moment)
                && mine.iter().zip(theirs).all(|(a, b)| a.intersection(b).next().is_none())
        });
        chosen.push(at);
        if fits && plain(window, steps, ordered, chosen) {
            return true;
        }
        chosen.pop();
    }
    false
}

fn values() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[p-s]", 1..3)
}

fn told() -> impl Strategy<Value = Vec<Told>> {
    let by_rule = prop::collection::btree_map(0..4_usize, [values(), values()], 0..3);
    prop::collection::vec((0..12_i64, by_rule), 0..14).prop_map(|mut told| {
        told.sort_by_key(|(moment, _)| *moment);
        told
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_first_choice_that_differs_is_found_whenever_there_is_one(
        told in told(), count in 2..5_usize, ordered: bool, fields in 1..3_usize
    ) {
        let (window, steps) = (window(&told, fields), steps(count));
        let mut chosen = Vec::new();
        let expected = plain(&window, &steps, ordered, &mut chosen).then_some(chosen);
        prop_assert_eq!(choose(&window, &steps, ordered, fields), Ok(expected));
    }
}

fn one(text: String) -> BTreeSet<String> {
    BTreeSet::from([text])
}

#[test]
fn a_full_window_with_too_few_values_is_searched_to_the_end() {
    let told: Vec<Told> = (0..5_000)
        .map(|n: usize| {
            let values = [one(format!("{}", n % 4)), one("x".into())];
            (n as Moment, BTreeMap::from([(n % 5, values)]))
        })
        .collect();
    let window = window(&told, 1);
    assert_eq!(choose(&window, &steps(5), true, 1), Ok(None));
    assert_eq!(choose(&window, &steps(5), false, 1), Ok(None));
    assert!(matches!(choose(&window, &steps(4), true, 1), Ok(Some(_))));
    let told: Vec<Told> = (0..5_000)
        .map(|n: usize| {
            (n as Moment, BTreeMap::from([(n % 6, [one(format!("{}", n % 5)), one("x".into())])]))
        })
        .collect();
    let window = self::window(&told, 1);
    assert_eq!(choose(&window, &steps(6), true, 1), Ok(None));
}

#[test]
fn one_field_that_never_differs_ends_the_search_whatever_the_others_hold() {
    let told: Vec<Told> = (0..5_000)
        .map(|n: usize| {
            let values = [one(format!("{n}")), one("x".into())];
            (n as Moment, BTreeMap::from([(n % 3, values)]))
        })
        .collect();
    assert_eq!(choose(&window(&told, 2), &steps(3), true, 2), Ok(None));
}

#[test]
fn a_search_that_costs_too_much_is_given_up_and_says_so() {
    // Each field alone can differ, and both together never do, which only all pairs can tell.
    let told: Vec<Told> = (0..3_000)
        .map(|n: usize| {
            let own = format!("own-{n}");
            let values = match n {
                0 => [one("z".into()), one("b".into())],
                n if n % 2 == 0 => [one(own), one("a".into())],
                _ => [BTreeSet::from(["z".to_owned(), own]), one("a".into())],
            };
            (n as Moment, BTreeMap::from([(n % 2, values)]))
        })
        .collect();
    assert_eq!(choose(&window(&told, 2), &steps(2), false, 2), Err(GivenUp));
    assert_eq!(choose(&window(&told, 2), &steps(2), true, 2), Err(GivenUp));
    assert_eq!(choose(&window(&told[..40], 2), &steps(2), false, 2), Ok(None));
}
