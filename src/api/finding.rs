//! A finding as JSON: `midwatch.finding/v1`, the stable object that `scan -o ndjson` prints one a
//! line and that the HTTP API returns. Fields are only ever added; a change of meaning is a new
//! version. It decides nothing.

use std::io;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::json;
use crate::model::finding::{Actor, EventRef, Evidence, Excepted, Finding, Reason, Target};
use crate::model::rule::RuleRef;

/// The value of `schema` in every finding.
pub const SCHEMA: &str = "midwatch.finding/v1";

/// Writes one finding as one line of NDJSON, newline included.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write_line(mut writer: impl io::Write, finding: &Finding) -> io::Result<()> {
    json::write(&mut writer, &FindingBody::from(finding))?;
    writer.write_all(b"\n")
}

/// One rule on one event (or, for a correlation, on one window of events).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingBody<'a> {
    /// Always `midwatch.finding/v1`.
    pub schema: &'static str,
    /// Derived from cluster, event and rule: a replay gives the same one.
    pub id: &'a str,
    pub rule: RuleBody<'a>,
    /// The rule's level, lowered for a refused attempt or a dry run.
    pub level: &'static str,
    /// ARM resource id in lower case, or the label of an offline scan.
    pub cluster: &'a str,
    /// Event time, RFC 3339 in UTC.
    #[serde(serialize_with = "json::time_as_text")]
    #[schema(value_type = String, format = "date-time")]
    pub time: OffsetDateTime,
    /// Every contributing event.
    pub events: Vec<EventBody<'a>>,
    pub actor: ActorBody<'a>,
    pub target: TargetBody<'a>,
    /// allowed, denied, failed or unknown.
    pub outcome: &'static str,
    /// Clause by clause, what made the rule fire.
    pub why: Vec<ReasonBody<'a>>,
    /// The record was cut; what lay after the cut was not seen.
    pub truncated: bool,
    /// What folds findings into one alert.
    pub dedup: &'a str,
    /// The alert it folds into.
    pub alert: &'a str,
    pub evidence: EvidenceBody<'a>,
    /// The exception that accepts it; null for a finding that counts.
    pub excepted: Option<ExceptedBody<'a>>,
}

/// The mark of an exception.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Excepted)]
pub struct ExceptedBody<'a> {
    /// The exception's name.
    pub name: &'a str,
    /// Who answers for it.
    pub owner: &'a str,
    /// Why the finding is accepted.
    pub reason: &'a str,
}

/// The rule that fired, as it was then.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleBody<'a> {
    /// The Sigma UUID.
    pub id: &'a str,
    /// The kebab-case id of the behaviour.
    pub name: &'a str,
    pub title: &'a str,
    /// informational, low, medium, high or critical.
    pub level: &'static str,
    /// on, opt-in, duet or building-block.
    pub mode: &'static str,
}

/// An audit event by its own names.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody<'a> {
    /// `auditID`, or `line-` and a digest when the record was cut before it.
    pub audit_id: &'a str,
    pub stage: &'a str,
    #[serde(serialize_with = "json::time_as_text")]
    #[schema(value_type = String, format = "date-time")]
    pub time: OffsetDateTime,
}

/// Who did it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Actor)]
pub struct ActorBody<'a> {
    pub username: &'a str,
    /// human, service-account, node, platform, anonymous or unknown.
    pub kind: &'static str,
    /// The assumed identity, when the request impersonated one.
    pub impersonated: Option<&'a str>,
    /// Caller address; clients can forge it.
    pub source: Option<&'a str>,
    /// `userAgent` as sent.
    pub client: &'a str,
    /// The same for requests of one principal with one credential, from one block of addresses and
    /// with one kind of client; empty in what was stored before there were sessions.
    pub session: &'a str,
}

/// What it was done to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Target)]
pub struct TargetBody<'a> {
    pub verb: &'a str,
    pub api_group: &'a str,
    pub resource: &'a str,
    pub subresource: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub uri: &'a str,
    /// HTTP status of the answer, when the record has it.
    pub code: Option<u16>,
}

/// One clause that held, with the value that made it hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonBody<'a> {
    pub field: &'a str,
    pub value: &'a str,
    pub clause: &'a str,
}

/// Bytes of a blob or file that prove it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceBody<'a> {
    /// Container and blob name, a file's path, or `-`.
    pub origin: &'a str,
    /// Of the line's first byte.
    pub offset: u64,
    /// In bytes, without the newline.
    pub length: u64,
}

impl<'a> From<&'a Finding> for FindingBody<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            schema: SCHEMA,
            id: finding.id.as_str(),
            rule: (&finding.rule).into(),
            level: finding.level.as_str(),
            cluster: finding.cluster.as_str(),
            time: finding.time,
            events: finding.events.iter().map(EventBody::from).collect(),
            actor: (&finding.actor).into(),
            target: (&finding.target).into(),
            outcome: finding.outcome.as_str(),
            why: finding.why.iter().map(ReasonBody::from).collect(),
            truncated: finding.truncated,
            dedup: &finding.dedup,
            alert: finding.alert.as_str(),
            evidence: (&finding.evidence).into(),
            excepted: finding.excepted.as_ref().map(ExceptedBody::from),
        }
    }
}

impl<'a> From<&'a Excepted> for ExceptedBody<'a> {
    fn from(mark: &'a Excepted) -> Self {
        Self { name: &mark.name, owner: &mark.owner, reason: &mark.reason }
    }
}

impl<'a> From<&'a RuleRef> for RuleBody<'a> {
    fn from(rule: &'a RuleRef) -> Self {
        Self {
            id: rule.id.as_str(),
            name: &rule.name,
            title: &rule.title,
            level: rule.level.as_str(),
            mode: rule.mode.as_str(),
        }
    }
}

impl<'a> From<&'a EventRef> for EventBody<'a> {
    fn from(event: &'a EventRef) -> Self {
        Self { audit_id: &event.audit_id, stage: &event.stage, time: event.time }
    }
}

impl<'a> From<&'a Actor> for ActorBody<'a> {
    fn from(actor: &'a Actor) -> Self {
        Self {
            username: &actor.username,
            kind: actor.kind.as_str(),
            impersonated: actor.impersonated.as_deref(),
            source: actor.source.as_deref(),
            client: &actor.client,
            session: actor.session.as_str(),
        }
    }
}

impl<'a> From<&'a Target> for TargetBody<'a> {
    fn from(target: &'a Target) -> Self {
        Self {
            verb: &target.verb,
            api_group: &target.api_group,
            resource: &target.resource,
            subresource: &target.subresource,
            namespace: &target.namespace,
            name: &target.name,
            uri: &target.uri,
            code: target.code,
        }
    }
}

impl<'a> From<&'a Reason> for ReasonBody<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self { field: &reason.field, value: &reason.value, clause: &reason.clause }
    }
}

impl<'a> From<&'a Evidence> for EvidenceBody<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self { origin: &evidence.origin, offset: evidence.offset, length: evidence.length }
    }
}

#[cfg(test)]
pub(crate) mod tests;
