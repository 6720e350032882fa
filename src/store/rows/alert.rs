//! The row of an alert.

use serde::{Deserialize, Serialize};

use super::{
    ActorRow, ReasonRow, RuleRow, TargetRow, cut_reasons, reasons_to_model, reasons_to_rows,
    time_to_model, time_to_text, unknown_word,
};
use crate::model::alert::{Alert, AlertState, CloseReason};
use crate::model::ids::{AlertId, ClusterId};
use crate::ports::error::PortResult;
use crate::ports::table::Properties;
use crate::store::body::{self, ALERT_BYTES_MAX, Cut, Rung, shorten};
use crate::store::column::{self, Columns, VERSION};

/// The schema version that is written.
pub(in crate::store) const ALERT_VERSION: i64 = 3;

#[derive(Serialize, Deserialize)]
struct AlertRow {
    id: String,
    rule: RuleRow,
    cluster: String,
    dedup: String,
    level: String,
    state: String,
    owner: Option<String>,
    close_reason: Option<String>,
    recorded: String,
    first_event: String,
    last_event: String,
    findings: u64,
    /// Since version 2.
    #[serde(default)]
    excepted: u64,
    actor: ActorRow,
    target: TargetRow,
    why: Vec<ReasonRow>,
    truncated: bool,
    undelivered: bool,
}

impl Cut for AlertRow {
    fn cut(&mut self, rung: Rung) {
        shorten(&mut self.rule.title, rung.text);
        shorten(&mut self.dedup, rung.text);
        if let Some(owner) = &mut self.owner {
            shorten(owner, rung.text);
        }
        self.actor.cut(rung);
        self.target.cut(rung);
        cut_reasons(&mut self.why, rung);
    }
}

/// The columns of an alert's row.
pub(in crate::store) fn to_properties(alert: &Alert) -> PortResult<Properties> {
    let row = AlertRow {
        id: alert.id.as_str().to_owned(),
        rule: (&alert.rule).into(),
        cluster: alert.cluster.as_str().to_owned(),
        dedup: alert.dedup.clone(),
        level: alert.level.as_str().to_owned(),
        state: alert.state.as_str().to_owned(),
        owner: alert.owner.clone(),
        close_reason: alert.close_reason.map(|reason| reason.as_str().to_owned()),
        recorded: time_to_text(alert.recorded),
        first_event: time_to_text(alert.first_event),
        last_event: time_to_text(alert.last_event),
        findings: alert.findings,
        excepted: alert.excepted,
        actor: (&alert.actor).into(),
        target: (&alert.target).into(),
        why: reasons_to_rows(&alert.why),
        truncated: alert.truncated,
        undelivered: alert.undelivered,
    };
    let version = column::count(ALERT_VERSION.unsigned_abs());
    let mut properties = Properties::from([(VERSION.to_owned(), version)]);
    body::write(row, ALERT_BYTES_MAX, &mut properties)?;
    Ok(properties)
}

/// The alert of a row.
pub(in crate::store) fn from_properties(properties: &Properties) -> PortResult<Alert> {
    let columns = Columns::open("alert", ALERT_VERSION, properties)?;
    let row: AlertRow = body::read(&columns)?;
    let close_reason = match &row.close_reason {
        None => None,
        Some(word) => {
            Some(CloseReason::from_word(word).ok_or_else(|| unknown_word("close reason"))?)
        }
    };
    Ok(Alert {
        id: AlertId::new(row.id),
        rule: row.rule.into_model()?,
        cluster: ClusterId::new(&row.cluster),
        dedup: row.dedup,
        level: row.level.parse().map_err(|_| unknown_word("level"))?,
        state: AlertState::from_word(&row.state).ok_or_else(|| unknown_word("state"))?,
        owner: row.owner,
        close_reason,
        recorded: time_to_model(&row.recorded)?,
        first_event: time_to_model(&row.first_event)?,
        last_event: time_to_model(&row.last_event)?,
        findings: row.findings,
        excepted: row.excepted,
        actor: row.actor.into_model()?,
        target: row.target.into(),
        why: reasons_to_model(row.why),
        truncated: row.truncated,
        undelivered: row.undelivered,
    })
}
