//! What memories mean, said again in the plainest way: with all events at hand at once. Only tests
//! use it.

use std::collections::BTreeSet;

use crate::engine::correlate::naive::Happening;

/// A finding that must come out: of which rule, for whom, with which events.
pub(super) type News = (String, String, BTreeSet<String>);

/// One of the test rules.
struct Rule {
    name: &'static str,
    letters: &'static str,
    /// Letters that are only remembered.
    silent: &'static str,
    learning: i64,
    group_learns: bool,
    value: fn(&Happening) -> (String, u16),
}

const EXPIRY: i64 = 90;

/// Everything that is new.
pub(super) fn news(happenings: &[Happening]) -> BTreeSet<News> {
    let name = |h: &Happening| (h.what.clone(), 0);
    let pair = |h: &Happening| (h.what.clone(), h.number);
    let rules = [
        Rule {
            name: "news",
            letters: "a",
            silent: "",
            learning: 60,
            group_learns: false,
            value: name,
        },
        Rule {
            name: "news-group",
            letters: "a",
            silent: "",
            learning: 60,
            group_learns: true,
            value: name,
        },
        Rule {
            name: "news-silent",
            letters: "ab",
            silent: "b",
            learning: 60,
            group_learns: false,
            value: name,
        },
        Rule {
            name: "news-pairs",
            letters: "ac",
            silent: "",
            learning: 0,
            group_learns: false,
            value: pair,
        },
    ];
    let began = happenings.iter().filter(|h| sets_off(h, "abc")).map(|h| h.second).min();
    let mut found = BTreeSet::new();
    for rule in rules {
        let mine: Vec<&Happening> =
            happenings.iter().filter(|h| sets_off(h, rule.letters)).collect();
        for (who, second) in mine.iter().map(|h| (&h.who, h.second)).collect::<BTreeSet<_>>() {
            let group: Vec<&Happening> = mine.iter().filter(|h| h.who == *who).copied().collect();
            let learned = began.is_some_and(|began| second - began >= rule.learning)
                && (!rule.group_learns || second - beginning(&group, second) >= rule.learning);
            let now = group.iter().filter(|h| h.second == second);
            let ids: BTreeSet<String> = now
                .filter(|h| {
                    h.rules.chars().any(|c| rule.letters.contains(c) && !rule.silent.contains(c))
                })
                .filter(|h| {
                    !group.iter().any(|old| {
                        (rule.value)(old) == (rule.value)(h)
                            && old.second < second
                            && second - old.second <= EXPIRY
                    })
                })
                .map(|h| h.id.clone())
                .collect();
            if learned && !ids.is_empty() {
                found.insert((rule.name.to_owned(), who.clone(), ids));
            }
        }
    }
    found
}

/// When the group began that goes on at this second: after the last pause in which all expired.
fn beginning(group: &[&Happening], second: i64) -> i64 {
    let mut moments: Vec<i64> = group.iter().map(|h| h.second).filter(|s| *s <= second).collect();
    moments.sort_unstable();
    let mut began = moments.first().copied().unwrap_or(second);
    for pair in moments.windows(2) {
        if pair[1] - pair[0] > EXPIRY {
            began = pair[1];
        }
    }
    began
}

fn sets_off(happening: &Happening, letters: &str) -> bool {
    happening.rules.chars().any(|c| letters.contains(c))
}
