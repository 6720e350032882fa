//! Memories against the plain meaning: whatever the order within the lateness, the cutting, the
//! repetitions and the replays, the same findings come out.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::naive::{self, News};
use crate::engine::correlate::SECOND;
use crate::engine::correlate::contribution::{contribute, moment};
use crate::engine::correlate::naive::Happening;
use crate::engine::correlate::tests::{LATENESS, arrived, event, limits, run, story};
use crate::engine::correlate::windows::{Limits, Windows};
use crate::engine::ruleset::{RuleSet, RuleSource};
use crate::model::finding::Finding;
use crate::model::ids::ClusterId;

const GUIDE: &str = "guide: {questions: [q], evidence: [e]}";

/// Rules `a`, `b` and `c`, and correlations over them as `name, rules, attributes` say.
pub(super) fn text(correlations: &[(&str, &str, &str)]) -> String {
    let mut text = String::new();
    for (at, letter) in ["a", "b", "c"].iter().enumerate() {
        text.push_str(&format!(
            "title: {letter}\nid: 00000000-0000-4000-8000-00000000000{at}\nname: {letter}\n\
             logsource: {{product: kubernetes, service: audit}}\ndetection:\n  sel: \
             {{userAgent|contains: {letter}}}\n  condition: sel\nlevel: low\nmidwatch: {{mode: \
             building-block, dedup: [user.username], {GUIDE}}}\n---\n"
        ));
    }
    for (at, (name, rules, attributes)) in correlations.iter().enumerate() {
        text.push_str(&format!(
            "title: {name}\nid: 00000000-0000-4000-8000-0000000001{at:02}\nname: \
             {name}\ncorrelation:\n  type: event_count\n  rules: [{rules}]\n  group-by: \
             [user.username]\n  timespan: 1m\n  generate: true\n  condition: {{gte: \
             1}}\nlevel: high\nmidwatch:\n  mode: on\n  dedup: [user.username]\n  {GUIDE}\n  \
             {attributes}\n---\n"
        ));
    }
    text
}

pub(super) fn load(text: String) -> Result<RuleSet, Vec<String>> {
    let loaded = RuleSet::load(&[RuleSource { path: "t.yml".into(), text }]);
    loaded.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

const FIRST: &str = "first_seen: {fields: [objectRef.name], learning: 1m, expiry: 90s}";

fn rules() -> RuleSet {
    let group =
        "first_seen: {fields: [objectRef.name], learning: 1m, expiry: 90s, new_groups: learn}";
    let silent = "first_seen: {fields: [objectRef.name], learning: 1m, expiry: 90s}\n  \
                  remember_only: [b]";
    let pairs = "first_seen: {fields: [objectRef.name, responseStatus.code], learning: 0s, \
                 expiry: 90s}";
    let sound = load(text(&[
        ("news", "a", FIRST),
        ("news-group", "a", group),
        ("news-silent", "a, b", silent),
        ("news-pairs", "a, c", pairs),
    ]));
    sound.expect("sound")
}

fn told(findings: &[Finding]) -> BTreeSet<News> {
    let one = |finding: &Finding| {
        let events = finding.events.iter().map(|event| event.audit_id.clone()).collect();
        (finding.rule.name.clone(), finding.dedup.clone(), events)
    };
    findings.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_new_is_told_once_in_any_order_cutting_and_replay((happenings, arrivals) in story()) {
        let rules = rules();
        let expected = naive::news(&happenings);
        let (findings, _) = run(&rules, arrived(&happenings, &arrivals), &limits());
        prop_assert_eq!(told(&findings), expected);
        let ids: BTreeSet<_> = findings.iter().map(|finding| finding.id.clone()).collect();
        prop_assert_eq!(ids.len(), findings.len(), "a finding was told twice");
        let mut sorted = happenings;
        sorted.sort();
        let plain = sorted.iter().map(|happening| (event(happening, false), false)).collect();
        let (again, _) = run(&rules, plain, &limits());
        prop_assert_eq!(told(&again), told(&findings));
    }

    #[test]
    fn memories_of_several_readers_are_one_memory((happenings, _) in story(), seed in 0..100_usize) {
        let rules = rules();
        let mut parts = [Windows::default(), Windows::default(), Windows::default()];
        for (at, happening) in happenings.iter().enumerate() {
            parts[at * (seed + 7) % 3].add(contribute(&rules, &[event(happening, false)]).contributions);
        }
        let [mut all, second, third] = parts;
        all.merge(third);
        all.merge(second);
        let findings = all.finish(&rules, &limits());
        prop_assert_eq!(told(&findings), naive::news(&happenings));
        // What is joined with what it was made of stays as it is, but for the counts.
        let mut twice = all.clone();
        twice.merge(all.clone());
        prop_assert_eq!(&twice.clusters, &all.clusters);
    }
}

fn happening(second: i64, rules: &str, who: &str, what: &str) -> Happening {
    Happening {
        second,
        id: format!("e{second}-{what}"),
        rules: rules.into(),
        who: who.into(),
        what: what.into(),
        number: 200,
        from: String::new(),
    }
}

/// What a rule alone tells of these.
fn tell(attributes: &str, happenings: &[Happening], limits: &Limits) -> (Vec<String>, Windows) {
    let rules = load(text(&[("news", "a", attributes)])).expect("sound");
    let events = happenings.iter().map(|happening| (event(happening, false), true)).collect();
    let (findings, windows) = run(&rules, events, limits);
    let news = findings.iter().filter(|finding| finding.rule.name == "news");
    (news.flat_map(|finding| finding.events.iter().map(|e| e.audit_id.clone())).collect(), windows)
}

#[test]
fn a_finding_names_what_is_new_and_only_that() {
    let rules = load(text(&[("news", "a", FIRST)])).expect("sound");
    let story = [
        happening(0, "a", "u", "old"),
        happening(70, "a", "u", "old"),
        happening(70, "a", "u", "new"),
    ];
    let events = story.iter().map(|happening| (event(happening, false), false)).collect();
    let (findings, windows) = run(&rules, events, &limits());
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    let why: Vec<String> =
        finding.why.iter().map(|r| format!("{}: {} {}", r.clause, r.field, r.value)).collect();
    assert_eq!(
        why,
        [
            "first_seen, not within 90s: (correlation) 1 new value of 1 events",
            "rules: (rule) a fired 1 times",
            "group-by: user.username u",
            "new: objectRef.name new",
        ]
    );
    assert_eq!(windows.counts().learned, 1);
}

#[test]
fn learning_begins_with_the_cluster_and_not_with_the_first_match() {
    let rules = load(text(&[("news", "a", FIRST)])).expect("sound");
    let mut windows = Windows::default();
    let first = event(&happening(0, "x", "u", "x"), false);
    windows.observe(&ClusterId::new("c"), moment(first.received().expect("timed")));
    let late = [event(&happening(60, "a", "u", "first"), false)];
    windows.add(contribute(&rules, &late).contributions);
    assert_eq!(windows.finish(&rules, &limits()).len(), 1, "a minute after it began to look");
    assert_eq!(windows.learning(&rules, &limits()), []);
}

#[test]
fn a_rule_that_came_later_learns_from_then_on() {
    let before = load(text(&[("other", "a", FIRST)])).expect("sound");
    let rules = load(text(&[("other", "a", FIRST), ("news", "b", FIRST)])).expect("sound");
    let mut windows = Windows::default();
    windows.add(contribute(&before, &[event(&happening(0, "a", "u", "x"), false)]).contributions);
    windows.settle(&before, &limits());
    windows.add(contribute(&before, &[event(&happening(200, "a", "u", "x"), false)]).contributions);
    windows.settle(&before, &limits());
    let later = [event(&happening(220, "b", "u", "y"), false)];
    windows.add(contribute(&rules, &later).contributions);
    let names = |findings: Vec<Finding>| {
        findings.into_iter().map(|finding| finding.rule.name).collect::<Vec<_>>()
    };
    assert_eq!(names(windows.settle(&rules, &limits())), [""; 0]);
    let learning = windows.learning(&rules, &limits());
    let start = learning.first().map(|learning| learning.until - 60 * SECOND);
    let x = event(&happening(200 - LATENESS, "x", "u", "x"), false);
    assert_eq!(start, x.received().map(moment), "from the watermark on");
    let later = [event(&happening(240, "b", "u", "z"), false)];
    windows.add(contribute(&rules, &later).contributions);
    assert_eq!(names(windows.finish(&rules, &limits())), ["other", "news"]);
}

#[test]
fn a_limit_shortens_the_learning_of_every_rule() {
    let story = [happening(0, "a", "u", "x"), happening(1, "a", "u", "y")];
    assert_eq!(tell(FIRST, &story, &limits()).0, [""; 0]);
    let none = Limits { learning: Some(0), ..limits() };
    assert_eq!(tell(FIRST, &story, &none).0, ["e0-x", "e1-y"]);
    let long = Limits { learning: Some(1_000 * SECOND), ..limits() };
    assert_eq!(tell(FIRST, &story, &long).0, [""; 0], "never longer than the rule asks for");
}

#[test]
fn memory_is_bounded_and_what_is_forgotten_is_told_again() {
    let always = "first_seen: {fields: [objectRef.name], learning: 0s, expiry: 1d}";
    let names = ["x", "y", "z", "x"];
    let story: Vec<Happening> =
        (0..).zip(names).map(|(at, what)| happening(at, "a", "u", what)).collect();
    let (news, windows) = tell(always, &story, &limits());
    assert_eq!((news.len(), windows.counts().evicted_memories), (3, 0));
    let small = Limits { group_memories: 2, ..limits() };
    let (news, windows) = tell(always, &story, &small);
    assert_eq!((news.len(), windows.counts().evicted_memories), (4, 2));
    // Whole groups: a dropped one is no new one, so it may not learn for itself again.
    let group =
        "first_seen: {fields: [objectRef.name], learning: 10s, expiry: 1d, new_groups: learn}";
    let people = [(0, "u"), (12, "v"), (24, "u"), (25, "w")];
    let story: Vec<Happening> =
        people.into_iter().map(|(at, who)| happening(at, "a", who, "x")).collect();
    assert_eq!(tell(group, &story, &limits()).0, [""; 0]);
    let small = Limits { memories: 1, ..limits() };
    assert_eq!(tell(group, &story, &small).0, ["e24-x", "e25-x"]);
}

#[test]
fn values_are_remembered_as_they_are_normalised() {
    let attributes = "first_seen: {fields: [objectRef.name], learning: 0s, expiry: 1d, normalise: \
                      {objectRef.name: without-random}}";
    let story = [
        happening(0, "a", "u", "web-7d4b9c8f65-x2x7k"),
        happening(1, "a", "u", "web-58bdc7f949-zz5t9"),
        happening(2, "a", "u", "db-58bdc7f949-zz5t9"),
    ];
    let (news, _) = tell(attributes, &story, &limits());
    assert_eq!(news, ["e0-web-7d4b9c8f65-x2x7k", "e2-db-58bdc7f949-zz5t9"]);
}

#[test]
fn a_memory_that_makes_no_sense_is_refused_with_its_place_and_a_cure() {
    let check = |attributes: &str, expected: &str| {
        let faults = load(text(&[("news", "a, b", attributes)])).map(|_| ()).expect_err(attributes);
        assert!(
            faults.iter().any(|fault| fault.starts_with("t.yml:") && fault.contains(expected)),
            "{attributes}: {faults:?}"
        );
    };
    for (attributes, expected) in [
        ("first_seen: {learning: 1d, expiry: 2d}", "a list of 1 to 8 different fields"),
        ("first_seen: {fields: [verb, verb], learning: 1d, expiry: 2d}", "different fields"),
        ("first_seen: {fields: [verb], expiry: 2d}", "learning` must be a time up to 400d"),
        ("first_seen: {fields: [verb], learning: 1d, expiry: 0d}", "expiry` must be a time"),
        ("first_seen: {fields: [verb], learning: 2d, expiry: 1d}", "shorter than `learning`"),
        (
            "first_seen: {fields: [verb], learning: 1d, expiry: 2d, x: 1}",
            "has no `x`; it has fields",
        ),
        ("first_seen: {fields: [verb], learning: 1d, expiry: 2d, new_groups: x}", "tell or learn"),
        (
            "first_seen: {fields: [verb], learning: 1d, expiry: 2d, normalise: {verb: x}}",
            "no normaliser `x`; use client-family, network",
        ),
        (
            "first_seen: {fields: [verb], learning: 1d, expiry: 2d, normalise: {a: network}}",
            "`a` is none of `fields`",
        ),
        ("first_seen: {fields: [objectRef.kind], learning: 1d, expiry: 2d}", "no event has"),
        ("remember_only: [a]", "belongs to `first_seen`"),
        (
            "first_seen: {fields: [verb], learning: 1d, expiry: 2d}\n  remember_only: [c]",
            "not listed",
        ),
        (
            "first_seen: {fields: [verb], learning: 1d, expiry: 2d}\n  remember_only: [a, b]",
            "would never fire",
        ),
    ] {
        check(attributes, expected);
    }
    let counts = text(&[("news", "a", FIRST)]).replace("gte: 1", "gte: 2");
    let faults = load(counts).map(|_| ()).expect_err("refused");
    assert!(faults.iter().any(|fault| fault.contains("condition: {gte: 1}")), "{faults:?}");
}

#[test]
fn other_documents_may_not_ask_for_a_memory() {
    let rule = text(&[]).replacen(GUIDE, &format!("{GUIDE}, {FIRST}"), 1);
    let filter = format!(
        "{}title: f\nid: 00000000-0000-4000-8000-000000000200\nlogsource: {{product: kubernetes, \
         service: audit}}\nfilter: {{rules: [a], sel: {{verb: get}}, condition: not sel}}\n\
         midwatch: {{remember_only: [a]}}\n",
        text(&[])
    );
    for (text, place) in [(rule, "t.yml:9:"), (filter, "t.yml:")] {
        let faults = load(text).map(|_| ()).expect_err("refused");
        let found = |fault: &String| {
            fault.starts_with(place) && fault.contains("is for correlations; move it")
        };
        assert!(faults.iter().any(found), "{faults:?}");
    }
}

#[test]
fn a_kept_sample_of_version_2_reads_and_goes_on() {
    let sample = include_bytes!("../../../../tests/data/windows/v2-memories.json");
    let mut windows = Windows::import(sample).expect("version 2 reads");
    let kept: serde_json::Value = serde_json::from_slice(sample).expect("JSON");
    let again: serde_json::Value =
        serde_json::from_slice(&windows.export().expect("written")).expect("JSON");
    assert_eq!(again, kept);
    // Each memory knows something, and something that differs waits.
    let lost = "object_state: [{field: midwatch.object.webhooks.failurePolicy, change: lost}]";
    let rules = load(text(&[("news", "a", FIRST), ("lost", "a", lost)])).expect("sound");
    let findings = windows.finish(&rules, &limits());
    let told: Vec<(&str, &str)> = findings
        .iter()
        .map(|f| (f.rule.name.as_str(), f.events.first().map_or("", |e| e.audit_id.as_str())))
        .collect();
    assert_eq!(told, [("lost", "w1"), ("news", "e1")]);
}
