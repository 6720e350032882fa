//! Serde twins of alerts and findings, as their rows' bodies keep them. A change here changes
//! what is stored: raise the schema version, keep a sample under `tests/data/rows`, and go on
//! reading the old ones.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::body::{Cut, Rung, shorten};
use crate::model::finding::{Actor, ActorKind, EventRef, Evidence, Reason, Target};
use crate::model::ids::{RuleId, SessionKey};
use crate::model::rule::RuleRef;
use crate::ports::error::{PortError, PortErrorKind, PortResult};

pub(super) mod alert;
pub(super) mod finding;

#[derive(Serialize, Deserialize)]
struct RuleRow {
    id: String,
    name: String,
    title: String,
    level: String,
    mode: String,
}

#[derive(Serialize, Deserialize)]
struct ActorRow {
    username: String,
    kind: String,
    impersonated: Option<String>,
    source: Option<String>,
    client: String,
    /// Since version 3 of alerts and findings.
    #[serde(default)]
    session: String,
}

#[derive(Serialize, Deserialize)]
struct TargetRow {
    verb: String,
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    uri: String,
    code: Option<u16>,
}

#[derive(Serialize, Deserialize)]
struct ReasonRow {
    field: String,
    value: String,
    clause: String,
}

#[derive(Serialize, Deserialize)]
struct EventRow {
    audit_id: String,
    stage: String,
    time: String,
}

#[derive(Serialize, Deserialize)]
struct EvidenceRow {
    origin: String,
    offset: u64,
    length: u64,
}

impl From<&RuleRef> for RuleRow {
    fn from(rule: &RuleRef) -> Self {
        Self {
            id: rule.id.as_str().to_owned(),
            name: rule.name.clone(),
            title: rule.title.clone(),
            level: rule.level.as_str().to_owned(),
            mode: rule.mode.as_str().to_owned(),
        }
    }
}

impl RuleRow {
    fn into_model(self) -> PortResult<RuleRef> {
        Ok(RuleRef {
            id: RuleId::new(self.id),
            name: self.name,
            title: self.title,
            level: self.level.parse().map_err(|_| unknown_word("level"))?,
            mode: self.mode.parse().map_err(|_| unknown_word("mode"))?,
        })
    }
}

impl From<&Actor> for ActorRow {
    fn from(actor: &Actor) -> Self {
        Self {
            username: actor.username.clone(),
            kind: actor.kind.as_str().to_owned(),
            impersonated: actor.impersonated.clone(),
            source: actor.source.clone(),
            client: actor.client.clone(),
            session: actor.session.as_str().to_owned(),
        }
    }
}

impl ActorRow {
    fn into_model(self) -> PortResult<Actor> {
        let kinds = [
            ActorKind::Human,
            ActorKind::ServiceAccount,
            ActorKind::Node,
            ActorKind::Platform,
            ActorKind::Anonymous,
            ActorKind::Unknown,
        ];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind);
        Ok(Actor {
            username: self.username,
            kind: kind.ok_or_else(|| unknown_word("actor"))?,
            impersonated: self.impersonated,
            source: self.source,
            client: self.client,
            session: SessionKey::new(self.session),
        })
    }
}

impl Cut for ActorRow {
    fn cut(&mut self, rung: Rung) {
        shorten(&mut self.username, rung.text);
        shorten(&mut self.client, rung.text);
        for text in [&mut self.impersonated, &mut self.source].into_iter().flatten() {
            shorten(text, rung.text);
        }
    }
}

impl From<&Target> for TargetRow {
    fn from(target: &Target) -> Self {
        Self {
            verb: target.verb.clone(),
            api_group: target.api_group.clone(),
            resource: target.resource.clone(),
            subresource: target.subresource.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            uri: target.uri.clone(),
            code: target.code,
        }
    }
}

impl From<TargetRow> for Target {
    fn from(row: TargetRow) -> Self {
        Self {
            verb: row.verb,
            api_group: row.api_group,
            resource: row.resource,
            subresource: row.subresource,
            namespace: row.namespace,
            name: row.name,
            uri: row.uri,
            code: row.code,
        }
    }
}

impl Cut for TargetRow {
    fn cut(&mut self, rung: Rung) {
        let texts = [
            &mut self.verb,
            &mut self.api_group,
            &mut self.resource,
            &mut self.subresource,
            &mut self.namespace,
            &mut self.name,
            &mut self.uri,
        ];
        for text in texts {
            shorten(text, rung.text);
        }
    }
}

fn reasons_to_rows(why: &[Reason]) -> Vec<ReasonRow> {
    why.iter()
        .map(|reason| ReasonRow {
            field: reason.field.clone(),
            value: reason.value.clone(),
            clause: reason.clause.clone(),
        })
        .collect()
}

fn reasons_to_model(rows: Vec<ReasonRow>) -> Vec<Reason> {
    rows.into_iter()
        .map(|row| Reason { field: row.field, value: row.value, clause: row.clause })
        .collect()
}

fn cut_reasons(why: &mut Vec<ReasonRow>, rung: Rung) {
    why.truncate(rung.list);
    for reason in why {
        shorten(&mut reason.value, rung.value);
        shorten(&mut reason.field, rung.text);
        shorten(&mut reason.clause, rung.text);
    }
}

impl From<&EventRef> for EventRow {
    fn from(event: &EventRef) -> Self {
        Self {
            audit_id: event.audit_id.clone(),
            stage: event.stage.clone(),
            time: time_to_text(event.time),
        }
    }
}

impl EventRow {
    fn into_model(self) -> PortResult<EventRef> {
        let time = time_to_model(&self.time)?;
        Ok(EventRef { audit_id: self.audit_id, stage: self.stage, time })
    }
}

impl From<&Evidence> for EvidenceRow {
    fn from(evidence: &Evidence) -> Self {
        Self { origin: evidence.origin.clone(), offset: evidence.offset, length: evidence.length }
    }
}

impl From<EvidenceRow> for Evidence {
    fn from(row: EvidenceRow) -> Self {
        Self { origin: row.origin, offset: row.offset, length: row.length }
    }
}

/// RFC 3339 in UTC. A time outside the years 0 to 9999, which no record can hold in that format,
/// is kept as the epoch rather than refused.
fn time_to_text(time: OffsetDateTime) -> String {
    time.checked_to_offset(time::UtcOffset::UTC)
        .and_then(|utc| utc.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

fn time_to_model(text: &str) -> PortResult<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        PortError::new(PortErrorKind::Corrupt, "read a row", "a time in it is not RFC 3339")
    })
}

fn unknown_word(what: &str) -> PortError {
    let cause = format!("its {what} is a word that this Midwatch does not know");
    PortError::new(PortErrorKind::Corrupt, "read a row", cause)
}

#[cfg(test)]
mod tests;
