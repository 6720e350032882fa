//! A finding: one rule fired on one event, or one window of events. Immutable, and its id is derived, so that a replay
//! makes the same one.

use time::OffsetDateTime;

use super::ids::{AlertId, ClusterId, FindingId, SessionKey};
use super::level::Level;
use super::rule::RuleRef;

/// One rule on one event, or on one window of events.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub id: FindingId,
    pub rule: RuleRef,
    /// The rule's level, lowered once for a refused attempt and to informational for a dry run.
    pub level: Level,
    pub cluster: ClusterId,
    /// Event time: `stageTimestamp`, or the best that a cut record still has.
    pub time: OffsetDateTime,
    /// The contributing events; of a correlation the latest hundred, and `why` has the true count.
    pub events: Vec<EventRef>,
    pub actor: Actor,
    pub target: Target,
    pub outcome: Outcome,
    /// Clause by clause, what made the rule fire.
    pub why: Vec<Reason>,
    /// The record was cut; what lay after the cut was not seen.
    pub truncated: bool,
    /// What folds findings into one alert, from the rule's `midwatch.dedup` fields.
    pub dedup: String,
    /// The alert it folds into, derived from cluster, rule, dedup key and window of event time.
    pub alert: AlertId,
    pub evidence: Evidence,
    /// The exception that accepts it, when one does. It is kept and counted like any other, and
    /// raises no alert.
    pub excepted: Option<Excepted>,
}

/// The mark of an exception on a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excepted {
    /// The exception's name.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Why the finding is accepted.
    pub reason: String,
}

/// An audit event by its own names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef {
    /// `auditID`; a digest of the line, prefixed `line-`, when the record was cut before it.
    pub audit_id: String,
    /// `stage`, empty when unknown.
    pub stage: String,
    pub time: OffsetDateTime,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `user.username`; empty when authentication failed.
    pub username: String,
    pub kind: ActorKind,
    /// The assumed identity, when the request impersonated one.
    pub impersonated: Option<String>,
    /// The first caller address that the platform did not add itself. Clients can forge it.
    pub source: Option<String>,
    /// `userAgent` as sent.
    pub client: String,
    /// The same for requests of one principal with one credential, from one block of addresses and
    /// with one kind of client; empty where an older version did not keep it.
    pub session: SessionKey,
}

/// Who an actor is, by the rules in `audit::actor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    Human,
    ServiceAccount,
    Node,
    Platform,
    Anonymous,
    /// Nobody: the request failed authentication, or the record was cut before the user.
    Unknown,
}

impl ActorKind {
    /// The word that rules and formats use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::ServiceAccount => "service-account",
            Self::Node => "node",
            Self::Platform => "platform",
            Self::Anonymous => "anonymous",
            Self::Unknown => "unknown",
        }
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    pub verb: String,
    /// `objectRef.apiGroup`, empty for the core group.
    pub api_group: String,
    /// `objectRef.resource`, empty for a non-resource request.
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    /// The object's name; from the response when the request used `generateName`.
    pub name: String,
    /// `requestURI`, bounded.
    pub uri: String,
    /// `responseStatus.code`.
    pub code: Option<u16>,
}

/// How the request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// 2xx, or 101 for an upgraded connection.
    Allowed,
    /// 401, 403, or an authorization decision of `forbid`.
    Denied,
    /// Any other status of 3xx to 5xx.
    Failed,
    /// No status in the record (an early stage, or cut off).
    Unknown,
}

impl Outcome {
    /// The word that rules and formats use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// One clause of a rule that held, with the value that made it hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The field as the rule names it; `(keywords)` for a keyword search.
    pub field: String,
    /// The value seen, bounded; empty for an absent field that had to be absent.
    pub value: String,
    /// The clause in the rule's terms, such as `selection: verb|contains 'exec'`.
    pub clause: String,
}

/// Where the proof lies: bytes of a blob or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Container and blob name, a file's path, or `-` for standard input.
    pub origin: String,
    /// Offset of the line's first byte (decompressed).
    pub offset: u64,
    /// Length of the line in bytes, without its newline.
    pub length: u64,
}
