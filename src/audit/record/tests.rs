//! Every shape that a record comes in, and what each line is counted as.

use serde_json::json;

use super::*;
use crate::model::fields::Fields as _;

fn origin() -> Origin {
    Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "file".into(),
        control_plane: Default::default(),
    }
}

fn event() -> Value {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "id-1",
        "stage": "ResponseComplete", "requestURI": "/api/v1/secrets", "verb": "list",
        "user": {"username": "dev@contoso.example"},
        "stageTimestamp": "2026-03-09T14:02:11.416871Z",
    })
}

fn record(category: &str, log: &Value) -> Value {
    json!({
        "category": category, "properties": {"log": log, "stream": "stdout"},
        "resourceId": "/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD1",
        "time": "2026-03-09T14:02:11.417052913Z",
    })
}

/// Decodes and compares (evaluated, truncated, malformed, other) and the balance.
#[track_caller]
fn check(line: &str, expected: [u64; 4]) -> Decoded {
    let decoded = decode(line.as_bytes(), 7, &origin());
    let Totals { records, evaluated, truncated, malformed, other, findings, .. } = decoded.totals;
    assert_eq!([evaluated, truncated, malformed, other], expected, "{line}");
    assert_eq!((records, findings), (evaluated + malformed + other, 0), "{line}");
    assert_eq!(decoded.events.len() as u64, evaluated);
    assert!(decoded.problems.iter().all(|problem| problem.offset == 7));
    decoded
}

#[test]
fn a_storage_record_becomes_its_event_with_cluster_and_place() {
    let text = format!("{}\n", event().to_string().replace('/', "\\/"));
    let line = record("kube-audit", &json!(text)).to_string();
    let decoded = check(&line, [1, 0, 0, 0]);
    let event = &decoded.events[0];
    assert_eq!(event.audit_id(), "id-1");
    assert_eq!(event.cluster().as_str(), "/subscriptions/s/managedclusters/prod1");
    assert_eq!(event.target().uri, "/api/v1/secrets");
    let length = line.len() as u64;
    assert_eq!(event.evidence(), Evidence { origin: "file".into(), offset: 7, length });
}

#[test]
fn the_event_is_found_in_every_shape_of_record() {
    let text = json!(event().to_string());
    let enveloped = record("kube-audit", &text);
    check(&record("Kube-Audit-ADMIN", &text).to_string(), [1, 0, 0, 0]);
    check(&record("kube-audit", &event()).to_string(), [1, 0, 0, 0]);
    let mut as_text = enveloped.clone();
    as_text["properties"] = json!(enveloped["properties"].to_string());
    check(&as_text.to_string(), [1, 0, 0, 0]);
    let mut old = enveloped.clone();
    old["ccpNamespace"] = json!("5c");
    old["Cloud"] = json!({"any": ["thing"]});
    check(&old.to_string(), [1, 0, 0, 0]);
    check(&json!({"category": "kube-audit", "log": text}).to_string(), [1, 0, 0, 0]);
    check(&json!({"properties": {"log": text}}).to_string(), [1, 0, 0, 0]);
    check(&json!({"records": [enveloped, enveloped]}).to_string(), [2, 0, 0, 0]);
    check(&json!([enveloped]).to_string(), [1, 0, 0, 0]);
    check(&format!("{enveloped}{enveloped} {enveloped}"), [3, 0, 0, 0]);
    check(&json!({"records": []}).to_string(), [0; 4]);
    check(" \t ", [0; 4]);
}

#[test]
fn plain_events_and_lists_are_read() {
    check(&event().to_string(), [1, 0, 0, 0]);
    let mut older = event();
    older["apiVersion"] = json!("audit.k8s.io/v1beta1");
    check(&older.to_string(), [1, 0, 0, 0]);
    let version = "audit.k8s.io/v1";
    let list = json!({"kind": "EventList", "apiVersion": version, "items": [event(), 7, {}]});
    check(&list.to_string(), [1, 0, 2, 0]);
    check(&record("kube-audit", &list).to_string(), [1, 0, 2, 0]);
}

#[test]
fn records_of_other_categories_are_counted_and_not_looked_into() {
    for category in ["kube-apiserver", "guard", "cluster-autoscaler"] {
        check(&record(category, &json!("I0420 16:36 not JSON\n")).to_string(), [0, 0, 0, 1]);
    }
    check(&json!({"category": "guard"}).to_string(), [0, 0, 0, 1]);
}

#[test]
fn what_is_no_audit_event_is_malformed_with_its_offset() {
    for log in [json!("I0420 klog"), json!("{}"), json!({"kind": 0}), json!(7), json!("[1]")] {
        let decoded = check(&record("kube-audit", &log).to_string(), [0, 0, 1, 0]);
        assert_eq!(decoded.problems[0].kind, ProblemKind::MalformedEvent);
    }
    check(&json!({"category": "kube-audit", "properties": "x"}).to_string(), [0, 0, 1, 0]);
    check(&json!({"properties": {"log": "klog"}}).to_string(), [0, 0, 1, 0]);
    check(&json!({"kind": "Event", "apiVersion": "v1", "user": 1}).to_string(), [0, 0, 1, 0]);
    for line in ["klog text", "7", "null", "{}", r#"{"kind":0}"#, r#"{"records":7}"#, "}{"] {
        let decoded = check(line, [0, 0, 1, 0]);
        assert_eq!(decoded.problems[0].kind, ProblemKind::MalformedLine, "{line}");
    }
    check(r#"{"records":["#, [0, 0, 1, 0]);
    check(r#"{"records":[7,null,{"records":[]}]}"#, [0, 0, 3, 0]);
}

#[test]
fn wrong_types_inside_an_event_do_not_cost_the_event() {
    let line = r#"{"kind":"Event","auditID":7,"user":[],"sourceIPs":"x","verb":{},"objectRef":0,
        "responseStatus":{"code":"403"},"requestURI":null,"stageTimestamp":false}"#;
    let decoded = check(line, [1, 0, 0, 0]);
    let event = &decoded.events[0];
    assert!(event.audit_id().starts_with("line-"));
    assert_eq!(event.time(), OffsetDateTime::UNIX_EPOCH);
    assert_eq!(event.target().code, None);
}

#[test]
fn the_path_is_believed_over_the_record_and_a_difference_is_told() {
    let line = record("kube-audit", &event()).to_string();
    let with = |cluster: &str| Origin { cluster: Some(ClusterId::new(cluster)), ..origin() };
    let decoded = decode(line.as_bytes(), 0, &with("/other"));
    assert_eq!(decoded.events[0].cluster().as_str(), "/other");
    assert_eq!(decoded.problems[0].kind, ProblemKind::ClusterMismatch);
    let same = decode(line.as_bytes(), 0, &with("/subscriptions/s/MANAGEDCLUSTERS/prod1"));
    assert_eq!(same.problems, []);
    assert_eq!(check(&event().to_string(), [1, 0, 0, 0]).events[0].cluster().as_str(), "offline");
}

#[test]
fn a_cut_log_is_salvaged_and_takes_the_envelopes_time() {
    let log = event().to_string();
    let kept = log.split_once("\"stageTimestamp\"").unwrap().0;
    let decoded = check(&record("kube-audit", &json!(kept)).to_string(), [1, 1, 0, 0]);
    let event = &decoded.events[0];
    assert!(event.truncated());
    assert_eq!(decoded.problems[0].kind, ProblemKind::Truncated);
    assert_eq!(event.time().nanosecond(), 417_052_913);
    check(&record("kube-audit", &json!("{")).to_string(), [0, 0, 1, 0]);
    check(&record("kube-audit", &json!("{\"kind\":\"Event\",")).to_string(), [1, 1, 0, 0]);
}

#[test]
fn a_cut_line_is_salvaged_from_inside_its_log() {
    let line = r#"{"category":"kube-audit","properties":{"log":"{\"kind\":\"Event\",\"verb\":\"list\",\"user\":{\"username\":\"dev"#;
    let decoded = check(line, [1, 1, 0, 0]);
    assert_eq!(decoded.events[0].target().verb, "list");
    assert!(decoded.events[0].audit_id().starts_with("line-"));
    let batch = format!(r#"{{"records":[{},{line}"#, record("kube-audit", &event()));
    let decoded = check(&batch, [2, 1, 0, 0]);
    assert!(!decoded.events[0].truncated() && decoded.events[1].truncated());
}

#[test]
fn the_servers_own_mark_of_truncation_counts() {
    let mut marked = event();
    marked["annotations"] = json!({"audit.k8s.io/truncated": "true"});
    check(&marked.to_string(), [1, 1, 0, 0]);
}

#[test]
fn bytes_that_are_no_text_and_nesting_without_end_do_not_cost_the_event() {
    let mut line = event().to_string().into_bytes();
    let at = line.windows(3).position(|w| w == b"dev").unwrap();
    line[at] = 0xff;
    let decoded = decode(&line, 0, &origin());
    assert_eq!((decoded.totals.evaluated, decoded.totals.truncated), (1, 0));
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let line = event().to_string().replacen('{', &format!("{{\"requestObject\":{deep},"), 1);
    let decoded = decode(line.as_bytes(), 0, &origin());
    assert_eq!((decoded.events[0].audit_id(), decoded.totals.truncated), ("id-1", 1));
}

#[test]
fn a_line_of_very_many_bad_records_tells_few_problems_and_counts_all() {
    let decoded = check(&"{} ".repeat(5_000), [0, 0, 5_000, 0]);
    assert_eq!(decoded.problems.len(), PROBLEMS_MAX);
    let line = r#"{"verb":"get"}"#.repeat(3);
    let ids: Vec<_> =
        check(&line, [3, 0, 0, 0]).events.iter().map(|event| event.audit_id().to_owned()).collect();
    assert!(ids[1] != ids[0] && ids[2].starts_with(&ids[0]), "{ids:?}");
}

#[test]
fn a_row_of_log_analytics_becomes_its_event() {
    let row = json!({
        "TimeGenerated": "2026-03-09T14:02:12Z", "Type": "AKSAudit", "AuditId": "id-1",
        "Level": "Metadata", "Stage": "ResponseComplete", "RequestUri": "/api/v1/secrets",
        "Verb": "list", "User": "{\"username\":\"dev@contoso.example\"}", "UserAgent": "",
        "ObjectRef": {"resource": "secrets"}, "ResponseStatus": null,
        "RequestObject": "skipped-too-big-size-object",
        "RequestReceivedTime": "2026-03-09T14:02:11.410233Z", "_ResourceId": "/subscriptions/s/c",
    });
    let decoded = check(&row.to_string(), [1, 0, 0, 0]);
    let event = &decoded.events[0];
    assert_eq!(event.cluster().as_str(), "/subscriptions/s/c");
    assert_eq!(event.audit_id(), "id-1");
    assert_eq!(event.actor().username, "dev@contoso.example");
    assert!(!event.find("userAgent").present && !event.find("responseStatus").present);
    let text = |path: &str| {
        event.find(path).values.first().and_then(|it| it.to_text().map(|it| it.into_owned()))
    };
    assert_eq!(text("objectRef.resource").as_deref(), Some("secrets"));
    assert_eq!(text("requestObject").as_deref(), Some("skipped-too-big-size-object"));
    assert_eq!(text("requestReceivedTimestamp").as_deref(), Some("2026-03-09T14:02:11.410233Z"));
}

#[test]
fn rows_that_are_cut_odd_or_about_something_else_are_counted_as_such() {
    let row = json!({"Type": "AKSAudit", "AuditId": "id", "ObjectRef": "{\"resource\":\"secr"});
    check(&row.to_string(), [1, 1, 0, 0]);
    let cut = r#"{"AuditId":"id","Verb":"list","UserAgent":"kub"#;
    check(cut, [1, 1, 0, 0]);
    check(&json!({"AuditId": 7, "User": 7, "Verb": []}).to_string(), [1, 0, 0, 0]);
    let other = json!({"Type": "AKSControlPlane", "Category": "guard", "Message": "m"});
    check(&other.to_string(), [0, 0, 0, 1]);
    check(&json!({"Type": "KubeEvents", "Name": "n"}).to_string(), [0, 0, 1, 0]);
}
