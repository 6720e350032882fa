//! A storage connection string, taken apart. For emulators and development: it holds the
//! account's key.

use super::endpoint::Endpoint;
use super::secret::Secret;

/// The emulator's account and key, published by its vendor; `UseDevelopmentStorage=true` means
/// them.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Account, key and the services it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    pub account: String,
    pub key: Secret,
    pub blob: Option<Endpoint>,
    pub queue: Option<Endpoint>,
    pub table: Option<Endpoint>,
}

/// Why a text is no connection string. Never repeats it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringFault {
    #[error("is not a connection string: expected name=value pairs with ; between them")]
    NotPairs,
    #[error("lacks {0}")]
    Missing(&'static str),
    #[error("has an AccountKey that is not base64")]
    Key,
    #[error("holds a SharedAccessSignature, which is not supported; use AccountKey")]
    Sas,
    #[error("has a {0} that {1}")]
    Endpoint(&'static str, super::endpoint::EndpointFault),
}

impl ConnectionString {
    /// Reads `UseDevelopmentStorage=true`, or `AccountName` and `AccountKey` with explicit
    /// endpoints, or with `DefaultEndpointsProtocol` and `EndpointSuffix`. Names are compared
    /// without case, as the platform's own tools do.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringFault> {
        let mut pairs = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            // A key ends in '=', so only the first one separates.
            pairs.push(part.split_once('=').ok_or(ConnectionStringFault::NotPairs)?);
        }
        let get = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
        };
        if get("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self::emulator());
        }
        if get("SharedAccessSignature").is_some() {
            return Err(ConnectionStringFault::Sas);
        }
        let account = get("AccountName").ok_or(ConnectionStringFault::Missing("AccountName"))?;
        let key = get("AccountKey").ok_or(ConnectionStringFault::Missing("AccountKey"))?;
        if azure_core::base64::decode(key).is_err() {
            return Err(ConnectionStringFault::Key);
        }
        let endpoint = |name: &'static str, service: &str| {
            let address = match (get(name), get("EndpointSuffix")) {
                (Some(address), _) => address.to_owned(),
                (None, Some(suffix)) => format!("https://{account}.{service}.{suffix}"),
                (None, None) => return Ok(None),
            };
            Endpoint::parse(&address)
                .map(Some)
                .map_err(|fault| ConnectionStringFault::Endpoint(name, fault))
        };
        Ok(Self {
            account: account.to_owned(),
            key: Secret::new(key),
            blob: endpoint("BlobEndpoint", "blob")?,
            queue: endpoint("QueueEndpoint", "queue")?,
            table: endpoint("TableEndpoint", "table")?,
        })
    }

    fn emulator() -> Self {
        let at = |port: u16| {
            Endpoint::parse(&format!("http://127.0.0.1:{port}/{EMULATOR_ACCOUNT}")).ok()
        };
        Self {
            account: EMULATOR_ACCOUNT.to_owned(),
            key: Secret::new(EMULATOR_KEY),
            blob: at(10000),
            queue: at(10001),
            table: at(10002),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(parsed: &ConnectionString) -> Vec<String> {
        [&parsed.blob, &parsed.queue, &parsed.table]
            .into_iter()
            .map(|endpoint| endpoint.as_ref().map(Endpoint::to_string).unwrap_or_default())
            .collect()
    }

    #[test]
    fn the_emulator_has_its_well_known_ports() {
        let parsed = ConnectionString::parse("UseDevelopmentStorage=true;").unwrap();
        assert_eq!(parsed.account, "devstoreaccount1");
        assert_eq!(urls(&parsed)[2], "http://127.0.0.1:10002/devstoreaccount1");
    }

    #[test]
    fn endpoints_are_taken_as_given_or_built_from_the_suffix() {
        let given = ConnectionString::parse(
            "AccountName=dev;AccountKey=a2V5;blobendpoint=http://127.0.0.1:1/dev;",
        );
        assert_eq!(urls(&given.unwrap()), ["http://127.0.0.1:1/dev", "", ""]);
        let built = ConnectionString::parse(
            "DefaultEndpointsProtocol=https;AccountName=a1;AccountKey=a2V5;\
             EndpointSuffix=core.windows.net",
        );
        assert_eq!(urls(&built.unwrap())[1], "https://a1.queue.core.windows.net");
    }

    #[test]
    fn a_fault_names_what_is_missing_and_repeats_nothing() {
        for (text, reason) in [
            ("hunter2", "is not a connection string"),
            ("AccountKey=hunter2", "lacks AccountName"),
            ("AccountName=a", "lacks AccountKey"),
            ("AccountName=a;AccountKey=hunter2!", "not base64"),
            ("AccountName=a;SharedAccessSignature=hunter2", "not supported"),
            ("AccountName=a;AccountKey=a2V5;TableEndpoint=http://x/hunter2", "has a TableEndpoint"),
        ] {
            let shown = ConnectionString::parse(text).unwrap_err().to_string();
            assert!(shown.contains(reason) && !shown.contains("hunter2"), "{text}: {shown}");
        }
    }

    #[test]
    fn debug_hides_the_key() {
        let parsed = ConnectionString::parse("AccountName=a;AccountKey=a2V5").unwrap();
        assert!(!format!("{parsed:?}").contains("a2V5"));
    }
}
