//! Stores findings and the alerts they fold into. Safe to repeat: what is stored already is left
//! out, so a replayed segment changes nothing.

use std::time::Duration;

use crate::model::finding::Finding;
use crate::model::ids::AlertId;
use crate::ports::error::PortErrorKind;
use crate::store::alerts::FINDINGS_PER_SAVE_MAX;
use crate::triage::fold::{by_alert, fold, unknown};

use super::error::PipelineError;
use super::services::Services;

/// How often one alert is reloaded and folded again before the invocation gives up and is
/// replayed. Two instances rarely meet twice in a row.
const ATTEMPTS: u32 = 7;
/// Before the second try; doubled before each further one, so that all of them take 0.6 seconds.
const PAUSE: Duration = Duration::from_millis(10);

/// Records the findings and returns the alerts that are new or changed by them.
pub async fn record(
    services: &Services,
    findings: Vec<Finding>,
) -> Result<Vec<AlertId>, PipelineError> {
    let mut changed = Vec::new();
    for (alert, group) in by_alert(findings) {
        let mut any = false;
        for part in group.chunks(FINDINGS_PER_SAVE_MAX) {
            any |= fold_into(services, &alert, part).await?;
        }
        if any {
            changed.push(alert);
        }
    }
    Ok(changed)
}

/// Folds some findings of one alert into it; `false` when all of them were stored already.
async fn fold_into(
    services: &Services,
    id: &AlertId,
    findings: &[Finding],
) -> Result<bool, PipelineError> {
    let ids: Vec<_> = findings.iter().map(|finding| finding.id.clone()).collect();
    let alerts = &services.store.alerts;
    for attempt in 0..ATTEMPTS {
        // The first try at once; then with growing room for whoever is writing.
        if let Some(waits) = attempt.checked_sub(1) {
            tokio::time::sleep(PAUSE * (1 << waits)).await;
        }
        let stored = alerts.load(id).await?;
        let known = match &stored {
            Some(_) => alerts.stored_findings(id, &ids).await?,
            None => Default::default(),
        };
        let new = unknown(findings, &known);
        let (before, etag) = match stored {
            Some(stored) => (Some(stored.value), Some(stored.etag)),
            None => (None, None),
        };
        if new.is_empty() {
            // A crash may have come between the batch and the mark.
            if before.is_some_and(|alert| alert.undelivered) {
                services.store.outbox.mark(id).await?;
            }
            return Ok(false);
        }
        let Some(alert) = fold(before, &new, services.clock.now()) else { return Ok(false) };
        match alerts.save(&alert, etag.as_ref(), &new).await {
            // What exceptions accept is kept, and nobody is told of it.
            Ok(_) if !alert.undelivered => return Ok(false),
            Ok(_) => {
                services.store.outbox.mark(id).await?;
                return Ok(true);
            }
            Err(error) if error.kind == PortErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(PipelineError::Contended)
}
