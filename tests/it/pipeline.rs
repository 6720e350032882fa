//! The pipeline over real local adapters, with faults between any two steps: whatever fails and
//! however often it is repeated, the rows come out the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use time::macros::datetime;

use midwatch::adapters::local::directory::Directory;
use midwatch::adapters::local::queue::{LocalQueueReceiver, channel};
use midwatch::adapters::local::table::LocalTables;
use midwatch::engine::ruleset::RuleSet;
use midwatch::model::checkpoint::{BlobRef, Totals};
use midwatch::model::problem::ProblemKind;
use midwatch::pipeline::discover::follow;
use midwatch::pipeline::error::PipelineError;
use midwatch::pipeline::ingest::{SegmentReport, SegmentState, segment};
use midwatch::pipeline::rules::Rules;
use midwatch::pipeline::services::{Limits, Services};
use midwatch::ports::clock::Clock;
use midwatch::ports::error::{PortError, PortErrorKind, PortResult};
use midwatch::ports::table::{Etag, Key, Page, Range, Row, Table, Write};
use midwatch::store::alerts::Filter;
use midwatch::store::{Store, StoreTables};

mod others;

const CONTAINER: &str = "insights-logs-kube-audit";
/// The cluster that the sample's records name.
const CLUSTER: &str = "resourceId=/SUBSCRIPTIONS/2FA91425-CB00-4853-9D2C-67EDA13FFE79/\
                       RESOURCEGROUPS/RG-RETAIL-PROD-WEU/PROVIDERS/\
                       MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/AKS-RETAIL-PROD-WEU";
const BLOB: &str = "/y=2026/m=11/d=22/h=08/m=00/PT1H.json";
/// Within the hour of [`BLOB`].
const NOW: OffsetDateTime = datetime!(2026-11-22 08:40 UTC);

struct FixedClock(Mutex<OffsetDateTime>);

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// Lets the first `healthy` changes through and fails the next one, before or after it is made;
/// an answer that is lost looks the same to the caller.
struct Flaky {
    table: Arc<dyn Table>,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    healthy: AtomicU64,
    answer_lost: bool,
}

impl Faults {
    fn strike(&self) -> bool {
        self.healthy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| Some(n.wrapping_sub(1)))
            == Ok(0)
    }
}

fn down() -> PortError {
    PortError::new(PortErrorKind::Unavailable, "write", "injected")
}

#[async_trait]
impl Table for Flaky {
    async fn ensure(&self) -> PortResult<()> {
        self.table.ensure().await
    }

    async fn get(&self, key: &Key) -> PortResult<Option<Row>> {
        self.table.get(key).await
    }

    async fn write(&self, write: Write) -> PortResult<Option<Etag>> {
        match (self.faults.strike(), self.faults.answer_lost) {
            (false, _) => self.table.write(write).await,
            (true, false) => Err(down()),
            (true, true) => self.table.write(write).await.and(Err(down())),
        }
    }

    async fn batch(&self, writes: Vec<Write>) -> PortResult<()> {
        match (self.faults.strike(), self.faults.answer_lost) {
            (false, _) => self.table.batch(writes).await,
            (true, false) => Err(down()),
            (true, true) => self.table.batch(writes).await.and(Err(down())),
        }
    }

    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page> {
        self.table.scan(partition, range, limit, continuation).await
    }
}

/// The shipped rules, compiled once.
fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    RULES.get_or_init(|| Arc::new(RuleSet::builtin().unwrap())).clone()
}

/// A log account in a folder, and everything that works on it.
struct Bench {
    folder: tempfile::TempDir,
    tables: LocalTables,
    clock: Arc<FixedClock>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = LocalTables::open(&folder.path().join("state.redb")).unwrap();
        Self { folder, tables, clock: Arc::new(FixedClock(Mutex::new(NOW))) }
    }

    fn blob_path(&self) -> std::path::PathBuf {
        self.folder.path().join("account").join(CONTAINER).join(format!("{CLUSTER}{BLOB}"))
    }

    fn write(&self, bytes: &[u8]) {
        std::fs::create_dir_all(self.blob_path().parent().unwrap()).unwrap();
        std::fs::write(self.blob_path(), bytes).unwrap();
    }

    fn blob(&self) -> BlobRef {
        BlobRef {
            account: "bench".into(),
            container: CONTAINER.into(),
            name: format!("{CLUSTER}{BLOB}"),
        }
    }

    async fn services(&self, limits: Limits) -> (Services, LocalQueueReceiver) {
        self.flaky(
            limits,
            "worker",
            Arc::new(Faults { healthy: u64::MAX.into(), ..Faults::default() }),
        )
        .await
    }

    async fn flaky(
        &self,
        limits: Limits,
        owner: &str,
        faults: Arc<Faults>,
    ) -> (Services, LocalQueueReceiver) {
        let table = |name: &str| -> Arc<dyn Table> {
            Arc::new(Flaky { table: self.tables.table(name), faults: faults.clone() })
        };
        let store = Store::new(StoreTables {
            checkpoints: table("checkpoints"),
            alerts: table("alerts"),
            clusters: table("clusters"),
        });
        store.ensure().await.unwrap();
        let (queue, receiver) = channel(100);
        let account = self.folder.path().join("account");
        let services = Services {
            logs: vec![Arc::new(Directory::new("bench", account))],
            containers: vec![CONTAINER.into()],
            control_plane: Default::default(),
            queue: Arc::new(queue),
            clock: self.clock.clone(),
            store,
            rules: Rules::fixed(RuleSet::clone(&rules()), NOW),
            limits,
            owner: owner.into(),
            last_wide_look: Mutex::new(None),
        };
        (services, receiver)
    }
}

/// A part of the attack log with a good many alerts, a cut record, a line that is none, and a
/// record of another category.
fn log() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/attack.azure.jsonl.gz");
    let text = std::io::read_to_string(flate2::read::MultiGzDecoder::new(
        std::fs::File::open(path).unwrap(),
    ))
    .unwrap();
    let mut lines: Vec<String> = text.lines().skip(900).take(700).map(str::to_owned).collect();
    lines.insert(10, "this is no record".into());
    lines.insert(
        20,
        r#"{"category":"kube-apiserver","time":"2026-11-22T08:40:00Z","properties":{"log":"I1122 started"}}"#
            .into(),
    );
    let cut = lines[300].find("responseStatus").unwrap();
    let cut = format!("{}\"}}}}", lines[300][..cut].trim_end_matches(['\\', '"', ',']));
    lines.insert(300, cut);
    lines.join("\n").into_bytes().into_iter().chain(*b"\n").collect()
}

/// Every alert with its findings and its count, by id.
async fn alerts(services: &Services) -> BTreeMap<String, (u64, BTreeSet<String>)> {
    let mut all = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page =
            services.store.alerts.newest(&Filter::default(), cursor.as_deref(), 50).await.unwrap();
        for alert in page.alerts {
            let mut findings = BTreeSet::new();
            let mut next = None;
            loop {
                let page =
                    services.store.alerts.findings(&alert.id, next.as_deref(), 100).await.unwrap();
                findings.extend(page.findings.iter().map(|f| f.id.as_str().to_owned()));
                next = page.cursor;
                if next.is_none() {
                    break;
                }
            }
            let before = all.insert(alert.id.as_str().to_owned(), (alert.findings, findings));
            assert!(before.is_none(), "an alert is listed twice");
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

async fn until_caught_up(services: &Services, blob: &BlobRef) -> Vec<SegmentReport> {
    let mut reports = Vec::new();
    for _ in 0..10_000 {
        let report = segment(services, blob).await.unwrap();
        let state = report.state;
        reports.push(report);
        if state == SegmentState::CaughtUp {
            return reports;
        }
    }
    panic!("never caught up");
}

fn small(read_bytes: u64, segment_bytes: u64) -> Limits {
    Limits { read_bytes, segment_bytes, ..Limits::default() }
}

#[tokio::test]
async fn every_record_is_evaluated_or_counted_and_the_sums_balance() {
    let bench = Bench::new();
    bench.write(&log());
    let (services, _queue) = bench.services(Limits::default()).await;
    let reports = until_caught_up(&services, &bench.blob()).await;
    let totals = reports[0].totals;
    assert_eq!(totals.records, 703);
    assert_eq!((totals.malformed, totals.other, totals.truncated), (1, 1, 1));
    assert_eq!(totals.records, totals.evaluated + totals.malformed + totals.other);
    let kinds: Vec<_> = reports[0].problems.iter().map(|problem| problem.kind).collect();
    assert!(kinds.contains(&ProblemKind::MalformedLine), "{kinds:?}");
    assert!(kinds.contains(&ProblemKind::Truncated), "{kinds:?}");
    assert!(alerts(&services).await.len() >= 5);
}

#[tokio::test]
async fn any_cutting_into_segments_and_reads_comes_to_the_same_alerts() {
    let log = log();
    let mut expected = None;
    for (read, segment) in [(1 << 20, 8 << 20), (70_000, 100_000), (9_973, 1 << 20)] {
        let bench = Bench::new();
        bench.write(&log);
        let (services, _queue) = bench.services(small(read, segment)).await;
        let reports = until_caught_up(&services, &bench.blob()).await;
        let mut totals = Totals::default();
        reports.iter().for_each(|report| totals.add(&report.totals));
        let found = (alerts(&services).await, totals);
        assert_eq!(*expected.get_or_insert(found.clone()), found, "reads of {read}");
    }
}

#[tokio::test]
async fn a_fault_at_any_write_before_or_after_it_loses_nothing_and_doubles_nothing() {
    let log = log();
    let bench = Bench::new();
    bench.write(&log);
    let (services, _queue) = bench.services(small(200_000, 8 << 20)).await;
    until_caught_up(&services, &bench.blob()).await;
    let expected = alerts(&services).await;
    for answer_lost in [false, true] {
        for healthy in (0..).step_by(9) {
            let bench = Bench::new();
            bench.write(&log);
            let faults = Arc::new(Faults { healthy: healthy.into(), answer_lost });
            let limits = small(200_000, 8 << 20);
            let (services, _queue) = bench.flaky(limits, "worker", faults.clone()).await;
            let first = segment(&services, &bench.blob()).await;
            let struck = faults.healthy.load(Ordering::SeqCst) > u64::MAX / 2;
            if let Err(error) = &first {
                assert!(matches!(error, PipelineError::Port(_)), "{error}");
            }
            until_caught_up(&services, &bench.blob()).await;
            assert_eq!(alerts(&services).await, expected, "after {healthy}, lost {answer_lost}");
            if !struck {
                break; // more healthy writes than a whole run makes
            }
        }
    }
}

#[tokio::test]
async fn every_alert_is_marked_for_delivery_whatever_failed() {
    let bench = Bench::new();
    bench.write(&log());
    let faults = Arc::new(Faults { healthy: 3.into(), answer_lost: true });
    let (services, _queue) = bench.flaky(Limits::default(), "worker", faults).await;
    let _ = segment(&services, &bench.blob()).await;
    until_caught_up(&services, &bench.blob()).await;
    let marked: BTreeSet<String> = services
        .store
        .outbox
        .pending(1_000)
        .await
        .unwrap()
        .into_iter()
        .map(|mark| mark.alert.as_str().to_owned())
        .collect();
    assert_eq!(marked, alerts(&services).await.into_keys().collect());
}

#[tokio::test]
async fn two_instances_at_once_come_to_the_alerts_of_one() {
    let log = log();
    let alone = Bench::new();
    alone.write(&log);
    let (services, _queue) = alone.services(Limits::default()).await;
    until_caught_up(&services, &alone.blob()).await;
    let expected = alerts(&services).await;

    let bench = Bench::new();
    bench.write(&log);
    // No lease keeps them apart: correctness must not rest on it.
    let limits = Limits { lease: Duration::ZERO, ..small(50_000, 8 << 20) };
    let none = || Arc::new(Faults { healthy: u64::MAX.into(), ..Faults::default() });
    let (one, _q1) = bench.flaky(limits, "one", none()).await;
    let (two, _q2) = bench.flaky(limits, "two", none()).await;
    let blob = bench.blob();
    let work = |services: Services| {
        let blob = blob.clone();
        tokio::spawn(async move {
            until_caught_up(&services, &blob).await;
            services
        })
    };
    let (first, second) = (work(one), work(two));
    let services = first.await.unwrap();
    second.await.unwrap();
    assert_eq!(alerts(&services).await, expected);
}

#[tokio::test]
async fn the_tail_without_a_newline_waits_and_is_no_news_until_the_blob_grows() {
    let bench = Bench::new();
    let log = log();
    let half = log.len() / 2;
    bench.write(&log[..half]);
    let (services, mut queue) = bench.services(Limits::default()).await;
    assert_eq!(follow(&services).await.unwrap().queued, 1);
    until_caught_up(&services, &bench.blob()).await;
    assert_eq!(follow(&services).await.unwrap().queued, 0, "a waiting tail is queued again");
    let stands = services.store.checkpoints.load(&bench.blob()).await.unwrap().unwrap().value;
    assert!(stands.offset < half as u64 && stands.length_seen == half as u64);
    assert_eq!(log[stands.offset as usize - 1], b'\n');
    bench.write(&log);
    assert_eq!(follow(&services).await.unwrap().queued, 1);
    until_caught_up(&services, &bench.blob()).await;
    let end = services.store.checkpoints.load(&bench.blob()).await.unwrap().unwrap().value;
    assert_eq!(end.offset, log.len() as u64);
    assert_eq!(queue.receive_now().unwrap().queue, "audit-segments");
}

#[tokio::test]
async fn a_lease_keeps_others_away_until_it_ends() {
    let bench = Bench::new();
    bench.write(&log());
    let none = || Arc::new(Faults { healthy: 2.into(), ..Faults::default() });
    let (dead, _q1) = bench.flaky(Limits::default(), "dead", none()).await;
    segment(&dead, &bench.blob()).await.unwrap_err();
    let (services, _q2) = bench.services(Limits::default()).await;
    assert_eq!(segment(&services, &bench.blob()).await.unwrap().state, SegmentState::Busy);
    *bench.clock.0.lock().unwrap() = NOW + Duration::from_secs(91);
    until_caught_up(&services, &bench.blob()).await;
}

#[tokio::test]
async fn a_replaced_blob_is_read_from_its_start_and_counted() {
    let bench = Bench::new();
    let log = log();
    bench.write(&log);
    let (services, _queue) = bench.services(Limits::default()).await;
    until_caught_up(&services, &bench.blob()).await;
    let before = alerts(&services).await;
    let half = log.iter().take(log.len() / 2).rposition(|byte| *byte == b'\n').unwrap() + 1;
    bench.write(&log[..half]);
    assert_eq!(follow(&services).await.unwrap().queued, 1);
    until_caught_up(&services, &bench.blob()).await;
    let stands = services.store.checkpoints.load(&bench.blob()).await.unwrap().unwrap().value;
    assert_eq!((stands.generation, stands.offset), (1, half as u64));
    assert_eq!(alerts(&services).await, before, "the same records, so the same alerts");
}

#[tokio::test]
async fn a_line_longer_than_the_budget_is_skipped_and_counted_and_the_rest_goes_on() {
    let bench = Bench::new();
    let log = log();
    let giant = [b"{\"pad\":\"".to_vec(), vec![b'x'; 900_000], b"\"}\n".to_vec()].concat();
    bench.write(&[giant.clone(), log.clone()].concat());
    let (services, _queue) = bench.services(small(50_000, 300_000)).await;
    let reports = until_caught_up(&services, &bench.blob()).await;
    let problems: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.problems)
        .filter(|problem| problem.kind == ProblemKind::OversizedLine)
        .map(|problem| problem.offset)
        .collect();
    assert_eq!(problems, [0]);
    let mut totals = Totals::default();
    reports.iter().for_each(|report| totals.add(&report.totals));
    assert_eq!(totals.records, 704);
    assert_eq!(totals.records, totals.evaluated + totals.malformed + totals.other);
}

#[tokio::test]
async fn a_line_that_ends_just_behind_the_budget_takes_no_other_line_with_it() {
    for length in [299_999, 300_000, 300_001, 350_000] {
        let bench = Bench::new();
        bench.write(&[vec![b'x'; length], b"\n".to_vec(), log()].concat());
        let (services, _queue) = bench.services(small(50_000, 300_000)).await;
        let reports = until_caught_up(&services, &bench.blob()).await;
        let mut totals = Totals::default();
        reports.iter().for_each(|report| totals.add(&report.totals));
        assert_eq!((totals.records, totals.malformed), (704, 2), "a line of {length} bytes");
    }
}

#[tokio::test]
async fn a_blob_that_is_gone_ends_quietly_and_a_foreign_one_is_refused() {
    let bench = Bench::new();
    bench.write(&log());
    let (services, _queue) = bench.services(Limits::default()).await;
    std::fs::remove_file(bench.blob_path()).unwrap();
    assert_eq!(segment(&services, &bench.blob()).await.unwrap().state, SegmentState::Gone);
    let elsewhere = BlobRef { account: "other".into(), ..bench.blob() };
    assert!(matches!(segment(&services, &elsewhere).await, Err(PipelineError::NotOurs)));
    let no_log = BlobRef { name: "hello.txt".into(), ..bench.blob() };
    assert!(matches!(segment(&services, &no_log).await, Err(PipelineError::NotALogBlob)));
}

#[tokio::test]
async fn an_unknown_cluster_is_found_by_the_wide_look_and_then_followed_by_hour() {
    let bench = Bench::new();
    bench.write(&log());
    let (services, _queue) = bench.services(Limits::default()).await;
    let first = follow(&services).await.unwrap();
    assert!(first.wide && first.queued == 1);
    until_caught_up(&services, &bench.blob()).await;
    let second = follow(&services).await.unwrap();
    assert_eq!((second.wide, second.clusters, second.listings), (false, 1, 4));
    *bench.clock.0.lock().unwrap() = NOW + Duration::from_secs(3600);
    assert!(follow(&services).await.unwrap().wide, "once an hour, everything recent");
}
