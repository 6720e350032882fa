//! What a finding looks like on the wire, field by field.

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::model::finding::{ActorKind, Outcome};
use crate::model::ids::{AlertId, ClusterId, FindingId, RuleId, SessionKey};
use crate::model::level::Level;
use crate::model::rule::Mode;

/// A finding with something in every field.
pub(crate) fn sample() -> Finding {
    Finding {
        id: FindingId::new("f0"),
        rule: RuleRef {
            id: RuleId::new("7c3a7f2e-0000-4000-8000-000000000001"),
            name: "exec-into-pod".into(),
            title: "A person opened a shell in a pod".into(),
            level: Level::High,
            mode: Mode::On,
        },
        level: Level::Medium,
        cluster: ClusterId::new("/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD1"),
        time: datetime!(2026-01-02 03:04:05.123456 UTC),
        events: vec![EventRef {
            audit_id: "a1".into(),
            stage: "ResponseComplete".into(),
            time: datetime!(2026-01-02 03:04:05.123456 UTC),
        }],
        actor: Actor {
            username: "eve".into(),
            kind: ActorKind::Human,
            impersonated: None,
            source: Some("203.0.113.7".into()),
            client: "kubectl/v1.30".into(),
            session: SessionKey::new("33333333333333333333333333333333"),
        },
        target: Target {
            verb: "create".into(),
            resource: "pods".into(),
            subresource: "exec".into(),
            namespace: "shop".into(),
            name: "cart".into(),
            code: Some(403),
            ..Target::default()
        },
        outcome: Outcome::Denied,
        why: vec![Reason {
            field: "objectRef.subresource".into(),
            value: "exec".into(),
            clause: "selection: objectRef.subresource 'exec'".into(),
        }],
        truncated: false,
        dedup: "eve shop".into(),
        alert: AlertId::new("a0"),
        evidence: Evidence { origin: "c/PT1H.json".into(), offset: 12, length: 345 },
        excepted: None,
    }
}

#[test]
fn a_finding_is_one_line_with_every_promised_field() {
    let mut line = Vec::new();
    write_line(&mut line, &sample()).unwrap();
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(line.last(), Some(&b'\n'));
    let read: Value = serde_json::from_slice(&line).unwrap();
    let expected = json!({
        "schema": "midwatch.finding/v1",
        "id": "f0",
        "rule": {"id": "7c3a7f2e-0000-4000-8000-000000000001", "name": "exec-into-pod",
                 "title": "A person opened a shell in a pod", "level": "high", "mode": "on"},
        "level": "medium",
        "cluster": "/subscriptions/s/managedclusters/prod1",
        "time": "2026-01-02T03:04:05.123456Z",
        "events": [{"audit_id": "a1", "stage": "ResponseComplete",
                    "time": "2026-01-02T03:04:05.123456Z"}],
        "actor": {"username": "eve", "kind": "human", "impersonated": null,
                  "source": "203.0.113.7", "client": "kubectl/v1.30",
                  "session": "33333333333333333333333333333333"},
        "target": {"verb": "create", "api_group": "", "resource": "pods", "subresource": "exec",
                   "namespace": "shop", "name": "cart", "uri": "", "code": 403},
        "outcome": "denied",
        "why": [{"field": "objectRef.subresource", "value": "exec",
                 "clause": "selection: objectRef.subresource 'exec'"}],
        "truncated": false,
        "dedup": "eve shop",
        "alert": "a0",
        "evidence": {"origin": "c/PT1H.json", "offset": 12, "length": 345},
        "excepted": null
    });
    assert_eq!(read, expected);
}
