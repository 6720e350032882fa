//! Consumes one segment of one blob: from its checkpoint up to a budget. The checkpoint advances
//! only after everything found before it is stored, so a crash anywhere replays and loses nothing.

use time::OffsetDateTime;

use crate::audit::blob_path;
use crate::audit::lines::whole_lines;
use crate::audit::record::Origin;
use crate::engine::fast::Counters;
use crate::engine::reader::{Outcome, Reader};
use crate::model::checkpoint::{BlobRef, Checkpoint, Growth, Lease, Totals};
use crate::model::ids::AlertId;
use crate::model::problem::{Problem, ProblemKind};
use crate::ports::blobs::{Blobs, Read};
use crate::ports::error::PortErrorKind;
use crate::ports::table::Etag;
use crate::store::clusters::KnownCluster;

use super::error::PipelineError;
use super::record::record;
use super::services::Services;

/// Problems that a report carries as samples; all are counted.
const PROBLEM_SAMPLES_MAX: usize = 20;

/// What one segment came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    pub state: SegmentState,
    /// Bytes consumed by this segment.
    pub bytes: u64,
    pub totals: Totals,
    /// What the fast path came to, line by line.
    pub fast: Counters,
    /// Alerts that are new or changed.
    pub alerts: Vec<AlertId>,
    /// The first problems, with their offsets.
    pub problems: Vec<Problem>,
}

/// Where the blob stands after a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// Everything up to the last newline is consumed.
    CaughtUp,
    /// The budget ended first: the segment wants to be queued again.
    More,
    /// Another instance is at work on it.
    Busy,
    /// The blob is gone; its lifecycle ended.
    Gone,
}

/// A segment under way.
struct Segment<'a> {
    services: &'a Services,
    logs: &'a dyn Blobs,
    blob: &'a BlobRef,
    origin: Origin,
    /// Remembers what values came to, over all reads of the segment.
    reader: Reader<'a>,
    checkpoint: Checkpoint,
    etag: Etag,
    report: SegmentReport,
    /// Bytes read but not consumed: the start of a line whose newline has not come yet.
    tail: Vec<u8>,
    /// The line being read is longer than the limit and is skipped to its newline.
    skipping: bool,
}

/// Consumes what is new in a blob, up to the budget.
pub async fn segment(services: &Services, blob: &BlobRef) -> Result<SegmentReport, PipelineError> {
    services.rules.refresh(services.clock.now()).await;
    // One set for the whole segment, whatever changes meanwhile.
    let rules = services.rules.current();
    let place = blob_path::parse(&blob.container, &blob.name).ok_or(PipelineError::NotALogBlob)?;
    let ours = services.containers.contains(&blob.container);
    let logs =
        services.log_account(&blob.account).filter(|_| ours).ok_or(PipelineError::NotOurs)?;
    let origin = Origin {
        cluster: Some(place.cluster.clone()),
        fallback: place.cluster.clone(),
        name: format!("{}/{}", blob.container, blob.name),
        control_plane: services.control_plane.clone(),
    };
    let Some((checkpoint, etag)) = open(services, blob, &place).await? else {
        return Ok(report(SegmentState::Busy));
    };
    let mut segment = Segment {
        services,
        logs: logs.as_ref(),
        blob,
        origin,
        reader: Reader::new(&rules),
        checkpoint,
        etag,
        report: report(SegmentState::CaughtUp),
        tail: Vec::new(),
        skipping: false,
    };
    match segment.consume().await {
        Ok(()) => Ok(segment.report),
        Err(PipelineError::Overtaken) => {
            segment.report.state = SegmentState::Busy;
            Ok(segment.report)
        }
        Err(error) => Err(error),
    }
}

fn report(state: SegmentState) -> SegmentReport {
    SegmentReport {
        state,
        bytes: 0,
        totals: Totals::default(),
        fast: Counters::default(),
        alerts: Vec::new(),
        problems: Vec::new(),
    }
}

/// Loads or creates the checkpoint and takes the lease in it; `None` when another holds it.
async fn open(
    services: &Services,
    blob: &BlobRef,
    place: &blob_path::LogBlob,
) -> Result<Option<(Checkpoint, Etag)>, PipelineError> {
    let now = services.clock.now();
    let checkpoints = &services.store.checkpoints;
    let lease = Some(Lease { owner: services.owner.clone(), until: now + services.limits.lease });
    let taken = match checkpoints.load(blob).await? {
        None => {
            match services.store.clusters.remember(&known_cluster(blob, place, now)).await {
                // Others write the same row at the same moment, so it is known.
                Err(error) if error.kind != PortErrorKind::Conflict => return Err(error.into()),
                _ => {}
            }
            let checkpoint = Checkpoint { lease, ..Checkpoint::start() };
            checkpoints.create(blob, &checkpoint).await.map(|etag| (checkpoint, etag))
        }
        Some(stored) if stored.value.leased_to_another(&services.owner, now) => return Ok(None),
        Some(stored) => {
            let checkpoint = Checkpoint { lease, ..stored.value };
            checkpoints.save(blob, &checkpoint, &stored.etag).await.map(|etag| (checkpoint, etag))
        }
    };
    match taken {
        Ok(taken) => Ok(Some(taken)),
        Err(error) if error.kind == PortErrorKind::Conflict => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn known_cluster(blob: &BlobRef, place: &blob_path::LogBlob, now: OffsetDateTime) -> KnownCluster {
    KnownCluster {
        cluster: place.cluster.clone(),
        account: blob.account.clone(),
        container: blob.container.clone(),
        blob_prefix: place.prefix.clone(),
        first_seen: now,
        last_seen: now,
    }
}

impl Segment<'_> {
    async fn consume(&mut self) -> Result<(), PipelineError> {
        let length = match self.logs.length(&self.blob.container, &self.blob.name).await {
            Ok(length) => length,
            Err(error) if error.kind == PortErrorKind::NotFound => {
                self.report.state = SegmentState::Gone;
                return self.release().await;
            }
            Err(error) => return Err(error.into()),
        };
        if self.checkpoint.growth(length) == Growth::Replaced {
            self.checkpoint = self.checkpoint.next_generation();
        }
        let started = self.services.clock.now();
        let mut position = self.checkpoint.offset;
        while position < length {
            if self.is_spent(started) {
                self.report.state = SegmentState::More;
                break;
            }
            let Some(read) = self.read(position, length).await? else { break };
            position += read;
            self.take_lines().await?;
        }
        if self.report.state == SegmentState::CaughtUp {
            self.checkpoint.looked_at(position);
        }
        self.release().await
    }

    /// The budget of bytes or of time is used up, and something was achieved with it.
    fn is_spent(&self, started: OffsetDateTime) -> bool {
        let limits = &self.services.limits;
        // In the middle of a line that is being skipped only time counts, because the next
        // segment would take its remainder for a line of its own.
        let bytes = self.report.bytes >= limits.segment_bytes && !self.skipping;
        self.report.bytes > 0
            && (bytes || self.services.clock.now() - started >= limits.segment_time)
    }

    /// Reads the next bytes behind the tail; `None` when there are none after all.
    async fn read(&mut self, position: u64, length: u64) -> Result<Option<u64>, PipelineError> {
        let max = (length - position).min(self.services.limits.read_bytes);
        let read = self.logs.read(&self.blob.container, &self.blob.name, position, max).await?;
        Ok(match read {
            Read::Bytes(bytes) => {
                self.tail.extend_from_slice(&bytes);
                Some(bytes.len() as u64)
            }
            Read::PastEnd => None,
        })
    }

    /// Evaluates the whole lines in hand, stores what they gave, and moves the checkpoint over
    /// them.
    async fn take_lines(&mut self) -> Result<(), PipelineError> {
        let base = self.checkpoint.offset;
        let skipped = self.skip();
        let rest = self.tail.get(skipped..).unwrap_or_default();
        let mut lines = whole_lines(rest, base + skipped as u64);
        for line in lines.by_ref() {
            self.reader.line(line.bytes, line.offset, &self.origin);
        }
        let Outcome { mut totals, mut problems, findings, filtered, .. } = self.reader.take();
        let mut consumed = skipped + lines.consumed();
        let oversized = self.services.limits.segment_bytes;
        if consumed == 0 && self.tail.len() as u64 >= oversized {
            consumed = self.tail.len();
            self.skipping = true;
            totals.records += 1;
            totals.malformed += 1;
            problems.push(Problem {
                kind: ProblemKind::OversizedLine,
                offset: base,
                detail: format!("the line is longer than {oversized} bytes and was skipped"),
            });
        }
        if consumed == 0 {
            return Ok(());
        }
        totals.findings = findings.len() as u64;
        totals.excepted = findings.iter().filter(|it| it.excepted.is_some()).count() as u64;
        totals.filtered = filtered.events;
        let changed = record(self.services, findings).await?;
        self.advance(consumed, &totals).await?;
        self.tail.drain(..consumed);
        self.note(&totals, problems, changed);
        Ok(())
    }

    /// Bytes in hand that belong to a line which was given up and counted already: up to and with
    /// its newline, or all of them.
    fn skip(&mut self) -> usize {
        if !self.skipping {
            return 0;
        }
        match self.tail.iter().position(|byte| *byte == b'\n') {
            Some(newline) => {
                self.skipping = false;
                newline + 1
            }
            None => self.tail.len(),
        }
    }

    /// Moves the checkpoint over consumed bytes and stores it, renewing the lease.
    async fn advance(&mut self, consumed: usize, totals: &Totals) -> Result<(), PipelineError> {
        let from = self.checkpoint.offset;
        self.checkpoint.advance(from, from + consumed as u64, totals)?;
        let until = self.services.clock.now() + self.services.limits.lease;
        self.checkpoint.lease = Some(Lease { owner: self.services.owner.clone(), until });
        self.report.bytes += consumed as u64;
        self.save().await
    }

    fn note(&mut self, totals: &Totals, problems: Vec<Problem>, changed: Vec<AlertId>) {
        self.report.fast = self.reader.counters().clone();
        self.report.totals.add(totals);
        let room = PROBLEM_SAMPLES_MAX.saturating_sub(self.report.problems.len());
        self.report.problems.extend(problems.into_iter().take(room));
        for alert in changed {
            if !self.report.alerts.contains(&alert) {
                self.report.alerts.push(alert);
            }
        }
    }

    async fn release(&mut self) -> Result<(), PipelineError> {
        self.checkpoint.lease = None;
        self.save().await
    }

    async fn save(&mut self) -> Result<(), PipelineError> {
        let checkpoints = &self.services.store.checkpoints;
        match checkpoints.save(self.blob, &self.checkpoint, &self.etag).await {
            Ok(etag) => {
                self.etag = etag;
                Ok(())
            }
            // Here alone a conflict means another instance: a log account may answer 409 as well.
            Err(error) if error.kind == PortErrorKind::Conflict => Err(PipelineError::Overtaken),
            Err(error) => Err(error.into()),
        }
    }
}
