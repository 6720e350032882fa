//! The queue port over Azure Queue Storage. Sends only: receiving is the Functions host's job.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::{ClientOptions, RequestContent};
use azure_storage_queue::models::QueueMessage;
use azure_storage_queue::{QueueClient, QueueServiceClient, QueueServiceClientOptions};

use super::answer::{answer_of, port_error};
use super::credential::Access;
use super::endpoint::Endpoint;
use super::http::Http;
use super::retry;
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::queue::Queue;

/// The port's promise: 64 KiB of the service before base64.
const MESSAGE_BYTES_MAX: usize = 48 * 1024;
const DOING: &str = "send to a queue";

/// The queues of one account.
pub struct AzureQueue {
    service: QueueServiceClient,
}

impl AzureQueue {
    /// A client; nothing is sent yet. `Invalid` when a token would travel over plain http.
    pub fn new(endpoint: &Endpoint, access: &Access, http: &Http) -> PortResult<Self> {
        let (client_options, credential) = options(access, http);
        let options = QueueServiceClientOptions { client_options, ..Default::default() };
        let service = QueueServiceClient::new(endpoint.url().clone(), credential, Some(options))
            .map_err(|_| not_https("open the queue service"))?;
        Ok(Self { service })
    }

    async fn try_send(&self, queue: &str, text: &str) -> PortResult<()> {
        let client = self.service.queue_client(queue).map_err(|error| port_error(DOING, &error))?;
        match put(&client, text).await {
            Err(error) if answer_of(&error).is_some_and(|answer| answer.is("QueueNotFound")) => {
                create(&client).await?;
                put(&client, text).await.map_err(|error| port_error(DOING, &error))
            }
            sent => sent.map_err(|error| port_error(DOING, &error)),
        }
    }
}

#[async_trait]
impl Queue for AzureQueue {
    async fn send(&self, queue: &str, message: &str) -> PortResult<()> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(invalid("the message is longer than 48 KiB"));
        }
        if !is_queue_name(queue) {
            return Err(invalid(
                "a queue's name has 3 to 63 lower-case letters, digits and single dashes",
            ));
        }
        // What the host's queue trigger expects by default.
        let text = azure_core::base64::encode(message);
        // May arrive twice when an answer is lost; every message is made for that.
        retry::repeatable(|| self.try_send(queue, &text)).await
    }
}

async fn put(client: &QueueClient, text: &str) -> azure_core::Result<()> {
    let message = QueueMessage { message_text: Some(text.to_owned()) };
    client.send_message(RequestContent::try_from(message)?, None).await.map(|_| ())
}

async fn create(client: &QueueClient) -> PortResult<()> {
    match client.create(None).await {
        Ok(_) => Ok(()),
        Err(error) if answer_of(&error).is_some_and(|answer| answer.is("QueueAlreadyExists")) => {
            Ok(())
        }
        Err(error) => Err(port_error("create a queue", &error)),
    }
}

/// The options every client of the current SDK is made with, and its credential if it has one.
pub(super) fn options(
    access: &Access,
    http: &Http,
) -> (ClientOptions, Option<Arc<dyn azure_core::credentials::TokenCredential>>) {
    let mut options = ClientOptions {
        transport: Some(http.transport()),
        retry: retry::none(),
        ..Default::default()
    };
    match access {
        Access::Token(credential) => (options, Some(Arc::clone(credential))),
        Access::SharedKey(signer) => {
            options.per_try_policies.push(Arc::new(signer.clone()));
            (options, None)
        }
    }
}

/// The only reason for which a client refuses a checked endpoint.
pub(super) fn not_https(doing: &'static str) -> PortError {
    PortError::new(
        PortErrorKind::Invalid,
        doing,
        "a token is never sent over plain http; use an https endpoint, or a connection string",
    )
}

fn invalid(cause: &str) -> PortError {
    PortError::new(PortErrorKind::Invalid, DOING, cause)
}

fn is_queue_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_names_follow_the_service() {
        for good in ["audit-segments", "abc", "q1-poison"] {
            assert!(is_queue_name(good), "{good}");
        }
        for bad in ["ab", "Audit", "-abc", "abc-", "a--b", "a/b", "a?comp=x"] {
            assert!(!is_queue_name(bad), "{bad}");
        }
    }
}
