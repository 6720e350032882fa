//! What holds for every route: problems, headers, bounds, and a document that matches.

mod explain;

use std::collections::BTreeSet;

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

use super::*;
use crate::api::detection::{DetectionBody, SCHEMA};
use crate::api::sources::RulesInUse;
use crate::engine::explain::{Explained, Refusal, explain_text};
use crate::engine::ruleset::RuleSet;
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Page, Range, Row, Table, Write};
use crate::store::{Store, StoreTables};

/// A table that never answers well.
struct Away(PortErrorKind);

impl Away {
    fn error(&self) -> PortError {
        PortError::new(self.0, "read rows", "AuthenticationFailed for secret-account")
    }
}

#[async_trait]
impl Table for Away {
    async fn ensure(&self) -> PortResult<()> {
        Err(self.error())
    }

    async fn get(&self, _: &Key) -> PortResult<Option<Row>> {
        Err(self.error())
    }

    async fn write(&self, _: Write) -> PortResult<Option<Etag>> {
        Err(self.error())
    }

    async fn batch(&self, _: Vec<Write>) -> PortResult<()> {
        Err(self.error())
    }

    async fn scan(&self, _: &str, _: &Range, _: usize, _: Option<&str>) -> PortResult<Page> {
        Err(self.error())
    }
}

struct Desk(Store);

impl Sources for Desk {
    fn store(&self) -> &Store {
        &self.0
    }

    fn rules_in_use(&self) -> RulesInUse {
        let (count, loaded_at) = (self.detections().len(), time::OffsetDateTime::UNIX_EPOCH);
        RulesInUse { count, loaded_at, problem: None }
    }

    fn explain(&self, event: &str, rule: Option<&str>) -> Result<Explained, Refusal> {
        let rules = RuleSet::builtin().unwrap();
        explain_text(&rules, &Default::default(), event, rule)
    }

    fn detections(&self) -> Vec<DetectionBody> {
        [("exec-into-pod", "high", "execution"), ("secret-read", "low", "credential-access")]
            .map(|(name, level, tactic)| DetectionBody {
                schema: SCHEMA,
                id: String::new(),
                name: name.into(),
                title: String::new(),
                description: String::new(),
                level,
                mode: "on",
                active: true,
                never: None,
                tactics: vec![tactic.into()],
                techniques: Vec::new(),
                false_positives: Vec::new(),
                references: Vec::new(),
                questions: Vec::new(),
                evidence: Vec::new(),
                dedup: Vec::new(),
                window_seconds: 86_400,
            })
            .into()
    }
}

fn desk(kind: PortErrorKind) -> Router {
    desk_behind(kind, Front::FunctionsHost)
}

fn desk_behind(kind: PortErrorKind, front: Front) -> Router {
    let table: Arc<dyn Table> = Arc::new(Away(kind));
    let tables = StoreTables {
        checkpoints: Arc::clone(&table),
        alerts: Arc::clone(&table),
        clusters: table,
    };
    let (_, ready) = watch::channel(Some(Arc::new(Desk(Store::new(tables)))));
    router(ready, front)
}

async fn send(router: &Router, method: Method, path: &str) -> (Response, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (Response::from_parts(parts, Body::empty()), json)
}

async fn check_problem(router: &Router, method: Method, path: &str, status: u16, word: &str) {
    let what = format!("{method} {path}");
    let (response, body) = send(router, method, path).await;
    assert_eq!(response.status(), status, "{what}: {body}");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{what}");
    assert_eq!(body["type"], format!("urn:midwatch:problem:{word}"), "{what}");
    assert_eq!(body["status"], status, "{what}");
    for field in ["title", "detail"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
    }
    assert!(!body.to_string().contains("secret"), "{what}: {body}");
}

#[tokio::test]
async fn every_failure_is_a_problem_that_names_the_cure_and_no_cause_from_inside() {
    let desk = desk(PortErrorKind::Unauthorised);
    for (path, status, word) in [
        ("/api/v1/nothing", 404, "no-such-path"),
        ("/elsewhere", 404, "no-such-path"),
        ("/api/v1/alerts/", 404, "no-such-path"),
        ("/api/v1/alerts/x", 404, "not-found"),
        ("/api/v1/alerts/%ff", 404, "not-found"),
        ("/api/v1/alerts?limit=0", 400, "bad-parameter"),
        ("/api/v1/alerts?level=severe", 400, "bad-parameter"),
        ("/api/v1/alerts?state=open&state=closed", 400, "bad-parameter"),
        ("/api/v1/alerts?severity=high", 400, "unknown-parameter"),
        ("/api/v1/alerts?rule=%ff%fe&x", 400, "unknown-parameter"),
        ("/api/v1/healthz?verbose=1", 400, "unknown-parameter"),
        ("/api/v1/alerts?code=secret", 500, "defect"),
        ("/api/v1/healthz", 503, "store-away"),
    ] {
        check_problem(&desk, Method::GET, path, status, word).await;
    }
    let long = format!("/api/v1/alerts?rule={}", "x".repeat(ADDRESS_MAX));
    check_problem(&desk, Method::GET, &long, 414, "address-too-long").await;
    check_problem(&desk, Method::POST, "/api/v1/alerts", 405, "wrong-method").await;
}

#[tokio::test]
async fn a_bad_value_is_told_with_the_words_there_are() {
    let (_, body) =
        send(&desk(PortErrorKind::Timeout), Method::GET, "/api/v1/alerts?state=new").await;
    assert_eq!(body["parameter"], "state");
    assert_eq!(body["allowed"], serde_json::json!(["open", "investigating", "closed"]));
}

#[tokio::test]
async fn a_store_that_is_away_and_a_start_that_goes_on_ask_to_come_again() {
    let (response, _) = send(&desk(PortErrorKind::Timeout), Method::GET, "/api/v1/alerts").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));

    let (_keep, ready) = watch::channel::<Option<Arc<Desk>>>(None);
    let starting = router(ready, Front::FunctionsHost);
    let (response, body) = send(&starting, Method::GET, "/api/v1/healthz").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["type"], "urn:midwatch:problem:not-ready");
    assert!(response.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn every_answer_forbids_sniffing_caching_and_loading() {
    let desk = desk(PortErrorKind::Timeout);
    for path in ["/api/v1/openapi.json", "/api/v1/alerts", "/nothing"] {
        let (response, _) = send(&desk, Method::GET, path).await;
        let headers = response.headers();
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
    }
    let (response, _) = send(&desk, Method::PUT, "/api/v1/alerts").await;
    assert!(response.headers()[header::ALLOW].to_str().unwrap().contains("GET"));
}

#[tokio::test]
async fn the_catalogue_is_filtered_by_level_and_tactic() {
    let desk = desk(PortErrorKind::Timeout);
    let names = |body: &Value| -> Vec<String> {
        let list = body["detections"].as_array().unwrap();
        list.iter().map(|d| d["name"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["exec-into-pod", "secret-read"]),
        ("?level=medium", vec!["exec-into-pod"]),
        ("?tactic=credential-access", vec!["secret-read"]),
        ("?mode=duet", vec![]),
    ] {
        let path = format!("/api/v1/detections{query}");
        let (response, body) = send(&desk, Method::GET, &path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(names(&body), expected, "{query}");
    }
    check_problem(&desk, Method::GET, "/api/v1/detections?tactic=magic", 400, "bad-parameter")
        .await;
}

#[tokio::test]
async fn every_route_is_documented_and_every_reference_leads_somewhere() {
    let (_, document) =
        send(&desk(PortErrorKind::Timeout), Method::GET, "/api/v1/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let routed: BTreeSet<String> =
        routes::<Desk>().into_iter().map(|(path, _)| path.to_owned()).collect();
    let documented: BTreeSet<String> =
        document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(routed, documented);

    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    let mut references = 0;
    for reference in text.split("\"$ref\":\"").skip(1) {
        let target = reference.split('"').next().unwrap();
        let name = target.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to and not there");
        references += 1;
    }
    assert!(references > 10, "the schemas refer to each other");
    assert_eq!(schemas["Finding"]["properties"]["time"]["format"], "date-time");
}

#[tokio::test]
async fn a_name_that_merely_resolves_to_loopback_is_sent_away() {
    let desk = desk_behind(PortErrorKind::Timeout, Front::Nobody);
    let behind_host = desk_behind(PortErrorKind::Timeout, Front::FunctionsHost);
    for (host, status) in [
        ("127.0.0.1:7071", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:7071", 200),
        ("rebound.example:7071", 421),
        ("127.0.0.1.example", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ] {
        let request = || {
            let request = Request::builder().uri("/api/v1/openapi.json").header(header::HOST, host);
            request.body(Body::empty()).unwrap()
        };
        let response = desk.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.status(), status, "{host}");
        // The host asks for a key, and may pass on the name that the client asked for.
        let response = behind_host.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 200, "{host}");
    }
}
