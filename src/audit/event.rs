//! One Kubernetes audit event, whole or cut, with its place. Owns the decoded JSON and answers
//! every question that rules and findings ask of it; it does not decide what is suspicious.

mod derived;

use std::fmt;
use std::sync::OnceLock;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::source::{self, ControlPlane};
use super::{body, client, outcome, path, request};
use crate::model::fields::{Fields, Found};
use crate::model::finding::{Actor, ActorKind, Evidence, Outcome, Target};
use crate::model::ids::{ClusterId, SessionKey};
use derived::Derived;

/// What starts the path of a derived field.
pub const NAMESPACE: &str = "midwatch.";

/// Longest texts kept in an actor or target, in bytes. Names of Kubernetes have at most 253.
const NAME_MAX: usize = 512;
const URI_MAX: usize = 2048;
const AUDIT_ID_MAX: usize = 256;

/// One audit event. Its debug form names it and shows nothing of what it holds.
#[derive(Clone)]
pub struct Event {
    raw: Value,
    cluster: ClusterId,
    evidence: Evidence,
    audit_id: String,
    truncated: bool,
    enveloped: Option<OffsetDateTime>,
    control_plane: ControlPlane,
    derived: OnceLock<Box<Derived>>,
}

/// What the record around an event says of it.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) cluster: ClusterId,
    pub(super) evidence: Evidence,
    /// The record was cut.
    pub(super) cut: bool,
    /// The envelope's `time`.
    pub(super) time: Option<OffsetDateTime>,
    pub(super) control_plane: ControlPlane,
}

impl Event {
    /// `substitute_id` stands in for an `auditID` that the event does not have.
    pub(super) fn new(
        raw: Map<String, Value>,
        around: Surroundings,
        substitute_id: impl FnOnce() -> String,
    ) -> Self {
        let id = raw.get("auditID").and_then(Value::as_str).filter(|id| !id.is_empty());
        let audit_id = id.map_or_else(substitute_id, |id| bounded(id, AUDIT_ID_MAX));
        let truncated = around.cut || body::is_marked_truncated(&raw);
        Self {
            raw: Value::Object(raw),
            cluster: around.cluster,
            evidence: around.evidence,
            audit_id,
            truncated,
            enveloped: around.time,
            control_plane: around.control_plane,
            derived: OnceLock::new(),
        }
    }

    /// The cluster it happened in.
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// `auditID`; `line-` and a digest of the line when the record was cut before it. A client may
    /// choose the id of its own request, so it names an event and proves nothing.
    pub fn audit_id(&self) -> &str {
        &self.audit_id
    }

    /// What makes the request one of a kind, for ids that are derived: the audit id and the moment
    /// at which the API server received the request, which is the same in every stage and every
    /// copy of the event and which no client can choose. Where a record was cut before that
    /// moment, a digest of what is left: it may count a request twice, but never hides one.
    pub fn identity(&self) -> String {
        match timestamp(self.text(&["requestReceivedTimestamp"])) {
            Some(received) => {
                format!("{}@{}", self.audit_id, received.unix_timestamp_nanos() / 1_000)
            }
            None => {
                let digest = Sha256::digest(self.raw.to_string());
                let digits: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
                format!("{}#{digits}", self.audit_id)
            }
        }
    }

    /// `stage`, empty when unknown.
    pub fn stage(&self) -> &str {
        self.text(&["stage"])
    }

    /// `stageTimestamp`, else `requestReceivedTimestamp`, else the envelope's time, else the Unix
    /// epoch: a cut plain line may have no time at all, and is still evaluated.
    pub fn time(&self) -> OffsetDateTime {
        ["stageTimestamp", "requestReceivedTimestamp"]
            .into_iter()
            .find_map(|name| timestamp(self.text(&[name])))
            .or(self.enveloped)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The moment at which the API server received the request: the same in every stage and copy of
    /// the event. Where a cut record lost it, the stage's or the envelope's time; `None` when
    /// nothing tells a time.
    pub fn received(&self) -> Option<OffsetDateTime> {
        ["requestReceivedTimestamp", "stageTimestamp"]
            .into_iter()
            .find_map(|name| timestamp(self.text(&[name])))
            .or(self.enveloped)
    }

    /// Who did it.
    pub fn actor(&self) -> Actor {
        let derived = self.derived();
        let impersonated = self.text(&["impersonatedUser", "username"]);
        Actor {
            username: bounded(self.text(&["user", "username"]), NAME_MAX),
            kind: self.actor_kind(),
            impersonated: (!impersonated.is_empty()).then(|| bounded(impersonated, NAME_MAX)),
            source: derived.source.clone(),
            client: bounded(self.text(&["userAgent"]), NAME_MAX),
            session: self.session(),
        }
    }

    /// What the actor is, without all the rest of it.
    pub fn actor_kind(&self) -> ActorKind {
        self.derived().actor_kind
    }

    /// Who acts in one way. The credential is the id that the API server gives each token of a
    /// service account (`user.extra`), and nothing where there is none.
    fn session(&self) -> SessionKey {
        let credential = ["user", "extra", "authentication.kubernetes.io/credential-id"];
        let credential = self.at(&credential).and_then(|ids| ids.get(0)).and_then(Value::as_str);
        let derived = self.derived();
        let block = derived.source.as_deref().and_then(source::block);
        SessionKey::derive([
            self.text(&["user", "username"]),
            self.text(&["impersonatedUser", "username"]),
            credential.unwrap_or_default(),
            block.as_deref().or(derived.source.as_deref()).unwrap_or_default(),
            client::family(self.text(&["userAgent"])).as_deref().unwrap_or_default(),
        ])
    }

    /// What it was done to.
    pub fn target(&self) -> Target {
        let reference = |name| bounded(self.text(&["objectRef", name]), NAME_MAX);
        let mut name = reference("name");
        if name.is_empty() && self.verb() == "create" {
            name = bounded(self.text(&["responseObject", "metadata", "name"]), NAME_MAX);
        }
        Target {
            verb: bounded(self.verb(), NAME_MAX),
            api_group: reference("apiGroup"),
            resource: reference("resource"),
            subresource: reference("subresource"),
            namespace: reference("namespace"),
            name,
            uri: bounded(self.text(&["requestURI"]), URI_MAX),
            code: self.code(),
        }
    }

    /// How the request ended, as far as this stage knows.
    pub fn outcome(&self) -> Outcome {
        let decision = self.text(&["annotations", "authorization.k8s.io/decision"]);
        outcome::judge(self.code(), Some(decision))
    }

    /// Whether the request was a rehearsal that changed nothing. Only where the API server heeds
    /// the parameter: see [`request::heeds_dry_run`].
    pub fn is_dry_run(&self) -> bool {
        // Without a resource it is no such request, or the record was cut before telling.
        let reference = |name| self.text(&["objectRef", name]);
        let heeds = request::heeds_dry_run(self.verb(), reference("subresource"));
        if !heeds || reference("resource").is_empty() {
            return false;
        }
        self.derived().uri.values("dryRun").any(|value| value == "All") || self.options_dry_run()
    }

    /// `dryRun` in the options that a delete or an eviction carries as its body.
    fn options_dry_run(&self) -> bool {
        let options: &[&str] = match self.text(&["requestObject", "kind"]) {
            "DeleteOptions" if self.verb().starts_with("delete") => &["requestObject", "dryRun"],
            "Eviction" => &["requestObject", "deleteOptions", "dryRun"],
            _ => return false,
        };
        let values = self.at(options).and_then(Value::as_array);
        values.is_some_and(|values| values.iter().any(|value| value == "All"))
    }

    /// Parts were cut off (by the platform's limits, or by the API server itself), so that a field
    /// which is not there may have been.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Where the proof lies.
    pub fn evidence(&self) -> Evidence {
        self.evidence.clone()
    }

    /// The event as decoded: always an object.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn verb(&self) -> &str {
        self.text(&["verb"])
    }

    fn code(&self) -> Option<u16> {
        let code = self.at(&["responseStatus", "code"])?.as_u64()?;
        u16::try_from(code).ok()
    }

    /// The value under fixed keys.
    fn at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(&self.raw, |value, key| value.get(key))
    }

    /// The text under fixed keys, empty when it is not there or no text.
    fn text(&self, keys: &[&str]) -> &str {
        self.at(keys).and_then(Value::as_str).unwrap_or_default()
    }

    fn derived(&self) -> &Derived {
        self.derived.get_or_init(|| Box::new(Derived::of(self)))
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("cluster", &self.cluster)
            .field("audit_id", &self.audit_id)
            .field("evidence", &self.evidence)
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}

impl Fields for Event {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        let mut found = Found::default();
        match path.strip_prefix(NAMESPACE) {
            Some(path) => derived::find(self, path, &mut found),
            None => path::find(&self.raw, path, &mut found),
        }
        found
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        path::any_text(&self.raw, test)
    }

    fn any_element(&self, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        match path.strip_prefix(NAMESPACE) {
            Some(path) => derived::any_element(self, path, test),
            None => path::any_element(&self.raw, path, test),
        }
    }
}

/// At most `max` bytes of a text, cut on a character's boundary.
fn bounded(text: &str, max: usize) -> String {
    let end = text.floor_char_boundary(max);
    text.get(..end).unwrap_or_default().to_owned()
}

/// A timestamp of the API server or the platform: RFC 3339, up to nanoseconds, in UTC. One that
/// only its offset carries beyond the years 0 to 9999 is none: no boundary could write it down.
pub(super) fn timestamp(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&time.year()).then_some(time)
}

#[cfg(test)]
mod tests;
