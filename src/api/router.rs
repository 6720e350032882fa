//! The routes of the API and what holds for all of them: bounds, headers, an access log without
//! addresses, and problems for everything that fails.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::problem::Problem;
use super::sources::{self, Ready, Sources};
use super::{alerts, detections, explain, health, json, openapi};

/// Bytes of path and query, at most: filters and a cursor take a few hundred.
pub const ADDRESS_MAX: usize = 8 * 1024;
/// Bytes of a body, at most: an event in its record. AKS cuts records at 64 KiB, and escaping
/// makes them longer.
pub const BODY_MAX: u64 = 256 * 1024;

/// The state of every route.
pub(super) struct Shared<V>(Arc<Handles<V>>);

struct Handles<V> {
    ready: Ready<V>,
    openapi: Bytes,
}

impl<V> Clone for Shared<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> Shared<V> {
    /// The sources, once they are there.
    pub(super) async fn sources(&self) -> Result<Arc<V>, Problem> {
        sources::wait(&self.0.ready).await
    }

    /// The sources, if they are there.
    pub(super) fn sources_now(&self) -> Option<Arc<V>> {
        self.0.ready.borrow().clone()
    }
}

/// Every route, by its path. The OpenAPI document is compared with this list in a test.
pub(super) fn routes<V: Sources>() -> Vec<(&'static str, MethodRouter<Shared<V>>)> {
    vec![
        ("/api/v1/alerts", get(alerts::list::<V>)),
        ("/api/v1/alerts/{id}", get(alerts::one::<V>)),
        ("/api/v1/detections", get(detections::list::<V>)),
        ("/api/v1/explain", post(explain::explain::<V>)),
        ("/api/v1/healthz", get(health::show::<V>)),
        ("/api/v1/openapi.json", get(document::<V>)),
    ]
}

/// Who stands between a caller and this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// The Functions host. It asks for the function key and proxies from its own machine; whether
    /// it sends `127.0.0.1` or the name that the client asked for as `Host` is up to its build.
    FunctionsHost,
    /// Nobody, and no key: any program on this machine may ask, a browser included.
    Nobody,
}

/// The API. It answers whatever it is asked, so mount it beneath everything else.
pub fn router<V: Sources>(ready: Ready<V>, front: Front) -> Router {
    let shared = Shared(Arc::new(Handles { ready, openapi: openapi::document() }));
    let mut router = Router::new();
    for (path, method_router) in routes::<V>() {
        router = router.route(path, method_router);
    }
    router = router
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .fallback(|| async { Problem::no_such_path() })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(keep_bounds));
    if front == Front::Nobody {
        router = router.layer(middleware::from_fn(refuse_other_names));
    }
    router.layer(middleware::from_fn(guard_and_log)).with_state(shared)
}

/// A JSON answer.
pub(super) fn answer(body: &impl Serialize) -> Result<Response, Problem> {
    let bytes = json::bytes(body).map_err(|error| {
        tracing::error!("cannot write an answer: {error}");
        Problem::defect()
    })?;
    Ok(json_response(bytes.into()))
}

async fn document<V: Sources>(State(shared): State<Shared<V>>) -> Response {
    json_response(shared.0.openapi.clone())
}

fn json_response(bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::defect().into_response()
}

/// That a request was meant for this machine. A web page elsewhere that has its own name resolve
/// to loopback, to read alerts with a visitor's browser, sends that name as the host.
async fn refuse_other_names(request: Request, next: Next) -> Response {
    if request.headers().get_all(header::HOST).iter().any(|host| !is_loopback(host)) {
        return Problem::misdirected().into_response();
    }
    next.run(request).await
}

/// Bounds of a request.
async fn keep_bounds(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|text| text.as_str().len() > ADDRESS_MAX) {
        return Problem::address_too_long(ADDRESS_MAX).into_response();
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > BODY_MAX) {
        return Problem::body_too_large(BODY_MAX).into_response();
    }
    next.run(request).await
}

/// Whether a host, with or without a port, names this machine.
fn is_loopback(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Sets the headers of every answer and writes the access log: the route's template and never
/// the address, whose query may hold the host's key.
async fn guard_and_log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let status = response.status().as_u16();
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    tracing::info!(%method, route, status, elapsed_ms, "answered");
    response
}

#[cfg(test)]
mod tests;
