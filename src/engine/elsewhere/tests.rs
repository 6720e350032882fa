//! What becomes of rules that others wrote: they load, with defaults, and are told of when they
//! can never match. Shipped rules get no such leave.

use super::*;
use crate::engine::ruleset::{RuleSet, RuleSource};

const PLAIN: &str = "
title: Secrets are listed
logsource: {product: kubernetes, service: audit}
detection:
  selection: {verb: list, objectRef.resource: secrets}
  condition: selection
";

fn source(path: &str, text: &str) -> RuleSource {
    RuleSource { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_rule_that_says_nothing_of_midwatch_gets_the_documented_defaults() {
    let rules = RuleSet::of_directory(&[source("their/secrets_listed.yml", PLAIN)]).expect("loads");
    let rule = rules.rule("secrets_listed").expect("called after its file");
    assert_eq!((rule.reference.mode, rule.reference.level), (Mode::On, Level::Medium));
    assert_eq!(rule.metadata.dedup, ["user.username", "objectRef.namespace"]);
    assert_eq!(rule.metadata.window_seconds, 24 * 60 * 60);
    assert_eq!(rule.metadata.guide, Guide::default());
    assert_eq!(rule.never, None);
    let lengths: Vec<usize> = rule.reference.id.as_str().split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    let moved = RuleSet::of_directory(&[source("other/secrets_listed.yml", PLAIN)]).expect("loads");
    let moved = moved.rule("secrets_listed").expect("there");
    assert_eq!(moved.reference.id, rule.reference.id, "findings derive from it");
}

#[test]
fn a_shipped_rule_must_say_everything() {
    let faults = RuleSet::load(&[source("secrets_listed.yml", PLAIN)]).map(|_| ()).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for part in ["`id`", "`name`", "`level`", "`midwatch`"] {
        assert!(told.iter().any(|fault| fault.contains(part)), "{part}: {told:?}");
    }
}

#[test]
fn a_rule_that_knows_midwatch_is_held_to_it_wherever_it_lies() {
    let half = format!("{PLAIN}midwatch: {{mode: on}}\n");
    assert!(RuleSet::of_directory(&[source("a.yml", &half)]).is_err());
}

#[test]
fn names_of_files_hide_no_rule() {
    let named = |id: &str| format!("{PLAIN}id: {id}-0000-4000-8000-000000000000\n");
    let (first, second) = (named("aaaaaaaa"), named("bbbbbbbb"));
    let sources = [source("a/same.yml", &first), source("b/same.yml", &second)];
    let rules = RuleSet::of_directory(&sources).expect("loads");
    let names: Vec<&str> = rules.rules().iter().map(|it| it.reference.name.as_str()).collect();
    assert_eq!(names, ["same", "same-bbbbbbbb"]);

    let shipped = RuleSet::builtin().expect("loads");
    let taken = &shipped.rules().first().expect("there are some").reference.name;
    let path = format!("their/{taken}.yml");
    let both = RuleSet::builtin_with(&[source(&path, &first)]).expect("loads");
    assert_eq!(both.rules().len(), shipped.rules().len() + 1, "a file's name replaces nothing");
    assert!(both.rule(&format!("{taken}-aaaaaaaa")).is_some());
}

#[track_caller]
fn check_never(selection: &str, reason: Option<&str>) {
    let text = PLAIN.replace("verb: list, objectRef.resource: secrets", selection);
    let rules = RuleSet::of_directory(&[source("r.yml", &text)]).expect("it loads all the same");
    let never = rules.rules().first().expect("loaded").never.clone();
    match reason {
        None => assert_eq!(never, None, "{selection}"),
        Some(part) => assert!(never.as_deref().is_some_and(|it| it.contains(part)), "{never:?}"),
    }
}

#[test]
fn a_rule_that_can_never_match_is_loaded_with_the_reason() {
    check_never("verb: patch, apiGroup: apps", Some("no event has the field `apiGroup`"));
    check_never(
        "objectRef.resource: pods, hostPath: '*'",
        Some("no event has the field `hostPath`"),
    );
    check_never("verb: replace", Some("`verb` is never `replace`"));
    check_never("responseStatus.code: ALLOW", Some("a number and never `allow`"));
    check_never("verb: deletecollection, objectRef.resource: events", Some("does not log"));
}

#[test]
fn a_rule_of_which_a_part_can_match_is_not_said_to_be_dead() {
    check_never("verb: [replace, create]", None);
    check_never("verb: list, apiGroup: null", None);
    check_never("responseStatus.code: [ALLOW, 403]", None);
    check_never("verb: list, responseStatus.code: '403'", None);
}
