//! A blob's address (`https://<account>.blob.core.windows.net/<container>/<name>`, or an
//! emulator's `http://127.0.0.1:10000/<account>/<container>/<name>`) as its parts. It only takes
//! apart; nothing is ever fetched from an address that came in a payload.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use crate::model::checkpoint::BlobRef;

/// Bytes of an address, at most: a blob's name has up to 1,024 characters, each of which may be
/// spelled with up to twelve.
const ADDRESS_MAX: usize = 16 * 1024;
/// Characters of a blob's name, at most (Azure Storage).
const NAME_MAX: usize = 1024;

/// The parts, percent-decoded; `None` when it is no such address.
pub fn parse(address: &str) -> Option<BlobRef> {
    if address.len() > ADDRESS_MAX {
        return None;
    }
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.get(..end)?.split_once('/')?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    if host.is_empty() || host.contains('@') {
        return None;
    }
    let (account, path) = if host == "localhost" || host.parse::<IpAddr>().is_ok() {
        path.split_once('/')?
    } else {
        (host.split('.').next()?, path)
    };
    let (container, name) = path.split_once('/')?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    let sound = is_label(account) && is_label(container) && is_name(&name);
    sound.then(|| BlobRef {
        account: account.to_ascii_lowercase(),
        container: container.to_owned(),
        name: name.into_owned(),
    })
}

/// Letters, digits and hyphens: what account and container names consist of.
fn is_label(text: &str) -> bool {
    (3..=63).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// A name that can be a log blob's: no control character, no way out of its folder.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= NAME_MAX
        && !name.chars().any(char::is_control)
        && !name.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<(&str, &str, &str)>) {
        let found = parse(address);
        let found = found.as_ref().map(|b| (&*b.account, &*b.container, &*b.name));
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn an_address_in_the_cloud_and_one_of_an_emulator_are_taken_apart() {
        check(
            "https://Acct.blob.core.windows.net/insights-logs-kube-audit/resourceId%3D/A%20B/PT1H.json?sv=1",
            Some(("acct", "insights-logs-kube-audit", "resourceId=/A B/PT1H.json")),
        );
        check(
            "http://127.0.0.1:10000/devstoreaccount1/logs/a/b.json",
            Some(("devstoreaccount1", "logs", "a/b.json")),
        );
    }

    #[test]
    fn what_is_no_blob_address_is_refused() {
        for address in [
            "",
            "file:///etc/passwd",
            "https://acct.blob.core.windows.net/",
            "https://acct.blob.core.windows.net/logs",
            "https://acct.blob.core.windows.net/logs/",
            "https://user@acct.blob.core.windows.net/logs/n",
            "https://acct.blob.core.windows.net/logs/a/%2E%2E/b",
            "https://acct.blob.core.windows.net/logs/a%0Ab",
            "https://acct.blob.core.windows.net/logs/%ff",
            "https://acct.blob.core.windows.net/lo gs/n",
        ] {
            check(address, None);
        }
        check(&format!("https://acct.blob.core.windows.net/logs/{}", "n".repeat(1025)), None);
    }
}
