//! Correlations at the command line: over all inputs of a scan, and left out on request.

use std::collections::BTreeSet;

use super::{Bench, RULE, Ran, event, findings};

const CORRELATION: &str = "
title: Three times
id: 3b1f7c52-6a10-4d4e-9a0e-7d2f6a5b7f77
name: three-times
description: Somebody did it three times.
correlation:
  type: event_count
  rules: [cli-test-rule]
  group-by: [user.username]
  timespan: 1m
  condition: {gte: 3}
falsepositives: [none]
level: critical
midwatch:
  mode: on
  dedup: [user.username]
  guide: {questions: [who?], evidence: [the events]}
";

fn at(second: u32, user: &str) -> String {
    event(&format!("a-{second}"), user).replace("03:04:05", &format!("03:04:{second:02}"))
}

fn bench(correlation: &str) -> Bench {
    let bench = Bench::new();
    bench.write("rules/three-times.yml", correlation);
    bench.write("early.json", at(1, "eve") + &at(9, "bob"));
    bench.write("late.json", at(30, "eve") + &at(59, "eve"));
    bench
}

fn told(ran: &Ran) -> BTreeSet<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    findings(ran).iter().map(|f| (text(&f["rule"]["name"]), text(&f["id"]))).collect()
}

#[test]
fn a_correlation_sees_all_files_in_any_order_and_silences_what_it_is_made_of() {
    let bench = bench(CORRELATION);
    let first = bench.scan(&["early.json", "late.json", "-o", "ndjson"]);
    let second = bench.scan(&["late.json", "early.json", "late.json", "-o", "ndjson"]);
    assert_eq!(told(&first), told(&second));
    let found = findings(&first);
    assert_eq!(found.len(), 1, "{}", first.out);
    assert_eq!(found[0]["rule"]["name"], "three-times");
    let events: Vec<_> =
        found[0]["events"].as_array().unwrap().iter().map(|e| e["audit_id"].clone()).collect();
    assert_eq!(events, ["a-1", "a-30", "a-59"]);
}

#[test]
fn the_rules_below_are_told_when_asked_for_and_when_no_correlation_runs() {
    let loud = bench(&CORRELATION.replace("timespan: 1m", "timespan: 1m\n  generate: true"));
    let all = told(&loud.scan(&["early.json", "late.json", "-o", "ndjson"]));
    assert_eq!(all.len(), 5);
    let quiet = bench(CORRELATION);
    let single = quiet.scan(&["early.json", "late.json", "-o", "ndjson", "--no-correlations"]);
    assert_eq!(told(&single).len(), 4);
    assert!(told(&single).iter().all(|(name, _)| name == "cli-test-rule"));
}

#[test]
fn a_correlation_is_listed_shown_and_tested_like_any_rule() {
    let bench = bench(CORRELATION);
    let list = bench.run(&["rules", "list", "--rules", "rules", "--level", "critical"], b"");
    assert!(list.out.contains("three-times"), "{}", list.out);
    let show = bench.run(&["rules", "show", "three-times", "--rules", "rules"], b"");
    assert!(show.out.contains("type: event_count"), "{}", show.out);
    let line = at(1, "eve");
    let case = |matches: bool, count: usize| {
        let events: Vec<String> =
            (0..count).map(|n| line.trim().replace("a-1", &format!("a-{n}"))).collect();
        let events = events.join(",");
        format!("{{\"name\":\"{count}\",\"match\":{matches},\"events\":[{events}]}}\n")
    };
    bench.write("rules/three-times.cases.jsonl", case(true, 3) + &case(false, 2));
    let test = bench.run(&["rules", "test", "rules"], b"");
    assert!(!test.out.contains("three-times"), "{}", test.out);
    bench.write("rules/three-times.cases.jsonl", case(false, 3));
    let test = bench.run(&["rules", "test", "rules"], b"");
    assert!(test.out.contains("three-times matched, and must not"), "{}", test.out);
    bench.write("event.json", line);
    let explain = bench
        .run(&["rules", "explain", "--rule", "three-times", "--rules", "rules", "event.json"], b"");
    assert_eq!(explain.code, Some(2), "{}", explain.err);
    assert!(explain.err.contains("about several events"), "{}", explain.err);
}

/// Lines that no rule can match, so that nothing decodes them: each a second apart.
fn quiet(count: u32) -> String {
    (0..count)
        .map(|n| {
            let time = format!("2026-01-02T03:{:02}:{:02}", 5 + n / 60, n % 60);
            event(&format!("q-{n}"), "nobody")
                .replace("\"clitest\"", "\"elsewhere\"")
                .replace("2026-01-02T03:04:05", &time)
        })
        .collect()
}

#[test]
fn an_absence_is_claimed_only_when_the_input_reaches_beyond_it() {
    let absent = CORRELATION
        .replace("{gte: 3}", "{gte: 1}")
        .replace("  mode: on\n", "  mode: on\n  absent: {rules: [cli-test-rule], within: 5m}\n");
    let bench = Bench::new();
    bench.write("rules/three-times.yml", absent);
    bench.write("once.json", at(30, "eve"));
    bench.write("again.json", at(59, "eve"));
    bench.write("short.json", quiet(200));
    bench.write("long.json", quiet(2_000));
    let summary = |ran: &Ran| {
        let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let count = json["findings"].as_array().unwrap().len();
        (count, json["summary"]["correlations"]["pending"].as_u64().unwrap())
    };
    let scan = |files: &[&str]| summary(&bench.scan(&[files, &["-o", "json"]].concat()));
    // Whatever the order of the files, and though all but one line is only counted.
    assert_eq!(scan(&["once.json", "short.json"]), (0, 1));
    assert_eq!(scan(&["once.json", "long.json"]), (1, 0));
    assert_eq!(scan(&["long.json", "once.json"]), (1, 0));
    // The second time ends the wait of the first, and waits itself.
    assert_eq!(scan(&["once.json", "long.json", "again.json"]), (1, 0));
    let told = bench.scan(&["once.json", "short.json"]);
    let line = "Unproven   1 correlation would fire if nothing followed";
    assert!(told.out.contains(line), "{}", told.out);
}

#[test]
fn an_extension_of_correlations_in_a_rule_is_refused_where_it_stands() {
    let bench = bench(CORRELATION);
    let changed = RULE.replace("midwatch:\n", "midwatch:\n  differ: [sourceIPs]\n");
    assert_ne!(RULE, changed);
    bench.write("rules/cli-test-rule.yml", changed);
    let ran = bench.scan(&["early.json"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    let said = "`midwatch.differ` is about several events, and this is a rule";
    assert!(ran.err.contains(said) && ran.err.contains("cli-test-rule.yml:"), "{}", ran.err);
}
