//! What was run in a container: the parameters of `pods/exec` and `pods/attach`. They stand in the
//! request URI, because the body of such a request is a stream that no audit log holds.

use super::request::RequestUri;

/// The parameters of an exec or attach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exec {
    /// The command, argument by argument; empty for an attach.
    pub argv: Vec<String>,
    /// The container, when the client named one.
    pub container: Option<String>,
    pub stdin: bool,
    pub tty: bool,
}

impl Exec {
    /// Reads the parameters; `None` when the URI is no exec or attach of a pod.
    pub fn of(uri: &RequestUri) -> Option<Self> {
        is_exec(&uri.path).then(|| Self {
            argv: uri.values("command").map(str::to_owned).collect(),
            container: uri.values("container").next().filter(|c| !c.is_empty()).map(str::to_owned),
            stdin: uri.flag("stdin"),
            tty: uri.flag("tty"),
        })
    }

    /// The command as one text, arguments joined by blanks; `None` without a command.
    pub fn command(&self) -> Option<String> {
        (!self.argv.is_empty()).then(|| self.argv.join(" "))
    }
}

/// `/api/v1/namespaces/{namespace}/pods/{name}/exec` or `/attach`. The path decides, and not
/// `objectRef`: the two always agree, and the path is there in a record cut between them.
fn is_exec(path: &str) -> bool {
    let mut parts = path.trim_matches('/').split('/');
    let head = [(); 3].map(|()| parts.next());
    let (_namespace, pods, _name, action) =
        (parts.next(), parts.next(), parts.next(), parts.next());
    head == [Some("api"), Some("v1"), Some("namespaces")]
        && pods == Some("pods")
        && matches!(action, Some("exec" | "attach"))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(uri: &str) -> Option<Exec> {
        Exec::of(&RequestUri::parse(uri))
    }

    #[test]
    fn the_parameters_of_an_exec_are_read() {
        let uri = "/api/v1/namespaces/shop/pods/web-1/exec?command=cat&command=%2Fetc%2Fpasswd&container=app&stdin=true&stdout=true&tty=false";
        let exec = exec(uri).unwrap();
        assert_eq!(exec.command().as_deref(), Some("cat /etc/passwd"));
        assert_eq!(exec.container.as_deref(), Some("app"));
        assert!(exec.stdin && !exec.tty);
    }

    #[test]
    fn an_attach_has_no_command() {
        let exec = exec("/api/v1/namespaces/shop/pods/web-1/attach?stdin=1").unwrap();
        assert_eq!((exec.command(), exec.stdin), (None, true));
    }

    #[test]
    fn other_requests_are_no_exec() {
        for uri in [
            "/api/v1/namespaces/shop/pods/exec",
            "/api/v1/namespaces/shop/services/web/exec",
            "/api/v1/namespaces/shop/pods/web/log?command=sh",
            "/api/v1/namespaces/shop/pods/web/proxy/exec",
            "/apis/x/v1/namespaces/shop/pods/web/exec",
            "",
        ] {
            assert_eq!(exec(uri), None, "{uri}");
        }
    }
}
