//! Errors as `application/problem+json` (RFC 9457). A problem tells what was wrong with the
//! request and how to mend it; what went wrong inside is logged, not told.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::ports::error::{PortError, PortErrorKind};

/// Seconds after which a caller may try again when nobody knows better.
const RETRY_SECONDS: u32 = 5;

/// The JSON of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:midwatch:problem:` and a word that stays.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and the cure.
    pub detail: String,
    /// The query parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// The member of the body that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'static str>,
    /// What it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
}

/// An error on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    word: &'static str,
    title: &'static str,
    detail: String,
    parameter: Option<&'static str>,
    member: Option<&'static str>,
    allowed: Option<Box<[String]>>,
    retry_seconds: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, word: &'static str, title: &'static str, detail: String) -> Self {
        let (parameter, member, allowed, retry_seconds) = (None, None, None, None);
        Self { status, word, title, detail, parameter, member, allowed, retry_seconds }
    }

    /// 404 for a path that nothing is at.
    pub fn no_such_path() -> Self {
        let detail = "the API lies under /api/v1 and is described by /api/v1/openapi.json";
        Self::new(StatusCode::NOT_FOUND, "no-such-path", "No such path", detail.to_owned())
    }

    /// 404 for a thing that is not there.
    pub fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail.to_owned())
    }

    /// 405; the header `Allow` says which methods there are.
    pub fn wrong_method() -> Self {
        let detail = "this path does not take that method; see the header Allow".to_owned();
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "wrong-method", "Method not allowed", detail)
    }

    /// 400 for a value that a query parameter cannot have.
    pub fn bad_parameter(
        parameter: &'static str,
        detail: impl Into<String>,
        allowed: &[&str],
    ) -> Self {
        let status = StatusCode::BAD_REQUEST;
        let mut problem = Self::new(status, "bad-parameter", "Bad parameter", detail.into());
        problem.parameter = Some(parameter);
        if !allowed.is_empty() {
            problem.allowed = Some(allowed.iter().map(|word| (*word).to_owned()).collect());
        }
        problem
    }

    /// 400 for a query that has a parameter which this path does not know. The name is not
    /// repeated: it may be anything.
    pub fn unknown_parameter(allowed: &[&str]) -> Self {
        let detail = if allowed.is_empty() {
            "this path takes no parameters".to_owned()
        } else {
            format!("a parameter is unknown; this path takes {}", allowed.join(", "))
        };
        let status = StatusCode::BAD_REQUEST;
        let mut problem = Self::new(status, "unknown-parameter", "Unknown parameter", detail);
        problem.allowed = Some(allowed.iter().map(|word| (*word).to_owned()).collect());
        problem
    }

    /// 400 for a query that is not `name=value&…` in percent-encoded UTF-8.
    pub fn bad_query() -> Self {
        let detail = "the query is not name=value pairs in percent-encoded UTF-8".to_owned();
        Self::new(StatusCode::BAD_REQUEST, "bad-query", "Bad query", detail)
    }

    /// 400 for a body that is not what the path takes.
    pub fn bad_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-body", "Bad body", detail.into())
    }

    /// 400 for a member of the body that is missing or cannot be used.
    pub fn bad_member(member: &'static str, detail: impl Into<String>) -> Self {
        let detail = format!("`{member}`: {}", detail.into());
        let status = StatusCode::BAD_REQUEST;
        let mut problem = Self::new(status, "bad-member", "Bad member of the body", detail);
        problem.member = Some(member);
        problem
    }

    /// 414.
    pub fn address_too_long(max: usize) -> Self {
        let detail = format!("path and query may have {max} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "address-too-long", "Address too long", detail)
    }

    /// 413.
    pub fn body_too_large(max: u64) -> Self {
        let detail = format!("a request's body may have {max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large", detail)
    }

    /// 421 for a request whose `Host` is another machine's name.
    pub fn misdirected() -> Self {
        let detail = "the API listens on loopback; ask for 127.0.0.1 or localhost".to_owned();
        let status = StatusCode::MISDIRECTED_REQUEST;
        Self::new(status, "misdirected", "Misdirected request", detail)
    }

    /// 503 while initialisation goes on.
    pub fn not_ready() -> Self {
        let detail = "Midwatch is still starting".to_owned();
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut problem = Self::new(status, "not-ready", "Not ready", detail);
        problem.retry_seconds = Some(RETRY_SECONDS);
        problem
    }

    /// 503 while the store does not answer.
    pub fn store_away(retry_seconds: Option<u32>) -> Self {
        let detail = "the store that keeps alerts does not answer".to_owned();
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut problem = Self::new(status, "store-away", "Store not reachable", detail);
        problem.retry_seconds = Some(retry_seconds.unwrap_or(RETRY_SECONDS));
        problem
    }

    /// 500, which says nothing: the cause is in the log.
    pub fn defect() -> Self {
        let detail = "something went wrong inside Midwatch; its log has the cause".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "defect", "Internal error", detail)
    }

    /// The word at the end of `type`.
    pub fn word(&self) -> &'static str {
        self.word
    }

    fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:midwatch:problem:{}", self.word),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            parameter: self.parameter,
            member: self.member,
            allowed: self.allowed.as_ref().map(|allowed| allowed.to_vec()),
        }
    }
}

/// What a failed call to the store means to the caller. The cause is logged here, once.
impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        match error.kind {
            PortErrorKind::Invalid => {
                let detail = "not a cursor of this list; start again without one";
                Self::bad_parameter("cursor", detail, &[])
            }
            // The store says so of a table only: a row that is not there is no error.
            PortErrorKind::NotFound
            | PortErrorKind::Throttled
            | PortErrorKind::Timeout
            | PortErrorKind::Unavailable => {
                tracing::warn!("{error}");
                Self::store_away(error.retry_after.map(seconds))
            }
            _ => {
                tracing::error!("{error}");
                Self::defect()
            }
        }
    }
}

/// At least one, so that nobody comes again at once.
fn seconds(after: Duration) -> u32 {
    u32::try_from(after.as_secs().max(1)).unwrap_or(u32::MAX)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json::bytes(&self.body()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
