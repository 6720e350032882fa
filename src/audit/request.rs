//! What a `requestURI` asks for: path, query parameters, and whether it is a rehearsal.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Query parameters looked at; an exec with more arguments than this is unheard of.
const PARAMETERS_MAX: usize = 4096;

/// A request URI, decoded once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestUri {
    /// Percent-decoded path, without the query.
    pub path: String,
    /// Decoded query parameters in order, names may repeat.
    pub query: Vec<(String, String)>,
}

impl RequestUri {
    /// Takes a URI apart. Invalid UTF-8 becomes U+FFFD; nothing is refused.
    pub fn parse(uri: &str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX);
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decode(name), form_decode(value))
        });
        Self { path, query: query.collect() }
    }

    /// Every value of a parameter, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A boolean parameter as the API server reads it: absent, `false` and `0` are false, anything
    /// else, even nothing, is true.
    pub fn flag(&self, name: &str) -> bool {
        let first = self.values(name).next();
        first.is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }
}

/// In a query a plus sign is a blank.
fn form_decode(text: &str) -> String {
    let text = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { text.into() };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Whether `dryRun` has an effect on a request at all. Reads and the connecting subresources
/// ignore it, and so does a token request: a caller who adds it there must not look harmless.
pub fn heeds_dry_run(verb: &str, subresource: &str) -> bool {
    matches!(verb, "create" | "update" | "patch" | "delete" | "deletecollection")
        && !matches!(subresource, "exec" | "attach" | "portforward" | "proxy" | "token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_decoded_each_by_its_own_rules() {
        let uri =
            RequestUri::parse("/api/v1/x%20y+z/exec?command=sh&command=-c&command=a+%26b&tty");
        assert_eq!(uri.path, "/api/v1/x y+z/exec");
        assert_eq!(uri.values("command").collect::<Vec<_>>(), ["sh", "-c", "a &b"]);
        assert!(uri.flag("tty"));
    }

    #[test]
    fn hostile_uris_are_taken_as_they_come() {
        for uri in ["", "?", "??&&=&=a", "%", "%f", "%ff%fe?%c3=%28", "/a?b=%00"] {
            let _ = RequestUri::parse(uri);
        }
        assert_eq!(RequestUri::parse("/a?x=%ff").values("x").next(), Some("\u{fffd}"));
    }

    #[test]
    fn flags_are_read_as_the_api_server_reads_them() {
        let uri = RequestUri::parse("/?a=true&b=false&c=0&d=&e=FALSE&f=1&f=0");
        let flags: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(|name| uri.flag(name)).into();
        assert_eq!(flags, [true, false, false, true, false, true, false]);
    }

    #[test]
    fn dry_run_counts_only_where_the_server_heeds_it() {
        assert!(heeds_dry_run("create", "") && heeds_dry_run("patch", "status"));
        assert!(!heeds_dry_run("get", "") && !heeds_dry_run("create", "exec"));
        assert!(!heeds_dry_run("create", "token") && !heeds_dry_run("list", ""));
    }
}
