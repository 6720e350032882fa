//! The work of a scan: lines to events, events to findings, in batches of bounded memory.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use super::document;
use super::inputs::Input;
use super::problems::Problems;
use super::progress::Progress;
use super::report::Report;
use super::seen::Seen;
use super::summary::Summary;
use crate::audit::lines::LineReader;
use crate::audit::record::Origin;
use crate::audit::source::ControlPlane;
use crate::audit::{blob_path, gzip};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::interrupt::Interrupt;
use crate::engine::correlate::microseconds;
use crate::engine::correlate::windows::{Limits, Windows};
use crate::engine::reader::Reader;
use crate::engine::ruleset::RuleSet;
use crate::model::finding::Finding;
use crate::model::ids::ClusterId;
use crate::model::level::Level;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::rule::Mode;

/// Lines read before their findings are told, and bytes of them, at most.
const BATCH_LINES: usize = 1_000;
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of one line. The API server refuses objects beyond 3 MiB; request and response escaped
/// once more stay below this.
const LINE_MAX: usize = 16 * 1024 * 1024;

/// Files follow each other in any order of time, so correlations wait for all of them; when more
/// than this many contributions wait, the oldest are judged before the end.
const LIMITS: Limits = Limits {
    lateness: None,
    waiting: 50_000,
    groups: 5_000,
    group_events: 5_000,
    rule_events: 20_000,
    group_memories: 2_000,
    memories: 50_000,
    learning: None,
};

/// The limits of a scan whose rules learn for so many seconds at most.
pub(in crate::cli) fn limits(learning: Option<u64>) -> Limits {
    Limits { learning: learning.map(microseconds), ..LIMITS }
}

/// Which findings are shown.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Filter {
    pub level: Option<Level>,
    pub modes: Vec<Mode>,
}

impl Filter {
    fn shows(&self, finding: &Finding) -> bool {
        self.modes.contains(&finding.rule.mode)
            && self.level.is_none_or(|level| finding.level >= level)
    }
}

/// One scan under way.
pub(in crate::cli) struct Scan<'a> {
    pub rules: &'a RuleSet,
    pub reader: Reader<'a>,
    pub filter: Filter,
    /// The cluster's name where no path and no record tells it.
    pub cluster: ClusterId,
    /// Networks that control planes call from besides their usual one.
    pub control_plane: ControlPlane,
    pub report: Box<dyn Report>,
    pub progress: Progress,
    pub interrupt: Interrupt,
    pub seen: Seen,
    /// What correlations remember of all inputs together.
    pub windows: Windows,
    pub limits: Limits,
    pub problems: Problems,
    pub summary: Summary,
    /// The gravest finding shown.
    pub gravest: Option<Level>,
}

impl Scan<'_> {
    /// Reads one input. A file that cannot be read is told and counted; only output that cannot
    /// be written is a failure.
    pub(in crate::cli) fn read(
        &mut self,
        input: &Input,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let (opened, path) = match input {
            Input::Stdin => (self.open(io::stdin()), Path::new("-")),
            Input::File { path, .. } => {
                (File::open(path).and_then(|file| self.open(file)), path.as_path())
            }
        };
        let name = path.to_string_lossy().into_owned();
        let origin = Origin {
            cluster: cluster_of(&name),
            fallback: self.cluster.clone(),
            control_plane: self.control_plane.clone(),
            name: name.clone(),
        };
        let read = match opened {
            Ok(reader) => self.records(reader, &origin, console)?,
            Err(error) => Err(error),
        };
        match read {
            Ok(()) => self.summary.files += 1,
            Err(error) => self.unreadable(&name, &error.to_string(), console)?,
        }
        Ok(())
    }

    /// Tells and counts what could not be read.
    pub(in crate::cli) fn unreadable(
        &mut self,
        name: &str,
        why: &str,
        console: &mut Console,
    ) -> io::Result<()> {
        self.summary.unreadable += 1;
        self.progress.aside(|| console.warn(&format!("cannot read {name}: {why}")))
    }

    fn open<'r>(&self, reader: impl Read + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
        gzip::open(self.progress.wrap(reader))
    }

    /// A record a line, or one document over many lines. The outer error is the output's, the
    /// inner one the input's.
    fn records(
        &mut self,
        mut input: Box<dyn BufRead + '_>,
        origin: &Origin,
        console: &mut Console,
    ) -> io::Result<io::Result<()>> {
        match input.fill_buf().map(document::is_document) {
            Ok(true) => {}
            Ok(false) => {
                return self.batches(&mut LineReader::new(input, LINE_MAX), origin, console);
            }
            Err(error) => return Ok(Err(error)),
        }
        let document = match document::read(input) {
            Ok(document) => document,
            Err(error) => return Ok(Err(error)),
        };
        self.summary.bytes += document.len() as u64;
        self.reader.document(&document, origin);
        self.evaluate(origin, console)?;
        Ok(Ok(()))
    }

    /// The outer error is the output's, the inner one the input's; what was read before it has
    /// been evaluated.
    fn batches(
        &mut self,
        lines: &mut LineReader<Box<dyn BufRead + '_>>,
        origin: &Origin,
        console: &mut Console,
    ) -> io::Result<io::Result<()>> {
        let before = self.summary.bytes;
        loop {
            let ended = self.batch(lines, origin);
            self.summary.bytes = before + lines.offset();
            self.evaluate(origin, console)?;
            match ended {
                Ok(false) if self.interrupt.is_raised() => {
                    self.summary.interrupted = true;
                    return Ok(Ok(()));
                }
                Ok(false) => {}
                Ok(true) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Reads lines until the batch is full (`false`) or the input ends (`true`).
    fn batch(
        &mut self,
        lines: &mut LineReader<Box<dyn BufRead + '_>>,
        origin: &Origin,
    ) -> io::Result<bool> {
        let start = lines.offset();
        for _ in 0..BATCH_LINES {
            if lines.offset() - start >= BATCH_BYTES || self.interrupt.is_raised() {
                return Ok(false);
            }
            let Some((span, line)) = lines.next_line()? else {
                return Ok(true);
            };
            if span.oversized {
                self.summary.totals.records += 1;
                self.summary.totals.malformed += 1;
                let detail = format!("the line has {} bytes, the limit is {LINE_MAX}", span.length);
                let kind = ProblemKind::OversizedLine;
                self.problems.add(&origin.name, &Problem { kind, offset: span.offset, detail });
                continue;
            }
            self.reader.line(line, span.offset, origin);
        }
        Ok(false)
    }

    /// Tells what the lines read since the last call came to.
    fn evaluate(&mut self, origin: &Origin, console: &mut Console) -> io::Result<()> {
        self.reader.observe(origin);
        let outcome = self.reader.take();
        self.summary.totals.add(&outcome.totals);
        for problem in &outcome.problems {
            self.problems.add(&origin.name, problem);
        }
        for finding in &outcome.findings {
            self.tell(finding, console)?;
        }
        self.summary.filtered.add(outcome.filtered);
        self.windows.count_ungrouped(outcome.contributed.ungrouped);
        for (cluster, newest) in &outcome.newest {
            self.windows.observe(cluster, *newest);
        }
        self.windows.add(outcome.contributed.contributions);
        for finding in self.windows.settle(self.rules, &self.limits) {
            self.tell(&finding, console)?;
        }
        Ok(())
    }

    /// Judges what still waits for events that might have come before it.
    pub(in crate::cli) fn end_of_input(&mut self, console: &mut Console) -> io::Result<()> {
        for finding in self.windows.finish(self.rules, &self.limits) {
            self.tell(&finding, console)?;
        }
        self.summary.windows = self.windows.counts();
        self.summary.learning = self.windows.learning(self.rules, &self.limits);
        self.summary.pending = self.windows.pending();
        self.summary.fast = self.reader.counters().clone();
        Ok(())
    }

    fn tell(&mut self, finding: &Finding, console: &mut Console) -> io::Result<()> {
        if !self.seen.is_new(&finding.id) {
            self.summary.repeated += 1;
        } else if !self.filter.shows(finding) {
            self.summary.hidden += 1;
        } else if let Some(mark) = &finding.excepted {
            *self.summary.excepted.entry(mark.name.clone()).or_default() += 1;
            self.report.finding(console.out(), finding)?;
        } else {
            self.summary.count(finding.level);
            self.gravest = self.gravest.max(Some(finding.level));
            self.report.finding(console.out(), finding)?;
        }
        Ok(())
    }
}

/// The cluster that a path names, when it ends like a blob of a log account:
/// `…/<container>/resourceId=/…/PT1H.json`. Downloads keep that layout.
fn cluster_of(path: &str) -> Option<ClusterId> {
    let at = path.to_ascii_lowercase().find("resourceid=")?;
    let (before, name) = path.split_at_checked(at)?;
    let container = before.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    blob_path::parse(container, name).map(|blob| blob.cluster)
}
