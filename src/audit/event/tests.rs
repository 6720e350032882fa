//! What an event answers, field by field.

use serde_json::json;

use super::*;
use crate::audit::record::{Origin, decode};
use crate::audit::taxonomy::{FIELDS, RAW};
use crate::model::fields::Scalar;

fn event(members: &Value) -> Event {
    let mut whole = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "id"});
    for (key, value) in members.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "file".to_owned(),
        control_plane: Default::default(),
    };
    let mut decoded = decode(whole.to_string().as_bytes(), 0, &origin);
    decoded.events.remove(0)
}

/// The values at a path as text; `None` when it is absent.
fn values(event: &Event, path: &str) -> Option<Vec<String>> {
    let found = event.find(path);
    let text = |value: &Scalar<'_>| value.to_text().unwrap_or_default().into_owned();
    found.present.then(|| found.values.iter().map(text).collect())
}

#[track_caller]
fn check(members: &Value, expected: &[(&str, &[&str])]) {
    let event = event(members);
    for (path, texts) in expected {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(values(&event, path).unwrap_or_default(), texts, "{path}");
    }
}

fn privileged_deployment() -> Value {
    let pod = json!({
        "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
        "spec": {
            "hostPID": true,
            "containers": [{"image": "nginx:1", "securityContext": {"privileged": true}}],
            "initContainers": [{"image": "MCR.microsoft.com/x"}],
        },
    });
    json!({
        "level": "RequestResponse", "verb": "patch",
        "objectRef": {"resource": "deployments", "apiGroup": "apps", "name": "web"},
        "requestObject": {"spec": {"replicas": 2}},
        "responseObject": {"kind": "Deployment", "spec": {"template": pod}},
        "responseStatus": {"code": 200},
    })
}

#[test]
fn a_pod_is_seen_through_its_workload() {
    check(
        &privileged_deployment(),
        &[
            ("midwatch.pod.hostPID", &["true"]),
            ("midwatch.pod_metadata.labels.app.kubernetes.io/name", &["web"]),
            ("midwatch.containers.securityContext.privileged", &["true"]),
            ("midwatch.containers.image", &["nginx:1", "MCR.microsoft.com/x"]),
            ("midwatch.images.registry", &["docker.io", "mcr.microsoft.com"]),
            ("midwatch.images.repository", &["library/nginx", "x"]),
            ("midwatch.object.spec.replicas", &[]),
            ("midwatch.body", &["full"]),
            ("midwatch.outcome", &["allowed"]),
            ("midwatch.truncated", &["false"]),
        ],
    );
}

#[test]
fn the_caller_is_described() {
    check(
        &json!({
            "user": {"username": "system:serviceaccount:shop:cart", "groups": []},
            "sourceIPs": ["203.0.113.7", "172.31.0.9"], "userAgent": "curl/8.5.0",
            "requestURI": "/api/v1/na%6Despaces?limit=500",
        }),
        &[
            ("midwatch.actor.kind", &["service-account"]),
            ("midwatch.actor.namespace", &["shop"]),
            ("midwatch.actor.name", &["cart"]),
            ("midwatch.source.address", &["203.0.113.7"]),
            ("midwatch.source.scope", &["public"]),
            ("midwatch.client.family", &["curl"]),
            ("midwatch.request.path", &["/api/v1/namespaces"]),
            ("midwatch.request.dry_run", &["false"]),
        ],
    );
    let node = json!({"user": {"username": "system:node:n1", "groups": ["system:nodes"]}});
    check(&node, &[("midwatch.actor.name", &["n1"]), ("midwatch.source.scope", &["none"])]);
}

#[test]
fn an_exec_is_taken_apart() {
    let uri = "/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=id&stdin=true";
    check(
        &json!({"verb": "get", "requestURI": uri, "responseStatus": {"code": 101}}),
        &[
            ("midwatch.exec.command", &["sh -c id"]),
            ("midwatch.exec.argv", &["sh", "-c", "id"]),
            ("midwatch.exec.stdin", &["true"]),
            ("midwatch.exec.tty", &["false"]),
            ("midwatch.outcome", &["allowed"]),
        ],
    );
}

#[test]
fn what_is_not_there_is_absent_and_not_empty() {
    let event = event(&json!({"verb": "get"}));
    for path in [
        "midwatch.exec",
        "midwatch.exec.command",
        "midwatch.pod",
        "midwatch.containers",
        "midwatch.images",
        "midwatch.images.registry",
        "midwatch.csr.common_name",
        "midwatch.object",
        "midwatch.actor.name",
        "midwatch.source.address",
        "midwatch.client.family",
        "midwatch.request.path",
        "midwatch.outcome.x",
        "midwatch.nonsense",
        "midwatch.",
        "user.username",
    ] {
        assert_eq!(values(&event, path), None, "{path}");
    }
}

#[test]
fn a_dry_run_counts_only_where_the_server_heeds_it() {
    let dry = |mut members: Value| {
        if members.get("objectRef").is_none() {
            members["objectRef"] = json!({"resource": "pods"});
        }
        event(&members).is_dry_run()
    };
    assert!(dry(json!({"verb": "create", "requestURI": "/api/v1/pods?dryRun=All"})));
    assert!(!dry(json!({"verb": "create", "requestURI": "/api/v1/pods?dryRun=all"})));
    let exec = "/api/v1/namespaces/a/pods/b/exec?command=id&dryRun=All";
    let reference = json!({"resource": "pods", "subresource": "exec"});
    assert!(!dry(json!({"verb": "get", "requestURI": exec, "objectRef": reference})));
    assert!(!dry(json!({"verb": "create", "requestURI": exec, "objectRef": reference})));
    assert!(!dry(json!({"verb": "create", "requestURI": exec, "objectRef": null})));
    let options = json!({"kind": "DeleteOptions", "dryRun": ["All"]});
    assert!(dry(json!({"verb": "delete", "requestObject": options})));
    assert!(!dry(json!({"verb": "patch", "requestObject": options})));
}

#[test]
fn the_target_takes_a_generated_name_from_the_response_and_is_bounded() {
    let created = json!({
        "verb": "create", "objectRef": {"resource": "pods", "namespace": "shop"},
        "responseObject": {"metadata": {"name": "web-x7"}},
        "requestURI": format!("/{}", "ü".repeat(5000)),
        "userAgent": "ü".repeat(5000),
        "responseStatus": {"code": 99_999},
    });
    let event = event(&created);
    let target = event.target();
    assert_eq!((target.name.as_str(), target.code), ("web-x7", None));
    assert_eq!(target.uri.len(), URI_MAX - 1);
    assert_eq!(event.actor().client.len(), NAME_MAX);
}

#[test]
fn time_falls_back_step_by_step() {
    let at = |members: Value| event(&members).time().unix_timestamp();
    let both = json!({
        "stageTimestamp": "1970-01-01T00:00:02.5Z",
        "requestReceivedTimestamp": "1970-01-01T00:00:01Z",
    });
    assert_eq!(at(both), 2);
    // A year that only UTC reaches cannot be written down again.
    for beyond in ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59"] {
        assert_eq!(at(json!({"stageTimestamp": beyond})), 0, "{beyond}");
    }
    assert_eq!(at(json!({"stageTimestamp": "1970-01-01T01:00:03+01:00"})), 3);
    let one = json!({"stageTimestamp": "x", "requestReceivedTimestamp": "1970-01-01T00:00:01Z"});
    assert_eq!(at(one), 1);
    assert_eq!(at(json!({})), 0);
}

#[test]
fn every_derived_field_of_the_taxonomy_is_answered_for_some_event() {
    let exec = "/api/v1/namespaces/a/pods/b/exec?command=id&container=c";
    let mut members = privileged_deployment();
    members["requestURI"] = json!(exec);
    members["user"] = json!({"username": "system:serviceaccount:a:b"});
    members["sourceIPs"] = json!(["10.0.0.1"]);
    members["userAgent"] = json!("curl/8");
    let event = event(&members);
    for field in FIELDS.iter().filter(|field| field.source != RAW) {
        let is_csr = field.path.starts_with("midwatch.csr");
        let below = if field.path == "midwatch.containers" { ".image" } else { "" };
        let found = event.find(&format!("{}{below}", field.path));
        assert_eq!(found.present, !is_csr, "{}", field.path);
        for value in &found.values {
            let text = value.to_text().unwrap_or_default().into_owned();
            let possible = field.values.is_empty() || field.values.contains(&text.as_str());
            assert!(possible, "{} {text}", field.path);
        }
    }
}

#[test]
fn a_certificate_request_names_who_it_asks_to_be() {
    let members: Value =
        serde_json::from_str(include_str!("../../../tests/data/audit/csr.json")).unwrap();
    check(
        &members,
        &[
            ("midwatch.csr.common_name", &["system:node:aks-nodepool1-31718369-vmss000000"]),
            ("midwatch.csr.organization", &["system:nodes"]),
            ("midwatch.csr", &[]),
        ],
    );
}

#[test]
fn each_container_is_an_element_whatever_its_kind_and_the_form_of_the_request() {
    let elements = |members: &Value, path: &str| {
        let mut seen = Vec::new();
        event(members).any_element(path, &mut |element| {
            let name = element.find("name");
            let name = name.values.first().and_then(Scalar::to_text);
            seen.push(name.unwrap_or_default().into_owned());
            false
        });
        seen
    };
    let spec = json!({
        "containers": [{"name": "a", "ports": [{"name": "p"}]}, {"name": "b"}],
        "initContainers": [{"name": "i", "ports": [{"name": "q"}]}],
        "ephemeralContainers": [{"name": "e"}], "volumes": [{"name": "v"}],
    });
    let whole = json!({
        "verb": "create", "objectRef": {"resource": "pods"}, "responseObject": {"spec": spec},
    });
    assert_eq!(elements(&whole, "midwatch.containers"), ["a", "b", "i", "e"]);
    assert_eq!(elements(&whole, "midwatch.containers.ports"), ["p", "q"]);
    assert_eq!(elements(&whole, "midwatch.pod.volumes"), ["v"]);
    assert_eq!(elements(&whole, "midwatch.object.spec.containers"), ["a", "b"]);
    assert_eq!(elements(&whole, "responseObject.spec.initContainers.ports"), ["q"]);
    assert_eq!(elements(&whole, "midwatch.csr"), [""; 0]);
    assert_eq!(elements(&whole, "requestObject"), [""; 0]);
    // A patch that was refused has no response: its own part of the template counts.
    let refused = json!({
        "verb": "patch", "objectRef": {"resource": "cronjobs", "apiGroup": "batch"},
        "requestObject": {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}},
        "responseObject": {"kind": "Status"},
    });
    assert_eq!(elements(&refused, "midwatch.containers"), ["a", "b", "i", "e"]);
    let operations = json!({
        "verb": "patch", "objectRef": {"resource": "pods"},
        "requestObject": [{"name": "1"}, {"name": "2"}],
    });
    assert_eq!(elements(&operations, "requestObject"), ["1", "2"]);
}

#[test]
fn each_image_is_an_element_with_its_registry_and_repository() {
    let mut pairs = Vec::new();
    event(&privileged_deployment()).any_element("midwatch.images", &mut |image| {
        let text = |field: &str| {
            let found = image.find(field);
            found.values.first().and_then(Scalar::to_text).unwrap_or_default().into_owned()
        };
        pairs.push(format!("{} {}", text("registry"), text("repository")));
        false
    });
    assert_eq!(pairs, ["docker.io library/nginx", "mcr.microsoft.com x"]);
}
