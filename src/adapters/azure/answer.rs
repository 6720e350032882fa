//! What a refusal means: from a status, an error code and a hint when to retry to a port error.
//! Text that came from the other side is cut down to a word before it is shown.

use std::error::Error as StdError;
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, Headers};

use super::credential::TokenFailure;
use crate::ports::error::{PortError, PortErrorKind};

/// Longest error code that is shown. The longest of the storage services has fewer than 50.
const CODE_CHARS_MAX: usize = 64;
/// Longest wait that is believed; beyond it a service is down, not busy.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// An answer that was not a success, without its body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the service answered {status}")]
pub struct Answer {
    pub status: u16,
    /// The service's word for it, such as `ContainerNotFound`.
    pub code: Option<String>,
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Keeps what may be shown. `header` looks a header up by its lower-case name.
    pub fn new<'a>(status: u16, header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        let millis = |name| header(name)?.parse().ok().map(Duration::from_millis);
        let seconds = |name| header(name)?.parse().ok().map(Duration::from_secs);
        let retry_after = millis("x-ms-retry-after-ms")
            .or_else(|| millis("retry-after-ms"))
            .or_else(|| seconds("retry-after"))
            .map(|wait| wait.min(RETRY_AFTER_MAX));
        let code = header("x-ms-error-code").and_then(word);
        Self { status, code, retry_after }
    }

    /// Reads the headers of the SDK.
    pub fn from_headers(status: u16, headers: &Headers) -> Self {
        Self::new(status, |name| headers.get_optional_str(&HeaderName::from_static(name)))
    }

    /// Whether the service used this word.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The port error for it.
    pub fn error(&self, doing: &'static str) -> PortError {
        // A thing that is being deleted conflicts with nobody's write: it is away for a while.
        let leaving = self.code.as_deref().is_some_and(|code| code.ends_with("BeingDeleted"));
        let kind = if leaving { PortErrorKind::Unavailable } else { kind_of(self.status) };
        let mut cause = format!("the service answered {}", self.status);
        if let Some(code) = &self.code {
            cause.push(' ');
            cause.push_str(code);
        }
        match self.status {
            401 => cause.push_str("; it did not accept the credential (MIDWATCH_CREDENTIAL)"),
            403 => cause.push_str(
                "; the identity lacks a data role on this account, or the account's firewall \
                 keeps this app out",
            ),
            _ => {}
        }
        PortError { kind, retry_after: self.retry_after, doing, cause }
    }
}

/// What a caller may make of a status.
fn kind_of(status: u16) -> PortErrorKind {
    match status {
        401 | 403 | 407 => PortErrorKind::Unauthorised,
        404 | 410 => PortErrorKind::NotFound,
        409 | 412 => PortErrorKind::Conflict,
        408 | 504 => PortErrorKind::Timeout,
        429 => PortErrorKind::Throttled,
        500..=599 => PortErrorKind::Unavailable,
        400..=499 => PortErrorKind::Invalid,
        // A success or a redirect where none was agreed.
        _ => PortErrorKind::Corrupt,
    }
}

/// A code as a word: letters, digits, `_`, `-` and `.` only, or nothing.
pub fn word(text: &str) -> Option<String> {
    let fits = !text.is_empty()
        && text.len() <= CODE_CHARS_MAX
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    fits.then(|| text.to_owned())
}

/// The answer inside an SDK error, if the service answered at all.
pub fn answer_of(error: &azure_core::Error) -> Option<Answer> {
    let ErrorKind::HttpResponse { status, error_code, raw_response } = error.kind() else {
        return None;
    };
    let status = u16::from(*status);
    let mut answer = match raw_response {
        Some(raw) => Answer::from_headers(status, raw.headers()),
        None => Answer { status, code: None, retry_after: None },
    };
    if answer.code.is_none() {
        answer.code = error_code.as_deref().and_then(word);
    }
    Some(answer)
}

/// The port error for an SDK error.
pub fn port_error(doing: &'static str, error: &azure_core::Error) -> PortError {
    match (answer_of(error), error.kind()) {
        (Some(answer), _) => answer.error(doing),
        (None, ErrorKind::DataConversion) => garbled(doing),
        (None, _) => unanswered(doing, error),
    }
}

/// The port error for a call that got no answer: no token, no connection, or a broken one. Only
/// the kinds of the causes are looked at, never their text.
pub fn unanswered(doing: &'static str, error: &(dyn StdError + 'static)) -> PortError {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(failure) = cause.downcast_ref::<TokenFailure>() {
            return failure.error(doing);
        }
        if let Some(answer) = cause.downcast_ref::<Answer>() {
            return answer.error(doing);
        }
        if let Some(cause) = cause.downcast_ref::<reqwest::Error>() {
            return from_transport(doing, cause);
        }
        if cause.is::<serde_json::Error>() {
            return garbled(doing);
        }
        next = cause.source();
    }
    PortError::new(PortErrorKind::Unavailable, doing, "the exchange broke off")
}

/// The answer came whole, and is not what was agreed.
pub fn garbled(doing: &'static str) -> PortError {
    PortError::new(PortErrorKind::Corrupt, doing, "the answer is not what it should be")
}

fn from_transport(doing: &'static str, error: &reqwest::Error) -> PortError {
    let (kind, cause) = if error.is_timeout() {
        (PortErrorKind::Timeout, "no answer in time")
    } else if error.is_connect() {
        (PortErrorKind::Unavailable, "no connection to the service")
    } else if error.is_builder() {
        (PortErrorKind::Invalid, "the request could not be built")
    } else {
        (PortErrorKind::Unavailable, "the connection broke off")
    };
    PortError::new(kind, doing, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
        Answer::new(status, |name| {
            headers.iter().find(|(header, _)| *header == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn a_status_becomes_a_kind() {
        use PortErrorKind as Kind;
        for (status, kind) in [
            (400, Kind::Invalid),
            (401, Kind::Unauthorised),
            (403, Kind::Unauthorised),
            (404, Kind::NotFound),
            (409, Kind::Conflict),
            (412, Kind::Conflict),
            (413, Kind::Invalid),
            (408, Kind::Timeout),
            (429, Kind::Throttled),
            (500, Kind::Unavailable),
            (503, Kind::Unavailable),
            (504, Kind::Timeout),
            (302, Kind::Corrupt),
        ] {
            assert_eq!(answer(status, &[]).error("read blob").kind, kind, "{status}");
        }
    }

    #[test]
    fn what_is_being_deleted_is_away_and_no_conflict() {
        for code in ["TableBeingDeleted", "QueueBeingDeleted", "ContainerBeingDeleted"] {
            let error = answer(409, &[("x-ms-error-code", code)]).error("write");
            assert_eq!(error.kind, PortErrorKind::Unavailable, "{code}");
        }
    }

    #[test]
    fn the_wait_is_read_in_both_units_and_bounded() {
        let wait = |headers: &[_]| answer(503, headers).retry_after;
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("x-ms-retry-after-ms", "250")]), Some(Duration::from_millis(250)));
        assert_eq!(wait(&[("retry-after", "99999999")]), Some(RETRY_AFTER_MAX));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
    }

    #[test]
    fn only_a_word_is_shown_of_what_the_service_says() {
        let shown =
            |code| answer(403, &[("x-ms-error-code", code)]).error("list blobs").to_string();
        assert!(shown("AuthorizationFailure").contains("403 AuthorizationFailure;"));
        assert!(!shown("<b>sig=abc</b>").contains("sig"));
    }
}
