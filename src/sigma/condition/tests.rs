//! The condition grammar: precedence, quantities, and the place of a fault.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["sel_a", "sel_b", "filter", "_hidden"];

fn show(condition: &Condition) -> String {
    let join = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts.iter().map(show).collect();
        format!("({})", parts.join(word))
    };
    match condition {
        Condition::And(parts) => join(parts, " & "),
        Condition::Or(parts) => join(parts, " | "),
        Condition::Not(inner) => format!("!{}", show(inner)),
        Condition::Selection(index) => NAMES[*index].to_owned(),
        Condition::Of { quantity, selections, .. } => format!("{quantity:?}{selections:?}"),
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(parse(text, &NAMES).map(|parsed| show(&parsed)), Ok(expected.to_owned()), "{text}");
}

fn check_fault(text: &str, offset: usize, part: &str) {
    let fault = parse(text, &NAMES).expect_err(text);
    assert!(fault.reason.contains(part), "{text}: {}", fault.reason);
    assert_eq!(fault.offset, offset, "{text}: {}", fault.reason);
}

#[test]
fn not_binds_before_and_before_or() {
    check("sel_a or sel_b and not filter", "(sel_a | (sel_b & !filter))");
    check("NOT sel_a AND (sel_b Or filter)", "(!sel_a & (sel_b | filter))");
    check("not not sel_a", "!!sel_a");
}

#[test]
fn several_selections_are_named_by_pattern() {
    check("1 of them", "Any[0, 1, 2]");
    check("all of sel_*", "All[0, 1]");
    check("any of *_b", "Any[1]");
    check("1 of s*l*a", "Any[0]");
    check("1 of _*", "Any[3]");
    check("sel_a and not 1 of filter*", "(sel_a & !Any[2])");
}

#[test]
fn faults_say_where_and_what() {
    check_fault("sel_a and sel_c", 10, "no selection `sel_c`");
    check_fault("sel_a | count() > 5", 6, "correlation");
    check_fault("(sel_a", 6, "`)` is missing");
    check_fault("sel_a)", 5, "closes nothing");
    check_fault("sel_a sel_b", 6, "`and` or `or`");
    check_fault("2 of them", 0, "counts no further");
    check_fault("1 of nothing*", 5, "no selection is called like");
    check_fault("sel_a and", 9, "ends where");
    check_fault("", 0, "empty");
    check_fault("sel_*", 0, "write `1 of");
    check_fault(&"(".repeat(100), 50, "nested deeper");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_parser_never_panics(text in r"(sel_a|not|and|or|1 of|them|\(|\)| |\*|\PC){0,20}") {
        let _ = parse(&text, &NAMES);
    }
}

#[test]
fn a_message_shows_no_control_character_of_the_condition() {
    for text in ["a\u{1b}[31m*", "b\u{7f}", "1 of c\u{1b}*", "2\u{1b} of a", "a \u{1b}"] {
        let fault = parse(text, &["a"]).unwrap_err();
        assert!(!fault.reason.contains(char::is_control), "{:?}", fault.reason);
    }
    let long = parse(&"x*".repeat(500), &["a"]).unwrap_err();
    assert!(long.reason.len() < 300, "{}", long.reason);
}
