//! Filters, exceptions and value lists at the command line, and the examples of the page about them.

use midwatch::engine::ruleset::{RuleSet, RuleSource};

use super::{Bench, event, findings};

const FILTER: &str = "
title: Leave bob out
name: no-bob
logsource: {product: kubernetes, service: audit}
filter:
  rules: [cli-test-rule]
  bob: {user.username: bob}
  condition: not bob
";

const EXCEPTION: &str = "
title: Eve is known
name: known-eve
midwatch_exception:
  rules: [cli-test-rule]
  owner: platform@example.com
  reason: She tests
  expires: 2026-01-03
  eve: {user.username: eve}
  condition: eve
";

fn bench(documents: &[&str]) -> Bench {
    let bench = Bench::new();
    for (n, document) in documents.iter().enumerate() {
        bench.write(&format!("rules/tuning-{n}.yml"), document);
    }
    let late = event("a-4", "eve").replace("2026-01-02", "2026-01-03");
    let events = [event("a-1", "bob"), event("a-2", "eve"), event("a-3", "trent"), late];
    bench.write("log.json", events.concat());
    bench
}

fn told(bench: &Bench) -> Vec<(String, Option<String>)> {
    let ran = bench.scan(&["log.json", "-o", "ndjson"]);
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    findings(&ran)
        .iter()
        .map(|f| (text(&f["events"][0]["audit_id"]).unwrap(), text(&f["excepted"]["name"])))
        .collect()
}

fn some(id: &str, mark: Option<&str>) -> (String, Option<String>) {
    (id.to_owned(), mark.map(str::to_owned))
}

#[test]
fn a_filter_takes_events_away_and_says_how_many() {
    let bench = bench(&[FILTER]);
    let expected = [some("a-2", None), some("a-3", None), some("a-4", None)];
    assert_eq!(told(&bench), expected);
    let table = bench.scan(&["log.json"]);
    assert!(table.out.contains("Filtered   1 event: 1 by no-bob"), "{}", table.out);
    let json: serde_json::Value =
        serde_json::from_str(&bench.scan(&["log.json", "-o", "json"]).out).expect("JSON");
    assert_eq!(json["summary"]["filtered"]["by_filter"]["no-bob"], 1);
}

#[test]
fn a_filter_the_other_way_round_keeps_what_it_describes() {
    let bench = bench(&[&FILTER.replace("not bob", "bob")]);
    assert_eq!(told(&bench), [some("a-1", None)]);
    let lint = bench.run(&["rules", "lint", "rules"], b"");
    assert!(lint.out.contains("`condition: not bob`"), "{}", lint.out);
}

#[test]
fn an_exception_marks_until_its_day_and_raises_no_alert() {
    let bench = bench(&[EXCEPTION]);
    let expected =
        [some("a-1", None), some("a-2", Some("known-eve")), some("a-3", None), some("a-4", None)];
    assert_eq!(told(&bench), expected);
    let table = bench.scan(&["log.json"]);
    assert!(table.out.contains("Excepted   1 finding: 1 by known-eve"), "{}", table.out);
    assert!(table.out.contains("Findings   3 in 3 alerts"), "{}", table.out);
    assert!(!table.out.contains("EXCEPTED"), "{}", table.out);
    assert!(table.err.contains("known-eve ended on 2026-01-03"), "{}", table.err);
    let shown = bench.scan(&["log.json", "--excepted"]);
    assert!(shown.out.contains("EXCEPTED by known-eve"), "{}", shown.out);
    let csv = bench.scan(&["log.json", "-o", "csv"]);
    let marked = csv.out.lines().filter(|line| line.trim_end().ends_with(",known-eve")).count();
    assert_eq!(marked, 1, "{}", csv.out);
    let sarif: serde_json::Value =
        serde_json::from_str(&bench.scan(&["log.json", "-o", "sarif"]).out).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let suppressed = results.iter().filter(|it| it["suppressions"] != serde_json::json!([]));
    assert_eq!((results.len(), suppressed.count()), (4, 1));
}

#[test]
fn an_accepted_finding_does_not_fail_a_scan() {
    let bench = bench(&[EXCEPTION]);
    bench.write("eve.json", event("a-2", "eve"));
    assert_eq!(bench.scan(&["eve.json", "--fail-on", "low"]).code, Some(0));
    assert_eq!(bench.scan(&["log.json", "--fail-on", "low"]).code, Some(1));
}

#[test]
fn explain_tells_what_filters_and_exceptions_do_to_an_event() {
    let bench = bench(&[FILTER, EXCEPTION]);
    let explain = |user: &str, more: &[&str]| {
        bench.write("one.json", event("a-1", user));
        let ask = ["rules", "explain", "--rules", "rules", "--rule", "cli-test-rule", "one.json"];
        bench.run(&[&ask[..], more].concat(), b"").out
    };
    let bob = explain("bob", &[]);
    assert!(bob.contains("does not fire"), "{bob}");
    assert!(bob.contains("the filter no-bob takes it away"), "{bob}");
    assert!(bob.contains("user.username 'bob'  (matched `bob`)"), "{bob}");
    let eve = explain("eve", &[]);
    assert!(eve.contains("the filter no-bob leaves it"), "{eve}");
    assert!(eve.contains("accepted by the exception known-eve of platform@example.com"), "{eve}");
    let json: serde_json::Value = serde_json::from_str(&explain("eve", &["-o", "json"])).unwrap();
    assert_eq!(json["decisions"][0]["excepted"]["name"], "known-eve");
    assert_eq!(json["decisions"][0]["filters"][0]["condition"]["held"], true);
}

#[test]
fn a_list_of_the_site_changes_a_rule_that_ships() {
    let append =
        "title: t\nmidwatch_list:\n  name: node_agent_names\n  mode: append\n  values: [ours]\n";
    let bench = bench(&[append]);
    let show = ["rules", "show", "host-pid"];
    let shipped = bench.run(&show, b"").out;
    let ours = bench.run(&[&show[..], &["--rules", "rules"]].concat(), b"").out;
    let line = |text: &str| {
        let line =
            text.lines().find(|line| line.contains("%node_agent_names%  (")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{text}"))
    };
    assert!(line(&shipped).ends_with("fluent-bit, falco"), "{shipped}");
    assert!(line(&ours).ends_with("fluent-bit, falco, ours"), "{ours}");
    let lint = bench.run(&["rules", "lint", "rules"], b"");
    assert!(!lint.out.contains("tuning-0.yml"), "{}", lint.out);
}

#[test]
fn a_directory_may_name_what_ships_when_it_is_checked_alone() {
    let filter = FILTER.replace("cli-test-rule", "host-pid");
    let bench = bench(&[&filter, &EXCEPTION.replace("cli-test-rule", "host-pid")]);
    let lint = bench.run(&["rules", "lint", "rules"], b"");
    assert!(!lint.out.contains("tuning-0.yml"), "{}", lint.out);
    assert!(
        lint.out.contains("tuning-1.yml:2: warning: the exception known-eve ended"),
        "{}",
        lint.out
    );
    let wrong = self::bench(&[&FILTER.replace("cli-test-rule", "host-pdi")]);
    let lint = wrong.run(&["rules", "lint", "rules"], b"");
    assert_eq!(lint.code, Some(1));
    assert!(lint.out.contains("there is no rule `host-pdi`"), "{}", lint.out);
}

#[test]
fn the_shipped_lists_can_be_checked_from_a_checkout() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let lint = super::run(&["rules", "lint", rules]);
    assert_eq!(lint.code, Some(0), "{}", lint.out);
}

#[test]
fn the_examples_of_the_page_load_together_and_need_no_mending() {
    let page = include_str!("../../../docs/tuning.md");
    let examples: Vec<RuleSource> = (0..)
        .zip(page.split("```yaml\n").skip(1))
        .map(|(n, rest): (u32, _)| RuleSource {
            path: format!("example-{n}.yml"),
            text: rest.split("```").next().unwrap_or_default().to_owned(),
        })
        .collect();
    assert_eq!(examples.len(), 6);
    let rules = RuleSet::builtin_with(&examples).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!((rules.filters().len(), rules.exceptions().len()), (2, 1));
    let images = rules.lists().get("node_agent_images").expect("shipped");
    assert!(images.iter().any(|it| it == "registry.example.com/agents/collector:"));
    let outbound = rules.lists().get("cluster_egress_networks").expect("shipped");
    assert_eq!(outbound, &["20.50.10.7/32", "20.50.10.8/32"], "replaced, not added to");
    assert_eq!(rules.tuning_lints(), []);
}
