//! A day of requests, as the API server of a cluster of AKS would have logged them: who asks, what is
//! asked, and the event that comes of it under the audit policy.

use std::fmt::Write as _;

use midwatch::audit::policy::{self, AuditLevel, RequestShape};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// 2026-11-23, a Monday, at midnight UTC.
const FIRST_DAY: i64 = 1_795_392_000;
pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// SplitMix64: the same numbers from the same seed on every machine.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: i64) -> i64 {
        i64::try_from(self.next() >> 1).unwrap() % limit
    }

    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[usize::try_from(self.below(from.len() as i64)).unwrap()]
    }

    pub(super) fn uuid(&mut self) -> String {
        let text = format!("{:016x}{:016x}", self.next(), self.next());
        let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..]);
        format!("{a}-{b}-4{c}-a{d}-{e}")
    }
}

/// Who asks: name, groups, credential, address and client.
#[derive(Clone)]
pub(super) struct Actor {
    user: Value,
    source: String,
    agent: String,
}

const CONTROL_PLANE: &str = "172.31.12.8";

impl Actor {
    fn new(user: Value, source: &str, agent: &str) -> Self {
        Self { user, source: source.to_owned(), agent: agent.to_owned() }
    }

    /// The managed control plane: `aksService`, `hcpService`, `system:apiserver`.
    pub(super) fn platform(name: &str, agent: &str) -> Self {
        let user = json!({"username": name, "groups": ["system:masters", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [format!("X509SHA256={name}")]}});
        let source = if name == "system:apiserver" { "::1" } else { CONTROL_PLANE };
        Self::new(user, source, &format!("{agent}/v1.33.5 (linux/amd64) kubernetes/98b3519"))
    }

    /// A controller of the controller manager, with its own service account and no pod.
    pub(super) fn controller(name: &str) -> Self {
        let user = json!({"username": format!("system:serviceaccount:kube-system:{name}"),
            "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [format!("JTI={name}")]}});
        let agent = "kube-controller-manager/v1.33.5 (linux/amd64) kubernetes/98b3519/system:serviceaccount:kube-system";
        Self::new(user, CONTROL_PLANE, &format!("{agent}:{name}"))
    }

    pub(super) fn kubelet(node: usize) -> Self {
        let user = json!({"username": format!("system:node:{}", node_name(node)),
            "groups": ["system:nodes", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [format!("X509SHA256=node{node}")]}});
        Self::new(user, &address(node), "kubelet/v1.33.5 (linux/amd64) kubernetes/98b3519")
    }

    /// A node that has no certificate yet.
    pub(super) fn bootstrap(node: usize) -> Self {
        let user = json!({"username": "system:bootstrap:qk3d9x", "groups":
            ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", "system:authenticated"]});
        Self::new(user, &address(node), "kubelet/v1.33.5 (linux/amd64) kubernetes/98b3519")
    }

    /// A service account in one of its pods.
    pub(super) fn pod(namespace: &str, account: &str, pod: &str, node: usize, agent: &str) -> Self {
        let user = json!({"username": format!("system:serviceaccount:{namespace}:{account}"),
        "uid": format!("uid-{namespace}-{account}"),
        "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
        "extra": {
            "authentication.kubernetes.io/credential-id": [format!("JTI={namespace}-{pod}")],
            "authentication.kubernetes.io/node-name": [node_name(node)],
            "authentication.kubernetes.io/pod-name": [pod],
            "authentication.kubernetes.io/pod-uid": [format!("uid-{pod}")],
        }});
        Self::new(user, &address(node), agent)
    }

    pub(super) fn person(name: &str, group: &str, source: &str) -> Self {
        let user = json!({"username": name, "groups": [group, "system:authenticated"],
            "extra": {"oid": [format!("oid-{name}")]}});
        Self::new(user, source, "kubectl/v1.34.2 (darwin/arm64) kubernetes/8cc511e")
    }

    /// A workload identity of Entra: its user name is its object id.
    pub(super) fn application(oid: &str, source: &str, agent: &str) -> Self {
        let user =
            json!({"username": oid, "groups": ["system:authenticated"], "extra": {"oid": [oid]}});
        Self::new(user, source, agent)
    }

    pub(super) fn anonymous(source: &str, agent: &str) -> Self {
        let user = json!({"username": "system:anonymous", "groups": ["system:unauthenticated"]});
        Self::new(user, source, agent)
    }
}

pub(super) fn node_name(node: usize) -> String {
    format!("aks-nodepool1-31718369-vmss{node:06}")
}

fn address(node: usize) -> String {
    format!("10.224.0.{}", node + 4)
}

/// What is asked: `kind` is `group/resource` or `group/resource/subresource`, the group empty for the
/// core; of a request to no resource it is the path.
#[derive(Clone)]
pub(super) struct Call {
    verb: &'static str,
    kind: String,
    namespace: String,
    name: String,
    query: String,
    code: u16,
    sent: Value,
    got: Value,
}

impl Call {
    pub(super) fn new(verb: &'static str, kind: &str, namespace: &str, name: &str) -> Self {
        let code = if verb == "create" { 201 } else { 200 };
        let (kind, namespace, name) = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        let (query, sent, got) = (String::new(), Value::Null, Value::Null);
        Self { verb, kind, namespace, name, query, code, sent, got }
    }

    pub(super) fn code(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    pub(super) fn query(mut self, query: &str) -> Self {
        self.query = format!("?{query}");
        self
    }

    /// The object that is sent; the one that comes back is the same.
    pub(super) fn object(mut self, object: Value) -> Self {
        self.sent = object.clone();
        self.got = object;
        self
    }

    /// What a patch sends, and the whole object that comes back.
    pub(super) fn patch(mut self, sent: Value, whole: Value) -> Self {
        (self.sent, self.got) = (sent, whole);
        self
    }

    fn parts(&self) -> (&str, &str, &str) {
        let mut parts = self.kind.split('/');
        let group = parts.next().unwrap_or_default();
        (group, parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }

    fn uri(&self) -> String {
        if self.kind.starts_with("path:") {
            return self.kind.replacen("path:", "", 1);
        }
        let (group, resource, subresource) = self.parts();
        let mut uri = if group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{group}/{}", version(group))
        };
        if !self.namespace.is_empty() && resource != "namespaces" {
            let _ = write!(uri, "/namespaces/{}", self.namespace);
        }
        for part in [resource, &self.name, subresource] {
            // The name of what is created is in its body, unless a part of it is created.
            let unnamed = self.verb == "create" && subresource.is_empty() && part == self.name;
            if !part.is_empty() && !unnamed {
                let _ = write!(uri, "/{part}");
            }
        }
        uri + &self.query
    }
}

fn version(group: &str) -> &'static str {
    match group {
        "autoscaling" => "v2",
        "metrics.k8s.io" | "constraints.gatekeeper.sh" => "v1beta1",
        "argoproj.io" => "v1alpha1",
        _ => "v1",
    }
}

/// The events of some days.
pub(super) struct Days {
    pub random: Random,
    /// Second of the first moment of the day that is written.
    midnight: i64,
    events: Vec<(i64, Value)>,
}

impl Days {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random(seed), midnight: FIRST_DAY, events: Vec::new() }
    }

    pub(super) fn next_day(&mut self) {
        self.midnight += DAY;
    }

    pub(super) fn midnight(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.midnight).unwrap()
    }

    /// Moments of the day, so many seconds apart, each a little off.
    pub(super) fn every(&mut self, seconds: i64) -> Vec<i64> {
        let start = self.random.below(seconds);
        let spread = (seconds / 10).max(1);
        let mut moments = Vec::new();
        let mut at = start;
        while at < DAY - spread {
            moments.push(at + self.random.below(spread));
            at += seconds;
        }
        moments
    }

    /// A moment of working time.
    pub(super) fn working(&mut self) -> i64 {
        8 * HOUR + self.random.below(9 * HOUR)
    }

    /// The actor asks this, so many seconds after midnight. What the policy does not log is no event.
    pub(super) fn does(&mut self, at: i64, actor: &Actor, call: &Call) {
        let groups: Vec<&str> =
            actor.user["groups"].as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
        let plain = call.kind.starts_with("path:");
        let (group, resource, subresource) = if plain { ("", "", "") } else { call.parts() };
        let uri = call.uri();
        let level = policy::level(&RequestShape {
            user: actor.user["username"].as_str().unwrap(),
            groups: &groups,
            verb: call.verb,
            api_group: group,
            resource,
            subresource,
            namespace: &call.namespace,
            name: &call.name,
            path: &uri,
        });
        if level == AuditLevel::None {
            return;
        }
        let millisecond = (self.midnight + at) * 1000 + self.random.below(1000);
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millisecond) * 1_000_000)
            .unwrap()
            .format(&Rfc3339)
            .unwrap();
        let denied = call.code == 403 || call.code == 401;
        let mut event = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level.as_str(),
            "auditID": self.random.uuid(),
            "stage": if call.code == 101 { "ResponseStarted" } else { "ResponseComplete" },
            "requestURI": uri, "verb": call.verb, "user": actor.user, "sourceIPs": [actor.source],
            "userAgent": actor.agent,
            "responseStatus": {"metadata": {}, "code": call.code},
            "requestReceivedTimestamp": time, "stageTimestamp": time,
            "annotations": {"authorization.k8s.io/decision": if denied { "forbid" } else { "allow" },
                "authorization.k8s.io/reason": ""},
        });
        if !plain {
            event["objectRef"] = json!({"resource": resource, "apiVersion": if group.is_empty() { "v1" } else { version(group) }});
            for (field, value) in [
                ("apiGroup", group),
                ("subresource", subresource),
                ("namespace", &call.namespace),
                ("name", &call.name),
            ] {
                if !value.is_empty() {
                    event["objectRef"][field] = json!(value);
                }
            }
        }
        if call.kind == "/serviceaccounts/token" {
            event["annotations"]["authentication.kubernetes.io/issued-credential-id"] =
                json!(format!("JTI={}", self.random.uuid()));
        }
        if level >= AuditLevel::Request && !call.sent.is_null() {
            event["requestObject"] = call.sent.clone();
        }
        if level == AuditLevel::RequestResponse && !call.got.is_null() && call.code < 400 {
            event["responseObject"] = call.got.clone();
        }
        self.events.push((millisecond, event));
    }

    /// The lines of the log, in the order of time.
    pub(super) fn lines(mut self) -> Vec<Vec<u8>> {
        self.events.sort_by_key(|(at, _)| *at);
        self.events.iter().map(|(_, event)| serde_json::to_vec(event).unwrap()).collect()
    }
}
