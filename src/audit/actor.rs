//! Who an actor is, from user name, groups and whether the call came from outside the control
//! plane. The lists are `detections.md` section 1: names that the platform itself uses.

use crate::model::finding::ActorKind;

/// User names of the managed control plane.
pub const PLATFORM: [&str; 9] = [
    "aksService",
    "hcpService",
    "acsService",
    "readinessChecker",
    "nodeclient",
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
];

/// Service accounts in `kube-system` of the controllers built into the controller manager.
pub const CONTROLLERS: [&str; 21] = [
    "attachdetach-controller",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "replicaset-controller",
    "resourcequota-controller",
    "service-account-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
];

/// What an unauthenticated caller is named, and the group it is in.
const ANONYMOUS: (&str, &str) = ("system:anonymous", "system:unauthenticated");

const NODE_PREFIX: &str = "system:node:";
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Judges an actor. `from_outside` says that an address which the platform did not add itself is
/// in the record: a platform name is believed only without one, because whoever steals such a
/// credential calls from somewhere else.
pub fn kind(username: &str, groups: &[&str], from_outside: bool) -> ActorKind {
    let in_group = |name| groups.contains(&name);
    if username == ANONYMOUS.0 || in_group(ANONYMOUS.1) {
        ActorKind::Anonymous
    } else if username.is_empty() {
        ActorKind::Unknown
    } else if !from_outside && is_platform(username) {
        ActorKind::Platform
    } else if node(username).is_some() && in_group("system:nodes") {
        ActorKind::Node
    } else if service_account(username).is_some() {
        ActorKind::ServiceAccount
    } else {
        ActorKind::Human
    }
}

/// Whether the platform uses this name.
pub fn is_platform(username: &str) -> bool {
    PLATFORM.contains(&username)
        || service_account(username).is_some_and(|(namespace, name)| {
            namespace == "kube-system" && CONTROLLERS.contains(&name)
        })
}

/// Namespace and name of a service account.
pub fn service_account(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}

/// The node's name in a node's user name.
pub fn node(username: &str) -> Option<&str> {
    username.strip_prefix(NODE_PREFIX).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(username: &str, groups: &[&str], from_outside: bool, expected: ActorKind) {
        assert_eq!(
            kind(username, groups, from_outside),
            expected,
            "{username} {groups:?} {from_outside}"
        );
    }

    #[test]
    fn names_and_groups_tell_the_kind() {
        use ActorKind::{Anonymous, Human, Node, ServiceAccount, Unknown};
        check("", &[], true, Unknown);
        check("system:anonymous", &["system:unauthenticated"], true, Anonymous);
        check("whoever", &["system:unauthenticated"], true, Anonymous);
        check("dev@contoso.example", &["system:authenticated"], true, Human);
        check("masterclient", &["system:masters"], false, Human);
        check("system:serviceaccount:shop:cart", &[], true, ServiceAccount);
        check("system:serviceaccount:shop", &[], true, Human);
        check("system:node:n1", &["system:nodes"], true, Node);
        check("system:node:n1", &["system:authenticated"], true, Human);
    }

    #[test]
    fn a_platform_name_is_believed_only_without_an_outside_address() {
        use ActorKind::{Human, Platform, ServiceAccount};
        let controller = "system:serviceaccount:kube-system:replicaset-controller";
        check("aksService", &["system:masters"], false, Platform);
        check("aksService", &["system:masters"], true, Human);
        check(controller, &[], false, Platform);
        check(controller, &[], true, ServiceAccount);
        check("system:serviceaccount:shop:replicaset-controller", &[], false, ServiceAccount);
        check("system:serviceaccount:kube-system:ama-logs", &[], false, ServiceAccount);
    }
}
