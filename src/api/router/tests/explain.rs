//! `POST /api/v1/explain`: what it answers, what it refuses and how it names it.

use serde_json::{Map, json};

use super::*;

async fn ask(body: impl Into<Body>) -> (Response, Value) {
    let request = Request::builder().method(Method::POST).uri("/api/v1/explain");
    let request = request.body(body.into()).unwrap();
    let response = desk(PortErrorKind::Timeout).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 16 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let inert = |c: char| !c.is_control() && c != '\u{202e}';
    assert!(text.chars().all(inert), "nothing acts on a terminal");
    let json = serde_json::from_str(&text).unwrap();
    (Response::from_parts(parts, Body::empty()), json)
}

fn event() -> Value {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "id-1",
        "stage": "ResponseComplete", "verb": "create", "user": {"username": "eve\u{1b}[31m"},
        "requestURI": "/api/v1/namespaces/n/pods/p/exec?command=sh&stdin=true&tty=true",
        "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "n", "name": "p"},
        "responseStatus": {"code": 101},
        "requestReceivedTimestamp": "2026-03-09T14:02:11.41Z",
    })
}

#[tokio::test]
async fn one_rule_is_explained_clause_by_clause_with_the_values_seen() {
    let id =
        RuleSet::builtin().unwrap().rule("exec-interactive-shell").unwrap().reference.id.clone();
    for rule in ["exec-interactive-shell", "EXEC-interactive-shell", id.as_str()] {
        let (response, body) = ask(json!({"event": event(), "rule": rule}).to_string()).await;
        assert_eq!(response.status(), StatusCode::OK, "{body}");
        assert_eq!(body["schema"], "midwatch.event-explanation/v1");
        assert_eq!(
            (&body["event"], &body["asked"], &body["fired"]),
            (&json!("id-1"), &json!(1), &json!(1))
        );
        let decision = &body["rules"][0];
        assert_eq!(decision["name"], "exec-interactive-shell");
        assert_eq!(decision["fires"], true);
        let text = decision["condition"].to_string();
        assert!(
            text.contains("\"kind\":\"clause\"") && text.contains("\"hit\":\"exec\""),
            "{text}"
        );
    }
}

#[tokio::test]
async fn every_form_of_an_event_is_taken() {
    let text = event().to_string();
    let record = json!({"category": "kube-audit", "properties": {"log": text}});
    let row = json!({"AuditId": "id-1", "Verb": "create", "Stage": "ResponseComplete",
        "RequestUri": event()["requestURI"], "ObjectRef": event()["objectRef"].to_string()});
    for form in [event(), record, row] {
        let (_, body) =
            ask(json!({"event": form, "rule": "exec-interactive-shell"}).to_string()).await;
        assert_eq!(body["fired"], 1, "{form}: {body}");
    }
}

#[tokio::test]
async fn without_a_rule_all_are_asked_and_those_that_fire_come_first() {
    let (response, body) = ask(json!({"event": event(), "rule": null}).to_string()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let rules = body["rules"].as_array().unwrap();
    let fires: Vec<bool> = rules.iter().map(|rule| rule["fires"].as_bool().unwrap()).collect();
    let fired = fires.iter().filter(|fires| **fires).count();
    assert!(fired > 0 && fires.iter().take(fired).all(|fires| *fires), "{fires:?}");
    assert_eq!(body["fired"], fired);
    let count = |member: &str| usize::try_from(body[member].as_u64().unwrap()).unwrap();
    assert_eq!(count("asked"), rules.len() + count("not_shown"));
    assert_eq!(count("asked"), RuleSet::builtin().unwrap().rules().len());
}

#[tokio::test]
async fn an_event_of_hostile_values_is_explained_within_bounds() {
    let long = "x".repeat(100_000);
    let mut hostile = event();
    hostile["user"]["groups"] = (0..1_000).map(|n| format!("\u{202e}{n}")).collect();
    hostile["userAgent"] = long.into();
    let (response, body) = ask(json!({"event": hostile}).to_string()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body.to_string().len() < 4 << 20, "{} bytes", body.to_string().len());
}

#[tokio::test]
async fn what_cannot_be_explained_is_a_problem_that_names_the_member() {
    let two = json!({"records": [event(), event()]});
    let correlation = "auth-failure-burst";
    for (body, word, member) in [
        ("", "bad-body", None),
        ("[]", "bad-body", None),
        ("{\"event\":{},", "bad-body", None),
        ("{\"event\":{},\"rules\":[]}", "bad-body", None),
        ("{}", "bad-member", Some("event")),
        ("{\"event\":\"secret\"}", "bad-member", Some("event")),
        ("{\"event\":{\"password\":\"secret\"}}", "bad-member", Some("event")),
        (&json!({"event": two}).to_string(), "bad-member", Some("event")),
        (&json!({"event": {"category": "guard"}}).to_string(), "bad-member", Some("event")),
        (&json!({"event": event(), "rule": 7}).to_string(), "bad-member", Some("rule")),
        (&json!({"event": event(), "rule": "secret"}).to_string(), "bad-member", Some("rule")),
        (
            &json!({"event": event(), "rule": "x".repeat(257)}).to_string(),
            "bad-member",
            Some("rule"),
        ),
        (&json!({"event": event(), "rule": correlation}).to_string(), "bad-member", Some("rule")),
    ] {
        let (response, problem) = ask(body.to_owned()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}: {problem}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(problem["type"], format!("urn:midwatch:problem:{word}"), "{body}");
        assert_eq!(problem["member"].as_str(), member, "{body}: {problem}");
        assert!(!problem.to_string().contains("secret"), "nothing is echoed: {problem}");
    }
}

#[tokio::test]
async fn a_body_is_bounded_however_it_is_sent() {
    let long = vec![b' '; usize::try_from(BODY_MAX).unwrap() + 1];
    let (response, _) = ask(long.clone()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(long))]);
    let (response, problem) = ask(Body::from_stream(chunks)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["type"], "urn:midwatch:problem:body-too-large");
    let deep = format!("{{\"event\":{}", "{\"a\":".repeat(10_000));
    let (response, _) = ask(deep).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_document_says_what_is_sent_and_only_by_which_method() {
    let desk = desk(PortErrorKind::Timeout);
    let (_, document) = send(&desk, Method::GET, "/api/v1/openapi.json").await;
    let path = document["paths"]["/api/v1/explain"].as_object().unwrap();
    assert_eq!(path.keys().collect::<Vec<_>>(), ["post"]);
    let schema = &path["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["$ref"], "#/components/schemas/ExplainRequest");
    let described = &document["components"]["schemas"]["ExplainRequest"];
    assert_eq!(described["required"], json!(["event"]));
    let other: &Map<String, Value> = document["paths"]["/api/v1/alerts"].as_object().unwrap();
    assert_eq!(other.keys().collect::<Vec<_>>(), ["get"]);
    check_problem(&desk, Method::GET, "/api/v1/explain", 405, "wrong-method").await;
}
