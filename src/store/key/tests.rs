//! Keys by example and by property.

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use time::Duration;

use super::*;

fn is_allowed(key: &str) -> bool {
    key.chars().all(|c| !matches!(c, '/' | '\\' | '#' | '?') && !c.is_control())
        && key.encode_utf16().count() <= KEY_UNITS_MAX
        && !key.is_empty()
}

#[test]
fn ordinary_texts_stay_as_they_are() {
    for text in ["alert", "o'brien", "100% sure", "a b", "é 漢 🦀", "x' or RowKey ge '", "..", "-"]
    {
        assert_eq!(escape(text), text);
    }
}

#[test]
fn what_a_table_forbids_is_escaped() {
    let check = [
        ("a/b", "a~2fb"),
        ("a\\b", "a~5cb"),
        ("#", "~23"),
        ("?", "~3f"),
        ("~", "~7e"),
        ("~2f", "~7e2f"),
        ("\0\n\u{7f}\u{9f}", "~00~0a~7f~9f"),
        ("", "~_"),
    ];
    for (text, key) in check {
        assert_eq!(escape(text), key, "{text:?}");
        assert_eq!(unescape(key).as_deref(), Some(text));
    }
}

#[test]
fn compound_keys_do_not_run_together() {
    let lists: [&[&str]; 8] = [
        &["a", "b"],
        &["ab"],
        &["a~-b"],
        &["a", "", "b"],
        &["a", "b", ""],
        &["", "a", "b"],
        &["", ""],
        &[""],
    ];
    let keys: std::collections::BTreeSet<String> =
        lists.iter().map(|list| compound(list)).collect();
    assert_eq!(keys.len(), lists.len());
}

#[test]
fn a_key_that_is_too_long_ends_in_a_digest() {
    let fits = "k".repeat(KEY_UNITS_MAX);
    assert_eq!(escape(&fits), fits);
    let long = escape(&"k".repeat(KEY_UNITS_MAX + 1));
    assert_eq!(long.encode_utf16().count(), KEY_UNITS_MAX);
    assert!(long.starts_with("kkk"));
    assert_eq!(unescape(&long), None, "it cannot be undone, and says so");
    assert_ne!(escape(&long), long, "nobody can ask for this key by its own text");
    // Half an escape is not left before the digest.
    for padding in 440..450 {
        let key = escape(&format!("{}{}", "k".repeat(padding), "/".repeat(200)));
        assert!(is_allowed(&key));
        let (kept, digest) = key.rsplit_once("~s").expect("a digest");
        assert_eq!(digest.len(), 64);
        assert!(unescape(kept).is_some(), "{kept}");
    }
}

#[test]
fn a_beginning_finds_what_starts_with_it_and_nothing_else() {
    let names =
        ["a", "a/b", "a/b/c", "a/bc", "a.b", "ab", "b", "", "a'", "漢", "漢字", "🦀", "🦀a"];
    for beginning in names {
        let (from, to) = starting_with(&[beginning]);
        for name in names {
            let key = escape(name);
            let found = key >= from && to.as_ref().is_none_or(|to| key < *to);
            assert_eq!(found, name.starts_with(beginning), "{name:?} by {beginning:?}");
        }
    }
}

#[test]
fn the_end_of_a_beginning_holds_nothing_that_a_key_may_not_hold() {
    for beginning in [".", "\"", ">", "[", "}", "~", "a\u{d7ff}", "a\u{fffd}", "\u{10ffff}"] {
        let (from, to) = starting_with(&[beginning]);
        if let Some(to) = to {
            assert!(is_allowed(&to) && to > from, "{beginning:?}: {to:?}");
        }
    }
}

#[test]
fn later_times_come_first_in_a_fixed_width() {
    let epoch = OffsetDateTime::UNIX_EPOCH;
    let min = time::macros::datetime!(-9999-01-01 00:00:00 UTC);
    let max = time::macros::datetime!(9999-12-31 23:59:59.999999999 UTC);
    let times = [
        min,
        epoch - Duration::nanoseconds(1),
        epoch,
        epoch + Duration::nanoseconds(1),
        epoch + Duration::days(20_000),
        max,
    ];
    let keys: Vec<String> = times.iter().map(|time| inverted_time(*time)).collect();
    assert!(keys.iter().all(|key| key.len() == 21));
    assert!(keys.is_sorted_by(|a, b| a > b), "{keys:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_key_is_allowed(text in any::<String>(), times in 1usize..40) {
        prop_assert!(is_allowed(&escape(&text.repeat(times))));
    }

    #[test]
    fn an_escape_can_be_undone(text in any::<String>()) {
        let key = escape(&text);
        if key.encode_utf16().count() < KEY_UNITS_MAX {
            prop_assert_eq!(unescape(&key), Some(text));
        }
    }

    #[test]
    fn unescape_never_panics(key in "[~a-f0-9s_é-]{0,20}") {
        let _ = unescape(&key);
    }

    #[test]
    fn ordinary_keys_keep_the_order_of_their_texts(
        mut texts in prop::collection::vec("[0-9A-Za-z]{1,40}", 2..20),
    ) {
        texts.sort();
        let keys: Vec<String> = texts.iter().map(|text| escape(text)).collect();
        prop_assert!(keys.is_sorted());
    }

    #[test]
    fn different_texts_have_different_keys(a in "[ab~/]{0,6}", b in "[ab~/]{0,6}", long in any::<bool>()) {
        let pad = if long { "x".repeat(600) } else { String::new() };
        let (key_a, key_b) = (escape(&format!("{pad}{a}")), escape(&format!("{pad}{b}")));
        prop_assert_eq!(a == b, key_a == key_b);
    }
}
