//! What correlations mean, said again in the plainest way: with all events at hand at once. Only
//! tests use it, to hold the real thing against it.

use std::collections::{BTreeMap, BTreeSet};

/// Something that happened, in the terms of the test rules `a`, `b` and `c`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Happening {
    /// Seconds after the beginning.
    pub second: i64,
    pub id: String,
    /// Which of the rules it sets off, as letters; other letters mean nothing.
    pub rules: String,
    pub who: String,
    pub what: String,
    pub number: u16,
    /// Addresses that it comes from, between commas.
    pub from: String,
}

/// A correlation that must fire: which, for whom, and because of which events.
pub(super) type Firing = (&'static str, String, BTreeSet<String>);

/// The timespan of all test correlations, in seconds.
pub(super) const TIMESPAN: i64 = 60;

/// Whether a window fires, and because of which of its events.
type Test = fn(&[&Happening]) -> Option<BTreeSet<String>>;

/// Every firing of every test correlation.
pub(super) fn firings(happenings: &[Happening]) -> BTreeSet<Firing> {
    let mut all: Vec<&Happening> = happenings.iter().collect();
    all.sort();
    all.dedup();
    let mut found = BTreeSet::new();
    let tests: [(&'static str, &str, Test); 13] = [
        ("event-count", "ab", |w| (w.len() >= 3).then(|| ids(w))),
        ("value-count", "a", |w| {
            let values: BTreeSet<&str> = w.iter().map(|h| h.what.as_str()).collect();
            (values.len() >= 3).then(|| ids(w))
        }),
        ("value-sum", "a", |w| (numbers(w).iter().sum::<f64>() > 620.0).then(|| ids(w))),
        ("value-avg", "a", |w| {
            let n = numbers(w);
            let average = n.iter().sum::<f64>() / n.len() as f64;
            (204.0..207.0).contains(&average).then(|| ids(w))
        }),
        ("value-percentile", "a", |w| (percentile(w, 0.75) >= 206.0).then(|| ids(w))),
        ("value-median", "a", |w| (percentile(w, 0.5) == 204.0).then(|| ids(w))),
        ("temporal", "abc", |w| ["a", "b", "c"].iter().all(|r| has(w, r)).then(|| ids(w))),
        ("temporal-ordered", "abc", |w| chain(w, &["a", "b", "c"], None).then(|| ids(w))),
        ("temporal-not", "ab", |w| (has(w, "a") && !has(w, "b")).then(|| with(w, "a"))),
        ("ordered-or", "abc", |w| {
            let first = chain(w, &["a", "b"], None).then(|| with(w, "ab"));
            first.or_else(|| chain(w, &["a", "c"], None).then(|| with(w, "ac")))
        }),
        ("temporal-two", "abc", |w| (rules(w) == 2).then(|| ids(w))),
        // Only `a`, which is of another tactic, and `c`, which weighs more, are enough together.
        ("risk", "abc", |w| (has(w, "a") && has(w, "c")).then(|| latest(w, &["a", "b", "c"]))),
        ("ordered-two", "abc", |w| {
            let pairs = [["a", "b"], ["a", "c"], ["b", "c"]];
            pairs.iter().any(|pair| chain(w, pair, None)).then(|| ids(w))
        }),
    ];
    for (name, letters, test) in tests {
        for (who, mine) in grouped(&all, letters) {
            for (_, ids) in slide(&mine, test) {
                found.insert((name, who.clone(), ids));
            }
        }
    }
    chained(&all, &mut found);
    // Without an address nothing is proven to differ.
    let mut from_somewhere = all.clone();
    from_somewhere.retain(|h| !h.from.is_empty());
    let tests: [(&'static str, &str, Test); 2] = [
        ("differ", "abc", |w| different(w, &["a", "b", "c"], false, &mut Vec::new())),
        ("differ-ordered", "ab", |w| different(w, &["a", "b"], true, &mut Vec::new())),
    ];
    for (name, letters, test) in tests {
        for (who, mine) in grouped(&from_somewhere, letters) {
            for (_, ids) in slide(&mine, test) {
                found.insert((name, who.clone(), ids));
            }
        }
    }
    // What contributes shows how far the events reach.
    let contributing = all.iter().filter(|h| h.rules.contains(['a', 'b', 'c']));
    let newest = contributing.map(|h| h.second).max().unwrap_or_default();
    let tests: [(&'static str, &str, &str, i64, Test); 4] = [
        ("absent", "a", "b", 20, |w| (w.len() >= 2).then(|| ids(w))),
        ("absent-long", "ac", "b", 90, |w| ["a", "c"].iter().all(|r| has(w, r)).then(|| ids(w))),
        ("absent-self", "c", "c", 25, |w| Some(ids(w))),
        ("absent-differ", "ab", "c", 30, |w| different(w, &["a", "b"], true, &mut Vec::new())),
    ];
    for (name, letters, absent, within, test) in tests {
        let all = if name == "absent-differ" { &from_somewhere } else { &all };
        for (who, mine) in grouped(all, letters) {
            let follows = |h: &&Happening| h.who == who && h.rules.contains(absent);
            let follows: Vec<i64> = happenings.iter().filter(follows).map(|h| h.second).collect();
            for ids in unless(&mine, &follows, within, newest, test) {
                found.insert((name, who.clone(), ids));
            }
        }
    }
    found
}

/// As [`slide`], where something must not follow. What the events do not reach is not claimed.
fn unless(
    mine: &[&Happening],
    follows: &[i64],
    within: i64,
    newest: i64,
    test: Test,
) -> Vec<BTreeSet<String>> {
    let moments: BTreeSet<i64> = mine.iter().map(|h| h.second).collect();
    let mut found = Vec::new();
    let mut free = i64::MIN;
    for moment in moments {
        let inside = |h: &&&Happening| h.second <= moment && moment - h.second <= TIMESPAN;
        let window: Vec<&Happening> = mine.iter().filter(inside).copied().collect();
        let Some(ids) = test(&window).filter(|_| moment >= free) else { continue };
        let after = |second: &&i64| **second > moment && **second - moment <= within;
        match follows.iter().filter(after).min() {
            Some(second) => free = *second,
            None if moment + within < newest => {
                found.push(ids);
                free = moment + within.max(TIMESPAN) + 1;
            }
            None => break,
        }
    }
    found
}

/// The latest event of each rule.
fn latest(window: &[&Happening], rules: &[&str]) -> BTreeSet<String> {
    let last = |rule: &&str| window.iter().rev().find(|h| h.rules.contains(*rule));
    rules.iter().filter_map(last).map(|h| h.id.clone()).collect()
}

/// The first choice of one event a rule, no two of which share an address.
fn different<'a>(
    window: &[&'a Happening],
    rules: &[&str],
    ordered: bool,
    chosen: &mut Vec<&'a Happening>,
) -> Option<BTreeSet<String>> {
    let Some(rule) = rules.get(chosen.len()) else { return Some(ids(chosen)) };
    for happening in window.iter().filter(|h| h.rules.contains(rule)) {
        let apart = |other: &&Happening| {
            happening.from.split(',').all(|one| other.from.split(',').all(|two| one != two))
        };
        let later = |other: &&Happening| !ordered || other.second < happening.second;
        if !chosen.iter().all(|other| apart(other) && later(other)) {
            continue;
        }
        chosen.push(happening);
        if let Some(found) = different(window, rules, ordered, chosen) {
            return Some(found);
        }
        chosen.pop();
    }
    None
}

/// `event-count` and then `c`: what fired stands for its events.
fn chained(all: &[&Happening], found: &mut BTreeSet<Firing>) {
    for (who, mine) in grouped(all, "ab") {
        let mut steps: Vec<Happening> = Vec::new();
        let mut behind: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (second, ids) in slide(&mine, |w| (w.len() >= 3).then(|| ids(w))) {
            let id = format!("fired-{second}");
            steps.push(Happening {
                second,
                id: id.clone(),
                rules: "a".into(),
                ..Happening::of(&who)
            });
            behind.insert(id, ids);
        }
        for happening in all.iter().filter(|h| h.who == who && h.rules.contains('c')) {
            steps.push(Happening { rules: "b".into(), ..(*happening).clone() });
            behind.insert(happening.id.clone(), BTreeSet::from([happening.id.clone()]));
        }
        steps.sort();
        let steps: Vec<&Happening> = steps.iter().collect();
        for (_, ids) in slide(&steps, |w| chain(w, &["a", "b"], None).then(|| ids(w))) {
            let events = ids.iter().flat_map(|id| behind[id].clone()).collect();
            found.insert(("chain", who.clone(), events));
        }
    }
}

impl Happening {
    pub(super) fn of(who: &str) -> Self {
        Self {
            second: 0,
            id: String::new(),
            rules: String::new(),
            who: who.to_owned(),
            what: String::new(),
            number: 0,
            from: String::new(),
        }
    }
}

/// By person, those that set off one of the rules.
fn grouped<'a>(all: &[&'a Happening], letters: &str) -> BTreeMap<String, Vec<&'a Happening>> {
    let mut groups: BTreeMap<String, Vec<&Happening>> = BTreeMap::new();
    for happening in all.iter().filter(|h| h.rules.contains(|c| letters.contains(c))) {
        groups.entry(happening.who.clone()).or_default().push(happening);
    }
    groups
}

/// Judges the window that ends at each moment; silent for a timespan after each firing.
fn slide(mine: &[&Happening], test: Test) -> Vec<(i64, BTreeSet<String>)> {
    let moments: BTreeSet<i64> = mine.iter().map(|h| h.second).collect();
    let mut fired: Vec<(i64, BTreeSet<String>)> = Vec::new();
    for moment in moments {
        if fired.last().is_some_and(|(last, _)| moment - last <= TIMESPAN) {
            continue;
        }
        let inside = |h: &&&Happening| h.second <= moment && moment - h.second <= TIMESPAN;
        let window: Vec<&Happening> = mine.iter().filter(inside).copied().collect();
        fired.extend(test(&window).map(|ids| (moment, ids)));
    }
    fired
}

fn ids(window: &[&Happening]) -> BTreeSet<String> {
    window.iter().map(|h| h.id.clone()).collect()
}

fn with(window: &[&Happening], letters: &str) -> BTreeSet<String> {
    let wanted = window.iter().filter(|h| h.rules.contains(|c| letters.contains(c)));
    wanted.map(|h| h.id.clone()).collect()
}

fn has(window: &[&Happening], rule: &str) -> bool {
    window.iter().any(|h| h.rules.contains(rule))
}

fn rules(window: &[&Happening]) -> usize {
    ["a", "b", "c"].iter().filter(|rule| has(window, rule)).count()
}

/// Some choice of one event a rule, each later than the one before.
fn chain(window: &[&Happening], rules: &[&str], after: Option<i64>) -> bool {
    let Some((first, rest)) = rules.split_first() else { return true };
    window.iter().any(|h| {
        h.rules.contains(first)
            && after.is_none_or(|second| h.second > second)
            && chain(window, rest, Some(h.second))
    })
}

fn numbers(window: &[&Happening]) -> Vec<f64> {
    window.iter().map(|h| f64::from(h.number)).collect()
}

/// For shares that are quarters: between the values around the place, in proportion.
fn percentile(window: &[&Happening], share: f64) -> f64 {
    let mut numbers = numbers(window);
    numbers.sort_by(f64::total_cmp);
    let last = (numbers.len() - 1) as f64;
    let near = |(at, number): (usize, &f64)| {
        let distance = (at as f64 - share * last).abs();
        if distance < 1.0 { number * (1.0 - distance) } else { 0.0 }
    };
    numbers.iter().enumerate().map(near).sum()
}
