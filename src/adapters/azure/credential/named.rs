//! A credential that says, when it fails, which setting is to blame and what cures it. The SDK's
//! own text repeats the answer of the token endpoint, which nobody should find in a log.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};

use super::super::answer::answer_of;
use crate::ports::error::{PortError, PortErrorKind};

/// When to try again after the token endpoint stayed down.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Wraps the chosen credential.
#[derive(Debug)]
pub struct Named {
    pub inner: Arc<dyn TokenCredential>,
    pub choice: &'static str,
    pub cure: &'static str,
}

/// No token could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token from {choice}: {what}; {cure}")]
pub struct TokenFailure {
    choice: &'static str,
    what: String,
    cure: &'static str,
    transient: bool,
}

impl TokenFailure {
    fn new(choice: &'static str, cure: &'static str, error: &Error) -> Self {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(cause) = next {
            if let Some(cause) = cause.downcast_ref::<Error>() {
                if let Some(answer) = answer_of(cause) {
                    let transient = answer.error("get a token").is_transient();
                    let what = format!("the endpoint answered {}", answer.status);
                    return Self { choice, what, cure, transient };
                }
                if matches!(cause.kind(), ErrorKind::Io | ErrorKind::Connection) {
                    let what = "the endpoint did not answer".to_owned();
                    return Self { choice, what, cure, transient: true };
                }
            }
            next = cause.source();
        }
        Self { choice, what: "the login failed".to_owned(), cure, transient: false }
    }

    /// The port error for it.
    pub fn error(&self, doing: &'static str) -> PortError {
        let (kind, retry_after) = match self.transient {
            // The credential has tried for seconds already; trying again at once would only
            // multiply that.
            true => (PortErrorKind::Unavailable, Some(RETRY_AFTER)),
            false => (PortErrorKind::Unauthorised, None),
        };
        PortError { kind, retry_after, doing, cause: self.to_string() }
    }
}

#[async_trait::async_trait]
impl TokenCredential for Named {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        self.inner.get_token(scopes, options).await.map_err(|error| {
            let failure = TokenFailure::new(self.choice, self.cure, &error);
            Error::with_error(ErrorKind::Credential, failure, "no token")
        })
    }
}
