//! Signing blob and queue requests with an account key. For emulators and development only: a
//! key is the whole account, cannot be narrowed to a role and does not expire. In Azure, Midwatch
//! uses tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::Secret as SdkSecret;
use azure_core::hmac::hmac_sha256;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Body, Context, Request};
use azure_core::time::{OffsetDateTime, to_rfc7231};

use super::secret::Secret;

/// Signs every try of a request, because the signature covers the date.
#[derive(Debug, Clone)]
pub struct SharedKey {
    account: String,
    key: Secret,
    now: fn() -> OffsetDateTime,
}

impl SharedKey {
    /// A policy for one account; `key` is base64 as the portal shows it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the service refuses a signature that is 15 minutes off its own clock, so it must \
                  be the real time; nothing is decided by it"
    )]
    pub fn new(account: impl Into<String>, key: Secret) -> Self {
        Self { account: account.into(), key, now: OffsetDateTime::now_utc }
    }

    /// The account's name.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The key, for the table client, which signs in its own way.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// What is signed, as "Authorize with Shared Key" of the storage reference lays it out.
    fn string_to_sign(&self, request: &Request) -> String {
        let length = match request.body() {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::SeekableStream(stream) => stream.len().unwrap_or(0),
        };
        let length = if length == 0 { String::new() } else { length.to_string() };
        let mut text = format!("{}\n", request.method().as_str());
        for name in STANDARD_HEADERS {
            let value = match name {
                "content-length" => length.as_str(),
                // The date travels in x-ms-date.
                "date" => "",
                name => {
                    request.headers().get_optional_str(&HeaderName::from_static(name)).unwrap_or("")
                }
            };
            text.push_str(value);
            text.push('\n');
        }
        let named: BTreeMap<&str, &str> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| name.starts_with("x-ms-"))
            .collect();
        for (name, value) in named {
            text.push_str(&format!("{name}:{value}\n"));
        }
        text.push_str(&format!("/{}{}", self.account, request.url().path()));
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in request.url().query_pairs() {
            query.entry(name.to_lowercase()).or_default().push(value.into_owned());
        }
        for (name, mut values) in query {
            values.sort();
            text.push_str(&format!("\n{name}:{}", values.join(",")));
        }
        text
    }
}

/// In the order in which they are signed.
const STANDARD_HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

#[async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the SDK's trait elides it; writing it out does not match"
)]
impl Policy for SharedKey {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header("x-ms-date", to_rfc7231(&(self.now)()));
        let text = self.string_to_sign(request);
        let signature = hmac_sha256(&text, &SdkSecret::new(self.key.expose().to_owned()))?;
        request.insert_header("authorization", format!("SharedKey {}:{signature}", self.account));
        let Some((policy, rest)) = next.split_first() else {
            return Err(azure_core::Error::with_message(
                azure_core::error::ErrorKind::Other,
                "the signing policy stands last; the transport must follow it",
            ));
        };
        policy.send(context, request, rest).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::{Method, Url};

    #[test]
    fn the_signed_text_follows_the_reference() {
        let url = Url::parse("https://a.blob.core.windows.net/c/o%20b?restype=x&Comp=list&comp=b");
        let mut request = Request::new(url.unwrap(), Method::Get);
        request.insert_header("x-ms-version", "2023-11-03");
        request.insert_header("range", "bytes=0-9");
        request.insert_header("x-ms-date", "Fri, 01 Jan 2021 00:00:00 GMT");
        let text = SharedKey::new("a", Secret::new("a2V5")).string_to_sign(&request);
        assert_eq!(
            text,
            "GET\n\n\n\n\n\n\n\n\n\n\nbytes=0-9\nx-ms-date:Fri, 01 Jan 2021 00:00:00 GMT\n\
             x-ms-version:2023-11-03\n/a/c/o%20b\ncomp:b,list\nrestype:x"
        );
    }

    #[test]
    fn its_debug_form_hides_the_key() {
        let shown = format!("{:?}", SharedKey::new("a", Secret::new("a2V5")));
        assert!(!shown.contains("a2V5"), "{shown}");
    }
}
