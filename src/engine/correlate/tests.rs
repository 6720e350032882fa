//! The windows against the plain meaning: whatever the order within the lateness, the cutting, the
//! repetitions and the replays, the same findings come out.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::contribution::contribute;
use super::naive::{Firing, Happening, TIMESPAN, firings};
use super::windows::{Limits, Windows};
use super::{Moment, SECOND};
use crate::audit::event::Event;
use crate::audit::record::{Origin, decode};
use crate::engine::ruleset::{RuleSet, RuleSource};
use crate::model::finding::Finding;
use crate::model::ids::ClusterId;

pub(super) const LATENESS: i64 = 30;

fn rules() -> RuleSet {
    let mut text = String::new();
    let levels = [("a", "low", "discovery"), ("b", "low", "impact"), ("c", "medium", "impact")];
    for (at, (letter, level, tactic)) in levels.iter().enumerate() {
        text.push_str(&format!(
            "title: {letter}\nid: 00000000-0000-4000-8000-00000000000{at}\nname: {letter}\n\
             logsource: {{product: kubernetes, service: audit}}\ndetection:\n  sel:\n    \
             userAgent|contains: {letter}\n  condition: sel\nlevel: {level}\ntags: \
             [attack.{tactic}]\nmidwatch:\n  mode: building-block\n  dedup: [user.username]\n  guide: {{questions: [q], evidence: \
             [e]}}\n---\n"
        ));
    }
    let correlations = [
        ("event-count", "event_count", "a, b", "{gte: 3}"),
        ("value-count", "value_count", "a", "{field: objectRef.name, gte: 3}"),
        ("value-sum", "value_sum", "a", "{field: responseStatus.code, gt: 620}"),
        ("value-avg", "value_avg", "a", "{field: responseStatus.code, gte: 204, lt: 207}"),
        (
            "value-percentile",
            "value_percentile",
            "a",
            "{field: responseStatus.code, percentile: 75, gte: 206}",
        ),
        ("value-median", "value_median", "a", "{field: responseStatus.code, eq: 204}"),
        ("temporal", "temporal", "a, b, c", ""),
        ("temporal-ordered", "temporal_ordered", "a, b, c", ""),
        ("temporal-not", "temporal", "a, b", "a and not b"),
        ("ordered-or", "temporal_ordered", "a, b, c", "a and (b or c)"),
        ("temporal-two", "temporal", "a, b, c", "{gt: 1, lt: 3}"),
        ("ordered-two", "temporal_ordered", "a, b, c", "{gte: 2}"),
        ("chain", "temporal_ordered", "event-count, c", ""),
    ];
    let extended = [
        ("differ", "temporal", "a, b, c", "", "differ: [sourceIPs]"),
        ("differ-ordered", "temporal_ordered", "a, b", "", "differ: [sourceIPs]"),
        ("absent", "event_count", "a", "{gte: 2}", "absent: {rules: [b], within: 20s}"),
        ("absent-long", "temporal", "a, c", "", "absent: {rules: [b], within: 90s}"),
        ("absent-self", "event_count", "c", "{gte: 1}", "absent: {rules: [c], within: 25s}"),
        (
            "absent-differ",
            "temporal_ordered",
            "a, b",
            "",
            "differ: [sourceIPs]\n  absent: {rules: [c], within: 30s}",
        ),
        ("risk", "temporal", "a, b, c", "{gte: 2}", "risk: {score: 10, tactics: 2}"),
    ];
    let plain = correlations.map(|(name, kind, of, condition)| (name, kind, of, condition, ""));
    for (at, (name, kind, of, condition, extension)) in plain.iter().chain(&extended).enumerate() {
        let line = |indent: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("{indent}{text}\n") }
        };
        let condition = line("  condition: ", condition);
        let extension = line("  ", extension);
        text.push_str(&format!(
            "title: {name}\nid: 00000000-0000-4000-8000-0000000001{at:02}\nname: {name}\n\
             correlation:\n  type: {kind}\n  rules: [{of}]\n  group-by: [user.username]\n  \
             timespan: {TIMESPAN}s\n  generate: true\n{condition}level: high\nmidwatch:\n  mode: \
             on\n  dedup: [user.username]\n  guide: {{questions: [q], evidence: [e]}}\n\
             {extension}---\n"
        ));
    }
    RuleSet::load(&[RuleSource { path: "t.yml".into(), text }]).expect("sound")
}

/// The event of a happening; the later stage of it when `complete`.
pub(super) fn event(happening: &Happening, complete: bool) -> Event {
    let Happening { second, id, rules, who, what, number, from } = happening;
    let from: Vec<&str> = from.split(',').filter(|address| !address.is_empty()).collect();
    let time = |second: i64, fraction: u32| {
        format!("2026-01-01T00:{:02}:{:02}.{fraction:06}Z", second / 60, second % 60)
    };
    let (stage, fraction) = if complete { ("ResponseComplete", 9) } else { ("ResponseStarted", 5) };
    let text = format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}",
        "stage":"{stage}","requestURI":"/x","verb":"get","user":{{"username":"{who}"}},
        "userAgent":"{rules}","objectRef":{{"resource":"pods","name":"{what}"}},
        "responseStatus":{{"code":{number}}},"sourceIPs":{from:?},"requestReceivedTimestamp":"{}",
        "stageTimestamp":"{}"}}"#,
        time(*second, 0),
        time(*second, fraction)
    )
    .replace('\n', " ");
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("c"),
        name: "-".into(),
        control_plane: Default::default(),
    };
    let events = decode(text.as_bytes(), 0, &origin).events;
    assert_eq!(events.len(), 1, "{text}");
    events.into_iter().next().expect("one")
}

pub(super) fn limits() -> Limits {
    Limits { lateness: Some(LATENESS * SECOND), ..Limits::default() }
}

fn told(findings: &[Finding]) -> BTreeSet<Firing> {
    let known = firings_names();
    findings
        .iter()
        .map(|finding| {
            let name = known.iter().find(|name| **name == finding.rule.name).expect("known");
            let events = finding.events.iter().map(|event| event.audit_id.clone()).collect();
            (*name, finding.dedup.clone(), events)
        })
        .collect()
}

fn firings_names() -> [&'static str; 20] {
    [
        "event-count",
        "value-count",
        "value-sum",
        "value-avg",
        "value-percentile",
        "value-median",
        "temporal",
        "temporal-ordered",
        "temporal-not",
        "ordered-or",
        "temporal-two",
        "ordered-two",
        "chain",
        "differ",
        "differ-ordered",
        "absent",
        "absent-long",
        "absent-self",
        "absent-differ",
        "risk",
    ]
}

/// One way in which the same events may arrive: for each a delay within the lateness, whether it
/// is repeated, and after which a batch ends.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    delay: i64,
    repeat: Option<i64>,
    cut: bool,
}

pub(super) fn arrival() -> impl Strategy<Value = Arrival> {
    (0..LATENESS, prop::option::weighted(0.3, 0..400_i64), any::<bool>())
        .prop_map(|(delay, repeat, cut)| Arrival { delay, repeat, cut })
}

fn happening() -> impl Strategy<Value = Happening> {
    let from = prop::collection::vec("10.0.0.[1-4]", 0..3);
    (0..300_i64, "[abcx]{1,2}", 0..2_u8, 0..4_u8, 200..210_u16, from).prop_map(
        |(second, rules, who, what, number, from)| Happening {
            second,
            id: String::new(),
            rules,
            who: format!("user-{who}"),
            what: format!("object-{what}"),
            number,
            from: from.join(","),
        },
    )
}

pub(super) fn story() -> impl Strategy<Value = (Vec<Happening>, Vec<Arrival>)> {
    prop::collection::vec((happening(), arrival()), 0..40).prop_map(|story| {
        let (mut happenings, arrivals): (Vec<_>, Vec<_>) = story.into_iter().unzip();
        for (at, happening) in happenings.iter_mut().enumerate() {
            happening.id = format!("event-{at:02}");
        }
        (happenings, arrivals)
    })
}

/// The events in the order of their arrival, and whether a batch ends with each.
pub(super) fn arrived(happenings: &[Happening], arrivals: &[Arrival]) -> Vec<(Event, bool)> {
    let mut events: Vec<(i64, Event, bool)> = Vec::new();
    for (happening, arrival) in happenings.iter().zip(arrivals) {
        let at = happening.second + arrival.delay;
        events.push((at, event(happening, false), arrival.cut));
        if let Some(later) = arrival.repeat {
            // The later stage first, sometimes; and copies long after everything was judged.
            let complete = later % 2 == 0;
            let at = if complete { happening.second + later % LATENESS } else { at + later };
            events.push((at, event(happening, complete), arrival.cut));
        }
    }
    events.sort_by_key(|(at, ..)| *at);
    events.into_iter().map(|(_, event, cut)| (event, cut)).collect()
}

pub(super) fn run(
    rules: &RuleSet,
    events: Vec<(Event, bool)>,
    limits: &Limits,
) -> (Vec<Finding>, Windows) {
    let mut windows = Windows::default();
    let mut findings = Vec::new();
    let mut batch = Vec::new();
    for (event, cut) in events {
        batch.push(event);
        if cut {
            windows.add(contribute(rules, &batch).contributions);
            findings.extend(windows.settle(rules, limits));
            batch.clear();
            // As if the process ended here and another went on.
            let kept = windows.export().expect("written");
            windows = Windows::import(&kept).expect("read back");
            assert_eq!(windows.export().as_ref(), Ok(&kept));
        }
    }
    windows.add(contribute(rules, &batch).contributions);
    findings.extend(windows.settle(rules, limits));
    findings.extend(windows.finish(rules, limits));
    (findings, windows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_cutting_and_replay_gives_what_the_plain_meaning_gives(
        (happenings, arrivals) in story()
    ) {
        let rules = rules();
        let expected = firings(&happenings);
        let (findings, _) = run(&rules, arrived(&happenings, &arrivals), &limits());
        prop_assert_eq!(told(&findings), expected);
        let ids: BTreeSet<_> = findings.iter().map(|finding| finding.id.clone()).collect();
        prop_assert_eq!(ids.len(), findings.len(), "a finding was told twice");
        // In order, at once, each event once: the very same findings, to the last field.
        let mut sorted = happenings.clone();
        sorted.sort();
        let at_once = sorted.iter().map(|happening| (event(happening, false), false)).collect();
        let (plain, _) = run(&rules, at_once, &limits());
        let by_id = |findings: Vec<Finding>| {
            let mut findings = findings;
            findings.sort_by(|a, b| a.id.cmp(&b.id));
            findings
        };
        prop_assert_eq!(by_id(findings), by_id(plain));
    }

    #[test]
    fn parts_taken_apart_and_merged_give_the_same((happenings, _) in story(), seed in 0..64_usize) {
        let rules = rules();
        let mut parts = [Windows::default(), Windows::default(), Windows::default()];
        for (at, happening) in happenings.iter().enumerate() {
            let part = at * (seed + 7) % 3;
            parts[part].add(contribute(&rules, &[event(happening, false)]).contributions);
        }
        let [mut all, second, third] = parts;
        all.merge(third);
        all.merge(second);
        let findings = all.finish(&rules, &limits());
        prop_assert_eq!(told(&findings), firings(&happenings));
    }
}

pub(super) fn burst(count: i64, who: impl Fn(i64) -> String) -> Vec<Event> {
    let happenings = (0..count).map(|n| Happening {
        second: n,
        id: format!("e{n}"),
        rules: "a".into(),
        who: who(n),
        what: "o".into(),
        number: 200,
        from: "10.0.0.1".into(),
    });
    happenings.map(|happening| event(&happening, false)).collect()
}

#[test]
fn what_comes_after_the_watermark_is_counted_and_not_used() {
    let rules = rules();
    let mut windows = Windows::default();
    let mut events = burst(60, |_| "u".into());
    let first = events.remove(0);
    windows.add(contribute(&rules, &events).contributions);
    windows.settle(&rules, &limits());
    windows.add(contribute(&rules, &[first]).contributions);
    assert!(windows.counts().late > 0);
    let late = windows.counts().late;
    windows.add(contribute(&rules, &events[..1]).contributions);
    // A risk keeps the latest event of each rule alone, so one before it is as late as any other.
    assert_eq!(windows.counts().late, late + 1, "a replay is known to all but the risk");
}

#[test]
fn state_is_bounded_and_what_is_dropped_is_counted() {
    let rules = rules();
    let small = Limits { groups: 10, group_events: 5, rule_events: 20, ..limits() };
    let mut windows = Windows::default();
    windows.add(contribute(&rules, &burst(50, |n| format!("u{n}"))).contributions);
    windows.finish(&rules, &small);
    assert!(windows.counts().evicted_groups > 0);
    for cluster in windows.clusters.values() {
        assert!(cluster.rules.values().all(|rule| rule.groups.len() <= 10));
    }
    let mut windows = Windows::default();
    windows.add(contribute(&rules, &burst(50, |_| "u".into())).contributions);
    windows.finish(&rules, &small);
    assert!(windows.counts().evicted_events > 0);
}

#[test]
fn too_many_that_wait_are_judged_early() {
    let rules = rules();
    let small = Limits { lateness: None, waiting: 10, ..limits() };
    let mut windows = Windows::default();
    windows.add(contribute(&rules, &burst(50, |_| "u".into())).contributions);
    assert!(!windows.settle(&rules, &small).is_empty());
    let unlimited = Limits { lateness: None, ..limits() };
    let mut windows = Windows::default();
    windows.add(contribute(&rules, &burst(50, |_| "u".into())).contributions);
    assert_eq!(windows.settle(&rules, &unlimited), []);
    assert!(!windows.finish(&rules, &unlimited).is_empty());
}

#[test]
fn the_time_of_a_cluster_goes_on_without_contributions() {
    let rules = rules();
    let events = burst(3, |_| "u".into());
    let mut windows = Windows::default();
    let contributions = contribute(&rules, &events).contributions;
    let latest = contributions.iter().map(|c| c.moment).max().expect("some");
    windows.add(contributions);
    assert_eq!(windows.settle(&rules, &limits()), []);
    windows.observe(&ClusterId::new("c"), latest + LATENESS * SECOND + 1 as Moment);
    assert!(!windows.settle(&rules, &limits()).is_empty());
}

#[test]
fn a_finding_says_what_was_counted_and_has_the_last_event() {
    let rules = rules();
    let (findings, _) =
        run(&rules, burst(4, |_| "u".into()).into_iter().map(|e| (e, false)).collect(), &limits());
    let finding = findings.iter().find(|f| f.rule.name == "event-count").expect("fired");
    assert_eq!(finding.actor.username, "u");
    assert_eq!(finding.events.last().map(|event| event.audit_id.as_str()), Some("e2"));
    assert_eq!(finding.time, finding.events[2].time);
    let why: Vec<String> =
        finding.why.iter().map(|r| format!("{} {} {}", r.clause, r.field, r.value)).collect();
    assert_eq!(
        why,
        [
            "event_count within 1m (correlation) 3 events of 3 events",
            "rules (rule) a fired 3 times",
            "group-by user.username u",
        ]
    );
}

#[test]
fn an_alias_names_another_field_in_each_rule() {
    let text = "\
title: a
id: 00000000-0000-4000-8000-000000000001
name: a
logsource: {product: kubernetes, service: audit}
detection: {sel: {userAgent|contains: a}, condition: sel}
level: low
midwatch: {mode: on, dedup: [verb], guide: {questions: [q], evidence: [e]}}
---
title: b
id: 00000000-0000-4000-8000-000000000002
name: b
logsource: {product: kubernetes, service: audit}
detection: {sel: {userAgent|contains: b}, condition: sel}
level: low
midwatch: {mode: on, dedup: [verb], guide: {questions: [q], evidence: [e]}}
---
title: named and then active
id: 00000000-0000-4000-8000-000000000003
name: named-then-active
correlation:
  type: temporal_ordered
  rules: [a, 00000000-0000-4000-8000-000000000002]
  group-by: [person]
  aliases:
    person:
      a: objectRef.name
      00000000-0000-4000-8000-000000000002: user.username
  timespan: 1m
level: high
midwatch: {mode: on, dedup: [person], guide: {questions: [q], evidence: [e]}}
";
    let rules = RuleSet::load(&[RuleSource { path: "t.yml".into(), text: text.into() }]);
    let rules = rules.expect("sound");
    let happening = |second, id: &str, letter: &str, who: &str, what: &str| Happening {
        second,
        id: id.into(),
        rules: letter.into(),
        who: who.into(),
        what: what.into(),
        number: 200,
        from: "10.0.0.1".into(),
    };
    let story = [
        happening(1, "1", "a", "eve", "mallory"),
        happening(2, "2", "b", "eve", "x"),
        happening(3, "3", "b", "mallory", "x"),
    ];
    let events = story.iter().map(|happening| (event(happening, false), false)).collect();
    let (findings, _) = run(&rules, events, &limits());
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.dedup, "mallory");
    let events: Vec<&str> = finding.events.iter().map(|event| event.audit_id.as_str()).collect();
    assert_eq!(events, ["1", "3"]);
    let incomplete = text.replace("      a: objectRef.name\n", "");
    let faults = RuleSet::load(&[RuleSource { path: "t.yml".into(), text: incomplete }]);
    let faults = faults.map(|_| ()).expect_err("refused");
    assert!(faults.iter().any(|fault| fault.reason.contains("does not say which field of `a`")));
}

#[test]
fn a_chain_groups_by_a_field_that_only_the_events_below_have() {
    let attributes = "level: low\nmidwatch: {mode: on, guide: {questions: [q], evidence: [e]}";
    let text = format!(
        "title: a\nid: 00000000-0000-4000-8000-000000000001\nname: a\nlogsource: {{product: \
         kubernetes, service: audit}}\ndetection: {{sel: {{userAgent|contains: a}}, condition: \
         sel}}\n{attributes}, dedup: [verb]}}\n---\ntitle: two of one name\nid: \
         00000000-0000-4000-8000-000000000002\nname: twice\ncorrelation: {{type: event_count, rules: \
         [a], group-by: [objectRef.name], timespan: 1m, condition: {{gte: 2}}}}\n{attributes}, \
         dedup: [objectRef.name]}}\n---\ntitle: a person did so with two names\nid: \
         00000000-0000-4000-8000-000000000003\nname: persistent\ncorrelation: {{type: value_count, \
         rules: [twice], group-by: [user.username], timespan: 1m, condition: {{field: \
         objectRef.name, gte: 2}}}}\n{attributes}, dedup: [user.username]}}\n"
    );
    let rules = RuleSet::load(&[RuleSource { path: "t.yml".into(), text }]).expect("sound");
    let story =
        [("x", "eve"), ("x", "eve"), ("y", "bob"), ("y", "bob"), ("z", "eve"), ("z", "eve")];
    let happenings = (0_i64..).zip(story).map(|(second, (what, who))| Happening {
        second,
        id: format!("e{second}"),
        rules: "a".into(),
        who: who.into(),
        what: what.into(),
        number: 200,
        from: "10.0.0.1".into(),
    });
    let events = happenings.map(|happening| (event(&happening, false), true)).collect();
    let (findings, _) = run(&rules, events, &limits());
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.rule.name.as_str(), finding.dedup.as_str()), ("persistent", "eve"));
    let events: Vec<&str> = finding.events.iter().map(|event| event.audit_id.as_str()).collect();
    assert_eq!(events, ["e0", "e1", "e4", "e5"]);
}

mod absence;
mod extensions;
mod kept;
