//! What a team does to its cluster on a day: programs that roll out what lies in a repository,
//! operators that it has installed, pipelines, and people.

use serde_json::{Value, json};

use super::day::{Actor, Call, Days, HOUR, MINUTE};
use super::objects::{self, APPLICATIONS};

const DEVELOPERS: &str = "73ab4876-7734-47c1-87fd-e805ec99108d";

pub(super) fn write(days: &mut Days) {
    operators(days);
    delivery(days);
    pipelines(days);
    for (name, source) in [
        ("mei.tanaka@contoso-retail.example", "198.51.100.23"),
        ("omar.haddad@contoso-retail.example", "198.51.100.77"),
        ("jonas.peters@contoso-retail.example", "198.51.100.77"),
    ] {
        looks_around(days, &Actor::person(name, DEVELOPERS, source));
    }
    debugs_staging(days);
    administrator(days);
}

fn operators(days: &mut Days) {
    let certificates = Actor::pod(
        "cert-manager",
        "cert-manager",
        "cert-manager-6c8-t4",
        1,
        "cert-manager-certificates-issuing/v1.18.2 (linux/amd64) cert-manager/abc",
    );
    let injector = Actor::pod(
        "cert-manager",
        "cert-manager-cainjector",
        "cert-manager-cainjector-7d5-b2",
        1,
        "cert-manager-cainjector/v1.18.2 (linux/amd64) cert-manager/abc",
    );
    let secrets = Actor::pod(
        "external-secrets",
        "external-secrets",
        "external-secrets-66f-c3",
        2,
        "external-secrets/v0.0.0 (linux/amd64) kubernetes/$Format",
    );
    let ingress = Actor::pod(
        "ingress-nginx",
        "ingress-nginx",
        "ingress-nginx-controller-5b-r8",
        3,
        "nginx-ingress-controller/v1.13.3 (linux/amd64)",
    );
    for (account, actor) in [
        ("cert-manager", &certificates),
        ("external-secrets", &secrets),
        ("ingress-nginx", &ingress),
    ] {
        for at in days.every(30 * MINUTE) {
            days.does(
                at,
                actor,
                &Call::new("update", "coordination.k8s.io/leases", account, "leader"),
            );
        }
        for at in days.every(6 * HOUR) {
            days.does(at, actor, &Call::new("list", "/secrets", "", "").query("limit=500"));
            days.does(at, actor, &Call::new("watch", "/secrets", "", "").query("watch=true"));
        }
    }
    for at in days.every(HOUR) {
        for (namespace, name) in APPLICATIONS {
            let secret = format!("{name}-config");
            days.does(at, &secrets, &Call::new("get", "/secrets", namespace, &secret));
            days.does(at + 1, &secrets, &Call::new("update", "/secrets", namespace, &secret));
            days.does(
                at + 1,
                &secrets,
                &Call::new("update", "external-secrets.io/externalsecrets/status", namespace, name),
            );
        }
    }
    for at in days.every(8 * HOUR) {
        days.does(at, &certificates, &Call::new("get", "/secrets", "shop", "web-frontend-tls"));
        days.does(
            at + 1,
            &certificates,
            &Call::new("create", "cert-manager.io/certificaterequests", "shop", "web-frontend-2"),
        );
        days.does(
            at + 2,
            &certificates,
            &Call::new("update", "/secrets", "shop", "web-frontend-tls"),
        );
        let hook = objects::webhook("cert-manager-webhook", "cert-manager", "cert-manager-webhook");
        let kind = "admissionregistration.k8s.io/validatingwebhookconfigurations";
        let sent = json!({"webhooks": [{"name": "cert-manager-webhook.io", "clientConfig": {"caBundle": "LS1u"}}]});
        days.does(
            at + 3,
            &injector,
            &Call::new("patch", kind, "", "cert-manager-webhook").patch(sent, hook),
        );
        days.does(
            at + 5,
            &ingress,
            &Call::new("update", "networking.k8s.io/ingresses/status", "shop", "web-frontend"),
        );
        days.does(
            at + 6,
            &ingress,
            &Call::new("get", "/configmaps", "ingress-nginx", "ingress-nginx-controller"),
        );
    }
}

fn delivery(days: &mut Days) {
    let argo = Actor::pod(
        "argocd",
        "argocd-application-controller",
        "argocd-application-controller-0",
        1,
        "argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/$Format",
    );
    let kustomize = Actor::pod(
        "flux-system",
        "kustomize-controller",
        "kustomize-controller-7f5-m6",
        2,
        "kustomize-controller/v0.0.0 (linux/amd64) kubernetes/$Format",
    );
    let helm = Actor::pod(
        "flux-system",
        "helm-controller",
        "helm-controller-6d4-z1",
        2,
        "helm-controller/v0.0.0 (linux/amd64) kubernetes/$Format",
    );
    let source = Actor::pod(
        "flux-system",
        "source-controller",
        "source-controller-5c8-y9",
        2,
        "source-controller/v0.0.0 (linux/amd64) kubernetes/$Format",
    );
    for at in days.every(30 * MINUTE) {
        for kind in [
            "apps/deployments",
            "/secrets",
            "rbac.authorization.k8s.io/clusterrolebindings",
            "/services",
        ] {
            days.does(at, &argo, &Call::new("list", kind, "", "").query("limit=500"));
        }
        days.does(at + 1, &argo, &Call::new("patch", "argoproj.io/applications", "argocd", "shop"));
        days.does(
            at + 2,
            &source,
            &Call::new(
                "patch",
                "source.toolkit.fluxcd.io/gitrepositories/status",
                "flux-system",
                "platform",
            ),
        );
        days.does(
            at + 3,
            &kustomize,
            &Call::new(
                "patch",
                "kustomize.toolkit.fluxcd.io/kustomizations/status",
                "flux-system",
                "platform",
            ),
        );
        let (namespace, name) = APPLICATIONS[2];
        let whole = objects::deployment(namespace, name, 7);
        let call = Call::new("patch", "apps/deployments", namespace, name)
            .query("dryRun=All&fieldManager=kustomize-controller&force=true");
        days.does(at + 4, &kustomize, &call.object(whole));
        days.does(
            at + 5,
            &helm,
            &Call::new("get", "/secrets", "monitoring", "sh.helm.release.v1.prometheus.v3"),
        );
        days.does(
            at + 6,
            &helm,
            &Call::new("list", "/secrets", "monitoring", "").query("labelSelector=owner%3Dhelm"),
        );
    }
    // Argo CD applies as kubectl does, Flux on the server and with force, helm what differs.
    for (actor, query) in [
        (&argo, "fieldManager=argocd-controller"),
        (&kustomize, "fieldManager=kustomize-controller&force=true"),
        (&helm, "fieldManager=helm-controller"),
    ] {
        for _ in 0..3 {
            let (at, tag) = (days.working(), days.random.below(50));
            let (namespace, name) = *days.random.pick(&APPLICATIONS);
            let rbac = "rbac.authorization.k8s.io";
            let whole = objects::deployment(namespace, name, tag);
            let cron = objects::cron_job(namespace, "nightly", tag);
            let mut step = |second: i64, verb, kind: &str, object_name: &str, sent, got| {
                let call = Call::new(verb, kind, namespace, object_name).query(query);
                days.does(at + second, actor, &call.patch(sent, got));
            };
            let by_force = query.ends_with("force=true");
            let sent = |object: &Value| {
                if by_force { object.clone() } else { objects::difference(object) }
            };
            step(0, "patch", "apps/deployments", name, sent(&whole), whole.clone());
            let service = objects::service(namespace, name);
            step(1, "patch", "/services", name, service.clone(), service);
            step(2, "create", "batch/cronjobs", "nightly", cron.clone(), cron.clone());
            step(3, "patch", "batch/cronjobs", "nightly", sent(&cron), cron);
            let role = objects::role(namespace, name);
            step(4, "patch", &format!("{rbac}/roles"), name, role.clone(), role);
            let binding = objects::role_binding(namespace, name, "view", DEVELOPERS);
            step(5, "patch", &format!("{rbac}/rolebindings"), name, binding.clone(), binding);
            step(6, "delete", "batch/jobs", "migrate-old", Value::Null, Value::Null);
            let crd = "servicemonitors.monitoring.coreos.com";
            let kind = "apiextensions.k8s.io/customresourcedefinitions";
            days.does(
                at + 8,
                actor,
                &Call::new("patch", kind, "", crd).object(objects::definition(crd)),
            );
        }
    }
}

/// A release by helm out of a pod of the pipeline, and deployments by a workload identity from outside.
fn pipelines(days: &mut Days) {
    let inside = Actor::pod("cicd", "deployer", "runner-x4k2-build", 3, "Helm/3.19.0");
    let outside =
        Actor::application("6b77730f-65bd-4acb-b57a-6a1dfaf8cda9", "192.0.2.140", "Helm/3.19.0");
    for (actor, releases) in [(&inside, 4_i64), (&outside, 6)] {
        for release in 0..releases {
            let (at, tag) = (days.working(), days.random.below(50));
            let (namespace, name) = APPLICATIONS[usize::try_from(4 + release % 2).unwrap()];
            let secret = |version: i64| format!("sh.helm.release.v1.{name}.v{version}");
            days.does(
                at,
                actor,
                &Call::new("list", "/secrets", namespace, "")
                    .query("labelSelector=name%3Drelease%2Cowner%3Dhelm"),
            );
            days.does(at + 1, actor, &Call::new("get", "/secrets", namespace, &secret(tag)));
            days.does(at + 2, actor, &Call::new("get", "apps/deployments", namespace, name));
            days.does(at + 3, actor, &Call::new("create", "/secrets", namespace, &secret(tag + 1)));
            let whole = objects::deployment(namespace, name, tag);
            let image = objects::difference(&whole);
            days.does(
                at + 4,
                actor,
                &Call::new("patch", "apps/deployments", namespace, name)
                    .query("fieldManager=helm")
                    .patch(image, whole),
            );
            days.does(
                at + 5,
                actor,
                &Call::new("patch", "/services", namespace, name)
                    .object(objects::service(namespace, name)),
            );
            days.does(
                at + 6,
                actor,
                &Call::new("patch", "/configmaps", namespace, &format!("{name}-settings")),
            );
            for poll in 0..5 {
                days.does(
                    at + 8 + poll,
                    actor,
                    &Call::new("get", "apps/deployments", namespace, name),
                );
            }
            days.does(
                at + 20,
                actor,
                &Call::new("update", "/secrets", namespace, &secret(tag + 1)),
            );
            days.does(
                at + 21,
                actor,
                &Call::new("delete", "/secrets", namespace, &secret(tag - 9)),
            );
        }
    }
}

fn looks_around(days: &mut Days, person: &Actor) {
    for _ in 0..12 {
        let at = days.working();
        let (namespace, name) = *days.random.pick(&APPLICATIONS);
        let pod = format!("{name}-5d9c7f8b6-x7k2p");
        days.does(at, person, &Call::new("list", "/pods", namespace, "").query("limit=500"));
        days.does(at + 20, person, &Call::new("get", "/pods", namespace, &pod));
        days.does(at + 21, person, &Call::new("list", "/events", namespace, "").query("limit=500"));
        days.does(
            at + 40,
            person,
            &Call::new("get", "/pods/log", namespace, &pod).query("container=app"),
        );
        days.does(at + 60, person, &Call::new("get", "apps/deployments", namespace, name));
        days.does(at + 90, person, &Call::new("list", "/services", namespace, ""));
    }
    let at = days.working();
    for path in ["/api", "/apis", "/apis/apps/v1"] {
        days.does(at, person, &Call::new("get", &format!("path:{path}"), "", ""));
    }
    days.does(at + 3, person, &Call::new("get", "/configmaps", "staging", "cart-api-settings"));
    days.does(at + 9, person, &Call::new("list", "/pods", "stagin", "").code(403));
}

/// A rollout restart, a shell in an own pod of a test namespace, and a forwarded port.
fn debugs_staging(days: &mut Days) {
    let mei = Actor::person("mei.tanaka@contoso-retail.example", DEVELOPERS, "198.51.100.23");
    let (at, pod) = (days.working(), "cart-api-5d9c7f8b6-x7k2p");
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}});
    let whole = objects::deployment("staging", "cart-api", 9);
    days.does(
        at,
        &mei,
        &Call::new("patch", "apps/deployments", "staging", "cart-api")
            .query("fieldManager=kubectl-rollout")
            .patch(restart, whole),
    );
    let command = "command=ls&command=-l&command=%2Fapp&container=cart-api&stderr=true&stdout=true";
    days.does(at + 300, &mei, &Call::new("get", "/pods", "staging", pod));
    days.does(
        at + 301,
        &mei,
        &Call::new("get", "/pods/exec", "staging", pod).query(command).code(101),
    );
    days.does(at + 900, &mei, &Call::new("get", "/pods/portforward", "staging", pod).code(101));
}

/// Reads about the cluster, and one planned change, another one each day.
fn administrator(days: &mut Days) {
    let anna = Actor::person(
        "anna.lindqvist@contoso-retail.example",
        "db5b5fab-8f4d-4e27-9da1-494c73cf256d",
        "198.51.100.23",
    );
    for _ in 0..4 {
        let at = days.working();
        for (second, kind) in [
            (0, "/nodes"),
            (30, "/namespaces"),
            (70, "apps/daemonsets"),
            (100, "rbac.authorization.k8s.io/clusterrolebindings"),
        ] {
            days.does(at + second, &anna, &Call::new("list", kind, "", "").query("limit=500"));
        }
        days.does(
            at + 120,
            &anna,
            &Call::new("list", "/pods", "kube-system", "").query("limit=500"),
        );
        days.does(at + 140, &anna, &Call::new("get", "/pods/log", "kube-system", "coredns-6b8-x2"));
    }
    let at = days.working();
    let change = match days.random.below(5) {
        0 => Call::new("create", "rbac.authorization.k8s.io/rolebindings", "shop", "team-view")
            .object(objects::role_binding("shop", "team-view", "view", DEVELOPERS)),
        1 => Call::new("patch", "autoscaling/horizontalpodautoscalers", "shop", "cart-api")
            .object(json!({"kind": "HorizontalPodAutoscaler", "spec": {"maxReplicas": 12}})),
        2 => Call::new("patch", "/nodes", "", "aks-nodepool1-31718369-vmss000002").patch(
            json!({"metadata": {"labels": {"team": "payments"}}}),
            objects::node("aks-nodepool1-31718369-vmss000002"),
        ),
        3 => Call::new("patch", "/namespaces", "shop", "shop").patch(
            json!({"metadata": {"labels": {"cost-centre": "4711"}}}),
            json!({"kind": "Namespace", "metadata": {"name": "shop", "labels": {"cost-centre": "4711"}}}),
        ),
        _ => Call::new("create", "/namespaces", "reporting", "reporting")
            .object(json!({"kind": "Namespace", "metadata": {"name": "reporting"}})),
    };
    days.does(at, &anna, &change);
}
