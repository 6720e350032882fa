//! The rules of the policy in their order, and how one rule fits a request. Stated from the
//! published policy (`MicrosoftDocs/azure-aks-docs`, `articles/aks/monitor-aks.md`, January 2026);
//! what a rule says of stages is left out, since only the level matters here.

use super::AuditLevel::{self, Metadata, None, Request, RequestResponse};
use super::RequestShape;

/// One rule: an empty list is no condition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) level: AuditLevel,
    pub(super) users: &'static [&'static str],
    pub(super) groups: &'static [&'static str],
    pub(super) verbs: &'static [&'static str],
    pub(super) namespaces: &'static [&'static str],
    pub(super) resources: &'static [Resources],
    /// Paths of non-resource requests; a star at the end stands for any rest.
    pub(super) paths: &'static [&'static str],
}

/// Resources of one API group; an empty list is all of them, subresources included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resources {
    pub(super) group: &'static str,
    /// `resource` or `resource/subresource`.
    pub(super) resources: &'static [&'static str],
    pub(super) names: &'static [&'static str],
}

impl Rule {
    const fn new(level: AuditLevel) -> Self {
        Self {
            level,
            users: &[],
            groups: &[],
            verbs: &[],
            namespaces: &[],
            resources: &[],
            paths: &[],
        }
    }

    /// Whether every condition of the rule holds, as the API server judges it.
    pub(super) fn fits(&self, request: &RequestShape<'_>) -> bool {
        let allows = |list: &[&str], value: &str| list.is_empty() || list.contains(&value);
        let about_resources = !self.namespaces.is_empty() || !self.resources.is_empty();
        let kind_fits = if about_resources {
            !request.resource.is_empty()
                && allows(self.namespaces, request.namespace)
                && (self.resources.is_empty()
                    || self.resources.iter().any(|set| set.holds(request)))
        } else if self.paths.is_empty() {
            true
        } else {
            request.resource.is_empty() && self.paths.iter().any(|path| covers(path, request.path))
        };
        kind_fits
            && allows(self.users, request.user)
            && (self.groups.is_empty() || request.groups.iter().any(|g| self.groups.contains(g)))
            && allows(self.verbs, request.verb)
    }
}

impl Resources {
    fn holds(&self, request: &RequestShape<'_>) -> bool {
        self.group == request.api_group
            && (self.resources.is_empty()
                || (self.names.is_empty() || self.names.contains(&request.name))
                    && self.resources.iter().any(|entry| {
                        let (resource, sub) = entry.split_once('/').unwrap_or((entry, ""));
                        resource == request.resource && sub == request.subresource
                    }))
    }
}

fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        Option::None => path == pattern,
    }
}

const fn of(group: &'static str, resources: &'static [&'static str]) -> Resources {
    Resources { group, resources, names: &[] }
}

const fn all_of(group: &'static str) -> Resources {
    of(group, &[])
}

const CHANGES: &[&str] = &["update", "patch"];
const WRITES: &[&str] = &["create", "update", "patch", "delete"];

/// The API groups whose writes have both bodies.
const BODY_GROUPS: &[Resources] = &[
    all_of(""),
    all_of("admissionregistration.k8s.io"),
    all_of("apiextensions.k8s.io"),
    all_of("apiregistration.k8s.io"),
    all_of("apps"),
    all_of("authentication.k8s.io"),
    all_of("authorization.k8s.io"),
    all_of("autoscaling"),
    all_of("batch"),
    all_of("certificates.k8s.io"),
    all_of("extensions"),
    all_of("metrics.k8s.io"),
    all_of("networking.k8s.io"),
    all_of("policy"),
    all_of("rbac.authorization.k8s.io"),
    all_of("scheduling.k8s.io"),
    all_of("settings.k8s.io"),
    all_of("storage.k8s.io"),
];

const EVENTS: &[Resources] = &[of("", &["events"]), of("events.k8s.io", &["events"])];
const NODES: &[Resources] = &[of("", &["nodes", "nodes/status"])];
const STATUSES: &[Resources] = &[of("", &["nodes/status", "pods/status"])];
const CRDS: &[&str] = &["customresourcedefinitions"];

/// The policy; the first rule that fits decides, and the last fits everything.
pub(super) const RULES: &[Rule] = &[
    // Chatter of the platform that is not written down.
    Rule { users: &["aksService"], verbs: &["get", "list"], ..Rule::new(None) },
    Rule {
        users: &["system:kube-proxy"],
        verbs: &["watch"],
        resources: &[of("", &["endpoints", "services", "services/status"])],
        ..Rule::new(None)
    },
    Rule { users: &["kubelet"], verbs: &["get"], resources: NODES, ..Rule::new(None) },
    Rule { groups: &["system:nodes"], verbs: &["get"], resources: NODES, ..Rule::new(None) },
    Rule {
        users: &["aksService", "system:serviceaccount:kube-system:endpoint-controller"],
        verbs: &["get", "update"],
        namespaces: &["kube-system"],
        resources: &[of("", &["endpoints"])],
        ..Rule::new(None)
    },
    Rule {
        users: &["system:apiserver"],
        verbs: &["get"],
        resources: &[of("", &["namespaces", "namespaces/status", "namespaces/finalize"])],
        ..Rule::new(None)
    },
    Rule { paths: &["/healthz*", "/version", "/swagger*"], ..Rule::new(None) },
    // Kubernetes events.
    Rule {
        verbs: &["create", "update", "patch"],
        namespaces: &["default", "kube-system"],
        resources: EVENTS,
        ..Rule::new(Metadata)
    },
    Rule { verbs: &["delete", "list"], resources: EVENTS, ..Rule::new(Metadata) },
    Rule { resources: EVENTS, ..Rule::new(None) },
    // Large and frequent writes of nodes and controllers.
    Rule {
        users: &[
            "client",
            "kubelet",
            "system:node-problem-detector",
            "system:serviceaccount:kube-system:node-problem-detector",
            "system:serviceaccount:kube-system:aci-connector-linux",
        ],
        verbs: CHANGES,
        resources: STATUSES,
        ..Rule::new(Request)
    },
    Rule { groups: &["system:nodes"], verbs: CHANGES, resources: STATUSES, ..Rule::new(Request) },
    Rule {
        users: &["system:serviceaccount:kube-system:namespace-controller"],
        verbs: &["deletecollection"],
        ..Rule::new(Request)
    },
    Rule {
        verbs: CHANGES,
        resources: &[Resources {
            group: "apiextensions.k8s.io",
            resources: CRDS,
            names: &[
                "volumesnapshotcontents.snapshot.storage.k8s.io",
                "volumesnapshots.snapshot.storage.k8s.io",
            ],
        }],
        ..Rule::new(Request)
    },
    Rule {
        resources: &[Resources {
            group: "apiextensions.k8s.io",
            resources: CRDS,
            names: &["installations.operator.tigera.io"],
        }],
        ..Rule::new(Metadata)
    },
    // What may hold secrets, with the one exception that matters for cluster DNS.
    Rule {
        verbs: CHANGES,
        namespaces: &["kube-system"],
        resources: &[Resources {
            group: "",
            resources: &["configmaps"],
            names: &["coredns-custom"],
        }],
        ..Rule::new(RequestResponse)
    },
    Rule {
        resources: &[
            of("", &["secrets", "configmaps", "serviceaccounts", "serviceaccounts/token"]),
            of("authentication.k8s.io", &["tokenreviews"]),
        ],
        ..Rule::new(Metadata)
    },
    // Custom resources of the platform.
    Rule {
        verbs: WRITES,
        resources: &[of(
            "autoscaling.k8s.io",
            &["verticalpodautoscalers", "verticalpodautoscalercheckpoints"],
        )],
        ..Rule::new(Request)
    },
    Rule {
        verbs: &["create", "delete"],
        resources: &[
            of("cluster.kubernetes-fleet.io", &["memberclusters", "internalmemberclusters"]),
            of("placement.kubernetes-fleet.io", &["works"]),
            of("networking.fleet.azure.com", &["internalserviceexports", "internalserviceimports"]),
        ],
        ..Rule::new(RequestResponse)
    },
    Rule {
        verbs: WRITES,
        resources: &[
            of(
                "placement.kubernetes-fleet.io",
                &[
                    "clusterstagedupdateruns",
                    "clusterresourceplacements",
                    "clusterresourceplacementevictions",
                    "clusterresourceplacementdisruptionbudgets",
                    "clusterstagedupdatestrategies",
                    "clusterapprovalrequests",
                    "clusterresourceoverrides",
                    "resourceoverrides",
                ],
            ),
            of(
                "networking.fleet.azure.com",
                &[
                    "serviceexports",
                    "multiclusterservices",
                    "trafficmanagerprofiles",
                    "trafficmanagerbackends",
                ],
            ),
        ],
        ..Rule::new(RequestResponse)
    },
    Rule {
        verbs: WRITES,
        resources: &[
            of("karpenter.azure.com", &["aksnodeclasses", "aksnodeclasses/status"]),
            of(
                "karpenter.sh",
                &["nodepools", "nodepools/status", "nodeclaims", "nodeclaims/status"],
            ),
        ],
        ..Rule::new(RequestResponse)
    },
    // The built-in groups: reads without, writes with bodies. The rest: metadata.
    Rule { verbs: &["get", "list", "watch"], resources: BODY_GROUPS, ..Rule::new(Request) },
    Rule { resources: BODY_GROUPS, ..Rule::new(RequestResponse) },
    Rule::new(Metadata),
];
