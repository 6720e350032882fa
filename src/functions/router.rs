//! The routes that the Functions host calls: `GET /` and one POST for each trigger, named exactly
//! as its folder. Anything else falls through to whatever the server mounts beneath.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, post};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::body::BodyError;
use super::verbs::{Completion, Verbs};
use super::{detect, follow, reply, segment};

/// How long an invocation waits for initialisation to end.
const READY_MAX: Duration = Duration::from_secs(25);
/// How long an invocation may take: four fifths of `functionTimeout` in `host.json`, at which the
/// host would kill the whole process with everything else that runs in it.
const INVOCATION_MAX: Duration = Duration::from_secs(480);

/// The triggers that have a POST route. A test compares them with the folders in `functions/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Detect,
    Follow,
    Segment,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 3] = [Self::Detect, Self::Follow, Self::Segment];

    /// The function's name: its folder and, after a slash, its route. Case matters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Follow => "follow",
            Self::Segment => "segment",
        }
    }
}

/// Handles to what arrives later: `None` until initialisation has ended.
pub type Ready<V> = watch::Receiver<Option<Arc<V>>>;

struct Shared<V> {
    ready: Ready<V>,
    /// Invocations given up for good since the process started.
    dead_letters: AtomicU64,
}

/// The host's routes.
pub fn router<V: Verbs>(ready: Ready<V>) -> Router {
    let shared = Arc::new(Shared { ready, dead_letters: AtomicU64::new(0) });
    let mut triggers = Router::new();
    for trigger in Trigger::ALL {
        let handler = move |State(shared): State<Arc<Shared<V>>>, request: Request| async move {
            invoke(&shared, trigger, request).await
        };
        let path = format!("/{}", trigger.name());
        triggers = triggers.route(&path, post(handler).fallback(wrong_method));
    }
    triggers
        .route_layer(middleware::from_fn(refuse_outsiders))
        .with_state(shared)
        .route("/remediate", any(proxying_is_off))
        .route("/", get(alive).fallback(wrong_method))
        .layer(CatchPanicLayer::custom(panicked))
}

/// The readiness probe and later latency ping: constant, at once, touching nothing.
async fn alive() -> &'static str {
    "midwatch\n"
}

/// The host calls triggers itself and without `x-ms-invocation-id`; whatever it proxies for a
/// client carries that header. So a request with it has come from outside, and is refused before
/// its body is read.
async fn refuse_outsiders(request: Request, next: Next) -> Response {
    if request.headers().contains_key("x-ms-invocation-id") {
        tracing::warn!("refused a proxied request to a trigger");
        let reason = "triggers are called by the Functions host only";
        return reply::refused(StatusCode::FORBIDDEN, "not-the-host", reason);
    }
    next.run(request).await
}

/// With `enableProxyingHttpRequest` an HTTP function is never called by its name. A host too old
/// to know the setting does so, with an envelope that loses headers and bodies: fail visibly.
async fn proxying_is_off() -> Response {
    let reason = "the HTTP API needs host.json customHandler.enableProxyingHttpRequest: true and \
                  a Functions host that knows this setting";
    reply::refused(StatusCode::NOT_IMPLEMENTED, "proxying-is-off", reason)
}

async fn wrong_method() -> Response {
    let reason = "this path does not take that method";
    reply::refused(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", reason)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("an invocation panicked");
    let reason = "a defect in Midwatch; its log names the place";
    reply::refused(StatusCode::INTERNAL_SERVER_ERROR, "panic", reason)
}

/// One invocation, from the request to the host's answer.
async fn invoke<V: Verbs>(shared: &Shared<V>, trigger: Trigger, request: Request) -> Response {
    let id = invocation_id(request.headers()).to_owned();
    let span = tracing::info_span!("invocation", function = trigger.name(), invocation.id = id);
    let started = Instant::now();
    let run = async {
        let Some(verbs) = ready(&shared.ready).await else {
            tracing::warn!("still initialising");
            let reason = "still initialising";
            return reply::refused(StatusCode::SERVICE_UNAVAILABLE, "not-ready", reason);
        };
        let work = perform(verbs.as_ref(), trigger, request.into_body());
        let ended = match tokio::time::timeout(INVOCATION_MAX, Box::pin(work)).await {
            Ok(ended) => ended,
            Err(_) => Ok(Completion::RetryLater { reason: "took too long".to_owned() }),
        };
        answer(shared, ended, started)
    };
    run.instrument(span).await
}

async fn perform(verbs: &dyn Verbs, trigger: Trigger, body: Body) -> Result<Completion, BodyError> {
    match trigger {
        Trigger::Detect => detect::run(verbs, body).await,
        Trigger::Follow => follow::run(verbs, body).await,
        Trigger::Segment => segment::run(verbs, body).await,
    }
}

/// Logs how it ended, once, and makes the reply.
fn answer<V>(
    shared: &Shared<V>,
    ended: Result<Completion, BodyError>,
    started: Instant,
) -> Response {
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match ended {
        Ok(completion) => {
            match &completion {
                Completion::Done { log } => tracing::info!(elapsed_ms, "done: {log}"),
                Completion::RetryLater { reason } => {
                    tracing::warn!(elapsed_ms, "to be repeated: {reason}");
                }
                Completion::DeadLetter { reason } => {
                    let total = shared.dead_letters.fetch_add(1, Ordering::Relaxed) + 1;
                    tracing::error!(elapsed_ms, dead_letters = total, "given up: {reason}");
                }
            }
            reply::completed(&completion)
        }
        Err(error) => {
            tracing::warn!(elapsed_ms, "refused: {error}");
            let (status, code) = match error {
                BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
                BodyError::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
                BodyError::Broken => (StatusCode::BAD_REQUEST, "broken"),
            };
            reply::refused(status, code, &error.to_string())
        }
    }
}

/// The handles, once they are there; `None` after [`READY_MAX`] or when initialisation failed.
async fn ready<V>(ready: &Ready<V>) -> Option<Arc<V>> {
    let mut ready = ready.clone();
    let arrived = tokio::time::timeout(READY_MAX, ready.wait_for(Option::is_some)).await;
    arrived.ok()?.ok()?.clone()
}

/// The host's invocation id when it looks like one: it goes into every line of our log.
fn invocation_id(headers: &HeaderMap) -> &str {
    headers
        .get("x-azure-functions-invocationid")
        .and_then(|value| value.to_str().ok())
        .filter(|id| id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests;
