//! The answer to an invocation, built in this one place, so that no trigger can answer 200 to a
//! failure.
//!
//! The host takes any 2xx for success and wants `application/json` and an object with it; an
//! empty or `null` body would leave the invocation hanging until its timeout. Any other status is
//! a failure, whose body the host copies into its own log: it stays short and free of content.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::verbs::Completion;

/// Characters of a reason or log line that are sent on, at most.
const TEXT_MAX: usize = 400;

/// The answer to an invocation that ran.
pub fn completed(completion: &Completion) -> Response {
    match completion {
        Completion::Done { log } => success(log),
        Completion::DeadLetter { reason } => success(&format!("given up for good: {reason}")),
        Completion::RetryLater { reason } => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, "retry-later", reason)
        }
    }
}

/// The answer to a request that is no invocation of ours, or that broke on the way.
pub fn refused(status: StatusCode, error: &str, reason: &str) -> Response {
    debug_assert!(!status.is_success(), "a refusal must not look like success");
    respond(status, &json!({ "error": error, "reason": bounded(reason) }))
}

fn success(log: &str) -> Response {
    let body = json!({ "Outputs": {}, "Logs": [bounded(log)], "ReturnValue": null });
    respond(StatusCode::OK, &body)
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Cuts to [`TEXT_MAX`] characters and replaces control characters: the host prints the text.
fn bounded(text: &str) -> String {
    text.chars().take(TEXT_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(response: Response) -> (StatusCode, Value) {
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json; charset=utf-8");
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn done_is_a_success_with_an_object_and_one_log_line() {
        let done = Completion::Done { log: "read 3 records\nof one blob".into() };
        let (status, body) = read(completed(&done)).await;
        assert_eq!(status, StatusCode::OK);
        let expected =
            json!({"Outputs": {}, "Logs": ["read 3 records of one blob"], "ReturnValue": null});
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn what_may_work_later_is_a_failure_to_the_host() {
        let later = Completion::RetryLater { reason: "x".repeat(10_000) };
        let (status, body) = read(completed(&later)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body["reason"].as_str().unwrap().len() <= TEXT_MAX);
    }

    #[tokio::test]
    async fn what_can_never_work_is_not_repeated_and_says_so() {
        let dead = Completion::DeadLetter { reason: "names no blob".into() };
        let (status, body) = read(completed(&dead)).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["Logs"][0], "given up for good: names no blob");
    }
}
