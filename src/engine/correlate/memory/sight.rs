//! What an event shows of an object: the values that a rule watches, or that the object is gone.
//!
//! An event shows an object only when nothing is left to doubt: the request was carried out, the
//! record is whole, and the response is the object itself. That is decided here and not in rules,
//! so no rule can get it wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::audit::event::Event;
use crate::engine::correlate::contribution::{bounded, join};
use crate::engine::evaluate::marked;
use crate::model::fields::Fields;
use crate::model::finding::Outcome;

/// Different values of one field that are told apart; of more, the rest becomes one digest.
const VALUES_MAX: usize = 64;

/// Subresources whose response is the whole object. Others answer with something else, such as a
/// `Scale`.
const WHOLE: [&str; 6] = ["", "status", "ephemeralcontainers", "resize", "finalize", "approval"];

/// Responses that are no object or a part of one: a client chooses with its `Accept` header to get
/// metadata or a table only.
const NO_OBJECT: [&str; 4] =
    ["Status", "PartialObjectMetadata", "PartialObjectMetadataList", "Table"];

/// Fields that are read from a pod's specification or a template of one.
const OF_PODS: [&str; 4] =
    ["midwatch.pod.", "midwatch.pod_metadata.", "midwatch.containers.", "midwatch.images."];

/// What one event shows of one object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine::correlate) struct Sighting {
    /// Which object: group, resource, namespace and name. Taken from the request and not from the
    /// rule's groups.
    pub object: String,
    /// Its uid, empty where the response has none.
    pub uid: String,
    /// The request made it, so nothing that was known of its name holds.
    pub created: bool,
    /// By field, those that it shows; `None` when the object is gone.
    pub fields: Option<BTreeMap<String, Values>>,
}

/// The values of one field with how often each is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::engine::correlate) struct Values {
    pub counts: BTreeMap<String, u32>,
    /// A digest of those beyond the limit.
    pub rest: Option<String>,
}

impl Sighting {
    /// `None` when the event shows nothing for certain.
    pub(in crate::engine::correlate) fn of<'a>(
        event: &Event,
        watched: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let target = event.target();
        let nameless = target.resource.is_empty() || target.name.is_empty();
        if event.outcome() != Outcome::Allowed || event.is_dry_run() || nameless {
            return None;
        }
        let parts = [&target.api_group, &target.resource, &target.namespace, &target.name];
        let parts: Vec<String> = parts.iter().map(|part| marked(part.chars())).collect();
        let response = event.raw().get("responseObject").filter(|body| body.is_object())?;
        let kind = response.get("kind").and_then(Value::as_str).unwrap_or_default();
        let uid = |body: &Value| body.get("metadata")?.get("uid")?.as_str().map(str::to_owned);
        let sighting = Self {
            object: join(&parts),
            uid: uid(response).map(|uid| bounded(&uid)).unwrap_or_default(),
            created: target.verb == "create" || target.code == Some(201),
            fields: None,
        };
        if target.verb == "delete" && target.subresource.is_empty() {
            // Otherwise it lives on: a finalizer holds it, or it has time to end.
            let status = response.get("status").and_then(Value::as_str);
            let gone = kind == "Status" && status == Some("Success");
            return gone.then_some(Self { uid: String::new(), ..sighting });
        }
        let write = ["create", "update", "patch"].contains(&target.verb.as_str());
        let whole = WHOLE.contains(&target.subresource.as_str()) && !NO_OBJECT.contains(&kind);
        if !write || !whole || event.truncated() {
            return None;
        }
        // Fields of pods are not read from every response that is whole, such as that of a status.
        let has_pod = event.find("midwatch.pod").present;
        let readable =
            |field: &&str| has_pod || !OF_PODS.iter().any(|root| field.starts_with(root));
        let watched: BTreeSet<&str> = watched.filter(readable).collect();
        let fields = watched.into_iter().map(|field| (field.to_owned(), Values::of(event, field)));
        Some(Self { fields: Some(fields.collect()), ..sighting })
    }
}

impl Values {
    fn of(event: &Event, field: &str) -> Self {
        let found = event.find(field);
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for text in found.values.iter().filter_map(|value| value.to_text()) {
            let count = counts.entry(bounded(&text)).or_default();
            *count = count.saturating_add(1);
        }
        let Some(beyond) = counts.keys().nth(VALUES_MAX).cloned() else {
            return Self { counts, rest: None };
        };
        let mut digest = Sha256::new();
        for (value, count) in counts.split_off(&beyond) {
            digest.update(format!("{}|{value}|{count}|", value.len()));
        }
        let rest = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { counts, rest: Some(rest) }
    }

    /// How often the value is there.
    pub(super) fn count(&self, value: &str) -> u32 {
        self.counts.get(value).copied().unwrap_or_default()
    }

    /// Those of which there are fewer in the other.
    pub(super) fn beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let more = self.counts.iter().filter(|(value, count)| other.count(value) < **count);
        more.map(|(value, _)| value.as_str())
    }
}
