//! The one HTTP client: timeouts, no redirects, no decompression, bounded answers. The current
//! SDK and the previous one (tables) both send through it, so there is one TLS stack and one pool.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport};
use azure_core_legacy::error::{Error as LegacyError, ErrorKind as LegacyKind};
use azure_core_legacy::headers::{HeaderName, HeaderValue, Headers};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};

use super::answer::{Answer, word};

/// Largest answer that is read: a segment's largest read is 64 MiB, pages are far smaller.
const ANSWER_BYTES_MAX: usize = 72 * 1024 * 1024;
/// Largest table answer: the service sends at most 4 MiB a page, JSON included.
const TABLE_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much of a refusal is read to find its code.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// How long a connection may lie idle and be used again. Shorter than any server keeps one, since
/// a write that meets a closing connection is not sent a second time.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// To connect, TLS included. Storage is near: what takes longer is down.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer.
    pub read_timeout: Duration,
    /// One whole exchange.
    pub total_timeout: Duration,
    /// PEM certificates trusted besides the system's: an emulator's, or an inspecting proxy's.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(15),
            total_timeout: Duration::from_secs(60),
            extra_roots: Vec::new(),
        }
    }
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpFault {
    /// A text of `extra_roots` holds no certificate.
    #[error("an extra root holds no PEM certificate")]
    NoCertificate,
    /// Mostly: the system has no roots.
    #[error("the HTTP client cannot be built; are CA certificates installed?")]
    Client(#[source] reqwest::Error),
}

/// The shared client; clones share its connections.
#[derive(Debug, Clone)]
pub struct Http(reqwest::Client);

impl Http {
    /// Builds it. Costs some milliseconds (the system's roots are loaded): do it once.
    pub fn new(options: &HttpOptions) -> Result<Self, HttpFault> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.total_timeout)
            .pool_idle_timeout(IDLE_MAX)
            // A redirect would carry the token to a place nobody configured.
            .redirect(reqwest::redirect::Policy::none());
        for pem in &options.extra_roots {
            let roots = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if roots.is_empty() {
                return Err(HttpFault::NoCertificate);
            }
            builder = builder.tls_certs_merge(roots);
        }
        builder.build().map(Self).map_err(HttpFault::Client)
    }

    /// For clients of the current SDK.
    pub fn transport(&self) -> Transport {
        Transport::new(Arc::new(self.clone()))
    }

    /// For clients of the previous SDK.
    pub fn legacy_transport(&self) -> azure_core_legacy::TransportOptions {
        azure_core_legacy::TransportOptions::new(Arc::new(self.clone()))
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, headers, body) = self.0.execute_request(request).await?.deconstruct();
        let bounded = body.scan(0usize, |seen, piece| {
            let piece = piece.and_then(|piece| {
                *seen = seen.saturating_add(piece.len());
                if *seen > ANSWER_BYTES_MAX {
                    return Err(azure_core::Error::with_message(
                        azure_core::error::ErrorKind::DataConversion,
                        "the answer is larger than any that was asked for",
                    ));
                }
                Ok(piece)
            });
            futures::future::ready(Some(piece))
        });
        Ok(AsyncRawResponse::new(status, headers, Box::pin(bounded)))
    }
}

/// The previous SDK's transport. A refusal becomes an [`Answer`] right here, so neither its body
/// nor its headers reach that SDK: its errors would print both, and its XML reader has known
/// weaknesses that now never see a byte.
#[async_trait]
impl azure_core_legacy::HttpClient for Http {
    async fn execute_request(
        &self,
        request: &azure_core_legacy::Request,
    ) -> azure_core_legacy::Result<azure_core_legacy::Response> {
        let method = reqwest::Method::from_bytes(request.method().as_ref().as_bytes())
            .map_err(|error| LegacyError::new(LegacyKind::DataConversion, error))?;
        let mut builder = self.0.request(method, request.url().clone());
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let builder = match request.body().clone() {
            azure_core_legacy::Body::Bytes(bytes) => builder.body(bytes),
            azure_core_legacy::Body::SeekableStream(stream) => {
                builder.body(reqwest::Body::wrap_stream(stream))
            }
        };
        let answer = builder.send().await.map_err(io)?;
        let status = answer.status().as_u16();
        let known = azure_core_legacy::StatusCode::try_from(status).ok();
        let Some(known) = known.filter(|_| answer.status().is_success()) else {
            let refusal = refusal(answer).await;
            return Err(LegacyError::new(LegacyKind::Other, refusal));
        };
        let headers: HashMap<HeaderName, HeaderValue> = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                let value = HeaderValue::from(value.to_str().ok()?.to_owned());
                Some((HeaderName::from(name.as_str().to_owned()), value))
            })
            .collect();
        let Some(body) = collect(answer, TABLE_ANSWER_BYTES_MAX).await.map_err(io)? else {
            return Err(LegacyError::message(LegacyKind::DataConversion, "oversized answer"));
        };
        let body = Box::pin(azure_core_legacy::BytesStream::new(body));
        Ok(azure_core_legacy::Response::new(known, Headers::from(headers), body))
    }
}

fn io(error: reqwest::Error) -> LegacyError {
    // Without the URL: keys and filters stand in it.
    LegacyError::new(LegacyKind::Io, error.without_url())
}

/// The body, or `None` when it is larger than `max`.
async fn collect(answer: reqwest::Response, max: usize) -> Result<Option<Bytes>, reqwest::Error> {
    let mut bytes = BytesMut::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.try_next().await? {
        if bytes.len().saturating_add(piece.len()) > max {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes.freeze()))
}

/// What is kept of an answer that is no success. The table service writes its code into the body.
async fn refusal(answer: reqwest::Response) -> Answer {
    let headers = answer.headers().clone();
    let status = answer.status().as_u16();
    let mut kept = Answer::new(status, |name| headers.get(name)?.to_str().ok());
    if kept.code.is_none() {
        let body = collect(answer, REFUSAL_BYTES_MAX).await.ok().flatten().unwrap_or_default();
        kept.code = code_in(&body);
    }
    kept
}

/// The code of an OData error, in JSON or in XML.
fn code_in(body: &[u8]) -> Option<String> {
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        return word(json.get("odata.error")?.get("code")?.as_str()?);
    }
    let text = std::str::from_utf8(body).ok()?;
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<code>")? + "<code>".len();
    let length = lower.get(start..)?.find('<')?;
    word(text.get(start..start + length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_json_and_in_xml() {
        let json = br#"{"odata.error":{"code":"EntityAlreadyExists","message":{"value":"x"}}}"#;
        assert_eq!(code_in(json).as_deref(), Some("EntityAlreadyExists"));
        let xml = b"<?xml version=\"1.0\"?><Error><Code>TableNotFound</Code><Message>m</Message>";
        assert_eq!(code_in(xml).as_deref(), Some("TableNotFound"));
        for nothing in [&b""[..], b"{}", b"<html>", b"<code>a b</code>", b"\xff\xfe"] {
            assert_eq!(code_in(nothing), None);
        }
    }

    #[test]
    fn a_root_that_is_no_certificate_is_refused() {
        let options = HttpOptions { extra_roots: vec![b"nonsense".to_vec()], ..Default::default() };
        assert!(Http::new(&options).is_err());
        assert!(Http::new(&HttpOptions::default()).is_ok());
    }
}
