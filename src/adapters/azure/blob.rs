//! The blobs port over Azure Blob Storage: a log account, read only.

use async_trait::async_trait;
use azure_core::http::policies::Policy;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::{Context, Method, Pipeline, PipelineStreamOptions, Request};
use azure_storage_blob::models::{
    BlobClientGetPropertiesResultHeaders, BlobContainerClientListBlobsOptions,
};
use azure_storage_blob::{BlobClientOptions, BlobServiceClient, BlobServiceClientOptions};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use std::sync::Arc;

use super::answer::{Answer, answer_of, garbled, port_error};
use super::credential::Access;
use super::endpoint::Endpoint;
use super::http::Http;
use super::queue::{not_https, options};
use super::retry;
use crate::ports::blobs::{BlobItem, BlobPage, Blobs, Read};
use crate::ports::error::{PortError, PortErrorKind, PortResult};

const SCOPE: &str = "https://storage.azure.com/.default";
/// Largest single read; a caller that asks for more gets this much.
const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What the service gives at most, and what we ask for unless told otherwise.
const PAGE_ITEMS_MAX: u32 = 5000;

/// The blobs of one account.
pub struct AzureBlobs {
    endpoint: Endpoint,
    service: BlobServiceClient,
    /// For ranged reads. The SDK's download pins later parts to the first one's ETag and answers
    /// a 416 with a request for the whole blob; both are wrong for a blob that grows.
    pipeline: Pipeline,
    version: String,
    page_items: u32,
}

impl AzureBlobs {
    /// A client; nothing is sent yet. `Invalid` when a token would travel over plain http.
    pub fn new(endpoint: Endpoint, access: &Access, http: &Http) -> PortResult<Self> {
        let (client_options, credential) = options(access, http);
        let mut per_try: Vec<Arc<dyn Policy>> = Vec::new();
        if let Some(credential) = &credential {
            if !endpoint.is_https() {
                return Err(not_https("open the blob service"));
            }
            per_try.push(Arc::new(BearerTokenAuthorizationPolicy::new(
                Arc::clone(credential),
                [SCOPE],
            )));
        }
        let name = (option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"));
        let pipeline =
            Pipeline::new(name.0, name.1, client_options.clone(), Vec::new(), per_try, None);
        let options = BlobServiceClientOptions { client_options, ..Default::default() };
        let service = BlobServiceClient::new(endpoint.url().clone(), credential, Some(options))
            .map_err(|error| port_error("open the blob service", &error))?;
        let version = BlobClientOptions::default().version;
        Ok(Self { endpoint, service, pipeline, version, page_items: PAGE_ITEMS_MAX })
    }

    /// Asks for pages of this size instead of the service's largest.
    pub fn with_page_items(mut self, page_items: u32) -> Self {
        self.page_items = page_items.clamp(1, PAGE_ITEMS_MAX);
        self
    }

    async fn try_list(
        &self,
        container: &str,
        prefix: &str,
        continuation: Option<&str>,
    ) -> PortResult<BlobPage> {
        const DOING: &str = "list blobs";
        let options = BlobContainerClientListBlobsOptions {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            marker: continuation.map(str::to_owned),
            maxresults: i32::try_from(self.page_items).ok(),
            ..Default::default()
        };
        let client = self.service.blob_container_client(container);
        let pager = client.list_blobs(Some(options)).map_err(|e| port_error(DOING, &e))?;
        let page = match pager.into_pages().try_next().await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(BlobPage::default()),
            Err(error) if answer_of(&error).is_some_and(|a| a.is("ContainerNotFound")) => {
                return Ok(BlobPage::default());
            }
            Err(error) => return Err(port_error(DOING, &error)),
        };
        let listing = page.into_model().map_err(|_| garbled(DOING))?;
        let mut items = Vec::with_capacity(listing.blob_items.len());
        for blob in listing.blob_items {
            let properties = blob.properties.unwrap_or_default();
            // A blob without a name or a length would be passed over in silence.
            let (Some(name), Some(length)) = (blob.name, properties.content_length) else {
                return Err(garbled(DOING));
            };
            items.push(BlobItem { name, length, last_modified: properties.last_modified });
        }
        let continuation = listing.next_marker.filter(|marker| !marker.is_empty());
        Ok(BlobPage { items, continuation })
    }

    async fn try_length(&self, container: &str, name: &str) -> PortResult<u64> {
        const DOING: &str = "look at a blob";
        let client = self.service.blob_client(container, name);
        let answer =
            client.get_properties(None).await.map_err(|error| port_error(DOING, &error))?;
        answer.content_length().ok().flatten().ok_or_else(|| {
            PortError::new(PortErrorKind::Corrupt, DOING, "the answer names no length")
        })
    }

    async fn try_read(
        &self,
        container: &str,
        name: &str,
        offset: u64,
        max: u64,
    ) -> PortResult<Read> {
        const DOING: &str = "read a blob";
        let url = self.service.blob_client(container, name).url().clone();
        let mut request = Request::new(url, Method::Get);
        request.insert_header("x-ms-version", self.version.clone());
        // The last byte is inclusive; max is at least one.
        let last = offset.saturating_add(max - 1);
        request.insert_header("range", format!("bytes={offset}-{last}"));
        let unchecked = PipelineStreamOptions { skip_checks: true, ..Default::default() };
        let answer = self
            .pipeline
            .stream(&Context::new(), &mut request, Some(unchecked))
            .await
            .map_err(|error| port_error(DOING, &error))?;
        let (status, headers, body) = answer.deconstruct();
        let corrupt = |cause: &str| PortError::new(PortErrorKind::Corrupt, DOING, cause);
        match u16::from(status) {
            206 => {}
            416 => return Ok(Read::PastEnd),
            200 => return Err(corrupt("the service ignored the range")),
            other => return Err(Answer::from_headers(other, &headers).error(DOING)),
        }
        let range = headers.get_optional_str(&"content-range".into());
        if range.is_some_and(|range| !starts_at(range, offset)) {
            return Err(corrupt("the service answered with another range"));
        }
        let bytes = collect(body, max).await.map_err(|error| port_error(DOING, &error))?;
        match bytes {
            None => Err(corrupt("the service sent more than the range")),
            // The emulator answers so at the exact end, where the service says 416.
            Some(bytes) if bytes.is_empty() => Ok(Read::PastEnd),
            Some(bytes) => Ok(Read::Bytes(bytes)),
        }
    }
}

#[async_trait]
impl Blobs for AzureBlobs {
    fn account(&self) -> &str {
        self.endpoint.account()
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        continuation: Option<&str>,
    ) -> PortResult<BlobPage> {
        retry::repeatable(|| self.try_list(container, prefix, continuation)).await
    }

    async fn length(&self, container: &str, name: &str) -> PortResult<u64> {
        retry::repeatable(|| self.try_length(container, name)).await
    }

    async fn read(&self, container: &str, name: &str, offset: u64, max: u64) -> PortResult<Read> {
        if max == 0 {
            let cause = "a read of no bytes was asked for";
            return Err(PortError::new(PortErrorKind::Invalid, "read a blob", cause));
        }
        let max = max.min(READ_BYTES_MAX);
        retry::repeatable(|| self.try_read(container, name, offset, max)).await
    }
}

/// Whether a `Content-Range` (`bytes 5-9/100`) starts where it should.
fn starts_at(range: &str, offset: u64) -> bool {
    let start = range.strip_prefix("bytes ").and_then(|range| range.split(['-', '/']).next());
    // `bytes */100` has no start: nothing was sent.
    start.is_none_or(|start| start == "*" || start.parse() == Ok(offset))
}

/// The body, or `None` when it is longer than what was asked for.
async fn collect(
    mut body: azure_core::http::AsyncResponseBody,
    max: u64,
) -> azure_core::Result<Option<Bytes>> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.try_next().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > max {
            return Ok(None);
        }
    }
    Ok(Some(bytes.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_recognised_by_its_start() {
        assert!(starts_at("bytes 5-9/100", 5) && starts_at("bytes */100", 5));
        assert!(!starts_at("bytes 0-9/100", 5) && !starts_at("bytes x-9/100", 5));
    }
}
