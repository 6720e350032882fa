//! What must not follow: when it is claimed, what is kept and passed on, and what is refused.

use super::*;
use crate::engine::correlate::contribution::moment;
use crate::sigma::error::SigmaError;

/// Takes a batch as a scan does.
fn take(windows: &mut Windows, rules: &RuleSet, batch: &[Event]) {
    for event in batch {
        let received = event.received().expect("a time");
        windows.observe(event.cluster(), moment(received));
    }
    windows.add(contribute(rules, batch).contributions);
}

/// Reads events one by one as a scan does, to the end.
fn read(rules: &RuleSet, events: &[Event]) -> (Vec<Finding>, Windows) {
    let mut windows = Windows::default();
    let mut findings = Vec::new();
    for event in events {
        take(&mut windows, rules, std::slice::from_ref(event));
        findings.extend(windows.settle(rules, &limits()));
        let kept = windows.export().expect("written");
        windows = Windows::import(&kept).expect("read back");
    }
    findings.extend(windows.finish(rules, &limits()));
    (findings, windows)
}

#[test]
fn an_absence_is_claimed_when_the_events_reach_beyond_it_and_not_before() {
    let rules = rules();
    let story = |reach: i64, follows: Option<i64>| {
        let mut story = vec![(0, "a"), (1, "a")];
        story.extend(follows.map(|second| (second, "b")));
        story.push((reach, "x"));
        let events = story.into_iter().map(|(second, letters)| {
            let happening = Happening {
                second,
                id: format!("e{second}{letters}"),
                rules: letters.into(),
                ..Happening::of("u")
            };
            event(&Happening { number: 200, ..happening }, false)
        });
        let (findings, windows) = read(&rules, &events.collect::<Vec<_>>());
        let finding = findings.into_iter().find(|finding| finding.rule.name == "absent");
        (finding.map(|finding| finding.why), windows.pending())
    };
    let (why, pending) = story(22, None);
    let why = why.expect("fires");
    let absent = why.iter().find(|reason| reason.field == "(absent)").expect("told");
    assert_eq!(
        (absent.value.as_str(), absent.clause.as_str()),
        ("b", "no event within 20s after it")
    );
    assert_eq!(pending, 0);
    assert_eq!(story(21, None), (None, 1), "the last moment of it may still bring an event");
    assert_eq!(story(100, Some(21)), (None, 0), "at the very end");
    assert_eq!(story(100, Some(2)), (None, 0));
    assert!(story(100, Some(22)).0.is_some(), "too late");
    assert!(story(100, Some(1)).0.is_some(), "at the moment itself");
}

#[test]
fn what_waits_for_an_absence_is_kept_between_two_runs() {
    let rules = rules();
    let at = |second, letters: &str| {
        let happening = Happening {
            second,
            id: format!("e{second}"),
            rules: letters.into(),
            ..Happening::of("u")
        };
        event(&Happening { number: 200, ..happening }, false)
    };
    let mut windows = Windows::default();
    take(&mut windows, &rules, &[at(0, "a"), at(1, "a")]);
    windows.finish(&rules, &limits());
    assert_eq!(windows.pending(), 1);
    let kept = windows.export().expect("written");
    let later = |letters: &str| {
        let mut windows = Windows::import(&kept).expect("read back");
        assert_eq!(windows.export().as_ref(), Ok(&kept));
        take(&mut windows, &rules, &[at(9, letters), at(200, "x")]);
        let findings = windows.finish(&rules, &limits());
        findings.iter().filter(|finding| finding.rule.name == "absent").count()
    };
    assert_eq!((later("x"), later("b")), (1, 0));
}

/// Rules `a`, `b` and `c` by user agent, and then these correlations: name, and the lines below
/// `correlation` and `midwatch`.
fn chained(correlations: &[(&str, &str, &str)]) -> Result<RuleSet, Vec<SigmaError>> {
    let own = "mode: on, dedup: [user.username], guide: {questions: [q], evidence: [e]}";
    let mut text = String::new();
    for (at, letter) in ["a", "b", "c"].iter().enumerate() {
        text.push_str(&format!(
            "title: {letter}\nid: 00000000-0000-4000-8000-00000000000{at}\nname: {letter}\n\
             logsource: {{product: kubernetes, service: audit}}\ndetection: {{sel: \
             {{userAgent|contains: {letter}}}, condition: sel}}\nlevel: low\nmidwatch: {{{own}}}\n---\n"
        ));
    }
    for (at, (name, correlation, extension)) in correlations.iter().enumerate() {
        text.push_str(&format!(
            "title: {name}\nid: 00000000-0000-4000-8000-00000000010{at}\nname: {name}\n\
             correlation: {{group-by: [user.username], timespan: 1m, {correlation}}}\nlevel: \
             high\nmidwatch: {{{own}{extension}}}\n---\n"
        ));
    }
    RuleSet::load(&[RuleSource { path: "t.yml".into(), text }])
}

fn names(rules: &RuleSet, story: &[(i64, &str)]) -> Vec<String> {
    let events = story.iter().map(|(second, letters)| {
        let id = format!("e{second}");
        let happening =
            Happening { second: *second, id, rules: (*letters).into(), ..Happening::of("u") };
        event(&Happening { number: 200, ..happening }, false)
    });
    let (findings, _) = read(rules, &events.collect::<Vec<_>>());
    findings.into_iter().map(|finding| finding.rule.name).collect()
}

#[test]
fn a_correlation_with_an_absence_contributes_when_it_is_proven() {
    let rules = chained(&[
        (
            "alone",
            "type: event_count, rules: [a], condition: {gte: 1}",
            ", absent: {rules: [b], within: 10s}",
        ),
        ("above", "type: temporal_ordered, rules: [c, alone]", ""),
    ])
    .expect("sound");
    assert_eq!(names(&rules, &[(0, "a"), (5, "c"), (30, "x")]), ["above"]);
    assert_eq!(names(&rules, &[(0, "a"), (12, "c"), (30, "x")]), [""; 0], "c came after the proof");
    assert_eq!(names(&rules, &[(0, "a"), (5, "cb"), (30, "x")]), [""; 0]);
}

#[test]
fn a_correlation_may_be_what_must_not_follow() {
    let rules = chained(&[
        ("twice", "type: event_count, rules: [b], condition: {gte: 2}", ""),
        (
            "alone",
            "type: event_count, rules: [a], condition: {gte: 1}",
            ", absent: {rules: [twice], within: 10s}",
        ),
    ])
    .expect("sound");
    assert_eq!(names(&rules, &[(0, "a"), (5, "b"), (30, "x")]), ["alone"]);
    // The other one goes on to tell: it is no part of what `alone` tells.
    assert_eq!(names(&rules, &[(0, "a"), (5, "b"), (6, "b"), (30, "x")]), ["twice"]);
}

#[test]
fn what_must_not_follow_is_found_or_refused_like_any_rule() {
    let fault = |correlations: &[(&str, &str, &str)]| {
        let faults = chained(correlations).map(|_| ()).expect_err("refused");
        faults.first().map(|fault| fault.reason.clone()).unwrap_or_default()
    };
    let count = "type: event_count, rules: [a], condition: {gte: 1}";
    let unknown = fault(&[("x", count, ", absent: {rules: [nobody], within: 1m}")]);
    assert!(unknown.contains("no rule `nobody`"), "{unknown}");
    let circle = fault(&[
        ("x", count, ", absent: {rules: [y], within: 1m}"),
        ("y", "type: event_count, rules: [x], condition: {gte: 1}", ""),
    ]);
    assert!(circle.contains("made of itself"), "{circle}");
    let twice = fault(&[(
        "x",
        count,
        ", absent: {rules: [b, 00000000-0000-4000-8000-000000000001], within: 1m}",
    )]);
    assert!(twice.contains("named twice"), "{twice}");
    let alias = fault(&[(
        "x",
        "type: event_count, rules: [a], condition: {gte: 1}, aliases: {user.username: {a: verb}}",
        ", absent: {rules: [b], within: 1m}",
    )]);
    assert!(alias.contains("does not say which field of `b`"), "{alias}");
}

#[test]
fn a_rule_that_tells_by_itself_goes_on_when_it_must_not_follow() {
    let count = "type: event_count, rules: [a], condition: {gte: 1}";
    let rules = chained(&[("x", count, ", absent: {rules: [b], within: 1m}")]).expect("sound");
    let telling: Vec<&str> = rules.telling().map(|rule| rule.reference.name.as_str()).collect();
    assert_eq!(telling, ["b", "c"]);
    let untold = rules.asking_only(|rule| rule.name == "b" || rule.name == "c");
    assert_eq!(untold.telling().count(), 2);
}

#[test]
fn what_waits_for_an_absence_is_bounded_and_what_is_dropped_is_counted() {
    let rules = rules();
    let small = Limits { groups: 10, rule_events: 20, ..limits() };
    let mut windows = Windows::default();
    let mut events = burst(60, |n| format!("u{}", n / 2));
    events.extend(burst(40, |n| format!("v{}", n / 2)));
    windows.add(contribute(&rules, &events).contributions);
    windows.finish(&rules, &small);
    assert!(windows.pending() <= 10, "{}", windows.pending());
    assert!(windows.counts().evicted_groups > 0);
}
