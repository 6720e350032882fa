//! The host's routes with scripted work: what reaches it, and how each ending is answered.

use std::sync::Mutex;

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::model::checkpoint::BlobRef;

/// Ends as told and keeps what it was asked for.
struct Scripted {
    ending: fn() -> Completion,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Verbs for Scripted {
    fn reads(&self, account: &str, container: &str) -> bool {
        account == "acct" && container == "logs"
    }

    async fn segment(&self, blob: &BlobRef) -> Completion {
        self.asked.lock().unwrap().push(blob.name.clone());
        (self.ending)()
    }

    async fn follow(&self) -> Completion {
        self.asked.lock().unwrap().push("follow".to_owned());
        (self.ending)()
    }
}

fn done() -> Completion {
    Completion::Done { log: "ok".into() }
}

fn scripted(ending: fn() -> Completion) -> (Router, Arc<Scripted>) {
    let verbs = Arc::new(Scripted { ending, asked: Mutex::new(Vec::new()) });
    let (_, ready) = watch::channel(Some(Arc::clone(&verbs)));
    (router(ready), verbs)
}

async fn send(router: &Router, request: Request) -> (StatusCode, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 8192).await.unwrap();
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    (status, body)
}

fn request(method: Method, path: &str, body: &Value) -> Request {
    Request::builder().method(method).uri(path).body(Body::from(body.to_string())).unwrap()
}

fn post(path: &str, body: &Value) -> Request {
    request(Method::POST, path, body)
}

fn timer() -> Value {
    json!({"Data": {"timer": {"ScheduleStatus": null, "IsPastDue": false}}, "Metadata": {}})
}

fn blob(uri: &str) -> Value {
    json!({"Data": {"auditBlob": "e30="}, "Metadata": {"Uri": format!("\"{uri}\"")}})
}

fn message(blob: &Value) -> Value {
    let twice = serde_json::to_string(&blob.to_string()).unwrap();
    json!({"Data": {"segment": twice}, "Metadata": {"Id": "\"x\"", "DequeueCount": 1}})
}

#[tokio::test]
async fn each_trigger_does_its_work_and_answers_with_an_object() {
    let (router, verbs) = scripted(done);
    let segment = json!({"account": "acct", "container": "logs", "blob": "s"});
    let detect = blob("https://acct.blob.core.windows.net/logs/d");
    for (path, body) in [("/follow", timer()), ("/segment", message(&segment)), ("/detect", detect)]
    {
        let (status, reply) = send(&router, post(path, &body)).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(reply["Outputs"].is_object() && reply["Logs"].is_array(), "{path}: {reply}");
    }
    assert_eq!(*verbs.asked.lock().unwrap(), ["follow", "s", "d"]);
}

#[tokio::test]
async fn a_failure_is_never_a_success_to_the_host() {
    let (router, _) = scripted(|| Completion::RetryLater { reason: "store is away".into() });
    let (status, _) = send(&router, post("/follow", &timer())).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);

    let (router, _) = scripted(|| panic!("secret of the panic"));
    let (status, body) = send(&router, post("/follow", &timer())).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body.to_string().contains("secret"));
}

#[tokio::test]
async fn hopeless_input_is_given_up_without_any_work() {
    let (router, verbs) = scripted(done);
    let elsewhere = json!({"account": "evil", "container": "logs", "blob": "s"});
    for (path, body) in [
        ("/segment", message(&elsewhere)),
        ("/segment", message(&json!({"eventType": "Microsoft.Storage.BlobCreated"}))),
        ("/detect", blob("https://evil.blob.core.windows.net/logs/d")),
        ("/detect", blob("https://acct.blob.core.windows.net/other/d")),
        ("/detect", json!({"Data": {}, "Metadata": {}})),
    ] {
        let (status, reply) = send(&router, post(path, &body)).await;
        assert_eq!(status, StatusCode::OK, "{path} {body}");
        assert!(reply["Logs"][0].as_str().unwrap().starts_with("given up"), "{reply}");
    }
    assert!(verbs.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxied_request_never_reaches_a_trigger() {
    let (router, verbs) = scripted(done);
    for trigger in Trigger::ALL {
        let mut request = post(&format!("/{}", trigger.name()), &timer());
        request.headers_mut().insert("x-ms-invocation-id", "any".parse().unwrap());
        assert_eq!(send(&router, request).await.0, StatusCode::FORBIDDEN);
    }
    assert!(verbs.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn wrong_paths_methods_and_bodies_are_failures() {
    let (router, _) = scripted(done);
    let large = json!({"Data": {"timer": "x".repeat(100_000)}});
    for (request, expected) in [
        (post("/Follow", &timer()), StatusCode::NOT_FOUND),
        (post("/follow/", &timer()), StatusCode::NOT_FOUND),
        (request(Method::GET, "/follow", &timer()), StatusCode::METHOD_NOT_ALLOWED),
        (post("/", &timer()), StatusCode::METHOD_NOT_ALLOWED),
        (post("/follow", &json!([])), StatusCode::BAD_REQUEST),
        (post("/follow", &json!({"data": {"timer": {}}})), StatusCode::BAD_REQUEST),
        (post("/follow", &large), StatusCode::PAYLOAD_TOO_LARGE),
        (post("/remediate", &json!({"Data": {"req": {}}})), StatusCode::NOT_IMPLEMENTED),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        assert_eq!(send(&router, request).await.0, expected, "{what}");
    }
}

#[tokio::test]
async fn the_probe_is_answered_before_anything_is_ready_and_an_invocation_is_not() {
    let (set_ready, ready) = watch::channel::<Option<Arc<Scripted>>>(None);
    let router = router(ready);
    let (status, _) = send(&router, request(Method::GET, "/", &json!(""))).await;
    assert_eq!(status, StatusCode::OK);

    drop(set_ready);
    let (status, _) = send(&router, post("/follow", &timer())).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}
