//! An event is the same event in every form that the platform gives it: plain, in a record of
//! Azure Monitor, and as a row of a Log Analytics table.

use std::collections::BTreeSet;

use midwatch::audit::record::{Origin, decode};
use midwatch::engine::builtin;
use midwatch::engine::cases;
use midwatch::engine::evaluate::evaluate;
use midwatch::engine::reader::Reader;
use midwatch::engine::ruleset::{RuleSet, RuleSource};
use midwatch::model::finding::Finding;
use midwatch::model::ids::ClusterId;
use serde_json::{Map, Value, json};

const RESOURCE: &str = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/\
                        managedclusters/prod-1";

/// Members of an event and the columns that hold them.
const COLUMNS: [(&str, &str); 15] = [
    ("annotations", "Annotations"),
    ("auditID", "AuditId"),
    ("level", "Level"),
    ("objectRef", "ObjectRef"),
    ("requestObject", "RequestObject"),
    ("requestReceivedTimestamp", "RequestReceivedTime"),
    ("requestURI", "RequestUri"),
    ("responseObject", "ResponseObject"),
    ("responseStatus", "ResponseStatus"),
    ("sourceIPs", "SourceIps"),
    ("stage", "Stage"),
    ("stageTimestamp", "StageReceivedTime"),
    ("user", "User"),
    ("userAgent", "UserAgent"),
    ("verb", "Verb"),
];

/// The event as a row; `None` when it has a member that no column holds.
fn row(event: &Map<String, Value>, dynamic: impl Fn(&Value) -> Value) -> Option<Value> {
    let mut row = json!({"TimeGenerated": "2026-03-09T14:02:12Z", "_ResourceId": RESOURCE,
        "TenantId": "t", "SourceSystem": "Azure", "PodName": "kube-apiserver-1", "Type": "AKSAudit"});
    for (_, column) in COLUMNS {
        row[column] = Value::Null;
    }
    for (name, value) in event.iter().filter(|(name, _)| *name != "kind" && *name != "apiVersion") {
        let (_, column) = COLUMNS.iter().find(|(member, _)| member == name)?;
        row[column] = if value.is_string() { value.clone() } else { dynamic(value) };
    }
    Some(row)
}

/// The findings of all rules, without where they were found.
fn findings(rules: &RuleSet, line: &str, events: usize) -> Vec<Finding> {
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new(RESOURCE),
        name: "file".to_owned(),
        control_plane: Default::default(),
    };
    let decoded = decode(line.as_bytes(), 0, &origin);
    assert_eq!(decoded.events.len(), events, "{line}: {:?}", decoded.problems);
    let mut found = evaluate(rules, &decoded.events);
    // The fast path knows no rows, and must leave them to the decoder.
    let mut reader = Reader::new(rules);
    reader.line(line.as_bytes(), 0, &origin);
    assert_eq!(reader.take().findings, found, "{line}");
    found.iter_mut().for_each(|finding| finding.evidence.length = 0);
    found
}

/// The plain events of all case files, each with what makes it one of a kind.
fn events() -> Vec<Map<String, Value>> {
    let mut events = Vec::new();
    for file in builtin::case_files() {
        let (cases, _) = cases::parse(&file.text, &file.path);
        for text in cases.into_iter().flat_map(|case| case.events) {
            let Ok(Value::Object(mut event)) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            if event.contains_key("kind") {
                let id = format!("id-{}", events.len());
                event.insert("auditID".to_owned(), id.into());
                event.entry("requestReceivedTimestamp").or_insert("2026-03-09T14:02:11.41Z".into());
                events.push(event);
            }
        }
    }
    events
}

#[test]
fn an_event_gives_the_same_findings_in_every_form() {
    let rules = RuleSet::builtin().unwrap();
    let (mut compared, mut fired) = (0, BTreeSet::new());
    for event in events() {
        let plain = Value::Object(event.clone());
        let expected = findings(&rules, &plain.to_string(), 1);
        let record = json!({"category": "kube-audit", "resourceId": RESOURCE.to_uppercase(),
            "properties": {"log": plain.to_string()}, "time": "2026-03-09T14:02:12Z"});
        assert_eq!(findings(&rules, &record.to_string(), 1), expected, "as a record: {plain}");
        let Some(objects) = row(&event, Value::clone) else { continue };
        let texts = row(&event, |value| value.to_string().into()).unwrap();
        for form in [&objects, &texts, &json!({"records": [objects]})] {
            assert_eq!(findings(&rules, &form.to_string(), 1), expected, "{form}");
        }
        compared += 1;
        fired.extend(expected.into_iter().map(|finding| finding.rule.name));
    }
    assert!(compared > 200 && fired.len() > 40, "{compared} events, {} rules", fired.len());
}

#[test]
fn a_standard_rule_matches_raw_events_records_and_rows() {
    let text = "title: Secrets are listed\nlogsource: {product: kubernetes, service: audit}\n\
                detection:\n  selection: {verb: list, objectRef.resource: secrets, \
                user.username|endswith: contoso.example, responseStatus.code: 200}\n  \
                condition: selection\n";
    let sources = [RuleSource { path: "listed.yml".into(), text: text.into() }];
    let rules = RuleSet::of_directory(&sources).unwrap();
    let event = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a",
        "stage": "ResponseComplete", "verb": "list", "objectRef": {"resource": "secrets"},
        "user": {"username": "eve@contoso.example"}, "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-03-09T14:02:11.41Z"});
    let row = row(event.as_object().unwrap(), |value| value.to_string().into()).unwrap();
    let record = json!({"category": "kube-audit", "properties": {"log": event.to_string()}});
    for form in [event, record, row] {
        assert_eq!(findings(&rules, &form.to_string(), 1).len(), 1, "{form}");
    }
}
