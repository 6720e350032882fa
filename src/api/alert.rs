//! An alert as JSON: `midwatch.alert/v1`. Fields are only ever added. It decides nothing.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::finding::{ActorBody, ReasonBody, RuleBody, TargetBody};
use super::json;
use crate::model::alert::Alert;

/// The value of `schema` in every alert.
pub const SCHEMA: &str = "midwatch.alert/v1";

/// Findings of one rule and dedup key within one window of event time.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Alert)]
pub struct AlertBody<'a> {
    /// Always `midwatch.alert/v1`.
    pub schema: &'static str,
    pub id: &'a str,
    pub rule: RuleBody<'a>,
    /// The highest level of its findings.
    pub level: &'static str,
    /// open, investigating or closed.
    pub state: &'static str,
    /// Who works on it.
    pub owner: Option<&'a str>,
    /// true-positive, benign or false-positive, once closed; excepted when an exception accepts
    /// every finding of it, so that it was never raised.
    pub close_reason: Option<&'static str>,
    pub cluster: &'a str,
    pub dedup: &'a str,
    /// When Midwatch first recorded it; lists are ordered by this, newest first.
    #[serde(serialize_with = "json::time_as_text")]
    #[schema(value_type = String, format = "date-time")]
    pub recorded: OffsetDateTime,
    /// Event time of the earliest finding.
    #[serde(serialize_with = "json::time_as_text")]
    #[schema(value_type = String, format = "date-time")]
    pub first_event: OffsetDateTime,
    /// Event time of the latest finding.
    #[serde(serialize_with = "json::time_as_text")]
    #[schema(value_type = String, format = "date-time")]
    pub last_event: OffsetDateTime,
    /// How many findings it holds.
    pub findings: u64,
    /// Of them, those that an exception accepts.
    pub excepted: u64,
    /// Of the finding with the earliest event.
    pub actor: ActorBody<'a>,
    /// Of the finding with the earliest event.
    pub target: TargetBody<'a>,
    /// Of the finding with the earliest event.
    pub why: Vec<ReasonBody<'a>>,
    /// Some finding came from a cut record.
    pub truncated: bool,
}

impl<'a> From<&'a Alert> for AlertBody<'a> {
    fn from(alert: &'a Alert) -> Self {
        Self {
            schema: SCHEMA,
            id: alert.id.as_str(),
            rule: (&alert.rule).into(),
            level: alert.level.as_str(),
            state: alert.state.as_str(),
            owner: alert.owner.as_deref(),
            close_reason: alert.close_reason.map(|reason| reason.as_str()),
            cluster: alert.cluster.as_str(),
            dedup: &alert.dedup,
            recorded: alert.recorded,
            first_event: alert.first_event,
            last_event: alert.last_event,
            findings: alert.findings,
            excepted: alert.excepted,
            actor: (&alert.actor).into(),
            target: (&alert.target).into(),
            why: alert.why.iter().map(ReasonBody::from).collect(),
            truncated: alert.truncated,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::api::finding::tests::sample as finding;
    use crate::model::alert::{AlertState, CloseReason};

    /// An alert of the sample finding.
    pub(crate) fn sample() -> Alert {
        let finding = finding();
        Alert {
            id: finding.alert,
            rule: finding.rule,
            cluster: finding.cluster,
            dedup: finding.dedup,
            level: finding.level,
            state: AlertState::Closed,
            owner: None,
            close_reason: Some(CloseReason::Benign),
            recorded: datetime!(2026-01-02 04:00:00 UTC),
            first_event: finding.time,
            last_event: finding.time,
            findings: 1,
            excepted: 0,
            actor: finding.actor,
            target: finding.target,
            why: finding.why,
            truncated: true,
            undelivered: true,
        }
    }

    #[test]
    fn an_alert_tells_its_state_in_words_and_absent_things_as_null() {
        let alert = sample();
        let json = serde_json::to_value(AlertBody::from(&alert)).unwrap();
        assert_eq!(json["schema"], "midwatch.alert/v1");
        assert_eq!(json["state"], "closed");
        assert_eq!(json["close_reason"], "benign");
        assert_eq!(json["owner"], serde_json::Value::Null);
        assert_eq!(json["recorded"], "2026-01-02T04:00:00Z");
        assert_eq!(json["rule"]["name"], "exec-into-pod");
    }
}
