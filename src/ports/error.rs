//! The one error of every port: a kind to branch on, and a cause to report.

use std::fmt;
use std::time::Duration;

/// What went wrong, as far as a caller may branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortErrorKind {
    /// The thing is not there.
    NotFound,
    /// It exists already, its ETag moved on, or a batch was refused for either reason.
    Conflict,
    /// The service asks for less; see `retry_after`.
    Throttled,
    /// The credential is missing, refused, or lacks a role.
    Unauthorised,
    /// No answer in time.
    Timeout,
    /// The service or the way to it is down.
    Unavailable,
    /// What came back, or what is stored, is not what was agreed.
    Corrupt,
    /// The request breaks a stated limit (key, property, batch); retrying cannot help.
    Invalid,
}

/// A failed call over a port. `Display` is short and never holds a secret, a body or a token.
#[derive(Debug, thiserror::Error)]
pub struct PortError {
    pub kind: PortErrorKind,
    /// What the service asked for, when it did.
    pub retry_after: Option<Duration>,
    /// What was being done, such as `read blob`; names no key and no content.
    pub doing: &'static str,
    /// The cause in our words, bounded; status and error code rather than a body.
    pub cause: String,
}

impl PortError {
    /// An error without a hint when to retry.
    pub fn new(kind: PortErrorKind, doing: &'static str, cause: impl Into<String>) -> Self {
        Self { kind, retry_after: None, doing, cause: cause.into() }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            PortErrorKind::Throttled | PortErrorKind::Timeout | PortErrorKind::Unavailable
        )
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.doing, self.cause)
    }
}

/// What every port call returns.
pub type PortResult<T> = Result<T, PortError>;
