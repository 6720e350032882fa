//! What a mapping renames, what it leaves alone, and what it may not be.

use super::*;
use crate::sigma::document::{Rule, parse};

const MAPPING: &str = "
title: Names of another pipeline
logsource: {product: kubernetes, service: audit}
mapping:
  fields:
    Who: user
    Who.Name: user.username
    a.b: verb
";

fn mapping(text: &str) -> Mapping {
    match parse(text, "m.yml").unwrap().remove(0) {
        Document::Mapping(mapping) => *mapping,
        other => panic!("{other:?}"),
    }
}

fn mapped(mappings: &[&str], logsource: &str, selection: &str) -> Rule {
    let mut all = Mappings::default();
    mappings.iter().for_each(|text| all.add(mapping(text)));
    let text = format!(
        "title: t\nlogsource: {logsource}\nfields: [Who.groups]\ndetection:\n  \
         sel:\n    {selection}\n  condition: sel\n"
    );
    let mut document = parse(&text, "r.yml").unwrap().remove(0);
    all.apply(&mut document);
    match document {
        Document::Rule(rule) => *rule,
        other => panic!("{other:?}"),
    }
}

const OURS: &str = "{product: kubernetes, service: audit}";

#[track_caller]
fn check(item: &str, field: &str) {
    let rule = mapped(&[MAPPING], OURS, item);
    assert_eq!(rule.detection.items()[0].field.as_deref(), Some(field), "{item}");
}

#[test]
fn a_field_and_what_lies_below_it_is_renamed() {
    check("Who: x", "user");
    check("Who.groups|contains: x", "user.groups");
    check("Who.Name: x", "user.username");
    check("Who.Name.first: x", "user.username.first");
    check("a.b: x", "verb");
}

#[test]
fn what_only_looks_similar_is_left_alone() {
    for field in ["who", "Whose", "a", "a.bc", "x.Who", "user.Who"] {
        check(&format!("{field}: x"), field);
    }
}

#[test]
fn the_key_keeps_the_name_that_its_author_wrote() {
    let rule = mapped(&[MAPPING], OURS, "Who.Name|startswith: x");
    assert_eq!(rule.detection.items()[0].key, "Who.Name|startswith");
    assert_eq!(rule.fields, ["user.groups"]);
}

#[test]
fn fields_that_are_compared_with_are_renamed_too() {
    let rule = mapped(&[MAPPING], OURS, "verb|fieldref: Who.Name");
    assert_eq!(rule.detection.items()[0].values[0].text, "user.username");
}

#[test]
fn a_mapping_is_for_its_log_source_alone() {
    for (logsource, ours) in [
        ("{product: kubernetes, service: audit}", true),
        ("{product: kubernetes}", true),
        ("{category: application, product: kubernetes, service: audit}", true),
        ("{product: kubernetes, service: other}", false),
        ("{product: windows}", false),
        ("{category: process_creation}", false),
    ] {
        let rule = mapped(&[MAPPING], logsource, "Who: x");
        let field = if ours { "user" } else { "Who" };
        assert_eq!(rule.detection.items()[0].field.as_deref(), Some(field), "{logsource}");
    }
}

#[test]
fn a_later_mapping_goes_first_and_no_name_is_looked_up_twice() {
    let later = MAPPING.replace("Who: user", "Who: a.b");
    let rule = mapped(&[MAPPING, &later], OURS, "Who: x");
    assert_eq!(rule.detection.items()[0].field.as_deref(), Some("a.b"));
}

#[test]
fn a_mapping_can_take_rules_of_another_log_source_in() {
    let routed = MAPPING
        .replace("{product: kubernetes, service: audit}", "{product: elsewhere}")
        .replace("mapping:", "mapping:\n  logsource: {product: kubernetes, service: audit}");
    let rule = mapped(&[&routed], "{product: elsewhere, definition: d}", "Who: x");
    assert_eq!(rule.logsource.product.as_deref(), Some("kubernetes"));
    assert_eq!(rule.logsource.service.as_deref(), Some("audit"));
    assert_eq!(rule.detection.items()[0].field.as_deref(), Some("user"));
}

#[test]
fn documents_that_rename_one_field_to_two_are_found() {
    let (one, two) = (mapping(MAPPING), mapping(&MAPPING.replace("Who: user", "Who: verb")));
    assert_eq!(disagreements(&[one.clone(), one.clone()]), []);
    let pair = [one, two];
    let found = disagreements(&pair);
    assert_eq!(found.iter().map(|(_, rename)| rename.from.as_str()).collect::<Vec<_>>(), ["Who"]);
}

#[test]
fn what_is_no_mapping_is_refused_where_it_stands() {
    for (old, new, reason) in [
        ("Who: user", "Who: [user]", "one field's name"),
        ("Who: user", "Who|contains: user", "without modifiers"),
        ("  fields:", "  names: {}\n  fields:", "`names` is no part of `mapping`"),
        ("logsource: {product: kubernetes, service: audit}", "", "`logsource` is missing"),
    ] {
        let faults = parse(&MAPPING.replace(old, new), "m.yml").unwrap_err();
        assert!(faults.iter().any(|fault| fault.reason.contains(reason)), "{reason}: {faults:?}");
    }
}

#[test]
fn a_rule_may_have_an_attribute_of_that_name() {
    let text = format!(
        "title: t\nlogsource: {OURS}\nmapping: mine\ndetection:\n  s: {{a: b}}\n  condition: s\n"
    );
    let documents = parse(&text, "r.yml").unwrap();
    assert!(matches!(documents.as_slice(), [Document::Rule(_)]));
}
