//! An actor and a target as a sentence for people: who did what to what. The text comes from a
//! log and is not escaped here; whoever prints it escapes it.

use crate::model::finding::{Actor, ActorKind, Target};

/// Who it was, with the address that the request came from.
pub(super) fn who(actor: &Actor) -> String {
    let mut who = name(actor);
    if let Some(impersonated) = &actor.impersonated {
        who.push_str(" as ");
        who.push_str(impersonated);
    }
    if let Some(source) = &actor.source {
        who.push_str(" from ");
        who.push_str(source);
    }
    who
}

fn name(actor: &Actor) -> String {
    let username = actor.username.as_str();
    if username.is_empty() {
        return "an unauthenticated caller".into();
    }
    match (actor.kind, username.strip_prefix("system:serviceaccount:")) {
        (_, Some(account)) => format!("service account {}", account.replacen(':', "/", 1)),
        (ActorKind::Anonymous, _) => "an anonymous caller".into(),
        (ActorKind::Node, _) => {
            format!("node {}", username.strip_prefix("system:node:").unwrap_or(username))
        }
        _ => username.to_owned(),
    }
}

/// What was done, refused attempts told as such.
pub(super) fn what(target: &Target) -> String {
    let done = deed(target);
    match target.code {
        Some(401 | 403) => format!("{done}: refused"),
        Some(code) if code >= 400 => format!("{done}: failed with {code}"),
        _ => done,
    }
}

fn deed(target: &Target) -> String {
    let thing = thing(target);
    match target.subresource.as_str() {
        "exec" => format!("ran a command in {thing}"),
        "attach" => format!("attached to {thing}"),
        "portforward" => format!("opened a port-forward to {thing}"),
        "log" => format!("read the log of {thing}"),
        "proxy" => format!("went through the proxy of {thing}"),
        "token" if target.verb == "create" => format!("asked for a token of {thing}"),
        "eviction" => format!("evicted {thing}"),
        "" => format!("{} {thing}", past(&target.verb)),
        part => format!("{} {part} of {thing}", past(&target.verb)),
    }
}

fn past(verb: &str) -> &str {
    match verb {
        "get" => "read",
        "list" => "listed",
        "watch" => "watched",
        "create" => "created",
        "update" => "replaced",
        "patch" => "changed",
        "delete" => "deleted",
        "deletecollection" => "deleted all",
        "impersonate" => "impersonated",
        "post" => "posted to",
        "put" => "put to",
        "" => "touched",
        other => other,
    }
}

fn thing(target: &Target) -> String {
    if target.resource.is_empty() {
        let path = target.uri.split('?').next().unwrap_or_default();
        return if path.is_empty() { "something".into() } else { path.to_owned() };
    }
    let mut thing = target.resource.clone();
    if !target.name.is_empty() {
        thing.push('/');
        thing.push_str(&target.name);
    }
    if !target.namespace.is_empty() {
        thing.push_str(" in namespace ");
        thing.push_str(&target.namespace);
    }
    thing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::SessionKey;

    fn actor(username: &str, kind: ActorKind) -> Actor {
        Actor {
            username: username.into(),
            kind,
            impersonated: None,
            source: None,
            client: String::new(),
            session: SessionKey::new(""),
        }
    }

    fn target(verb: &str, resource: &str, subresource: &str, code: u16) -> Target {
        Target {
            verb: verb.into(),
            resource: resource.into(),
            subresource: subresource.into(),
            namespace: "shop".into(),
            name: "web".into(),
            code: Some(code),
            ..Target::default()
        }
    }

    #[test]
    fn actors_are_told_as_people_know_them() {
        let account = actor("system:serviceaccount:shop:web", ActorKind::ServiceAccount);
        assert_eq!(who(&account), "service account shop/web");
        assert_eq!(who(&actor("system:node:n1", ActorKind::Node)), "node n1");
        assert_eq!(who(&actor("", ActorKind::Unknown)), "an unauthenticated caller");
        let eve = Actor {
            impersonated: Some("root".into()),
            source: Some("203.0.113.7".into()),
            ..actor("eve", ActorKind::Human)
        };
        assert_eq!(who(&eve), "eve as root from 203.0.113.7");
    }

    #[test]
    fn deeds_are_told_in_the_past_with_their_end() {
        for (target, expected) in [
            (target("get", "pods", "exec", 101), "ran a command in pods/web in namespace shop"),
            (target("list", "secrets", "", 403), "listed secrets/web in namespace shop: refused"),
            (
                target("patch", "nodes", "status", 500),
                "changed status of nodes/web in namespace shop: failed with 500",
            ),
            (
                Target {
                    verb: "get".into(),
                    uri: "/version?timeout=32s".into(),
                    ..Target::default()
                },
                "read /version",
            ),
        ] {
            assert_eq!(what(&target), expected);
        }
    }
}
