//! What single rules and correlations need to see.

use super::*;
use crate::sigma::document::{Document, parse};

fn of(detection: &str) -> Needs {
    let source = format!("title: t\nlogsource: {{product: kubernetes}}\ndetection:\n{detection}");
    let documents = parse(&source, "r.yml").expect("a rule");
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    of_document(rule)
}

#[track_caller]
fn check(detection: &str, verbs: &str, body: &str, admin: Left) {
    let needs = of(detection);
    let told = (needs.describe_verbs(), needs.body.describe(), needs.admin);
    assert_eq!(told, (verbs.to_owned(), body.to_owned(), admin), "{detection}");
}

#[test]
fn an_exec_needs_both_verbs_and_is_half_blind_without_get() {
    let exec = "  a: {objectRef.resource: pods, objectRef.subresource: exec}\n";
    check(&format!("{exec}  condition: a\n"), "get create", "none", Left::Partly);
    let command = "  a: {midwatch.exec.command|contains: x}\n  condition: a\n";
    check(command, "get create", "none", Left::Partly);
    let get = "  b: {verb: get}\n  condition: a and b\n";
    check(&format!("{exec}{get}"), "get", "none", Left::Blind);
}

#[test]
fn what_needs_a_body_is_never_a_read() {
    let pod = "  a: {midwatch.pod.hostPID: true}\n  condition: a\n";
    check(pod, "create update patch delete deletecollection", "object", Left::Whole);
    let either = "  a: {verb: [get, create], objectRef.resource: pods}\n  b: \
                  {responseObject.spec.x: 1}\n  c: {verb: get}\n  condition: a and (b or c)\n";
    check(either, "get create", "partly response", Left::Partly);
}

#[test]
fn what_is_excluded_needs_nothing() {
    let rule = "  a: {verb: create, objectRef.resource: pods}\n  b: {requestObject.x: 1}\n  \
                condition: a and not b\n";
    check(rule, "create", "none", Left::Whole);
    check(
        "  a: {verb|neq: list, user.username: x}\n  condition: a\n",
        "get watch create update patch delete deletecollection",
        "none",
        Left::Partly,
    );
    check("  a: {user.username: masterclient}\n  condition: a\n", "any", "none", Left::Partly);
}

#[test]
fn verbs_that_aks_does_not_log_are_left_out() {
    let events = "  a: {objectRef.resource: events, verb: [delete, deletecollection]}\n";
    check(&format!("{events}  condition: a\n"), "delete", "none", Left::Whole);
    let paths = "  a: {objectRef.resource: null, verb: [get, post]}\n  condition: a\n";
    check(paths, "get post", "none", Left::Partly);
}

#[test]
fn resources_without_any_body_are_told() {
    let writes = |resource: &str| {
        of(&format!("  a: {{verb: create, objectRef.resource: {resource}}}\n  condition: a\n"))
    };
    assert!(writes("secrets").bodiless);
    assert!(!writes("pods").bodiless);
    assert!(!of("  a: {verb: create}\n  condition: a\n").bodiless);
}

#[test]
fn what_must_not_follow_and_is_not_seen_alarms_falsely() {
    use crate::engine::ruleset::{RuleSet, RuleSource};
    let own = "mode: on, dedup: [user.username], guide: {questions: [q], evidence: [e]}";
    let rule = |at: u8, name: &str, verb: &str| {
        format!(
            "title: {name}\nid: 00000000-0000-4000-8000-00000000000{at}\nname: {name}\nlogsource: \
             {{product: kubernetes, service: audit}}\ndetection: {{a: {{verb: {verb}, \
             objectRef.resource: pods}}, condition: a}}\nlevel: low\nmidwatch: {{{own}}}\n---\n"
        )
    };
    for (verb, falsely) in [("get", true), ("delete", false)] {
        let text = rule(0, "made", "create")
            + &rule(1, "gone", verb)
            + &format!(
                "title: x\nid: 00000000-0000-4000-8000-000000000009\nname: x\ncorrelation: {{type: \
                 event_count, rules: [made], group-by: [user.username], timespan: 1m, condition: \
                 {{gte: 1}}}}\nlevel: low\nmidwatch: {{{own}, absent: {{rules: [gone], within: \
                 1h}}}}\n"
            );
        let rules = RuleSet::load(&[RuleSource { path: "t.yml".into(), text }]).expect("sound");
        let needs = needs(&rules, "x").expect("known");
        assert_eq!((needs.admin, needs.false_alarms), (Left::Whole, falsely), "{verb}");
        assert!(needs.describe_verbs().contains(verb), "{verb}");
    }
}
