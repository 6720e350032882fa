//! Pod specs wherever they stand: attackers act on templates and controllers act on pods, so a
//! rule asks for "the pod" of any workload.

use serde_json::{Map, Value};

use super::object;

/// Where a resource keeps the object that has `metadata` and `spec` of the pod: the way down from
/// the object itself.
fn template(api_group: &str, resource: &str) -> Option<&'static [&'static str]> {
    match (api_group, resource) {
        ("", "pods") => Some(&[]),
        ("", "podtemplates") => Some(&["template"]),
        ("", "replicationcontrollers")
        | ("apps" | "extensions", "deployments" | "daemonsets" | "replicasets" | "statefulsets")
        | ("batch" | "extensions", "jobs") => Some(&["spec", "template"]),
        ("batch", "cronjobs") => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

/// The pods (objects with `metadata` and `spec`) in the effective objects of an event on a
/// workload. Subresources hold other objects, except those that answer with the whole pod.
pub fn pods(event: &Map<String, Value>, cut: bool) -> impl Iterator<Item = &Value> {
    let reference =
        |name| event.get("objectRef").and_then(|object| object.get(name)).and_then(Value::as_str);
    let resource = reference("resource").unwrap_or_default();
    let whole = matches!(
        (resource, reference("subresource").unwrap_or_default()),
        (_, "") | ("pods", "ephemeralcontainers" | "resize")
    );
    let way = template(reference("apiGroup").unwrap_or_default(), resource).filter(|_| whole);
    let objects = way.map(|way| (way, object::effective(event, cut)));
    objects.into_iter().flat_map(|(way, objects)| {
        objects.filter_map(move |object| way.iter().try_fold(object, |at, key| at.get(key)))
    })
}

/// Containers, init containers and ephemeral containers of a pod.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let spec = pod.get("spec");
    ["containers", "initContainers", "ephemeralContainers"]
        .into_iter()
        .filter_map(move |name| spec?.get(name)?.as_array())
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(group: &str, resource: &str, subresource: &str, object: &Value, expected: usize) {
        let reference =
            json!({"apiGroup": group, "resource": resource, "subresource": subresource});
        let event = json!({"objectRef": reference, "responseObject": object});
        let event = event.as_object().unwrap();
        let count = pods(event, false).filter(|pod| pod["spec"]["hostPID"] == true).count();
        assert_eq!(count, expected, "{group}/{resource}/{subresource}");
    }

    #[test]
    fn the_pod_is_found_in_every_workload() {
        let pod = json!({"metadata": {}, "spec": {"hostPID": true}});
        let controller = json!({"spec": {"template": pod}});
        check("", "pods", "", &pod, 1);
        check("", "pods", "ephemeralcontainers", &pod, 1);
        check("", "podtemplates", "", &json!({"template": pod}), 1);
        for resource in ["deployments", "daemonsets", "replicasets", "statefulsets"] {
            check("apps", resource, "", &controller, 1);
        }
        check("", "replicationcontrollers", "", &controller, 1);
        check("batch", "jobs", "", &controller, 1);
        check("batch", "cronjobs", "", &json!({"spec": {"jobTemplate": controller}}), 1);
    }

    #[test]
    fn other_objects_hold_no_pod() {
        let pod = json!({"spec": {"hostPID": true}});
        check("metrics.k8s.io", "pods", "", &pod, 0);
        check("", "pods", "eviction", &pod, 0);
        check("", "services", "", &pod, 0);
        check("apps", "deployments", "scale", &json!({"spec": {"template": pod}}), 0);
        check("", "pods", "", &json!({"spec": 7}), 0);
    }

    #[test]
    fn containers_of_all_three_kinds_are_one_list() {
        let pod = json!({"spec": {
            "containers": [{"n": 1}, {"n": 2}], "initContainers": [{"n": 3}],
            "ephemeralContainers": {"n": 4},
        }});
        let seen: Vec<_> = containers(&pod).filter_map(|c| c["n"].as_i64()).collect();
        assert_eq!(seen, [1, 2, 3]);
    }
}
