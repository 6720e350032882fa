//! The bundled attack as a recording: lines of an Azure log and the moment at which each is due.

use std::io::{self, Read as _};
use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::gzip;
use crate::audit::lines::whole_lines;

/// The real audit log that the demo replays; `samples/README.md` tells where it comes from.
const BUNDLED: &[u8] = include_bytes!("../../../samples/attack.azure.jsonl.gz");
/// Decompressed bytes, at most.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Whole lines of a log, and when each was written, counted from the first.
#[derive(Debug)]
pub(super) struct Recording {
    pub bytes: Vec<u8>,
    lines: Vec<Line>,
    /// The ARM id as the platform spells it.
    pub resource_id: String,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    /// Offset behind its newline.
    end: usize,
    due: Duration,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    time: &'a str,
    #[serde(rename = "resourceId")]
    resource_id: &'a str,
}

impl Recording {
    /// The recording that ships inside the binary.
    pub(super) fn bundled() -> io::Result<Self> {
        Self::read(BUNDLED)
    }

    fn read(log: &[u8]) -> io::Result<Self> {
        let mut bytes = Vec::new();
        io::copy(&mut gzip::open(log)?.take(BYTES_MAX), &mut bytes)?;
        let mut lines: Vec<Line> = Vec::new();
        let mut start: Option<OffsetDateTime> = None;
        let mut resource_id = String::new();
        for line in whole_lines(&bytes, 0) {
            let envelope: Envelope<'_> = serde_json::from_slice(line.bytes)?;
            let time = OffsetDateTime::parse(envelope.time, &Rfc3339).map_err(io::Error::other)?;
            let start = *start.get_or_insert(time);
            if resource_id.is_empty() {
                envelope.resource_id.clone_into(&mut resource_id);
            }
            // The API servers write beside each other, so times step back now and then.
            let latest = lines.last().map_or(Duration::ZERO, |line| line.due);
            let due = Duration::try_from(time - start).unwrap_or_default().max(latest);
            // One more than the line itself: its newline (a recording has no carriage returns).
            let offset = usize::try_from(line.offset).map_err(io::Error::other)?;
            let end = (offset + line.bytes.len() + 1).min(bytes.len());
            lines.push(Line { end, due });
        }
        Ok(Self { bytes, lines, resource_id })
    }

    /// From the first line to the last.
    pub(super) fn span(&self) -> Duration {
        self.lines.last().map_or(Duration::ZERO, |line| line.due)
    }

    /// Bytes of the lines that are due after `elapsed` of recorded time.
    pub(super) fn due(&self, elapsed: Duration) -> usize {
        let lines = self.lines.partition_point(|line| line.due <= elapsed);
        lines.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(0, |line| line.end)
    }

    /// When the line that holds the byte before `offset` was due.
    pub(super) fn moment(&self, offset: usize) -> Duration {
        let line = self.lines.partition_point(|line| line.end < offset);
        self.lines.get(line).map_or(self.span(), |line| line.due)
    }

    /// The end of the line that holds the byte before `offset`.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        let line = self.lines.partition_point(|line| line.end < offset);
        self.lines.get(line).map_or(self.bytes.len(), |line| line.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: u32) -> String {
        format!("{{\"time\":\"2026-01-01T00:00:{second:02}Z\",\"resourceId\":\"/S\",\"x\":1}}\n")
    }

    #[test]
    fn lines_are_due_in_order_even_when_their_times_step_back() {
        let log = [line(0), line(10), line(5), line(20)].concat();
        let recording = Recording::read(log.as_bytes()).expect("recording");
        let length = line(0).len();
        assert_eq!(recording.span(), Duration::from_secs(20));
        for (second, lines) in [(0, 1), (9, 1), (10, 3), (19, 3), (20, 4), (99, 4)] {
            assert_eq!(recording.due(Duration::from_secs(second)), lines * length, "{second}");
        }
        assert_eq!(recording.line_end(length + 1), 2 * length);
        assert_eq!(recording.line_end(length), length);
    }

    #[test]
    fn the_bundled_recording_can_be_replayed() {
        let recording = Recording::bundled().expect("recording");
        assert!(recording.span() > Duration::from_secs(60));
        assert!(recording.resource_id.to_lowercase().contains("/managedclusters/"));
        assert_eq!(recording.due(recording.span()), recording.bytes.len());
    }
}
