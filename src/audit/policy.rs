//! The audit policy of AKS: what is written down at all, and with which bodies. Microsoft fixes it
//! (published since January 2026) and nobody can change it on a cluster.

mod table;

/// How much of a request is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditLevel {
    None,
    /// Who, what, when, outcome and annotations; no body.
    Metadata,
    /// And the request's body.
    Request,
    /// And the response's body.
    RequestResponse,
}

impl AuditLevel {
    /// The word in an event's `level`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

/// A request as the policy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestShape<'a> {
    pub user: &'a str,
    pub groups: &'a [&'a str],
    pub verb: &'a str,
    /// Empty for the core group.
    pub api_group: &'a str,
    /// Empty for a non-resource request.
    pub resource: &'a str,
    pub subresource: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    /// The path of a non-resource request; not looked at for a resource.
    pub path: &'a str,
}

/// A set of requests by ordinary users: what is `None` may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestPattern<'a> {
    pub verb: Option<&'a str>,
    pub api_group: Option<&'a str>,
    pub resource: Option<&'a str>,
    pub subresource: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub name: Option<&'a str>,
}

/// Which bodies some request of a set has in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bodies {
    pub request: bool,
    pub response: bool,
}

/// The level at which AKS logs a request: the first rule that fits decides.
pub fn level(request: &RequestShape<'_>) -> AuditLevel {
    table::RULES.iter().find(|rule| rule.fits(request)).map_or(AuditLevel::None, |rule| rule.level)
}

/// Whether any request of the set, made by an ordinary user, has a body in the log. When it says
/// no, a rule that looks into that body can never fire on AKS.
pub fn bodies(pattern: &RequestPattern<'_>) -> Bodies {
    let connects = pattern.subresource.is_some_and(|sub| CONNECTING.contains(&sub));
    let highest = if connects { AuditLevel::None } else { highest_level(pattern) };
    Bodies {
        request: highest >= AuditLevel::Request,
        response: highest >= AuditLevel::RequestResponse,
    }
}

/// Subresources whose bodies are streams, which no audit log holds.
const CONNECTING: [&str; 4] = ["exec", "attach", "portforward", "proxy"];

/// Verbs whose requests have bodies: the reads have none, whatever their level says.
const BODY_VERBS: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

/// Stands for every value that the policy does not mention.
const UNMENTIONED: &str = "\0unmentioned";

/// Built-in resources whose API group the policy does not mention, so that they never have a body.
/// Needed where a rule names a resource and leaves its group open.
const UNMENTIONED_RESOURCES: [&str; 16] = [
    "csinodetopologies",
    "deviceclasses",
    "endpointslices",
    "flowschemas",
    "ipaddresses",
    "leasecandidates",
    "leases",
    "prioritylevelconfigurations",
    "resourceclaims",
    "resourceclaimtemplates",
    "resourceslices",
    "runtimeclasses",
    "servicecidrs",
    "storageversionmigrations",
    "storageversions",
    "podgroups",
];

/// The highest level of the requests with bodies in a set. An open part takes every value that the
/// policy mentions, and one that it does not.
fn highest_level(pattern: &RequestPattern<'_>) -> AuditLevel {
    let resource = pattern.resource.unwrap_or(UNMENTIONED);
    let verbs = BODY_VERBS.into_iter().filter(|verb| pattern.verb.is_none_or(|v| v == *verb));
    let groups = choices(pattern.api_group, || groups_of(resource));
    let subresources = choices(pattern.subresource, || subresources_of(resource));
    let namespaces = choices(pattern.namespace, || mentioned(|rule| rule.namespaces.to_vec()));
    let names = choices(pattern.name, || mentioned(|rule| listed(rule, |set| set.names.to_vec())));
    let mut highest = AuditLevel::None;
    for verb in verbs {
        for api_group in &groups {
            for subresource in &subresources {
                for namespace in &namespaces {
                    for name in &names {
                        highest = highest.max(level(&RequestShape {
                            verb,
                            api_group,
                            resource,
                            subresource,
                            namespace,
                            name,
                            ..RequestShape::default()
                        }));
                    }
                }
            }
        }
    }
    highest
}

fn choices<'a>(fixed: Option<&'a str>, open: impl FnOnce() -> Vec<&'a str>) -> Vec<&'a str> {
    fixed.map_or_else(open, |value| vec![value])
}

/// Every value that some rule mentions, and one that none does.
fn mentioned(of_rule: impl Fn(&table::Rule) -> Vec<&'static str>) -> Vec<&'static str> {
    let mut values: Vec<_> = table::RULES.iter().flat_map(of_rule).collect();
    values.push(UNMENTIONED);
    values.sort_unstable();
    values.dedup();
    values
}

fn listed(
    rule: &table::Rule,
    of_set: impl Fn(&table::Resources) -> Vec<&'static str>,
) -> Vec<&'static str> {
    rule.resources.iter().flat_map(of_set).collect()
}

/// The groups that have a resource of this name: those for which the policy names it, else every
/// group, since the policy does not tell.
fn groups_of(resource: &str) -> Vec<&'static str> {
    if UNMENTIONED_RESOURCES.contains(&resource) {
        return vec![UNMENTIONED];
    }
    let names_it = |set: &table::Resources| {
        set.resources.iter().any(|entry| entry.split('/').next() == Some(resource))
    };
    let naming = mentioned(|rule| {
        listed(rule, |set| if names_it(set) { vec![set.group] } else { Vec::new() })
    });
    if naming.len() > 1 { naming } else { mentioned(|rule| listed(rule, |set| vec![set.group])) }
}

/// No subresource, and those that the policy names for the resource; every other is treated like
/// its group.
fn subresources_of(resource: &str) -> Vec<&'static str> {
    let mut found = mentioned(|rule| {
        listed(rule, |set| {
            let entries = set.resources.iter().filter_map(|entry| entry.split_once('/'));
            entries.filter(|(owner, _)| *owner == resource).map(|(_, sub)| sub).collect()
        })
    });
    found.retain(|sub| *sub != UNMENTIONED);
    found.push("");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: RequestShape<'_>, expected: AuditLevel) {
        assert_eq!(level(&request), expected, "{request:?}");
    }

    const BASE: RequestShape<'static> = RequestShape {
        user: "dev@contoso.example",
        groups: &["system:authenticated"],
        verb: "create",
        api_group: "",
        resource: "",
        subresource: "",
        namespace: "shop",
        name: "x",
        path: "",
    };

    #[test]
    fn levels_are_those_of_the_published_policy() {
        use AuditLevel::{Metadata, None, Request, RequestResponse};
        let pods = RequestShape { resource: "pods", ..BASE };
        check(pods, RequestResponse);
        check(RequestShape { verb: "get", subresource: "exec", ..pods }, Request);
        check(RequestShape { user: "aksService", verb: "get", ..pods }, None);
        check(RequestShape { user: "aksService", verb: "watch", ..pods }, Request);
        let status = RequestShape { verb: "patch", subresource: "status", ..pods };
        check(status, RequestResponse);
        check(RequestShape { groups: &["system:nodes"], ..status }, Request);
        check(RequestShape { resource: "secrets", ..BASE }, Metadata);
        check(RequestShape { resource: "serviceaccounts", subresource: "token", ..BASE }, Metadata);
        check(
            RequestShape { resource: "leases", api_group: "coordination.k8s.io", ..BASE },
            Metadata,
        );
        let events = RequestShape { resource: "events", ..BASE };
        check(RequestShape { verb: "delete", ..events }, Metadata);
        check(RequestShape { verb: "deletecollection", ..events }, None);
        check(events, None);
        check(RequestShape { namespace: "default", ..events }, Metadata);
    }

    #[test]
    fn the_only_config_map_with_a_body_is_the_one_of_cluster_dns() {
        let map = RequestShape {
            verb: "update",
            resource: "configmaps",
            namespace: "kube-system",
            name: "coredns-custom",
            ..BASE
        };
        check(map, AuditLevel::RequestResponse);
        check(RequestShape { verb: "create", ..map }, AuditLevel::Metadata);
        check(RequestShape { name: "coredns", ..map }, AuditLevel::Metadata);
        check(RequestShape { namespace: "shop", ..map }, AuditLevel::Metadata);
    }

    #[test]
    fn probing_of_version_and_health_is_not_written_down() {
        let get = RequestShape { verb: "get", namespace: "", name: "", ..BASE };
        for (path, expected) in [
            ("/version", AuditLevel::None),
            ("/healthz/ping", AuditLevel::None),
            ("/swagger.json", AuditLevel::None),
            ("/version/", AuditLevel::Metadata),
            ("/livez", AuditLevel::Metadata),
            ("/api", AuditLevel::Metadata),
        ] {
            check(RequestShape { path, ..get }, expected);
        }
    }

    #[track_caller]
    fn check_bodies(pattern: RequestPattern<'_>, request: bool, response: bool) {
        assert_eq!(bodies(&pattern), Bodies { request, response }, "{pattern:?}");
    }

    #[test]
    fn a_lint_learns_which_bodies_can_never_be_there() {
        let of =
            |resource| RequestPattern { resource: Some(resource), ..RequestPattern::default() };
        check_bodies(RequestPattern::default(), true, true);
        check_bodies(of("pods"), true, true);
        check_bodies(of("deployments"), true, true);
        for resource in ["secrets", "serviceaccounts", "tokenreviews", "events", "leases"] {
            check_bodies(of(resource), false, false);
        }
        check_bodies(RequestPattern { verb: Some("list"), ..of("pods") }, false, false);
        check_bodies(RequestPattern { subresource: Some("exec"), ..of("pods") }, false, false);
        check_bodies(RequestPattern { api_group: Some("argoproj.io"), ..of("x") }, false, false);
        check_bodies(of("verticalpodautoscalers"), true, false);
        check_bodies(of("configmaps"), true, true);
        check_bodies(RequestPattern { name: Some("coredns"), ..of("configmaps") }, false, false);
        check_bodies(RequestPattern { verb: Some("create"), ..of("configmaps") }, false, false);
    }
}
