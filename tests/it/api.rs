//! The read side of the HTTP API over a real store: order, filters, cursors, findings.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use midwatch::adapters::local::table::LocalTables;
use midwatch::api::detection::DetectionBody;
use midwatch::api::router::{Front, router};
use midwatch::api::sources::{RulesInUse, Sources};
use midwatch::engine::explain::{Explained, Refusal, explain_text};
use midwatch::engine::ruleset::RuleSet;
use midwatch::model::alert::{Alert, AlertState};
use midwatch::model::finding::{Actor, ActorKind, EventRef, Evidence, Finding, Outcome, Target};
use midwatch::model::ids::{AlertId, ClusterId, FindingId, RuleId, SessionKey};
use midwatch::model::level::Level;
use midwatch::model::rule::{Mode, RuleRef};
use midwatch::store::{Store, StoreTables};
use serde_json::Value;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;
use tower::ServiceExt;

const START: OffsetDateTime = datetime!(2026-01-01 00:00:00 UTC);

struct Desk(Store);

impl Sources for Desk {
    fn store(&self) -> &Store {
        &self.0
    }

    fn rules_in_use(&self) -> RulesInUse {
        let (count, loaded_at) = (self.detections().len(), OffsetDateTime::UNIX_EPOCH);
        RulesInUse { count, loaded_at, problem: None }
    }

    fn explain(&self, event: &str, rule: Option<&str>) -> Result<Explained, Refusal> {
        let rules = RuleSet::builtin().unwrap();
        explain_text(&rules, &Default::default(), event, rule)
    }

    fn detections(&self) -> Vec<DetectionBody> {
        Vec::new()
    }
}

struct Fixture {
    api: Router,
    store: Store,
    _folder: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let tables = LocalTables::open(&folder.path().join("state.redb")).unwrap();
    let store = Store::new(StoreTables {
        checkpoints: tables.table("checkpoints"),
        alerts: tables.table("alerts"),
        clusters: tables.table("clusters"),
    });
    store.ensure().await.unwrap();
    let (_, ready) = watch::channel(Some(Arc::new(Desk(store.clone()))));
    Fixture { api: router(ready, Front::FunctionsHost), store, _folder: folder }
}

/// The alert that is recorded `number` minutes after the start, with that many findings.
async fn save(store: &Store, number: u32) -> AlertId {
    let at = START + Duration::minutes(i64::from(number));
    let rule = RuleRef {
        id: RuleId::new("7c3a7f2e-0000-4000-8000-000000000001"),
        name: if number.is_multiple_of(2) { "even-rule" } else { "odd-rule" }.into(),
        title: "Something happened".into(),
        level: Level::High,
        mode: if number == 3 { Mode::Duet } else { Mode::On },
    };
    let cluster = ClusterId::new(if number < 5 { "/c/ONE" } else { "/c/two" });
    let id = AlertId::derive(&cluster, &rule.id, &number.to_string(), 0);
    let actor = Actor {
        username: "eve".into(),
        kind: ActorKind::Human,
        impersonated: None,
        source: None,
        client: "kubectl".into(),
        session: SessionKey::new("33333333333333333333333333333333"),
    };
    let finding = |index: u32| Finding {
        id: FindingId::derive(&cluster, &format!("{number}-{index}"), &rule.id),
        rule: rule.clone(),
        level: Level::High,
        cluster: cluster.clone(),
        time: at,
        events: vec![EventRef { audit_id: "a".into(), stage: "Panic".into(), time: at }],
        actor: actor.clone(),
        target: Target::default(),
        outcome: Outcome::Allowed,
        why: Vec::new(),
        truncated: false,
        dedup: number.to_string(),
        alert: id.clone(),
        evidence: Evidence { origin: "c/b".into(), offset: 0, length: 1 },
        excepted: None,
    };
    let findings: Vec<Finding> = (0..number).map(finding).collect();
    let alert = Alert {
        id: id.clone(),
        rule: rule.clone(),
        cluster: cluster.clone(),
        dedup: number.to_string(),
        level: if number < 3 { Level::Low } else { Level::High },
        state: if number == 4 { AlertState::Closed } else { AlertState::Open },
        owner: None,
        close_reason: None,
        recorded: at,
        first_event: at,
        last_event: at,
        findings: u64::from(number),

        excepted: 0,
        actor: actor.clone(),
        target: Target::default(),
        why: Vec::new(),
        truncated: false,
        undelivered: false,
    };
    store.alerts.save(&alert, None, &findings).await.unwrap();
    id
}

async fn get(api: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 22).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// The dedup keys on a page, which are the numbers of the alerts.
fn numbers(body: &Value) -> Vec<u32> {
    let alerts = body["alerts"].as_array().unwrap();
    alerts.iter().map(|alert| alert["dedup"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn alerts_come_newest_first_page_by_page_without_gap_or_repetition() {
    let fixture = fixture().await;
    for number in 1..=7 {
        save(&fixture.store, number).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/alerts?limit=3".to_owned();
    loop {
        let (status, body) = get(&fixture.api, &path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(body["alerts"].as_array().unwrap().len() <= 3);
        seen.extend(numbers(&body));
        let Some(cursor) = body["cursor"].as_str() else { break };
        // One that is recorded meanwhile is newer than the cursor and does not shift the pages.
        save(&fixture.store, 50 + u32::try_from(seen.len()).unwrap()).await;
        path = format!("/api/v1/alerts?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn each_filter_filters() {
    let fixture = fixture().await;
    for number in 1..=6 {
        save(&fixture.store, number).await;
    }
    for (query, expected) in [
        ("", vec![6, 5, 4, 3, 2, 1]),
        ("cluster=/C/One", vec![4, 3, 2, 1]),
        ("level=medium", vec![6, 5, 4, 3]),
        ("rule=even-rule", vec![6, 4, 2]),
        ("state=closed", vec![4]),
        ("mode=duet", vec![3]),
        ("rule=even-rule&level=low&state=open&cluster=%2Fc%2Fone", vec![2]),
        ("rule=no-such-rule", vec![]),
    ] {
        let (status, body) = get(&fixture.api, &format!("/api/v1/alerts?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {body}");
        assert_eq!(numbers(&body), expected, "{query}");
    }
}

#[tokio::test]
async fn an_alert_comes_with_its_findings_page_by_page() {
    let fixture = fixture().await;
    let id = save(&fixture.store, 5).await;
    let mut seen = Vec::new();
    let mut path = format!("/api/v1/alerts/{id}?limit=2");
    loop {
        let (status, body) = get(&fixture.api, &path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body["alert"]["schema"], "midwatch.alert/v1");
        for finding in body["findings"].as_array().unwrap() {
            assert_eq!(finding["schema"], "midwatch.finding/v1");
            assert_eq!(finding["alert"], id.as_str());
            seen.push(finding["id"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = body["cursor"].as_str() else { break };
        path = format!("/api/v1/alerts/{id}?limit=2&cursor={cursor}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_a_foreign_cursor_is_400() {
    let fixture = fixture().await;
    let id = save(&fixture.store, 1).await;
    let absent = "0".repeat(32);
    for (path, status) in [
        (format!("/api/v1/alerts/{absent}"), StatusCode::NOT_FOUND),
        ("/api/v1/alerts/..%2F..%2Fetc".to_owned(), StatusCode::NOT_FOUND),
        ("/api/v1/alerts?cursor=made-up".to_owned(), StatusCode::BAD_REQUEST),
        (format!("/api/v1/alerts/{id}?cursor=%27%20or%201"), StatusCode::BAD_REQUEST),
    ] {
        let (found, body) = get(&fixture.api, &path).await;
        assert_eq!(found, status, "{path}: {body}");
    }
}

#[tokio::test]
async fn a_reachable_store_is_healthy() {
    let fixture = fixture().await;
    let (status, body) = get(&fixture.api, "/api/v1/healthz").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["status"], &body["store"]), (&"ready".into(), &"reachable".into()));
}
