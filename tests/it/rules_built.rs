//! The list of behaviours: each has a rule of its name, or stands in `rules/NOT_BUILT.md` with the
//! reason, and never both.

use std::collections::BTreeSet;

use midwatch::engine::ruleset::RuleSet;

/// The names of all behaviours, a line each.
const ROWS: &str = include_str!("../data/rules/rows.txt");
const NOT_BUILT: &str = include_str!("../../rules/NOT_BUILT.md");

/// Headings of the tables in `rules/NOT_BUILT.md`.
const WITHOUT: &str = "Without a rule";
const BEING_BUILT: &str = "Being built";
const IN_PART: &str = "Seen only in part";

/// Words that a reason must have, so that it is one.
const REASON_WORDS_MIN: usize = 5;

/// A row of a table: the behaviour, and what stands in the last column.
struct Row {
    behaviour: &'static str,
    reason: &'static str,
}

/// The rows below a heading; none when the page has no such heading.
fn table(heading: &str) -> Vec<Row> {
    let below = NOT_BUILT.split("\n## ").find_map(|part| part.strip_prefix(heading));
    let rows = below.unwrap_or_default().lines().filter_map(|line| {
        let (behaviour, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        let reason = rest.strip_suffix(" |")?.rsplit(" | ").next()?;
        Some(Row { behaviour, reason })
    });
    rows.collect()
}

fn rules() -> BTreeSet<String> {
    let rules = RuleSet::builtin().expect("the shipped rules load");
    rules.catalogue().iter().map(|(rule, _)| rule.reference.name.clone()).collect()
}

#[test]
fn every_behaviour_has_a_rule_or_a_reason_and_never_both() {
    let rules = rules();
    let reasons: BTreeSet<_> =
        [WITHOUT, BEING_BUILT].into_iter().flat_map(table).map(|row| row.behaviour).collect();
    let wrong: Vec<_> = ROWS
        .lines()
        .filter_map(|row| match (rules.contains(row), reasons.contains(row)) {
            (true, true) => Some(format!("{row} has a rule and stands in rules/NOT_BUILT.md")),
            (false, false) => Some(format!("{row} has no rule and no reason")),
            _ => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_list_of_behaviours_is_whole_and_in_order() {
    let rows: Vec<_> = ROWS.lines().collect();
    assert!(rows.len() > 200, "only {} behaviours", rows.len());
    assert!(rows.is_sorted_by(|one, next| one < next), "sorted, and none twice");
}

#[test]
fn what_has_no_rule_is_on_the_list_and_says_why() {
    let rows: BTreeSet<_> = ROWS.lines().collect();
    let mut wrong = Vec::new();
    for heading in [WITHOUT, BEING_BUILT] {
        let table = table(heading);
        if !table.is_sorted_by(|one, next| one.behaviour < next.behaviour) {
            wrong.push(format!("the table `{heading}` is not sorted by name"));
        }
        for row in table {
            if !rows.contains(row.behaviour) {
                wrong.push(format!("{} is no behaviour of the list", row.behaviour));
            }
            if row.reason.split_whitespace().count() < REASON_WORDS_MIN {
                wrong.push(format!("{} has no reason", row.behaviour));
            }
        }
    }
    assert!(!table(WITHOUT).is_empty(), "the page has no table `{WITHOUT}`");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_seen_in_part_has_a_rule() {
    let rules = rules();
    let rows = table(IN_PART);
    assert!(!rows.is_empty(), "the page has no table `{IN_PART}`");
    let wrong: Vec<_> =
        rows.iter().map(|row| row.behaviour).filter(|name| !rules.contains(*name)).collect();
    assert!(wrong.is_empty(), "no rule of these names: {}", wrong.join(", "));
}
