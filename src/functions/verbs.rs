//! What a trigger may ask for, and how each ends. The verbs themselves are the pipeline's; here
//! their reports and errors become one sentence and one of three endings.

use async_trait::async_trait;

use crate::model::checkpoint::BlobRef;
use crate::pipeline::discover::{self, FollowReport};
use crate::pipeline::error::PipelineError;
use crate::pipeline::ingest::{self, SegmentReport, SegmentState};
use crate::pipeline::services::Services;
use crate::ports::error::PortErrorKind;

/// How an invocation ended. [`super::reply`] alone turns it into an answer for the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// Done; one line for the invocation's log. Counts and places, never content.
    Done { log: String },
    /// It did not work out, and the same invocation may later: the host must see a failure.
    RetryLater { reason: String },
    /// It can never work out; repeating it would only end in a poison queue. Logged and counted.
    DeadLetter { reason: String },
}

/// The work behind the triggers.
#[async_trait]
pub trait Verbs: Send + Sync + 'static {
    /// Whether this account and container are configured as a source of audit logs. What a
    /// message or an event names is never read unless this says so.
    fn reads(&self, account: &str, container: &str) -> bool;

    /// Consumes one blob from its checkpoint, up to the budget.
    async fn segment(&self, blob: &BlobRef) -> Completion;

    /// Finds the blobs that have grown and hands each on as a segment.
    async fn follow(&self) -> Completion;
}

#[async_trait]
impl Verbs for Services {
    fn reads(&self, account: &str, container: &str) -> bool {
        self.log_account(account).is_some() && self.containers.iter().any(|c| c == container)
    }

    async fn segment(&self, blob: &BlobRef) -> Completion {
        let report = match ingest::segment(self, blob).await {
            Ok(report) => report,
            Err(error) => return failed(self, &error).await,
        };
        for problem in &report.problems {
            tracing::warn!(blob = %blob.name, "{problem}");
        }
        // What is left is queued only after the checkpoint stands, so that the next one goes on
        // from there.
        if report.state == SegmentState::More
            && let Err(error) = discover::enqueue(self, blob).await
        {
            return ended(&error);
        }
        Completion::Done { log: segment_sentence(&report) }
    }

    async fn follow(&self) -> Completion {
        match discover::follow(self).await {
            Ok(report) => {
                if report.listing_cut {
                    tracing::warn!("a container has more pages than one look may list");
                }
                Completion::Done { log: follow_sentence(&report) }
            }
            Err(error) => failed(self, &error).await,
        }
    }
}

/// Ends a verb that failed. A table that somebody has deleted is made anew, so that the next
/// invocation works: what it held is read again from the log, as far back as a wide look goes.
async fn failed(services: &Services, error: &PipelineError) -> Completion {
    if matches!(error, PipelineError::Port(error) if error.kind == PortErrorKind::NotFound) {
        match services.store.ensure().await {
            Ok(()) => tracing::error!("a state table was gone and has been made anew: {error}"),
            Err(error) => tracing::error!("a state table is gone: {error}"),
        }
    }
    ended(error)
}

fn ended(error: &PipelineError) -> Completion {
    let reason = error.to_string();
    if error.is_hopeless() {
        Completion::DeadLetter { reason }
    } else {
        Completion::RetryLater { reason }
    }
}

fn segment_sentence(report: &SegmentReport) -> String {
    let state = match report.state {
        SegmentState::CaughtUp => "caught up",
        SegmentState::More => "more is queued",
        SegmentState::Busy => return "another instance is at work on the blob".to_owned(),
        SegmentState::Gone => return "the blob is gone".to_owned(),
    };
    let totals = &report.totals;
    let slow: Vec<String> = report
        .fast
        .surprises()
        .map(|(surprise, count)| format!(", {count} lines slow: {}", surprise.as_str()))
        .collect();
    format!(
        "{state}: {} bytes, {} records ({} evaluated, {} truncated, {} malformed, {} other), \
         {} findings, {} alerts new or changed{}",
        report.bytes,
        totals.records,
        totals.evaluated,
        totals.truncated,
        totals.malformed,
        totals.other,
        totals.findings,
        report.alerts.len(),
        slow.concat(),
    )
}

fn follow_sentence(report: &FollowReport) -> String {
    let look = if report.wide { "looked at everything recent" } else { "looked at recent hours" };
    let cut = if report.listing_cut { ", not to the end" } else { "" };
    format!(
        "{look}{cut}: {} clusters known, {} listings, {} blobs, {} segments queued",
        report.clusters, report.listings, report.blobs, report.queued
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::error::PortError;

    #[test]
    fn an_error_is_repeated_unless_nothing_can_help() {
        let throttled = PortError::new(PortErrorKind::Throttled, "read blob", "503 ServerBusy");
        for (error, hopeless) in [
            (PipelineError::from(throttled), false),
            (PipelineError::Contended, false),
            (PipelineError::NotALogBlob, true),
            (PipelineError::NotOurs, true),
        ] {
            let dead = matches!(ended(&error), Completion::DeadLetter { .. });
            assert_eq!(dead, hopeless, "{error}");
        }
    }
}
