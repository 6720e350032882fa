//! What a cluster of AKS does when nobody touches it: control plane, controllers, nodes, add-ons.

use serde_json::json;

use super::day::{Actor, Call, Days, HOUR, MINUTE, node_name};
use super::objects::{self, APPLICATIONS};

const NODES: usize = 4;

pub(super) fn write(days: &mut Days) {
    leases(days);
    control_plane(days);
    controllers(days);
    lives_of_pods(days);
    kubelets(days);
    new_node(days);
    addons(days);
    agents(days);
    probes(days);
}

/// Leases are renewed every few seconds; these are some of them, since no rule looks at them.
fn leases(days: &mut Days) {
    for (user, client) in [
        ("aksService", "kube-controller-manager"),
        ("aksService", "kube-scheduler"),
        ("hcpService", "cloud-controller-manager"),
        ("hcpService", "cluster-autoscaler"),
        ("system:apiserver", "kube-apiserver"),
    ] {
        let actor = Actor::platform(user, client);
        let lease = Call::new("update", "coordination.k8s.io/leases", "kube-system", client);
        for at in days.every(15 * MINUTE) {
            days.does(at, &actor, &lease);
        }
    }
}

fn control_plane(days: &mut Days) {
    let manager = Actor::platform("aksService", "kube-controller-manager");
    let addon = Actor::platform("aksService", "kubectl");
    let autoscaler = Actor::platform("hcpService", "cluster-autoscaler");
    let provisioner = Actor::platform("aksService", "csi-provisioner");
    let cloud = Actor::platform("hcpService", "cloud-controller-manager");
    for at in days.every(HOUR) {
        for kind in ["/secrets", "/configmaps", "apps/deployments", "/serviceaccounts", "/pods"] {
            days.does(at, &manager, &Call::new("watch", kind, "", "").query("watch=true"));
        }
        days.does(at + 5, &autoscaler, &Call::new("list", "/nodes", "", ""));
        days.does(at + 6, &autoscaler, &Call::new("list", "/pods", "", ""));
        let status = "cluster-autoscaler-status";
        days.does(at + 7, &autoscaler, &Call::new("update", "/configmaps", "kube-system", status));
        let custom = Call::new("create", "/configmaps", "kube-system", "coredns-custom").code(409);
        days.does(at + 9, &addon, &custom);
    }
    for at in days.every(3 * HOUR) {
        for name in ["coredns", "metrics-server", "konnectivity-agent"] {
            let whole = objects::deployment("kube-system", name, 1);
            let call = Call::new("patch", "apps/deployments", "kube-system", name);
            days.does(
                at,
                &addon,
                &call.patch(json!({"metadata": {"labels": {"k8s-app": name}}}), whole),
            );
        }
        let agent = objects::deployment("kube-system", "ama-logs", 1);
        let call = Call::new("patch", "apps/daemonsets", "kube-system", "ama-logs");
        days.does(
            at + 2,
            &addon,
            &call.patch(json!({"metadata": {"labels": {"tier": "node"}}}), agent),
        );
        let role = objects::role("", "system:coredns-autoscaler");
        let call = Call::new(
            "update",
            "rbac.authorization.k8s.io/clusterroles",
            "",
            "system:coredns-autoscaler",
        );
        days.does(at + 3, &addon, &call.object(role));
        let hook = objects::webhook("aks-node-validating-webhook", "kube-system", "aks-webhook");
        let kind = "admissionregistration.k8s.io/validatingwebhookconfigurations";
        days.does(
            at + 4,
            &addon,
            &Call::new("update", kind, "", "aks-node-validating-webhook").object(hook),
        );
    }
    for at in days.every(8 * HOUR) {
        let claim = json!({"kind": "PersistentVolume", "metadata": {"name": "pvc-1"},
            "spec": {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "/subscriptions/x/disks/pvc-1"}}});
        days.does(
            at,
            &provisioner,
            &Call::new("create", "/persistentvolumes", "", "pvc-1").object(claim),
        );
        let service = objects::service("ingress-nginx", "ingress-nginx-controller");
        let call =
            Call::new("patch", "/services/status", "ingress-nginx", "ingress-nginx-controller");
        let sent = json!({"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.200"}]}}});
        days.does(at + 3, &cloud, &call.patch(sent, service));
    }
}

/// One kind of request that each controller makes all day, and now and then a conflict.
const CONTROLLERS: [(&str, &str, &str, &str); 22] = [
    ("attachdetach-controller", "update", "/nodes/status", "node"),
    ("certificate-controller", "watch", "certificates.k8s.io/certificatesigningrequests", ""),
    ("cronjob-controller", "update", "batch/cronjobs/status", "rollup"),
    ("daemon-set-controller", "update", "apps/daemonsets/status", "node-exporter"),
    ("deployment-controller", "update", "apps/deployments/status", "cart-api"),
    ("disruption-controller", "update", "policy/poddisruptionbudgets/status", "cart-api"),
    ("endpoint-controller", "update", "/endpoints", "cart-api"),
    ("endpointslice-controller", "update", "discovery.k8s.io/endpointslices", "cart-api-x7k2p"),
    ("endpointslicemirroring-controller", "create", "discovery.k8s.io/endpointslices", "ext-1"),
    ("expand-controller", "update", "/persistentvolumeclaims/status", "data-0"),
    ("generic-garbage-collector", "get", "/pods", "cart-api-1"),
    (
        "horizontal-pod-autoscaler",
        "update",
        "autoscaling/horizontalpodautoscalers/status",
        "cart-api",
    ),
    ("namespace-controller", "watch", "/namespaces", ""),
    ("node-controller", "patch", "/nodes/status", "node"),
    ("persistent-volume-binder", "update", "/persistentvolumeclaims", "data-0"),
    ("pod-garbage-collector", "list", "/nodes", ""),
    ("replicaset-controller", "update", "apps/replicasets/status", "cart-api-5d9"),
    ("resourcequota-controller", "update", "/resourcequotas/status", "team"),
    ("root-ca-cert-publisher", "update", "/configmaps", "kube-root-ca.crt"),
    ("service-account-controller", "list", "/serviceaccounts", ""),
    ("statefulset-controller", "update", "apps/statefulsets/status", "redis-cart"),
    ("ttl-after-finished-controller", "delete", "batch/jobs", "rollup-1"),
];

fn controllers(days: &mut Days) {
    for (account, verb, kind, name) in CONTROLLERS {
        let actor = Actor::controller(account);
        for (count, at) in days.every(20 * MINUTE).into_iter().enumerate() {
            let clusterwide = kind.starts_with("/nodes") || matches!(verb, "list" | "watch");
            let namespace = if clusterwide { "" } else { "shop" };
            let name = if name == "node" { node_name(count % NODES) } else { name.to_owned() };
            let mut call = Call::new(verb, kind, namespace, &name);
            call = match (verb, count % 7) {
                ("update", 6) => call.code(409),
                ("get" | "delete", 5) => call.code(404),
                _ => call,
            };
            days.does(at, &actor, &call);
        }
    }
    for account in ["generic-garbage-collector", "resourcequota-controller", "namespace-controller"]
    {
        for at in days.every(2 * HOUR) {
            for path in ["/api", "/apis", "/apis/apps/v1", "/apis/batch/v1", "/openapi/v3"] {
                let call = Call::new("get", &format!("path:{path}"), "", "");
                days.does(at, &Actor::controller(account), &call);
            }
        }
    }
}

/// CronJobs fire; deployments are scaled with the load.
fn lives_of_pods(days: &mut Days) {
    let scheduler = Actor::platform("aksService", "kube-scheduler");
    let [cron, jobs, sets, scaler] = [
        "cronjob-controller",
        "job-controller",
        "replicaset-controller",
        "horizontal-pod-autoscaler",
    ]
    .map(Actor::controller);
    for (count, at) in days.every(30 * MINUTE).into_iter().enumerate() {
        let name = format!("rollup-{count}");
        let pod = format!("{name}-hkhl7");
        days.does(
            at,
            &cron,
            &Call::new("create", "batch/jobs", "batch", &name)
                .object(objects::job("batch", &name, 3)),
        );
        let object = objects::pod("batch", "rollup", &pod, 3);
        days.does(at + 1, &jobs, &Call::new("create", "/pods", "batch", &pod).object(object));
        starts(days, at + 2, &scheduler, "batch", &pod, count % NODES);
        days.does(at + 50, &jobs, &Call::new("update", "batch/jobs/status", "batch", &name));
        if count > 3 {
            let old = format!("rollup-{}", count - 3);
            days.does(at + 52, &cron, &Call::new("delete", "batch/jobs", "batch", &old));
            let collector = Actor::controller("generic-garbage-collector");
            days.does(
                at + 53,
                &collector,
                &Call::new("delete", "/pods", "batch", &format!("{old}-hkhl7")),
            );
        }
    }
    for (count, at) in days.every(40 * MINUTE).into_iter().enumerate() {
        let (namespace, name) = APPLICATIONS[count % 4];
        let pod = format!("{name}-5d9c7f8b6-{count:05}");
        let scale = json!({"kind": "Scale", "spec": {"replicas": 3}});
        days.does(at, &scaler, &Call::new("list", "metrics.k8s.io/pods", namespace, ""));
        days.does(
            at + 1,
            &scaler,
            &Call::new("update", "apps/deployments/scale", namespace, name).object(scale),
        );
        let object = objects::pod(namespace, name, &pod, 4);
        days.does(at + 2, &sets, &Call::new("create", "/pods", namespace, &pod).object(object));
        starts(days, at + 3, &scheduler, namespace, &pod, count % NODES);
        days.does(at + 20 * MINUTE, &sets, &Call::new("delete", "/pods", namespace, &pod));
    }
}

fn starts(days: &mut Days, at: i64, scheduler: &Actor, namespace: &str, pod: &str, node: usize) {
    let kubelet = Actor::kubelet(node);
    let target = json!({"kind": "Binding", "target": {"kind": "Node", "name": node_name(node)}});
    days.does(at, scheduler, &Call::new("create", "/pods/binding", namespace, pod).object(target));
    days.does(
        at + 1,
        &kubelet,
        &Call::new("create", "/serviceaccounts/token", namespace, "default"),
    );
    let field = "fieldSelector=metadata.name%3Dkube-root-ca.crt";
    days.does(
        at + 1,
        &kubelet,
        &Call::new("list", "/configmaps", namespace, "kube-root-ca.crt").query(field),
    );
    let status = json!({"status": {"phase": "Running"}});
    days.does(at + 4, &kubelet, &Call::new("patch", "/pods/status", namespace, pod).object(status));
}

fn kubelets(days: &mut Days) {
    for node in 0..NODES {
        let kubelet = Actor::kubelet(node);
        let name = node_name(node);
        for (count, at) in days.every(15 * MINUTE).into_iter().enumerate() {
            let (namespace, account) = APPLICATIONS[count % APPLICATIONS.len()];
            days.does(
                at,
                &kubelet,
                &Call::new("update", "coordination.k8s.io/leases", "kube-node-lease", &name),
            );
            let status = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
            days.does(
                at + 1,
                &kubelet,
                &Call::new("patch", "/nodes/status", "", &name).object(status),
            );
            days.does(
                at + 2,
                &kubelet,
                &Call::new("create", "/serviceaccounts/token", namespace, account),
            );
            let secret = format!("{account}-tls");
            let field = format!("fieldSelector=metadata.name%3D{secret}");
            days.does(
                at + 3,
                &kubelet,
                &Call::new("list", "/secrets", namespace, &secret).query(&field),
            );
            days.does(
                at + 4,
                &kubelet,
                &Call::new("create", "authentication.k8s.io/tokenreviews", "", ""),
            );
            days.does(
                at + 4,
                &kubelet,
                &Call::new("create", "authorization.k8s.io/subjectaccessreviews", "", ""),
            );
            if count % 12 == 5 {
                days.does(
                    at + 9,
                    &kubelet,
                    &Call::new("delete", "/pods", "batch", "rollup-gone").code(404),
                );
                days.does(
                    at + 9,
                    &kubelet,
                    &Call::new("get", "/pods", "batch", "rollup-gone").code(404),
                );
            }
        }
    }
}

/// The autoscaler adds a node in the morning and takes it away in the evening.
fn new_node(days: &mut Days) {
    let (at, node) = (8 * HOUR + days.random.below(HOUR), NODES);
    let name = node_name(node);
    let csr = json!({"kind": "CertificateSigningRequest", "metadata": {"name": "csr-7xk2p"},
        "spec": {"signerName": "kubernetes.io/kube-apiserver-client-kubelet", "username": "system:bootstrap:qk3d9x",
            "groups": ["system:bootstrappers", "system:authenticated"],
            "usages": ["digital signature", "client auth"], "request": "LS0t"}});
    let kind = "certificates.k8s.io/certificatesigningrequests";
    days.does(
        at,
        &Actor::bootstrap(node),
        &Call::new("create", kind, "", "csr-7xk2p").object(csr.clone()),
    );
    let approver = Actor::controller("certificate-controller");
    let approval = format!("{kind}/approval");
    days.does(
        at + 1,
        &approver,
        &Call::new("update", &approval, "", "csr-7xk2p").object(csr.clone()),
    );
    days.does(
        at + 2,
        &approver,
        &Call::new("update", &format!("{kind}/status"), "", "csr-7xk2p").object(csr),
    );
    let kubelet = Actor::kubelet(node);
    days.does(
        at + 4,
        &kubelet,
        &Call::new("create", "/nodes", "", &name).object(objects::node(&name)),
    );
    days.does(at + 6, &kubelet, &Call::new("create", "storage.k8s.io/csinodes", "", &name));
    let evening = 18 * HOUR;
    let autoscaler = Actor::platform("hcpService", "cluster-autoscaler");
    let taint = json!({"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}});
    days.does(evening, &autoscaler, &Call::new("update", "/nodes", "", &name).object(taint));
    days.does(
        evening + 20,
        &autoscaler,
        &Call::new("create", "/pods/eviction", "shop", "cart-api-1"),
    );
    days.does(
        evening + 300,
        &Actor::platform("hcpService", "cloud-controller-manager"),
        &Call::new("delete", "/nodes", "", &name),
    );
}

fn addons(days: &mut Days) {
    let system =
        |account: &str, pod: &str, agent: &str| Actor::pod("kube-system", account, pod, 1, agent);
    let proportional = system(
        "coredns-autoscaler",
        "coredns-autoscaler-6b8-x2",
        "cluster-proportional-autoscaler/v1.9.0",
    );
    let konnectivity = system(
        "konnectivity-agent",
        "konnectivity-agent-7c9-p4",
        "proxy-agent/v0.0.0 (linux/amd64)",
    );
    let policy = system("azure-policy", "azure-policy-66d-k2", "azurepolicyaddon/v1.10.0");
    let gatekeeper = Actor::pod(
        "gatekeeper-system",
        "gatekeeper-admin",
        "gatekeeper-audit-5f8-v9",
        2,
        "gatekeeper/v3.19.1",
    );
    let metrics =
        system("metrics-server", "metrics-server-7d4-j8", "metrics-server/v0.8.0 (linux/amd64)");
    let updater = system("vpa-updater", "vpa-updater-5c7-d3", "vpa-updater/v1.3.0 (linux/amd64)");
    let nodes = system(
        "cloud-node-manager",
        "cloud-node-manager-lx2",
        "cloud-node-manager/v1.33.3 (linux/amd64)",
    );
    for at in days.every(15 * MINUTE) {
        days.does(
            at,
            &proportional,
            &Call::new("get", "apps/deployments/scale", "kube-system", "coredns"),
        );
        days.does(
            at,
            &konnectivity,
            &Call::new("list", "coordination.k8s.io/leases", "kube-system", ""),
        );
        days.does(
            at + 1,
            &policy,
            &Call::new("list", "constraints.gatekeeper.sh/k8sazurev2noprivilege", "", ""),
        );
        days.does(
            at + 1,
            &policy,
            &Call::new(
                "update",
                "constraints.gatekeeper.sh/k8sazurev2noprivilege",
                "",
                "azurepolicy-1",
            ),
        );
        for kind in ["/pods", "/namespaces", "apps/deployments", "/services"] {
            days.does(at + 2, &gatekeeper, &Call::new("list", kind, "", "").query("limit=500"));
        }
        days.does(
            at + 3,
            &gatekeeper,
            &Call::new(
                "patch",
                "constraints.gatekeeper.sh/k8sazurev2noprivilege/status",
                "",
                "azurepolicy-1",
            ),
        );
        days.does(at + 4, &metrics, &Call::new("list", "/nodes", "", ""));
        days.does(
            at + 5,
            &updater,
            &Call::new("list", "autoscaling.k8s.io/verticalpodautoscalers", "", ""),
        );
    }
    for at in days.every(6 * HOUR) {
        days.does(
            at,
            &updater,
            &Call::new("create", "/pods/eviction", "payments", "ledger-worker-1"),
        );
        let labels =
            json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "westeurope-1"}}});
        let node = objects::node(&node_name(1));
        days.does(
            at + 1,
            &nodes,
            &Call::new("patch", "/nodes", "", &node_name(1)).patch(labels, node),
        );
        let secret =
            Call::new("update", "/secrets", "gatekeeper-system", "gatekeeper-webhook-server-cert");
        days.does(at + 2, &gatekeeper, &secret);
        let hook = objects::webhook(
            "gatekeeper-validating-webhook-configuration",
            "gatekeeper-system",
            "gatekeeper-webhook-service",
        );
        let kind = "admissionregistration.k8s.io/validatingwebhookconfigurations";
        let call = Call::new("update", kind, "", "gatekeeper-validating-webhook-configuration");
        days.does(at + 3, &gatekeeper, &call.object(hook));
    }
}

/// Agents of Azure Monitor and Defender, and the monitoring that a team runs itself.
fn agents(days: &mut Days) {
    let logs = Actor::pod("kube-system", "ama-logs", "ama-logs-rs-7f6-q1", 1, "Ruby");
    let metrics = Actor::pod(
        "kube-system",
        "ama-metrics-serviceaccount",
        "ama-metrics-6c4-w7",
        2,
        "otelcollector/v2.112.0",
    );
    let defender = Actor::pod(
        "kube-system",
        "microsoft-defender-collector-sa",
        "microsoft-defender-collector-ds-k9x",
        0,
        "low_level_collector/v0.0.0",
    );
    let publisher = Actor::pod(
        "kube-system",
        "microsoft-defender-publisher-sa",
        "microsoft-defender-publisher-ds-p2m",
        0,
        "publisher/v0.0.0",
    );
    let prometheus =
        Actor::pod("monitoring", "prometheus-k8s", "prometheus-k8s-0", 3, "Prometheus/3.6.0");
    let state = Actor::pod(
        "monitoring",
        "kube-state-metrics",
        "kube-state-metrics-6b9-n5",
        3,
        "kube-state-metrics/v2.17.0 (linux/amd64) kube-state-metrics/b8e7d3c",
    );
    for at in days.every(20 * MINUTE) {
        for kind in ["/pods", "/nodes", "apps/deployments", "/persistentvolumes"] {
            days.does(at, &logs, &Call::new("list", kind, "", "").query("limit=1000"));
        }
        for kind in ["/pods", "/services", "discovery.k8s.io/endpointslices"] {
            days.does(at + 3, &prometheus, &Call::new("list", kind, "", ""));
            days.does(at + 5, &metrics, &Call::new("list", kind, "", ""));
        }
        days.does(at + 6, &defender, &Call::new("list", "/pods", "", ""));
        days.does(at + 7, &publisher, &Call::new("list", "/nodes", "", ""));
        days.does(at + 8, &prometheus, &Call::new("get", "path:/metrics", "", ""));
    }
    for at in days.every(4 * HOUR) {
        for kind in [
            "/secrets",
            "/configmaps",
            "/nodes",
            "/pods",
            "batch/cronjobs",
            "/persistentvolumeclaims",
        ] {
            days.does(at, &state, &Call::new("list", kind, "", "").query("limit=500"));
        }
    }
}

/// The load balancer asks whether the API server is alive; a scanner tries its luck.
fn probes(days: &mut Days) {
    let balancer = Actor::anonymous("168.63.129.16", "kube-probe/1.33");
    for at in days.every(10 * MINUTE) {
        days.does(at, &balancer, &Call::new("get", "path:/livez", "", ""));
        days.does(at + 2, &balancer, &Call::new("get", "path:/readyz?timeout=5s", "", ""));
    }
    let scanner = Actor::anonymous("203.0.113.250", "Mozilla/5.0 zgrab/0.x");
    for at in days.every(4 * HOUR) {
        days.does(at, &scanner, &Call::new("get", "path:/", "", "").code(403));
    }
}
