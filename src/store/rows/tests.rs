//! Every kind of row against the kept samples: what was stored once is read for ever, and what is
//! written today is what the newest sample says. A sample is never edited; a new version gets a
//! new file and the old one stays.

use serde_json::{Value as Json, json};
use time::macros::datetime;

use super::{alert as alert_row, finding as finding_row};
use crate::model::alert::{Alert, AlertState, CloseReason};
use crate::model::checkpoint::{BlobRef, Checkpoint, Lease, Totals};
use crate::model::finding::{
    Actor, ActorKind, EventRef, Evidence, Excepted, Finding, Outcome, Reason, Target,
};
use crate::model::ids::{AlertId, ClusterId, FindingId, RuleId, SessionKey};
use crate::model::level::Level;
use crate::model::rule::{Mode, RuleRef};
use crate::ports::error::PortErrorKind;
use crate::ports::table::{Properties, Value};
use crate::store::alerts::newest;
use crate::store::body::FINDING_BYTES_MAX;
use crate::store::{checkpoints, clusters, outbox};

const CLUSTER: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/shop\
    /providers/microsoft.containerservice/managedclusters/prod1";

fn rule() -> RuleRef {
    RuleRef {
        id: RuleId::new("0a1b2c3d-0000-4000-8000-000000000001"),
        name: "pod_exec_by_human".to_owned(),
        title: "Somebody ran a command in a pod".to_owned(),
        level: Level::High,
        mode: Mode::Duet,
    }
}

fn actor() -> Actor {
    Actor {
        username: "o'brien@example.com".to_owned(),
        kind: ActorKind::Human,
        impersonated: Some("system:admin".to_owned()),
        source: Some("203.0.113.7".to_owned()),
        client: "kubectl/v1.30.0 (linux/amd64)".to_owned(),
        session: SessionKey::new("33333333333333333333333333333333"),
    }
}

fn target() -> Target {
    Target {
        verb: "create".to_owned(),
        api_group: String::new(),
        resource: "pods".to_owned(),
        subresource: "exec".to_owned(),
        namespace: "shop".to_owned(),
        name: "web-é-0".to_owned(),
        uri: "/api/v1/namespaces/shop/pods/web/exec?command=sh".to_owned(),
        code: Some(101),
    }
}

fn why() -> Vec<Reason> {
    vec![Reason {
        field: "objectRef.subresource".to_owned(),
        value: "exec".to_owned(),
        clause: "selection: objectRef.subresource 'exec'".to_owned(),
    }]
}

fn finding() -> Finding {
    Finding {
        id: FindingId::new("11111111111111111111111111111111"),
        alert: AlertId::new("22222222222222222222222222222222"),
        rule: rule(),
        level: Level::Medium,
        cluster: ClusterId::new(CLUSTER),
        time: datetime!(2026-03-09 14:00:00.123456789 UTC),
        events: vec![EventRef {
            audit_id: "6b1f5f2e-0000-4000-8000-000000000002".to_owned(),
            stage: "ResponseStarted".to_owned(),
            time: datetime!(2026-03-09 14:00:00.123456 UTC),
        }],
        actor: actor(),
        target: target(),
        outcome: Outcome::Allowed,
        why: why(),
        truncated: true,
        dedup: "o'brien@example.com\u{1f}shop".to_owned(),
        evidence: Evidence {
            origin: "insights-logs-kube-audit/y=2026/m=03/d=09/h=14/m=00/PT1H.json".to_owned(),
            offset: 4096,
            length: 2048,
        },
        excepted: Some(Excepted {
            name: "backup-reads-secrets".to_owned(),
            owner: "platform@example.com".to_owned(),
            reason: "The nightly backup".to_owned(),
        }),
    }
}

fn alert() -> Alert {
    Alert {
        id: AlertId::new("22222222222222222222222222222222"),
        rule: rule(),
        cluster: ClusterId::new(CLUSTER),
        dedup: "o'brien@example.com\u{1f}shop".to_owned(),
        level: Level::Critical,
        state: AlertState::Closed,
        owner: Some("analyst@example.com".to_owned()),
        close_reason: Some(CloseReason::FalsePositive),
        recorded: datetime!(2026-03-09 14:06:00.5 UTC),
        first_event: datetime!(2026-03-09 14:00:00.123456789 UTC),
        last_event: datetime!(2026-03-09 14:05:00 UTC),
        findings: 3,
        excepted: 2,
        actor: actor(),
        target: target(),
        why: why(),
        truncated: true,
        undelivered: true,
    }
}

fn checkpoint() -> (BlobRef, Checkpoint) {
    let blob = BlobRef {
        account: "shoplogs".to_owned(),
        container: "insights-logs-kube-audit".to_owned(),
        name: "resourceId=/SUBSCRIPTIONS/S/y=2026/m=03/d=09/h=14/m=00/PT1H.json".to_owned(),
    };
    let checkpoint = Checkpoint {
        generation: 1,
        offset: 5_000_000_000,
        length_seen: 5_000_000_100,
        totals: Totals {
            records: 6,
            evaluated: 3,
            truncated: 1,
            malformed: 1,
            other: 2,
            findings: 9,
            excepted: 4,
            filtered: 7,
        },
        lease: Some(Lease {
            owner: "worker-1".to_owned(),
            until: datetime!(2026-03-09 14:07:30.1234567 UTC),
        }),
    };
    (blob, checkpoint)
}

fn cluster() -> clusters::KnownCluster {
    clusters::KnownCluster {
        cluster: ClusterId::new(CLUSTER),
        account: "shoplogs".to_owned(),
        container: "insights-logs-kube-audit".to_owned(),
        blob_prefix: "resourceId=/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD1".to_owned(),
        first_seen: datetime!(2026-03-09 14:00:00 UTC),
        last_seen: datetime!(2026-03-10 09:30:00.0000001 UTC),
    }
}

/// A row as a sample spells it.
fn to_json(properties: &Properties) -> Json {
    let column = |value: &Value| match value {
        Value::Text(text) => json!({ "text": text }),
        Value::Int(number) => json!({ "int": number }),
        Value::Bool(truth) => json!({ "bool": truth }),
        Value::Time(time) => json!({ "time": super::time_to_text(*time) }),
        Value::Bytes(bytes) => json!({ "bytes": bytes }),
    };
    properties.iter().map(|(name, value)| (name.clone(), column(value))).collect()
}

fn from_json(sample: &str) -> Properties {
    let columns: std::collections::BTreeMap<String, Json> =
        serde_json::from_str(sample).expect("a sample is JSON");
    let column = |column: &Json| {
        let (kind, value) = column.as_object().and_then(|o| o.iter().next()).expect("a type");
        match (kind.as_str(), value) {
            ("text", Json::String(text)) => Value::Text(text.clone()),
            ("int", Json::Number(number)) => Value::Int(number.as_i64().expect("an integer")),
            ("time", Json::String(text)) => Value::Time(super::time_to_model(text).expect("time")),
            other => panic!("not expected in a sample: {other:?}"),
        }
    };
    columns.iter().map(|(name, value)| (name.clone(), column(value))).collect()
}

/// The writer's columns are the sample's, to the byte.
fn check_written(properties: &Properties, sample: &str) {
    let written = to_json(properties);
    assert_eq!(
        *properties,
        from_json(sample),
        "the stored format changed; if it is meant to, raise the version and keep this sample:\n\
         {written:#}"
    );
}

/// Before there were sessions.
fn without_session(actor: Actor) -> Actor {
    Actor { session: SessionKey::new(""), ..actor }
}

#[test]
fn findings_of_older_versions_are_read() {
    let old = Finding { actor: without_session(actor()), ..finding() };
    let first = include_str!("../../../tests/data/rows/finding.v1.json");
    let read = finding_row::from_properties(&from_json(first)).expect("reads");
    assert_eq!(read, Finding { excepted: None, ..old.clone() });
    let second = include_str!("../../../tests/data/rows/finding.v2.json");
    assert_eq!(finding_row::from_properties(&from_json(second)).expect("reads"), old);
}

#[test]
fn a_finding_of_version_3_is_read_and_written() {
    let sample = include_str!("../../../tests/data/rows/finding.v3.json");
    let read = finding_row::from_properties(&from_json(sample)).expect("reads");
    assert_eq!(read, finding());
    check_written(&finding_row::to_properties(&finding()).expect("writes"), sample);
}

#[test]
fn alerts_of_older_versions_are_read() {
    let old = Alert { actor: without_session(actor()), ..alert() };
    let first = include_str!("../../../tests/data/rows/alert.v1.json");
    let read = alert_row::from_properties(&from_json(first)).expect("reads");
    assert_eq!(read, Alert { excepted: 0, ..old.clone() });
    let second = include_str!("../../../tests/data/rows/alert.v2.json");
    assert_eq!(alert_row::from_properties(&from_json(second)).expect("reads"), old);
}

#[test]
fn an_alert_of_version_3_is_read_and_written() {
    let sample = include_str!("../../../tests/data/rows/alert.v3.json");
    assert_eq!(alert_row::from_properties(&from_json(sample)).expect("reads"), alert());
    check_written(&alert_row::to_properties(&alert()).expect("writes"), sample);
}

#[test]
fn an_index_row_of_version_1_is_read_and_written() {
    let sample = include_str!("../../../tests/data/rows/newest.v1.json");
    let read = newest::from_properties(&from_json(sample)).expect("reads");
    assert_eq!((read.alert, read.cluster), (alert().id, alert().cluster));
    assert_eq!(read.rule, alert().rule.name);
    check_written(&newest::to_properties(&alert()), sample);
}

#[test]
fn a_mark_of_version_1_is_read_and_written() {
    let sample = include_str!("../../../tests/data/rows/outbox.v1.json");
    assert_eq!(outbox::from_properties(&from_json(sample)).expect("reads"), alert().id);
    check_written(&outbox::to_properties(&alert().id), sample);
}

#[test]
fn a_checkpoint_of_version_1_is_read() {
    let sample = include_str!("../../../tests/data/rows/checkpoint.v1.json");
    let read = checkpoints::from_properties(&from_json(sample)).expect("reads");
    let (blob, mut checkpoint) = checkpoint();
    (checkpoint.totals.excepted, checkpoint.totals.filtered) = (0, 0);
    assert_eq!(read, (blob, checkpoint));
}

#[test]
fn a_checkpoint_of_version_2_is_read_and_written() {
    let sample = include_str!("../../../tests/data/rows/checkpoint.v2.json");
    let read = checkpoints::from_properties(&from_json(sample)).expect("reads");
    assert_eq!(read, checkpoint());
    let (blob, checkpoint) = checkpoint();
    check_written(&checkpoints::to_properties(&blob, &checkpoint), sample);
}

#[test]
fn a_cluster_of_version_1_is_read_and_written() {
    let sample = include_str!("../../../tests/data/rows/cluster.v1.json");
    assert_eq!(clusters::from_properties(&from_json(sample)).expect("reads"), cluster());
    check_written(&clusters::to_properties(&cluster()), sample);
}

#[test]
fn rows_without_what_is_optional_read_back() {
    let mut alert = alert();
    (alert.owner, alert.close_reason) = (None, None);
    (alert.actor.impersonated, alert.actor.source, alert.target.code) = (None, None, None);
    let properties = alert_row::to_properties(&alert).expect("writes");
    assert_eq!(alert_row::from_properties(&properties).expect("reads"), alert);
    let (blob, mut checkpoint) = checkpoint();
    checkpoint.lease = None;
    let properties = checkpoints::to_properties(&blob, &checkpoint);
    assert_eq!(checkpoints::from_properties(&properties).expect("reads"), (blob, checkpoint));
}

#[test]
fn a_row_of_a_newer_version_is_corrupt_and_says_why() {
    let sample = include_str!("../../../tests/data/rows/alert.v1.json");
    let mut properties = from_json(sample);
    properties.insert("v".to_owned(), Value::Int(4));
    let error = alert_row::from_properties(&properties).expect_err("refused");
    assert_eq!(error.kind, PortErrorKind::Corrupt);
    assert!(error.cause.contains("a newer one wrote it"), "{error}");
}

#[test]
fn a_damaged_body_is_corrupt_and_its_content_is_not_told() {
    let sample = include_str!("../../../tests/data/rows/alert.v1.json");
    for body in ["{", "{\"secret\": 1}", "[\"secret\"]", ""] {
        let mut properties = from_json(sample);
        properties.insert("body".to_owned(), Value::Text(body.to_owned()));
        let error = alert_row::from_properties(&properties).expect_err("refused");
        assert_eq!(error.kind, PortErrorKind::Corrupt);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

/// The worst that a log can hold: every text enormous and of characters that JSON escapes.
#[test]
fn a_finding_of_enormous_texts_is_cut_and_never_refused() {
    for text in ["\u{1}".repeat(3000), "\"\\".repeat(3000), "🦀".repeat(3000)] {
        let mut large = finding();
        large.rule.title = text.clone();
        large.dedup = text.clone();
        large.events =
            vec![EventRef { audit_id: text.clone(), stage: text.clone(), time: large.time }; 50];
        large.actor.username = text.clone();
        large.actor.client = text.clone();
        large.actor.impersonated = Some(text.clone());
        large.actor.source = Some(text.clone());
        for part in [
            &mut large.target.verb,
            &mut large.target.api_group,
            &mut large.target.resource,
            &mut large.target.subresource,
            &mut large.target.namespace,
            &mut large.target.name,
            &mut large.target.uri,
        ] {
            part.clone_from(&text);
        }
        let reason = Reason { field: text.clone(), value: text.clone(), clause: text.clone() };
        large.why = vec![reason; 12];
        let properties = finding_row::to_properties(&large).expect("writes");
        let sent: usize = properties
            .values()
            .map(|value| match value {
                Value::Text(text) => serde_json::to_string(text).expect("JSON").len(),
                _ => 0,
            })
            .sum();
        assert!(sent <= FINDING_BYTES_MAX, "{sent}");
        let read = finding_row::from_properties(&properties).expect("reads");
        assert_eq!((read.id, read.cluster), (large.id, large.cluster));
        assert!(read.actor.username.ends_with('…'));
    }
}

#[test]
fn only_the_values_of_reasons_are_cut_when_that_is_enough() {
    let mut large = finding();
    large.why = vec![Reason { value: "x".repeat(FINDING_BYTES_MAX), ..why().remove(0) }];
    let properties = finding_row::to_properties(&large).expect("writes");
    let read = finding_row::from_properties(&properties).expect("reads");
    assert_eq!(read.why[0].value.chars().count(), 2049);
    let uncut = Finding { why: why(), ..read };
    assert_eq!(uncut, finding());
}
