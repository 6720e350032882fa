//! The row of a finding.

use serde::{Deserialize, Serialize};

use super::{
    ActorRow, EventRow, EvidenceRow, ReasonRow, RuleRow, TargetRow, cut_reasons, reasons_to_model,
    reasons_to_rows, time_to_model, time_to_text, unknown_word,
};
use crate::model::finding::{Excepted, Finding, Outcome};
use crate::model::ids::{AlertId, ClusterId, FindingId};
use crate::ports::error::PortResult;
use crate::ports::table::Properties;
use crate::store::body::{self, Cut, FINDING_BYTES_MAX, Rung, shorten};
use crate::store::column::{self, Columns, VERSION};

/// The schema version that is written.
pub(in crate::store) const FINDING_VERSION: i64 = 3;

#[derive(Serialize, Deserialize)]
struct FindingRow {
    id: String,
    alert: String,
    rule: RuleRow,
    level: String,
    cluster: String,
    time: String,
    events: Vec<EventRow>,
    actor: ActorRow,
    target: TargetRow,
    outcome: String,
    why: Vec<ReasonRow>,
    truncated: bool,
    dedup: String,
    evidence: EvidenceRow,
    /// Since version 2.
    #[serde(default)]
    excepted: Option<ExceptedRow>,
}

#[derive(Serialize, Deserialize)]
struct ExceptedRow {
    name: String,
    owner: String,
    reason: String,
}

impl Cut for FindingRow {
    fn cut(&mut self, rung: Rung) {
        shorten(&mut self.rule.title, rung.text);
        self.events.truncate(rung.list);
        for event in &mut self.events {
            shorten(&mut event.audit_id, rung.text);
            shorten(&mut event.stage, rung.text);
        }
        self.actor.cut(rung);
        self.target.cut(rung);
        cut_reasons(&mut self.why, rung);
        shorten(&mut self.dedup, rung.text);
        if let Some(mark) = &mut self.excepted {
            for text in [&mut mark.name, &mut mark.owner, &mut mark.reason] {
                shorten(text, rung.text);
            }
        }
    }
}

/// The columns of a finding's row.
pub(in crate::store) fn to_properties(finding: &Finding) -> PortResult<Properties> {
    let row = FindingRow {
        id: finding.id.as_str().to_owned(),
        alert: finding.alert.as_str().to_owned(),
        rule: (&finding.rule).into(),
        level: finding.level.as_str().to_owned(),
        cluster: finding.cluster.as_str().to_owned(),
        time: time_to_text(finding.time),
        events: finding.events.iter().map(EventRow::from).collect(),
        actor: (&finding.actor).into(),
        target: (&finding.target).into(),
        outcome: finding.outcome.as_str().to_owned(),
        why: reasons_to_rows(&finding.why),
        truncated: finding.truncated,
        dedup: finding.dedup.clone(),
        evidence: (&finding.evidence).into(),
        excepted: finding.excepted.as_ref().map(|mark| ExceptedRow {
            name: mark.name.clone(),
            owner: mark.owner.clone(),
            reason: mark.reason.clone(),
        }),
    };
    let version = column::count(FINDING_VERSION.unsigned_abs());
    let mut properties = Properties::from([(VERSION.to_owned(), version)]);
    body::write(row, FINDING_BYTES_MAX, &mut properties)?;
    Ok(properties)
}

/// The finding of a row.
pub(in crate::store) fn from_properties(properties: &Properties) -> PortResult<Finding> {
    let columns = Columns::open("finding", FINDING_VERSION, properties)?;
    let row: FindingRow = body::read(&columns)?;
    let outcomes = [Outcome::Allowed, Outcome::Denied, Outcome::Failed, Outcome::Unknown];
    let outcome = outcomes.into_iter().find(|outcome| outcome.as_str() == row.outcome);
    Ok(Finding {
        id: FindingId::new(row.id),
        alert: AlertId::new(row.alert),
        rule: row.rule.into_model()?,
        level: row.level.parse().map_err(|_| unknown_word("level"))?,
        cluster: ClusterId::new(&row.cluster),
        time: time_to_model(&row.time)?,
        events: row.events.into_iter().map(EventRow::into_model).collect::<PortResult<_>>()?,
        actor: row.actor.into_model()?,
        target: row.target.into(),
        outcome: outcome.ok_or_else(|| unknown_word("outcome"))?,
        why: reasons_to_model(row.why),
        truncated: row.truncated,
        dedup: row.dedup,
        evidence: row.evidence.into(),
        excepted: row.excepted.map(|mark| Excepted {
            name: mark.name,
            owner: mark.owner,
            reason: mark.reason,
        }),
    })
}
