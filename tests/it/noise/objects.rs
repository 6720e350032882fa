//! The objects of the day: workloads of a shop that nobody has to wonder about.

use serde_json::{Value, json};

/// Namespace and deployment of each application.
pub(super) const APPLICATIONS: [(&str, &str); 6] = [
    ("shop", "web-frontend"),
    ("shop", "cart-api"),
    ("payments", "payments-api"),
    ("payments", "ledger-worker"),
    ("staging", "web-frontend"),
    ("staging", "cart-api"),
];

fn metadata(namespace: &str, name: &str) -> Value {
    json!({"name": name, "namespace": namespace, "uid": format!("uid-{namespace}-{name}"),
        "labels": {"app": name, "app.kubernetes.io/name": name}})
}

pub(super) fn pod_spec(name: &str, tag: i64) -> Value {
    json!({"serviceAccountName": name, "restartPolicy": "Always",
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": name, "image": format!("contosoretail.azurecr.io/{name}:1.{tag}.0"),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "runAsUser": 10001,
                "capabilities": {"drop": ["ALL"]}}}]})
}

pub(super) fn deployment(namespace: &str, name: &str, tag: i64) -> Value {
    json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": metadata(namespace, name),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(name, tag)}}})
}

pub(super) fn pod(namespace: &str, owner: &str, name: &str, tag: i64) -> Value {
    let mut pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata(namespace, name),
        "spec": pod_spec(owner, tag)});
    pod["metadata"]["ownerReferences"] =
        json!([{"kind": "ReplicaSet", "name": owner, "controller": true}]);
    pod
}

pub(super) fn cron_job(namespace: &str, name: &str, tag: i64) -> Value {
    let mut spec = pod_spec(name, tag);
    spec["restartPolicy"] = json!("Never");
    json!({"kind": "CronJob", "apiVersion": "batch/v1", "metadata": metadata(namespace, name),
        "spec": {"schedule": "*/30 * * * *", "jobTemplate": {"spec": {"template": {"spec": spec}}}}})
}

pub(super) fn job(namespace: &str, name: &str, tag: i64) -> Value {
    let mut spec = pod_spec("rollup", tag);
    spec["restartPolicy"] = json!("Never");
    json!({"kind": "Job", "apiVersion": "batch/v1", "metadata": metadata(namespace, name),
        "spec": {"template": {"spec": spec}}})
}

pub(super) fn service(namespace: &str, name: &str) -> Value {
    json!({"kind": "Service", "apiVersion": "v1", "metadata": metadata(namespace, name),
        "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}})
}

pub(super) fn role(namespace: &str, name: &str) -> Value {
    json!({"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata(namespace, name),
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]})
}

pub(super) fn role_binding(namespace: &str, name: &str, role: &str, group: &str) -> Value {
    json!({"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": metadata(namespace, name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group}]})
}

pub(super) fn definition(name: &str) -> Value {
    json!({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {"name": name, "uid": format!("uid-{name}")},
        "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "conversion": {"strategy": "None"},
            "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"}}})
}

pub(super) fn node(name: &str) -> Value {
    json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "labels": {"agentpool": "nodepool1"}},
        "spec": {"providerID": "azure:///vm"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

pub(super) fn webhook(name: &str, namespace: &str, service: &str) -> Value {
    json!({"kind": "ValidatingWebhookConfiguration", "apiVersion": "admissionregistration.k8s.io/v1",
        "metadata": {"name": name}, "webhooks": [{"name": format!("{name}.io"), "failurePolicy": "Fail",
            "clientConfig": {"caBundle": "LS0t", "service": {"namespace": namespace, "name": service, "port": 443}},
            "rules": [{"apiGroups": ["cert-manager.io"], "apiVersions": ["v1"], "resources": ["*/*"],
                "operations": ["CREATE", "UPDATE"]}]}]})
}

/// What Argo CD and helm send of a workload with a new image: the order of the containers, and of the
/// container that changes its name and what is new; and the manifest before, as kubectl apply keeps it.
pub(super) fn difference(whole: &Value) -> Value {
    let job = whole["kind"] == "CronJob";
    let owner = if job { &whole["spec"]["jobTemplate"]["spec"] } else { &whole["spec"] };
    let spec = &owner["template"]["spec"];
    let container = &spec["containers"][0];
    let name = json!({"name": container["name"]});
    let changed = json!({"spec": {"$setElementOrder/containers": [name],
        "containers": [{"name": container["name"], "image": container["image"]}]}});
    let annotations =
        json!({"kubectl.kubernetes.io/last-applied-configuration": whole.to_string()});
    let mut sent = json!({"metadata": {"annotations": annotations}, "spec": {"template": changed}});
    if job {
        let template = sent["spec"]["template"].take();
        sent["spec"] = json!({"jobTemplate": {"spec": {"template": template}}});
    }
    sent
}
