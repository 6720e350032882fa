//! Wildcards, escapes and case, against a naive matcher too.

use proptest::prelude::*;

use super::*;

fn check(pattern: &str, text: &str, expected: bool) {
    let compiled = Pattern::new(&tokens(pattern), Shape::Whole, false);
    assert_eq!(compiled.matches(text), expected, "{pattern:?} on {text:?}");
}

/// The textbook definition, exponential and plainly right.
fn naive(pattern: &[Token], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some((Token::Any, rest)), None) => naive(rest, text),
        (Some((Token::Any, rest)), Some((_, tail))) => naive(rest, text) || naive(pattern, tail),
        (Some((Token::One, rest)), Some((_, tail))) => naive(rest, tail),
        (Some((Token::Char(p), rest)), Some((c, tail))) => {
            fold_char(*p) == fold_char(*c) && naive(rest, tail)
        }
        (Some(_), None) => false,
    }
}

#[test]
fn wildcards_match_any_number_and_exactly_one() {
    check("a*c", "abbbc", true);
    check("a*c", "ac", true);
    check("a?c", "ac", false);
    check("a?c", "abc", true);
    check("*", "", true);
    check("?", "", false);
    check("a*b?d*e", "axxbcdyye", true);
    check("ab*ba", "aba", false);
    check("*a?", "ba", false);
}

#[test]
fn escapes_follow_the_table_of_the_specification() {
    check(r"\*", "*", true);
    check(r"\*", "x", false);
    check(r"\\*", r"\anything", true);
    check(r"\\\*", r"\*", true);
    check(r"\\\*", r"\x", false);
    check(r"C:\Windows", r"C:\Windows", true);
    check(r"a\\b", r"a\b", true);
    check(r"a\", r"a\", true);
    check(r"\\\\srv", r"\\srv", true);
}

#[test]
fn case_is_folded_beyond_ascii() {
    check("ΣΊΣΥΦΟΣ", "σίσυφος", true);
    check("ÄPFEL", "äpfel", true);
    check("ß", "ss", false);
    check("?", "İ", true);
}

#[test]
fn a_cased_pattern_minds_case() {
    let pattern = Pattern::new(&tokens("Exec"), Shape::Contains, true);
    assert!(pattern.matches("podExec") && !pattern.matches("podexec"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_matcher_agrees_with_the_naive_definition(
        pattern in r"[aAb*?\\ß]{0,8}", text in r"[aAbB*\\ß]{0,8}",
    ) {
        let tokens = tokens(&pattern);
        let chars: Vec<char> = text.chars().collect();
        let compiled = Pattern::new(&tokens, Shape::Whole, false);
        prop_assert_eq!(compiled.matches(&text), naive(&tokens, &chars));
    }
}
