//! Finds the blobs that have grown and queues a segment for each. Append blobs raise no event
//! when they grow, so this runs every minute.

use std::collections::{BTreeMap, BTreeSet};

use time::{Duration, OffsetDateTime};

use crate::audit::blob_path;
use crate::model::checkpoint::BlobRef;
use crate::ports::blobs::{BlobItem, Blobs};
use crate::store::clusters::KnownCluster;

use super::error::PipelineError;
use super::services::Services;

/// The queue that `segment` consumes.
pub const SEGMENT_QUEUE: &str = "audit-segments";

/// Hours around now whose blobs may grow at any moment: the next one for clocks that differ, and
/// the two before, because the platform files by the hour of receipt and still appends to an hour
/// that has passed.
const NEAR_HOURS: [i64; 4] = [1, 0, -1, -2];

/// What one look around came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FollowReport {
    /// Clusters known before this look.
    pub clusters: usize,
    /// Listing calls made.
    pub listings: usize,
    /// Log blobs compared with their checkpoints.
    pub blobs: usize,
    /// Segments queued.
    pub queued: usize,
    /// This look went over everything recent.
    pub wide: bool,
    /// A container had more pages than the limit; the next wide look starts over.
    pub listing_cut: bool,
}

/// A queued piece of work, as `segment` reads it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentMessage {
    pub account: String,
    pub container: String,
    pub blob: String,
}

impl From<&BlobRef> for SegmentMessage {
    fn from(blob: &BlobRef) -> Self {
        Self {
            account: blob.account.clone(),
            container: blob.container.clone(),
            blob: blob.name.clone(),
        }
    }
}

impl From<SegmentMessage> for BlobRef {
    fn from(message: SegmentMessage) -> Self {
        Self { account: message.account, container: message.container, name: message.blob }
    }
}

/// Queues one segment.
pub async fn enqueue(services: &Services, blob: &BlobRef) -> Result<(), PipelineError> {
    let text = serde_json::json!(SegmentMessage::from(blob)).to_string();
    Ok(services.queue.send(SEGMENT_QUEUE, &text).await?)
}

/// Looks at the near hours of every known cluster, and now and then at everything recent, which
/// also finds clusters that were not known.
pub async fn follow(services: &Services) -> Result<FollowReport, PipelineError> {
    let now = services.clock.now();
    // Here too, so that a fault in the rules is told while no blob grows.
    services.rules.refresh(now).await;
    let known = services.store.clusters.all().await?;
    let wide = is_wide_due(services, now) || known.is_empty();
    let mut report = FollowReport { clusters: known.len(), wide, ..FollowReport::default() };
    let mut blobs: BTreeMap<BlobRef, u64> = BTreeMap::new();
    // An account that does not answer must not blind us to the others: go on, then fail.
    let mut failed = Ok(());
    if wide {
        for logs in &services.logs {
            for container in &services.containers {
                let listed =
                    everything_recent(services, logs.as_ref(), container, &mut report, &mut blobs);
                failed = failed.and(listed.await);
            }
        }
        if failed.is_ok() {
            note_wide_look(services, now);
        }
    } else {
        let mut silent = BTreeSet::new();
        for cluster in &known {
            if silent.contains(&cluster.account) {
                continue;
            }
            let listed = near_hours(services, cluster, now, &mut report, &mut blobs).await;
            // Each of its clusters would cost all the patience there is with one call.
            if listed.is_err() {
                silent.insert(cluster.account.clone());
            }
            failed = failed.and(listed);
        }
    }
    report.blobs = blobs.len();
    for (blob, length) in &blobs {
        match hand_on(services, blob, *length).await {
            Ok(queued) => report.queued += usize::from(queued),
            // A row that cannot be read is one blob's matter; a service that is away is all of
            // theirs.
            Err(PipelineError::Port(error)) if !error.is_transient() => {
                failed = failed.and(Err(error.into()));
            }
            Err(error) => return Err(error),
        }
    }
    failed.map(|()| report)
}

/// Queues a segment when the blob holds anything new.
async fn hand_on(services: &Services, blob: &BlobRef, length: u64) -> Result<bool, PipelineError> {
    let news = has_news(services, blob, length).await?;
    if news {
        enqueue(services, blob).await?;
    }
    Ok(news)
}

async fn has_news(services: &Services, blob: &BlobRef, length: u64) -> Result<bool, PipelineError> {
    let stored = services.store.checkpoints.load(blob).await?;
    Ok(match stored {
        Some(stored) => stored.value.has_news(length),
        None => length > 0,
    })
}

fn is_wide_due(services: &Services, now: OffsetDateTime) -> bool {
    let last = services.last_wide_look.lock().map(|last| *last).unwrap_or_default();
    last.is_none_or(|last| now - last >= Duration::HOUR)
}

fn note_wide_look(services: &Services, now: OffsetDateTime) {
    if let Ok(mut last) = services.last_wide_look.lock() {
        *last = Some(now);
    }
}

async fn near_hours(
    services: &Services,
    cluster: &KnownCluster,
    now: OffsetDateTime,
    report: &mut FollowReport,
    blobs: &mut BTreeMap<BlobRef, u64>,
) -> Result<(), PipelineError> {
    // A cluster of an account that is no longer configured is left alone.
    let Some(logs) = services.log_account(&cluster.account) else { return Ok(()) };
    if !services.containers.contains(&cluster.container) {
        return Ok(());
    }
    for hour in NEAR_HOURS {
        let prefix = blob_path::hour_prefix(&cluster.blob_prefix, now + Duration::hours(hour));
        let mut continuation = None;
        loop {
            let page = logs.list(&cluster.container, &prefix, continuation.as_deref()).await?;
            report.listings += 1;
            keep_log_blobs(logs.as_ref(), &cluster.container, page.items, None, blobs);
            continuation = page.continuation;
            if continuation.is_none() {
                break;
            }
        }
    }
    Ok(())
}

async fn everything_recent(
    services: &Services,
    logs: &dyn Blobs,
    container: &str,
    report: &mut FollowReport,
    blobs: &mut BTreeMap<BlobRef, u64>,
) -> Result<(), PipelineError> {
    let since = services.clock.now() - services.limits.wide_look;
    let mut continuation = None;
    for _ in 0..services.limits.list_pages {
        let page = logs.list(container, "", continuation.as_deref()).await?;
        report.listings += 1;
        keep_log_blobs(logs, container, page.items, Some(since), blobs);
        continuation = page.continuation;
        if continuation.is_none() {
            return Ok(());
        }
    }
    report.listing_cut = true;
    Ok(())
}

fn keep_log_blobs(
    logs: &dyn Blobs,
    container: &str,
    items: Vec<BlobItem>,
    since: Option<OffsetDateTime>,
    blobs: &mut BTreeMap<BlobRef, u64>,
) {
    for item in items {
        let Some(place) = blob_path::parse(container, &item.name) else { continue };
        if since.is_none_or(|since| place.hour >= since) {
            let blob = BlobRef {
                account: logs.account().to_owned(),
                container: container.to_owned(),
                name: item.name,
            };
            blobs.insert(blob, item.length);
        }
    }
}
