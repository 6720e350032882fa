//! The state file between processes: one at a time, and nothing answered is lost to SIGKILL. The
//! other process is this test binary, told by an environment variable what to be.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{alert, finding, open};

const FILE: &str = "MIDWATCH_TEST_STATE_FILE";

/// Runs one test of this binary as a process of its own.
fn other_process(test: &str, file: &Path) -> Child {
    Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", test, "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

/// In the other process: stores alert after alert, each with a finding, and tells each number
/// when it is stored. In the suite it has nothing to do.
#[tokio::test]
async fn writes_until_killed() {
    let Ok(file) = std::env::var(FILE) else { return };
    let store = open(Path::new(&file));
    store.ensure().await.expect("created");
    let mut out = std::io::stdout();
    for n in 0..100_000 {
        if store.alerts.get(&alert(n).id).await.expect("read").is_none() {
            store.alerts.save(&alert(n), None, &[finding(&alert(n), n)]).await.expect("saved");
        }
        writeln!(out, "\nstored {n}").and_then(|()| out.flush()).expect("told");
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_and_a_second_process_waits_its_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.redb");
    for told in [1, 7, 40] {
        let mut child = other_process("store::processes::writes_until_killed", &file);
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut last = None;
        for line in lines {
            let line = line.expect("text");
            last = line.strip_prefix("stored ").map(|n| n.parse().expect("a number")).or(last);
            if last >= Some(told) {
                break;
            }
        }
        let last: usize = last.expect("it stored something");

        let in_use = midwatch::adapters::local::table::LocalTables::open(&file);
        let error = in_use.err().expect("one process at a time");
        assert!(error.to_string().contains("in use by another midwatch"), "{error}");

        child.kill().expect("killed");
        child.wait().expect("ended");
        let store = open(&file);
        for n in 0..=last {
            let alert = alert(n);
            let found = store.alerts.get(&alert.id).await.expect("read");
            assert_eq!(found.as_ref(), Some(&alert), "{n} of {last}");
            let findings = store.alerts.findings(&alert.id, None, 10).await.expect("read");
            assert_eq!(findings.findings, [finding(&alert, n)], "{n} of {last}");
        }
    }
}
