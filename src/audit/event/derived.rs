//! The fields in the namespace `midwatch.`: what they lead to. Each is computed by its own module;
//! this one only knows their names, and keeps what is not a part of the raw event.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Event, bounded};
use crate::audit::body::BodyState;
use crate::audit::csr::Subject;
use crate::audit::exec::Exec;
use crate::audit::image::Image;
use crate::audit::request::RequestUri;
use crate::audit::{actor, client, object, path, pod, source};
use crate::model::fields::{Fields, Found, Scalar};
use crate::model::finding::ActorKind;

/// Longest address kept, in bytes; an IPv6 address with a zone has fewer.
const ADDRESS_MAX: usize = 64;

/// Containers whose images are taken apart; a pod of hundreds is unheard of.
const IMAGES_MAX: usize = 1024;

/// What is computed once per event, at the first question.
#[derive(Clone)]
pub(super) struct Derived {
    pub(super) actor_kind: ActorKind,
    pub(super) source: Option<String>,
    pub(super) uri: RequestUri,
    client: Option<String>,
    exec: Option<Exec>,
    command: Option<String>,
    images: Vec<Image>,
    csr: Option<Subject>,
}

impl Derived {
    pub(super) fn of(event: &Event) -> Self {
        let username = event.text(&["user", "username"]);
        let source = source::caller(texts(event.at(&["sourceIPs"])), &event.control_plane);
        let uri = RequestUri::parse(event.text(&["requestURI"]));
        let exec = Exec::of(&uri);
        let groups: Vec<_> = texts(event.at(&["user", "groups"])).collect();
        Self {
            actor_kind: actor::kind(username, &groups, source.is_some()),
            source: source.map(|address| bounded(address, ADDRESS_MAX)),
            client: client::family(event.text(&["userAgent"])),
            command: exec.as_ref().and_then(Exec::command),
            exec,
            uri,
            images: images(event),
            csr: csr(event),
        }
    }
}

/// The texts of a value that is an array of them.
fn texts(value: Option<&Value>) -> impl DoubleEndedIterator<Item = &str> {
    let elements = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    elements.iter().filter_map(Value::as_str)
}

fn images(event: &Event) -> Vec<Image> {
    let containers = members(event)
        .into_iter()
        .flat_map(|raw| pod::pods(raw, event.truncated))
        .flat_map(pod::containers);
    let images = containers.filter_map(|container| Image::parse(container.get("image")?.as_str()?));
    images.take(IMAGES_MAX).collect()
}

fn csr(event: &Event) -> Option<Subject> {
    let is_csr = event.text(&["objectRef", "resource"]) == "certificatesigningrequests";
    let raw = members(event).filter(|_| is_csr)?;
    object::effective(raw, event.truncated)
        .find_map(|object| Subject::of_request(object.get("spec")?.get("request")?.as_str()?))
}

fn members(event: &Event) -> Option<&Map<String, Value>> {
    event.raw.as_object()
}

/// Adds what a path (without the namespace) leads to.
pub(super) fn find<'a>(event: &'a Event, path: &str, found: &mut Found<'a>) {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    match head {
        "object" | "pod" | "pod_metadata" | "containers" => find_below(event, head, rest, found),
        "actor" | "source" | "client" | "request" => find_caller(event, path, found),
        "exec" | "images" | "csr" => find_computed(event.derived(), path, found),
        "outcome" if rest.is_empty() => text(found, event.outcome().as_str()),
        "body" if rest.is_empty() => {
            let state = members(event).map(|raw| BodyState::of(raw, event.truncated));
            text(found, state.map(BodyState::as_str));
        }
        "truncated" if rest.is_empty() => flag(found, event.truncated),
        _ => {}
    }
}

/// Parts of the raw event under another name.
fn find_below<'a>(event: &'a Event, head: &str, rest: &str, found: &mut Found<'a>) {
    for root in roots(event, head) {
        path::find(root, rest, found);
    }
}

/// The parts of the raw event that stand under the first name of a path.
fn roots<'a>(event: &'a Event, head: &str) -> Vec<&'a Value> {
    let Some(raw) = members(event) else { return Vec::new() };
    let pods = || pod::pods(raw, event.truncated);
    match head {
        "object" => object::effective(raw, event.truncated).collect(),
        "pod" => pods().filter_map(|pod| pod.get("spec")).collect(),
        "pod_metadata" => pods().filter_map(|pod| pod.get("metadata")).collect(),
        "containers" => pods().flat_map(pod::containers).collect(),
        _ => Vec::new(),
    }
}

/// Whether some object that a path (without the namespace) reaches passes the test. Each container
/// is one, and each image; nothing else that is computed.
pub(super) fn any_element(
    event: &Event,
    path: &str,
    test: &mut dyn FnMut(&dyn Fields) -> bool,
) -> bool {
    if path == "images" {
        return event.derived().images.iter().any(|image| test(image));
    }
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    roots(event, head).into_iter().any(|root| path::any_element(root, rest, test))
}

fn find_caller<'a>(event: &'a Event, path: &str, found: &mut Found<'a>) {
    let derived = event.derived();
    let username = event.text(&["user", "username"]);
    let account = actor::service_account(username);
    match path {
        "actor.kind" => text(found, derived.actor_kind.as_str()),
        "actor.namespace" => text(found, account.map(|(namespace, _)| namespace)),
        "actor.name" => {
            text(found, account.map(|(_, name)| name).or_else(|| actor::node(username)));
        }
        "source.address" => text(found, derived.source.as_deref()),
        "source.scope" => text(found, source::scope(derived.source.as_deref())),
        "client.family" => text(found, derived.client.as_deref()),
        "request.path" => {
            let path = derived.uri.path.as_str();
            text(found, Some(path).filter(|path| !path.is_empty()));
        }
        "request.dry_run" => flag(found, event.is_dry_run()),
        _ => {}
    }
}

fn find_computed<'a>(derived: &'a Derived, path: &str, found: &mut Found<'a>) {
    let images = derived.images.iter();
    match (path, &derived.exec, &derived.csr) {
        ("exec.command", Some(_), _) => text(found, derived.command.as_deref()),
        ("exec.argv", Some(exec), _) => all(found, exec.argv.iter().map(String::as_str)),
        ("exec.container", Some(exec), _) => text(found, exec.container.as_deref()),
        ("exec.stdin", Some(exec), _) => flag(found, exec.stdin),
        ("exec.tty", Some(exec), _) => flag(found, exec.tty),
        ("exec", Some(_), _) => found.present = true,
        ("csr.common_name", _, Some(csr)) => {
            all(found, csr.common_names.iter().map(String::as_str))
        }
        ("csr.organization", _, Some(csr)) => {
            all(found, csr.organizations.iter().map(String::as_str));
        }
        ("csr", _, Some(_)) => found.present = true,
        ("images.registry", ..) => all(found, images.map(|image| image.registry.as_str())),
        ("images.repository", ..) => all(found, images.map(|image| image.repository.as_str())),
        ("images", ..) => found.present = !derived.images.is_empty(),
        _ => {}
    }
}

/// One image, with what `midwatch.images` has of all.
impl Fields for Image {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        let mut found = Found::default();
        match path {
            "registry" => text(&mut found, self.registry.as_str()),
            "repository" => text(&mut found, self.repository.as_str()),
            _ => {}
        }
        found
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        test(&self.registry) || test(&self.repository)
    }

    fn any_element(&self, _path: &str, _test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        false
    }
}

/// A text, or nothing: then the field is absent.
fn text<'a>(found: &mut Found<'a>, value: impl Into<Option<&'a str>>) {
    if let Some(value) = value.into() {
        found.present = true;
        found.values.push(Scalar::Text(Cow::Borrowed(value)));
    }
}

fn flag(found: &mut Found<'_>, value: bool) {
    found.present = true;
    found.values.push(Scalar::Bool(value));
}

fn all<'a>(found: &mut Found<'a>, values: impl Iterator<Item = &'a str>) {
    for value in values {
        text(found, value);
    }
}
