//! A growing append blob in a real storage emulator, the real binary under the fake host: the
//! alerts must be those of one `scan` of the whole file, however the blob grew and however often
//! the process was killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use time::OffsetDateTime;

use crate::azurite::Azurite;
use crate::fake_host::{FakeHost, HostVerdict};

const CONTAINER: &str = "insights-logs-kube-audit";
const QUEUE: &str = "audit-segments";
const APPENDS: usize = 30;
const KILLS: u64 = 10;

/// Alerts by id, each with the ids of its findings.
type Alerts = BTreeMap<String, BTreeSet<String>>;

/// The blob that Azure Monitor would be writing right now.
fn blob_name() -> String {
    let now = OffsetDateTime::now_utc();
    format!(
        "resourceId=/SUBSCRIPTIONS/2FA91425-CB00-4853-9D2C-67EDA13FFE79/RESOURCEGROUPS/RG-RETAIL-PROD-WEU/\
         PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/AKS-RETAIL-PROD-WEU/y={:04}/m={:02}/d={:02}/\
         h={:02}/m=00/PT1H.json",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour()
    )
}

/// The attack log of the samples, as the platform writes it.
fn attack_log() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/attack.azure.jsonl.gz");
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

/// What one `scan` of the whole blob finds, of the rules that make alerts online: those about single
/// events, because correlations run in `scan` only so far.
fn scanned(blob: &str, log: &[u8]) -> Alerts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(CONTAINER).join(blob);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, log).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_midwatch"))
        .args(["scan", "-o", "ndjson", "--mode", "on,duet", "--no-correlations"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut alerts = Alerts::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        alerts.entry(text("alert")).or_default().insert(text("id"));
    }
    assert!(alerts.len() >= 20, "the sample gives only {} alerts", alerts.len());
    alerts
}

/// Every alert that the API lists, with its findings, page by page.
fn listed(host: &FakeHost) -> Alerts {
    let mut alerts = Alerts::new();
    for alert in pages(host, "/api/v1/alerts?limit=50", "alerts") {
        let id = alert["id"].as_str().unwrap().to_owned();
        let findings = pages(host, &format!("/api/v1/alerts/{id}"), "findings");
        let findings: Vec<_> =
            findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(alert["findings"].as_u64(), Some(findings.len() as u64), "alert {id}");
        let before = alerts.insert(id.clone(), findings.iter().cloned().collect());
        assert_eq!(before, None, "alert {id} is listed twice");
        assert_eq!(alerts[&id].len(), findings.len(), "alert {id} holds a finding twice");
    }
    alerts
}

fn pages(host: &FakeHost, path: &str, key: &str) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    let mut next = path.to_owned();
    loop {
        let answer = host.proxy("GET", &next);
        assert_eq!(answer.status, 200, "{next}: {}", String::from_utf8_lossy(&answer.body));
        let page = answer.json();
        all.extend(page[key].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["cursor"].as_str() else { return all };
        let glue = if path.contains('?') { '&' } else { '?' };
        next = format!("{path}{glue}cursor={cursor}");
    }
}

/// A small generator, so that a failing run can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// `count` pieces of the log, cut at random bytes.
fn pieces(log: &[u8], count: usize, dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = (1..count).map(|_| dice.below(log.len() as u64) as usize).collect();
    cuts.extend([0, log.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| log[cut[0]..cut[1]].to_vec()).collect()
}

fn start(azurite: &Azurite) -> FakeHost {
    FakeHost::start(&[
        ("MIDWATCH_CREDENTIAL", "connection-string"),
        ("MIDWATCH_CONNECTION_STRING", &azurite.connection_string()),
        ("MIDWATCH_LEASE_SECONDS", "1"),
        ("MIDWATCH_SEGMENT_BYTES", "2000000"),
    ])
}

/// Fires the timer and works the queue off, as the host does; what fails is delivered again.
async fn follow_and_drain(azurite: &Azurite, host: &FakeHost) {
    let verdict = host.fire_timer("follow");
    assert!(verdict.is_success(), "{verdict:?}");
    for _ in 0..1_000 {
        let messages = azurite.drain(QUEUE).await;
        if messages.is_empty() {
            return;
        }
        for message in messages {
            let verdict = host.deliver("segment", &message, 1);
            assert!(verdict.is_success(), "{verdict:?}");
        }
    }
    panic!("the queue never runs dry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_grows_in_thirty_pieces_gives_the_alerts_of_one_scan() {
    let azurite = Azurite::start(&[]);
    azurite.create_container(CONTAINER).await;
    let (blob, log) = (blob_name(), attack_log());
    let expected = scanned(&blob, &log);
    let host = start(&azurite);
    let mut seen = 0;
    for piece in pieces(&log, APPENDS, &mut Dice(0x5EED_0001)) {
        azurite.append(CONTAINER, &blob, &piece).await;
        follow_and_drain(&azurite, &host).await;
        let count = pages(&host, "/api/v1/alerts?limit=200", "alerts").len();
        assert!(count >= seen, "alerts went away");
        seen = count;
    }
    assert_eq!(listed(&host), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_ten_random_points_loses_nothing_and_doubles_nothing() {
    let azurite = Azurite::start(&[]);
    azurite.create_container(CONTAINER).await;
    let (blob, log) = (blob_name(), attack_log());
    let expected = scanned(&blob, &log);
    let mut host = start(&azurite);
    let mut dice = Dice(0x5EED_0002);
    let parts = pieces(&log, KILLS as usize, &mut dice);
    for piece in &parts {
        azurite.append(CONTAINER, &blob, piece).await;
        host.fire_timer("follow");
        let messages = azurite.drain(QUEUE).await;
        let moment = Duration::from_millis(20 + dice.below(600));
        let verdicts = deliver_and_kill(&mut host, &messages, moment);
        for verdict in verdicts {
            assert!(!matches!(verdict, HostVerdict::Hung), "an empty answer");
        }
    }
    // Leases of the killed processes run out by themselves.
    for _ in 0..60 {
        follow_and_drain(&azurite, &host).await;
        if listed(&host) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(listed(&host), expected);
}

/// Delivers messages from a second thread, kills the process under them, and starts another.
fn deliver_and_kill(
    host: &mut FakeHost,
    messages: &[String],
    moment: Duration,
) -> Vec<HostVerdict> {
    let verdicts = std::thread::scope(|scope| {
        let shared = &*host;
        let deliveries: Vec<_> = messages
            .iter()
            .map(|message| scope.spawn(move || shared.deliver("segment", message, 1)))
            .collect();
        std::thread::sleep(moment);
        kill(shared.pid());
        deliveries.into_iter().map(|delivery| delivery.join().unwrap()).collect()
    });
    host.restart();
    verdicts
}

/// SIGKILL, as the host does it.
fn kill(pid: u32) {
    let status = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
