//! Which program called: the product name in a user agent. Anybody can send any user agent, so
//! this describes, and must not excuse.

/// Longest family kept, in characters; real product names are shorter.
const FAMILY_MAX: usize = 64;

/// The product in lower case, without version, path or `.exe`: `kubectl/v1.36.4 (linux/amd64)` is
/// `kubectl`. `None` for an empty user agent.
pub fn family(user_agent: &str) -> Option<String> {
    let end = |c: char| c.is_whitespace() || c == '(' || c == ';';
    let token = user_agent.trim().split(end).next().unwrap_or_default();
    let mut parts = token.split('/').filter(|part| !part.is_empty());
    let is_path = token.starts_with('/') || token.starts_with('.');
    let product = if is_path { parts.rfind(|part| !is_version(part)) } else { parts.next() }?;
    let product = product.rsplit('\\').next().unwrap_or(product).to_lowercase();
    let product = product.strip_suffix(".exe").unwrap_or(&product);
    (!product.is_empty()).then(|| product.chars().take(FAMILY_MAX).collect())
}

fn is_version(part: &str) -> bool {
    let digits = part.strip_prefix('v').unwrap_or(part);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_what_stands_before_version_and_comment() {
        for (user_agent, expected) in [
            ("kubectl/v1.36.4 (linux/amd64) kubernetes/bb826b1", Some("kubectl")),
            ("kubectl.exe/v1.30.0 (windows/amd64)", Some("kubectl")),
            ("C:\\tools\\kubectl.exe/v1.30.0", Some("kubectl")),
            ("python-requests/2.32.3", Some("python-requests")),
            ("Go-http-client/2.0", Some("go-http-client")),
            ("Helm/3.15.1", Some("helm")),
            ("Mozilla/5.0 (X11)", Some("mozilla")),
            ("/usr/bin/recon/v1.2 (linux)", Some("recon")),
            ("./peirates", Some("peirates")),
            ("curl", Some("curl")),
            ("", None),
            (" / ", None),
        ] {
            assert_eq!(family(user_agent).as_deref(), expected, "{user_agent}");
        }
        assert_eq!(family(&"ä".repeat(500)).map(|f| f.chars().count()), Some(FAMILY_MAX));
    }
}
