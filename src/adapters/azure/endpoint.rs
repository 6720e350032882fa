//! A storage service's address, checked once: what passes here is fit to be built upon.

use std::fmt;

use azure_core::http::Url;

/// The base address of a blob, queue or table service, and the account's name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    account: String,
}

/// Why a text is no endpoint. Says what is expected; the text itself may hold a signature and is
/// not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    #[error("is not a URL; expected https://<account>.<service>.core.windows.net")]
    NotAUrl,
    #[error("must use https; plain http is accepted for an emulator on this machine only")]
    NotHttps,
    #[error("must not carry a user, a query or a fragment; a SAS is not supported")]
    Extra,
    #[error("names no account; expected https://<account>.<service>.core.windows.net")]
    NoAccount,
}

impl Endpoint {
    /// Reads an address. Plain http is for loopback only. An address with an IP, `localhost` or
    /// a host without a dot has the account as its first path segment, as emulators do.
    pub fn parse(text: &str) -> Result<Self, EndpointFault> {
        let mut url = Url::parse(text.trim()).map_err(|_| EndpointFault::NotAUrl)?;
        let host = url.host_str().ok_or(EndpointFault::NotAUrl)?.to_owned();
        let by_path = !host.contains('.') || is_ip(&host);
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            _ => return Err(EndpointFault::NotHttps),
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointFault::Extra);
        }
        let path = url.path().trim_matches('/').to_owned();
        let account = match (by_path, path.is_empty()) {
            (true, false) => path.split('/').next().unwrap_or_default().to_owned(),
            (false, true) => host.split('.').next().unwrap_or_default().to_owned(),
            _ => return Err(EndpointFault::NoAccount),
        };
        if account.is_empty() || path.contains('/') {
            return Err(EndpointFault::NoAccount);
        }
        url.set_path(&path);
        Ok(Self { url, account })
    }

    /// The address, without a slash at its end unless it has no path at all.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The storage account's name.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Whether a bearer token may be sent there.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

fn is_ip(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_names_its_account() {
        for (text, account, shown) in [
            (
                "https://logs1.blob.core.windows.net/",
                "logs1",
                "https://logs1.blob.core.windows.net",
            ),
            (
                " https://logs1.blob.core.windows.net",
                "logs1",
                "https://logs1.blob.core.windows.net",
            ),
            ("http://127.0.0.1:10000/dev", "dev", "http://127.0.0.1:10000/dev"),
            ("http://[::1]:10000/dev/", "dev", "http://[::1]:10000/dev"),
            ("https://localhost:1/dev", "dev", "https://localhost:1/dev"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.account(), endpoint.to_string().as_str()), (account, shown));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_the_reason() {
        for (text, fault) in [
            ("logs1", EndpointFault::NotAUrl),
            ("", EndpointFault::NotAUrl),
            ("http://logs1.blob.core.windows.net", EndpointFault::NotHttps),
            ("http://10.0.0.4/dev", EndpointFault::NotHttps),
            ("ftp://127.0.0.1/dev", EndpointFault::NotHttps),
            ("https://logs1.blob.core.windows.net?sig=x", EndpointFault::Extra),
            ("https://me:pw@logs1.blob.core.windows.net", EndpointFault::Extra),
            ("https://127.0.0.1:1", EndpointFault::NoAccount),
            ("https://logs1.blob.core.windows.net/container", EndpointFault::NoAccount),
            ("http://127.0.0.1/dev/container", EndpointFault::NoAccount),
        ] {
            assert_eq!(Endpoint::parse(text), Err(fault), "{text}");
        }
    }
}
