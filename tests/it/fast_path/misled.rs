//! Lines by which the fast path was once misled: it took a rule out that matches.

use midwatch::engine::ruleset::{RuleSet, RuleSource};

use super::{compare, origin};

const EVENT: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get""#;

/// Reads a line with one rule, which must match it, and both paths must say so.
#[track_caller]
fn found(detection: &str, line: &str) {
    found_after(detection, &[], line);
}

/// The same behind other lines, which must not match.
#[track_caller]
fn found_after(detection: &str, before: &[&str], line: &str) {
    let text = format!(
        "title: t\nname: t\nlogsource: {{product: kubernetes, service: audit}}\ndetection:\n{detection}"
    );
    let rules = RuleSet::of_directory(&[RuleSource { path: "t.yml".to_owned(), text }]).unwrap();
    let lines = before.iter().chain([&line]).map(|line| line.as_bytes());
    let (_, findings) = compare(&rules, lines, &origin(None));
    assert_eq!(findings, 1, "{line}");
}

fn log(event: &str) -> String {
    format!("\"log\":{}", serde_json::Value::from(event))
}

const DELETES: &str = "  a: {verb: delete}\n  condition: a\n";

#[test]
fn the_last_of_two_logs_counts_even_when_the_first_is_cut() {
    let (cut, whole) = (log(&format!("{EVENT},\"x\":\"")), log(&EVENT.replace("get", "delete")));
    let whole = whole.replace("delete\\\"", "delete\\\"}");
    let record = |inside: &str| format!("{{\"category\":\"kube-audit\",{inside}}}");
    found(DELETES, &record(&format!("\"properties\":{{{cut},{whole}}}")));
    found(DELETES, &record(&format!("\"properties\":{{{cut}}},\"properties\":{{{whole}}}")));
}

#[test]
fn a_row_of_a_table_is_its_columns_whatever_else_it_holds() {
    let log = log(&format!("{EVENT}}}"));
    for mark in ["\"AuditId\":\"a\"", "\"Type\":\"AKSAudit\""] {
        found(
            DELETES,
            &format!(
                "{{\"category\":\"kube-audit\",\"properties\":{{{log}}},{mark},\"Verb\":\"delete\"}}"
            ),
        );
    }
}

#[test]
fn a_whole_event_in_a_cut_record_is_a_truncated_one() {
    let log = log(&format!("{EVENT}}}"));
    let truncated = "  a: {midwatch.truncated: true}\n  condition: a\n";
    found(
        truncated,
        &format!("{{\"category\":\"kube-audit\",\"properties\":{{{log}}},\"time\":\"2"),
    );
}

#[test]
fn a_number_that_no_double_holds_ends_the_event() {
    let other = "  a: {verb: get}\n  b: {objectRef.resource: pods}\n  condition: a and not b\n";
    for number in ["1e400", &"9".repeat(400)] {
        found(other, &format!("{EVENT},\"x\":{number},\"objectRef\":{{\"resource\":\"pods\"}}}}"));
    }
}

#[test]
fn what_is_nested_deeper_than_the_decoder_follows_is_not_seen() {
    let other = "  a: {verb: get}\n  b: {sourceIPs|exists: true}\n  condition: a and not b\n";
    let inside = format!("{}1{}", "{\"x\":".repeat(98), "}".repeat(98));
    let value = format!("{}{inside}{}", "[".repeat(31), "]".repeat(31));
    let rule = "  a: {midwatch.truncated: true}\n  b: {sourceIPs: x}\n  condition: a and not b\n";
    found(rule, &format!("{EVENT},\"sourceIPs\":{value}}}"));
    let deepest = format!("{}1{}", "[".repeat(140), "]".repeat(140));
    found(other, &format!("{EVENT},\"x\":{deepest}}}"));
}

#[test]
fn a_key_of_plain_events_is_none_inside_a_text() {
    let rule = "  a: {midwatch.truncated: true}\n  b: {responseStatus.code: 500}\n  \
                condition: a or b\n";
    let plain = format!("{EVENT},\"responseStatus\":{{\"code\":200}}}}");
    // The text of the log ends at the first quote that is not escaped, in front of a key.
    let inside = plain.replace('"', "\\\"").replace("\\\"code\\\"", "\"code\"");
    let record = format!("{{\"category\":\"kube-audit\",\"properties\":{{\"log\":\"{inside}\"}}}}");
    found_after(rule, &[&plain, &plain], &record);
}
