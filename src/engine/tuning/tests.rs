//! Filters, exceptions and lists over rules: which way they work, and what is refused.

use serde_json::json;

use super::*;
use crate::audit::record::{Origin, decode};
use crate::engine::evaluate::evaluate_counting;
use crate::engine::ruleset::{RuleSet, RuleSource};
use crate::model::finding::Finding;
use crate::model::ids::ClusterId;

const RULE: &str = "
title: A secret was read
id: 6f0a2b8e-6a35-4a86-9c39-0f6c3f0a7b11
name: secret-read
logsource: {product: kubernetes, service: audit}
detection:
  reads: {objectRef.resource: secrets, user.username|expand: '%watched%'}
  condition: reads
level: high
midwatch:
  mode: on
  dedup: [user.username]
  guide: {questions: [who?], evidence: [the event]}
";

const MANY: &str = "
title: Many secrets were read
id: 6f0a2b8e-6a35-4a86-9c39-0f6c3f0a7b12
name: many-secrets
correlation:
  type: event_count
  rules: [secret-read]
  group-by: [user.username]
  timespan: 5m
  condition: {gte: 1}
level: high
midwatch:
  mode: on
  dedup: [user.username]
  guide: {questions: [who?], evidence: [the event]}
";

const LIST: &str = "
title: Who is watched
midwatch_list: {name: watched, values: ['ev*', mallory]}
";

const FILTER: &str = "
title: Leave the backup out
name: no-backup
logsource: {product: kubernetes, service: audit}
filter:
  rules: [secret-read]
  backup: {objectRef.namespace: backup}
  condition: not backup
";

const EXCEPTION: &str = "
title: Eve may read the secrets of the shop
name: eve-in-shop
midwatch_exception:
  rules: [secret-read]
  owner: shop@example.com
  reason: She runs the shop
  expires: 2026-02-01
  shop: {user.username: eve, objectRef.namespace: shop}
  condition: shop
";

fn source(path: &str, text: &str) -> RuleSource {
    RuleSource { path: path.to_owned(), text: text.to_owned() }
}

fn sources(texts: &[&str]) -> Vec<RuleSource> {
    (0..).zip(texts).map(|(n, text): (u32, _)| source(&format!("{n}.yml"), text)).collect()
}

fn base() -> RuleSet {
    RuleSet::load(&sources(&[RULE, LIST])).expect("sound")
}

fn with(texts: &[&str]) -> RuleSet {
    base().with(&sources(texts)).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[track_caller]
fn check_refused(texts: &[&str], reason: &str) {
    let faults = base().with(&sources(texts)).map(|_| ()).expect_err("refused");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|fault| fault.contains(reason)), "{reason}: {told:#?}");
}

fn event(user: &str, namespace: &str, day: &str) -> Event {
    let time = format!("{day}T10:00:00.000000Z");
    let event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
        "auditID": format!("{user}-{namespace}-{day}"), "stage": "ResponseComplete",
        "requestURI": "/api/v1/secrets", "verb": "list", "user": {"username": user},
        "objectRef": {"resource": "secrets", "namespace": namespace},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": time, "stageTimestamp": time,
    });
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("c"),
        name: "-".into(),
        control_plane: Default::default(),
    };
    decode(event.to_string().as_bytes(), 0, &origin).events.remove(0)
}

fn judged(rules: &RuleSet, events: &[Event]) -> (Vec<Finding>, Filtered) {
    let mut filtered = Filtered::default();
    (evaluate_counting(rules, events, &mut filtered), filtered)
}

fn fires(rules: &RuleSet, user: &str, namespace: &str) -> bool {
    !judged(rules, &[event(user, namespace, "2026-01-05")]).0.is_empty()
}

#[test]
fn a_filter_with_not_takes_away_what_it_describes_and_counts_it() {
    let rules = with(&[FILTER]);
    let events = [event("eve", "shop", "2026-01-05"), event("eve", "backup", "2026-01-05")];
    let (findings, filtered) = judged(&rules, &events);
    let kept: Vec<&str> = findings.iter().map(|it| it.target.namespace.as_str()).collect();
    assert_eq!(kept, ["shop"]);
    assert_eq!(filtered.events, 1);
    assert_eq!(filtered.by_filter, BTreeMap::from([("no-backup".to_owned(), 1)]));
}

#[test]
fn a_filter_without_not_keeps_only_what_it_describes_and_is_told_of() {
    let rules = with(&[&FILTER.replace("not backup", "backup")]);
    assert!(!fires(&rules, "eve", "shop") && fires(&rules, "eve", "backup"));
    let lints: Vec<String> = rules.tuning_lints().iter().map(ToString::to_string).collect();
    assert!(lints.iter().any(|lint| lint.contains("`condition: not backup`")), "{lints:?}");
    assert_eq!(with(&[FILTER]).tuning_lints(), []);
}

#[test]
fn an_event_that_two_filters_take_away_counts_for_each_and_once_in_all() {
    let other = FILTER.replace("no-backup", "no-backup-either");
    let rules = with(&[FILTER, &other]);
    let (findings, filtered) = judged(&rules, &[event("eve", "backup", "2026-01-05")]);
    assert_eq!((findings.len(), filtered.events, filtered.by_filter.len()), (0, 1, 2));
}

#[test]
fn rules_of_filters_are_named_by_id_or_name_or_are_all_of_the_log_source() {
    for rules in ["[6F0A2B8E-6a35-4a86-9c39-0f6c3f0a7b11]", "any"] {
        let filter = FILTER.replace("[secret-read]", rules);
        assert!(!fires(&with(&[&filter]), "eve", "backup"), "{rules}");
    }
    let wide = FILTER.replace("[secret-read]", "any").replace(", service: audit", "");
    assert!(!fires(&with(&[&wide]), "eve", "backup"), "a wider log source");
    let narrow = FILTER
        .replace("[secret-read]", "any")
        .replace("service: audit", "service: audit, category: audit");
    let narrow = with(&[&narrow]);
    assert!(fires(&narrow, "eve", "backup"), "a narrower log source");
    assert!(narrow.tuning_lints().iter().any(|lint| lint.reason.contains("for no rule")));
}

#[test]
fn a_filter_that_would_do_nothing_is_refused() {
    check_refused(
        &[&FILTER.replace("secret-read", "secret-raed")],
        "there is no rule `secret-raed`",
    );
    check_refused(&[MANY, &FILTER.replace("secret-read", "many-secrets")], "is a correlation");
    check_refused(&[&FILTER.replace("objectRef.namespace", "namespace")], "no event has the field");
    let other = FILTER.replace("service: audit", "service: audit, category: audit");
    check_refused(&[&other], "logsource is not that of the rule");
    check_refused(&[FILTER, FILTER], "the name `no-backup` is taken by 0.yml");
}

#[test]
fn a_filter_about_other_logs_is_not_applied_and_no_fault() {
    let other = FILTER.replace("product: kubernetes", "product: windows");
    let rules = with(&[&other]);
    assert!(fires(&rules, "eve", "backup"));
    assert_eq!(rules.not_run().len(), 1);
}

#[test]
fn filters_keep_events_out_of_the_correlations_that_rest_on_the_rule() {
    use crate::engine::correlate::contribution::contribute;
    let rules = with(&[MANY, FILTER]);
    let events = [event("eve", "shop", "2026-01-05"), event("eve", "backup", "2026-01-05")];
    let contributed = contribute(&rules, &events);
    assert_eq!(contributed.contributions.len(), 1);
    assert_eq!(contributed.filtered.events, 1);
    let loud = with(&[&MANY.replace("type:", "generate: true\n  type:"), FILTER]);
    let (_, filtered) = judged(&loud, &events);
    assert_eq!((contribute(&loud, &events).filtered.events, filtered.events), (0, 1), "once");
}

#[test]
fn an_exception_marks_and_leaves_the_finding_where_it_is() {
    let rules = with(&[EXCEPTION]);
    let events = [event("eve", "shop", "2026-01-05"), event("eve", "bank", "2026-01-05")];
    let (findings, filtered) = judged(&rules, &events);
    let marks: Vec<Option<&str>> =
        findings.iter().map(|it| it.excepted.as_ref().map(|mark| mark.name.as_str())).collect();
    assert_eq!(marks, [Some("eve-in-shop"), None]);
    let mark = findings[0].excepted.as_ref().expect("marked");
    assert_eq!(
        (mark.owner.as_str(), mark.reason.as_str()),
        ("shop@example.com", "She runs the shop")
    );
    assert_eq!(filtered, Filtered::default());
    let (unmarked, _) = judged(&base(), &events);
    assert_eq!(unmarked[0].id, findings[0].id, "the finding is the same one");
}

#[test]
fn an_exception_ends_by_the_time_of_the_event() {
    let marked = |rules: &RuleSet, day: &str| {
        let (findings, _) = judged(rules, &[event("eve", "shop", day)]);
        findings[0].excepted.is_some()
    };
    let rules = with(&[EXCEPTION]);
    assert!(marked(&rules, "2026-01-31") && !marked(&rules, "2026-02-01"));
    let forever = with(&[&EXCEPTION.replace("2026-02-01", "never")]);
    assert!(marked(&forever, "2030-01-01"));
    assert!(forever.tuning_lints().iter().any(|lint| lint.reason.contains("never ends")));
}

#[test]
fn an_exception_says_who_answers_for_it_and_until_when() {
    for key in ["owner", "reason", "expires", "rules"] {
        let lines = EXCEPTION.lines().filter(|line| !line.contains(&format!("  {key}:")));
        let text: Vec<&str> = lines.collect();
        check_refused(&[&text.join("\n")], &format!("`{key}` is missing"));
    }
    check_refused(&[&EXCEPTION.replace("name: eve-in-shop\n", "")], "`name` is missing");
    check_refused(&[&EXCEPTION.replace("2026-02-01", "2026-02-30")], "0.yml:8:12: `expires`");
    check_refused(&[&EXCEPTION.replace("secret-read", "nothing")], "there is no rule `nothing`");
    check_refused(&[EXCEPTION, EXCEPTION], "the name `eve-in-shop` is taken");
}

#[test]
fn an_exception_of_a_correlation_asks_what_it_groups_by() {
    use crate::engine::correlate::contribution::contribute;
    use crate::engine::correlate::windows::{Limits, Windows};
    let exception = EXCEPTION.replace("secret-read", "many-secrets");
    check_refused(&[MANY, &exception], "`objectRef.namespace` is none of them");
    let exception = exception.replace(", objectRef.namespace: shop", "");
    let rules = with(&[MANY, &exception]);
    let events = [event("eve", "shop", "2026-01-05"), event("mallory", "shop", "2026-01-05")];
    let mut windows = Windows::default();
    windows.add(contribute(&rules, &events).contributions);
    let mut marks: Vec<(String, bool)> = windows
        .finish(&rules, &Limits::default())
        .into_iter()
        .map(|it| (it.actor.username, it.excepted.is_some()))
        .collect();
    marks.sort();
    assert_eq!(marks, [("eve".to_owned(), true), ("mallory".to_owned(), false)]);
}

#[track_caller]
fn check_list(documents: &[&str], expected: &[&str]) {
    let rules = with(documents);
    assert_eq!(rules.lists().get("watched").expect("there"), expected);
    for user in ["evelyn", "mallory", "trent"] {
        let listed = expected.iter().any(|it| *it == user || (*it == "ev*" && user == "evelyn"));
        assert_eq!(fires(&rules, user, "shop"), listed, "{user}");
    }
}

#[test]
fn a_site_adds_to_a_shipped_list_takes_its_place_or_takes_away() {
    let list = |mode: &str, values: &str| {
        format!("title: t\nmidwatch_list: {{name: watched, mode: {mode}, values: [{values}]}}\n")
    };
    check_list(&[], &["ev*", "mallory"]);
    check_list(&[&list("append", "trent, mallory")], &["ev*", "mallory", "trent"]);
    check_list(&[&list("replace", "trent")], &["trent"]);
    check_list(&[&list("remove", "'ev*'")], &["mallory"]);
    check_list(&[&list("append", "x"), &list("replace", "trent")], &["trent", "x"]);
    check_list(&[&list("remove", "gone")], &["ev*", "mallory"]);
}

#[test]
fn a_list_of_a_site_serves_its_rules_filters_and_exceptions() {
    let list = "title: t\nmidwatch_list: {name: quiet, values: [backup]}\n";
    let filter = FILTER.replace("namespace: backup", "namespace|expand: '%quiet%'");
    let rules = with(&[&filter, list]);
    assert!(!fires(&rules, "eve", "backup") && fires(&rules, "eve", "shop"));
    assert_eq!(rules.tuning_lints(), []);
    let shipped = rules.with(&[source(
        "o.yml",
        &list.replace("values: [backup]", "mode: replace, values: [shop]"),
    )]);
    let over = shipped.expect("sound");
    assert!(fires(&over, "eve", "backup") && !fires(&over, "eve", "shop"));
}

#[test]
fn a_list_that_is_wrong_names_its_line() {
    let list = |rest: &str| format!("title: t\nmidwatch_list:\n  {rest}\n");
    let define = list("name: watched\n  values: [x]");
    check_refused(&[&define], "the list `watched` is there already; write `mode: append`");
    let append = list("name: wathced\n  mode: append\n  values: [x]");
    check_refused(&[&append], "there is no list `wathced`");
    let one = list("name: more\n  values:\n    - a\n    - {b: c}\n    - ''");
    check_refused(&[&one], "0.yml:6:7: a list holds texts, not a map");
    check_refused(&[&one], "0.yml:7:7: an empty value");
    check_refused(&[&list("name: a%b\n  values: [x]")], "0.yml:3:9: `a%b` is no name of a list");
    check_refused(&[&list("name: x\n  value: [x]")], "`midwatch_list` has no `value`");
    let all = list("name: watched\n  mode: remove\n  values: ['ev*', mallory]");
    check_refused(&[&all], "leaves nothing of the list");
    let twice = list("name: new\n  values: [x]");
    check_refused(&[&twice, &twice], "the list `new` stands in 0.yml too");
    check_refused(&[&RULE.replace("watched", "nobody")], "placeholder `%nobody%`");
}

#[test]
fn a_list_that_nobody_asks_for_is_told_of() {
    let rules =
        with(&["title: t\nmidwatch_list: {name: idle, values: [x, X, '%watched%', '*']}\n"]);
    let lints: Vec<String> = rules.tuning_lints().iter().map(ToString::to_string).collect();
    for part in ["no rule asks for `%idle%`", "stands here twice", "holds no lists", "every value"]
    {
        assert!(lints.iter().any(|lint| lint.contains(part)), "{part}: {lints:?}");
    }
}
