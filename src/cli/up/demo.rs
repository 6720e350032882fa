//! The demo's log account: a directory in which an audit blob grows as the platform would let it
//! grow, only faster, in appends that end anywhere within a line.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;

use super::recording::Recording;
use crate::adapters::local::table::LocalTables;
use crate::audit::blob_path::{hour_prefix, parse};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::ports::error::PortErrorKind;

/// The container that AKS diagnostic settings write audit records to.
pub(super) const CONTAINER: &str = "insights-logs-kube-audit";
/// Marks the demo's folder: nothing is ever removed from a folder without it.
const MARKER: &str = ".midwatch-demo";
const MARKER_TEXT: &str = "Made by `midwatch up`; `midwatch up` begins this demo anew.\n";
/// How long the whole recording takes when no speed is given.
const LENGTH: Duration = Duration::from_secs(120);
/// This part of the recording is in the account when the watch begins, as a cluster has a past
/// when Midwatch is installed; the first grave deed comes soon after it.
const HEAD_START: f64 = 0.15;

/// The folders of the demo.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The demo's folder within the state folder, begun anew unless `keep`. What a former demo
    /// left is removed only when its marker says that it was ours.
    pub(super) fn open(state: &Path, keep: bool) -> Result<Self, Failure> {
        let folder = Self { root: state.join("demo") };
        let marker = folder.root.join(MARKER);
        if folder.root.exists() && !marker.is_file() && !is_empty(&folder.root) {
            let what = format!("{} is not a folder of the demo", folder.root.display());
            let failure = Failure::new(Exit::Configuration, what)
                .because(format!("it has no {MARKER} in it, so nothing is touched"));
            return Err(failure.then("midwatch up --state OTHER_DIR"));
        }
        folder.refuse_while_in_use()?;
        folder.prepare(&marker, keep).map_err(|error| {
            let what = format!("cannot prepare {}", folder.root.display());
            Failure::new(Exit::Configuration, what).because(error)
        })?;
        Ok(folder)
    }

    /// The state file is locked while a process has it open, whose files must not be removed.
    fn refuse_while_in_use(&self) -> Result<(), Failure> {
        let file = self.state_file();
        if !file.is_file() {
            return Ok(());
        }
        match LocalTables::open(&file) {
            Err(error) if error.kind == PortErrorKind::Unavailable => {
                Err(Failure::new(Exit::Configuration, "cannot begin the demo anew")
                    .because(error)
                    .then("midwatch up --state OTHER_DIR --port 0"))
            }
            _ => Ok(()),
        }
    }

    fn prepare(&self, marker: &Path, keep: bool) -> io::Result<()> {
        if !keep && marker.is_file() {
            remove(fs::remove_file(self.state_file()))?;
            remove(fs::remove_dir_all(self.account()))?;
        }
        // The marker goes first: whatever ends this run before the rest is there, the next run
        // knows the folder for the demo's.
        fs::create_dir_all(&self.root)?;
        fs::write(marker, MARKER_TEXT)?;
        fs::create_dir_all(self.account().join(CONTAINER))
    }

    /// The state file.
    pub(super) fn state_file(&self) -> PathBuf {
        self.root.join("state.redb")
    }

    /// The directory that plays the log account.
    pub(super) fn account(&self) -> PathBuf {
        self.root.join("account")
    }
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// What is gone already need not be removed.
fn remove(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// The recording on its way into the account.
#[derive(Debug)]
pub(super) struct Replay {
    recording: Recording,
    account: PathBuf,
    /// Recorded seconds that pass in one second.
    speed: f64,
    /// The recorded moment from which this run goes on.
    from: Duration,
    /// Bytes written.
    written: usize,
    /// The hour whose blob is being written.
    hour: Option<OffsetDateTime>,
    /// Decides where appends end.
    dice: u32,
}

impl Replay {
    /// A replay that goes on behind what the account holds already; nothing, as a rule. Without a
    /// speed the whole takes about two minutes.
    pub(super) fn new(recording: Recording, account: PathBuf, speed: Option<f64>) -> Self {
        let natural = recording.span().as_secs_f64() / LENGTH.as_secs_f64();
        let speed = speed.unwrap_or(natural.max(1.0));
        let (mut written, mut hour) = (0, None);
        for (begun, length) in blobs(&account.join(CONTAINER)) {
            written += length;
            hour = hour.max(Some(begun));
        }
        let from = if written == 0 {
            recording.span().mul_f64(HEAD_START)
        } else {
            recording.moment(written)
        };
        Self { recording, account, speed, from, written, hour, dice: 1 }
    }

    /// How many times faster than it happened.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// How long what is left takes.
    pub(super) fn length(&self) -> Duration {
        self.recording.span().saturating_sub(self.from).div_f64(self.speed)
    }

    /// Everything is written.
    pub(super) fn is_over(&self) -> bool {
        self.written >= self.recording.bytes.len()
    }

    /// Appends what is due `elapsed` after the start. The last append of all is whole; any other
    /// may end within a line.
    pub(super) fn advance(&mut self, elapsed: Duration, now: OffsetDateTime) -> io::Result<()> {
        let due = self.recording.due(self.from + elapsed.mul_f64(self.speed));
        let all = self.recording.bytes.len();
        let to = if due >= all { all } else { due.saturating_sub(self.roll(400)) };
        if to <= self.written {
            return Ok(());
        }
        let hour = hour_of(now);
        if let Some(before) = self.hour
            && before != hour
        {
            // A blob holds whole lines: finish the one begun in the hour before.
            let end = self.recording.line_end(self.written).min(all);
            self.append(before, end)?;
        }
        self.hour = Some(hour);
        self.append(hour, to)
    }

    fn append(&mut self, hour: OffsetDateTime, to: usize) -> io::Result<()> {
        let Some(bytes) = self.recording.bytes.get(self.written..to) else { return Ok(()) };
        let prefix = hour_prefix(&format!("resourceId={}", self.recording.resource_id), hour);
        let dir = self.account.join(CONTAINER).join(format!("{prefix}m=00"));
        fs::create_dir_all(&dir)?;
        let mut blob = OpenOptions::new().create(true).append(true).open(dir.join("PT1H.json"))?;
        blob.write_all(bytes)?;
        self.written = to;
        Ok(())
    }

    /// A number below `sides`, the same in every run (a linear congruential generator).
    fn roll(&mut self, sides: u32) -> usize {
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.dice >> 16) % sides) as usize
    }
}

/// The blobs below a container: the hour of each and its length.
fn blobs(container: &Path) -> Vec<(OffsetDateTime, usize)> {
    let mut found = Vec::new();
    let mut folders = vec![container.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(container).unwrap_or(&path).to_string_lossy();
            let length = entry.metadata().map(|metadata| metadata.len()).unwrap_or_default();
            if let (Some(blob), Ok(length)) = (parse(CONTAINER, &name), usize::try_from(length)) {
                found.push((blob.hour, length));
            }
        }
    }
    found
}

fn hour_of(now: OffsetDateTime) -> OffsetDateTime {
    let seconds = now.unix_timestamp();
    OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(3600)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("dir").flatten() {
            if entry.path().is_dir() {
                files(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
        found.sort();
    }

    #[test]
    fn the_blob_grows_byte_for_byte_and_an_hour_begins_with_a_whole_line() {
        let dir = tempfile::tempdir().expect("dir");
        let recording = Recording::bundled().expect("recording");
        let all = recording.bytes.clone();
        let mut replay = Replay::new(recording, dir.path().to_owned(), None);
        let now = time::macros::datetime!(2026-01-01 00:59:59 UTC);
        let mut second = 0;
        while !replay.is_over() {
            let later = now + time::Duration::seconds(second / 30);
            let elapsed = Duration::from_secs(second.unsigned_abs());
            replay.advance(elapsed, later).expect("write");
            second += 1;
            assert!(second < 1000, "the replay ends");
        }
        let mut found = Vec::new();
        files(dir.path(), &mut found);
        assert_eq!(found.len(), 2);
        let parts: Vec<Vec<u8>> = found.iter().map(|file| fs::read(file).expect("blob")).collect();
        assert!(parts.iter().all(|part| part.ends_with(b"\n")));
        assert!(parts.concat() == all);

        let recording = Recording::bundled().expect("recording");
        let again = Replay::new(recording, dir.path().to_owned(), None);
        assert!(again.is_over(), "a kept demo goes on where it was");
    }

    #[test]
    fn a_first_run_that_was_cut_short_does_not_lock_out_the_next() {
        let dir = tempfile::tempdir().expect("dir");
        // The account cannot be made: a file is in its way, as a full disk would be.
        fs::create_dir_all(dir.path().join("demo")).expect("dir");
        let folder = Folder { root: dir.path().join("demo") };
        let marker = folder.root.join(MARKER);
        fs::write(folder.account(), "in the way").expect("file");
        folder.prepare(&marker, false).expect_err("in the way");
        fs::remove_file(folder.account()).expect("removed");
        fs::create_dir_all(folder.account()).expect("dir");
        Folder::open(dir.path(), false).expect("known as the demo's");
    }

    #[test]
    fn a_damaged_state_file_of_the_demo_is_begun_anew() {
        let dir = tempfile::tempdir().expect("dir");
        let folder = Folder::open(dir.path(), false).expect("new");
        fs::write(folder.state_file(), "soup".repeat(1000)).expect("written");
        Folder::open(dir.path(), false).expect("anew");
        assert!(!folder.state_file().exists());
    }

    #[test]
    fn only_a_folder_of_the_demo_is_begun_anew() {
        let dir = tempfile::tempdir().expect("dir");
        let folder = Folder::open(dir.path(), false).expect("new");
        drop(LocalTables::open(&folder.state_file()).expect("state"));
        Folder::open(dir.path(), true).expect("kept");
        assert!(folder.state_file().exists());
        Folder::open(dir.path(), false).expect("anew");
        assert!(!folder.state_file().exists());

        let foreign = tempfile::tempdir().expect("dir");
        fs::create_dir_all(foreign.path().join("demo/account")).expect("dir");
        let failure = Folder::open(foreign.path(), false).expect_err("not ours");
        assert_eq!(failure.exit, Exit::Configuration);
        assert!(foreign.path().join("demo/account").exists());
    }
}
