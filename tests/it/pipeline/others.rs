//! What others do at the same time: accounts that refuse, rows that somebody else writes or
//! spoils. It must cost no more than the one thing that it is about.

use std::sync::atomic::AtomicUsize;

use midwatch::functions::verbs::{Completion, Verbs};
use midwatch::ports::blobs::{BlobPage, Blobs, Read};
use midwatch::ports::table::Value;

use super::*;

fn refused(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "read a blob", "refused")
}

/// A log account that refuses to list or to read, and counts how often it was asked.
struct Refusing {
    account: String,
    listings: Option<Arc<dyn Blobs>>,
    kind: PortErrorKind,
    asked: Arc<AtomicUsize>,
}

impl Refusing {
    fn new(account: &str, kind: PortErrorKind) -> Self {
        Self { account: account.into(), listings: None, kind, asked: Arc::default() }
    }
}

#[async_trait]
impl Blobs for Refusing {
    fn account(&self) -> &str {
        &self.account
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        continuation: Option<&str>,
    ) -> PortResult<BlobPage> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match &self.listings {
            Some(listings) => listings.list(container, prefix, continuation).await,
            None => Err(refused(self.kind)),
        }
    }

    async fn length(&self, _: &str, _: &str) -> PortResult<u64> {
        Err(refused(self.kind))
    }

    async fn read(&self, _: &str, _: &str, _: u64, _: u64) -> PortResult<Read> {
        Err(refused(self.kind))
    }
}

/// A table of which somebody else changes every row first.
struct Contested(Arc<dyn Table>);

#[async_trait]
impl Table for Contested {
    async fn ensure(&self) -> PortResult<()> {
        self.0.ensure().await
    }

    async fn get(&self, key: &Key) -> PortResult<Option<Row>> {
        self.0.get(key).await
    }

    async fn write(&self, _: Write) -> PortResult<Option<Etag>> {
        Err(refused(PortErrorKind::Conflict))
    }

    async fn batch(&self, _: Vec<Write>) -> PortResult<()> {
        Err(refused(PortErrorKind::Conflict))
    }

    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page> {
        self.0.scan(partition, range, limit, continuation).await
    }
}

/// A table that somebody has deleted.
struct Deleted {
    table: Arc<dyn Table>,
    made: AtomicUsize,
}

impl Deleted {
    fn table(&self) -> PortResult<&Arc<dyn Table>> {
        match self.made.load(Ordering::SeqCst) {
            0 => Err(refused(PortErrorKind::NotFound)),
            _ => Ok(&self.table),
        }
    }
}

#[async_trait]
impl Table for Deleted {
    async fn ensure(&self) -> PortResult<()> {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.table.ensure().await
    }

    async fn get(&self, key: &Key) -> PortResult<Option<Row>> {
        self.table()?.get(key).await
    }

    async fn write(&self, write: Write) -> PortResult<Option<Etag>> {
        self.table()?.write(write).await
    }

    async fn batch(&self, writes: Vec<Write>) -> PortResult<()> {
        self.table()?.batch(writes).await
    }

    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page> {
        self.table()?.scan(partition, range, limit, continuation).await
    }
}

fn store_over(bench: &Bench, clusters: Arc<dyn Table>) -> Store {
    let (checkpoints, alerts) = (bench.tables.table("checkpoints"), bench.tables.table("alerts"));
    Store::new(StoreTables { checkpoints, alerts, clusters })
}

#[tokio::test]
async fn an_account_that_answers_conflict_is_a_failure_and_not_another_instance() {
    let bench = Bench::new();
    bench.write(&log());
    let (mut services, _queue) = bench.services(Limits::default()).await;
    // An archived blob, or a container that is being deleted, is answered 409.
    services.logs = vec![Arc::new(Refusing::new("bench", PortErrorKind::Conflict))];
    segment(&services, &bench.blob()).await.unwrap_err();
}

#[tokio::test]
async fn a_cluster_that_others_note_at_the_same_moment_does_not_fail_the_segment() {
    let bench = Bench::new();
    bench.write(&log());
    let (mut services, _queue) = bench.services(Limits::default()).await;
    let contested = Arc::new(Contested(bench.tables.table("clusters")));
    services.store = store_over(&bench, contested);
    let report = segment(&services, &bench.blob()).await.unwrap();
    assert_eq!(report.state, SegmentState::CaughtUp);
}

#[tokio::test]
async fn a_silent_account_is_asked_once_a_look_and_the_others_are_followed() {
    let bench = Bench::new();
    bench.write(&log());
    let (mut services, mut queue) = bench.services(Limits::default()).await;
    // First by the alphabet, with many clusters: each would wait for it in vain.
    for number in 0..20 {
        let seen = midwatch::store::clusters::KnownCluster {
            cluster: midwatch::model::ids::ClusterId::new(&format!("/c{number}")),
            account: "away".into(),
            container: CONTAINER.into(),
            blob_prefix: format!("resourceId=/C{number}"),
            first_seen: NOW,
            last_seen: NOW,
        };
        services.store.clusters.remember(&seen).await.unwrap();
    }
    follow(&services).await.unwrap();
    until_caught_up(&services, &bench.blob()).await;
    while queue.receive_now().is_some() {}
    let away = Refusing::new("away", PortErrorKind::Timeout);
    let asked = away.asked.clone();
    services.logs.push(Arc::new(away));
    bench.write(&[log(), log()].concat());
    follow(&services).await.unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(queue.receive_now().is_some(), "the account that answers is followed");
}

#[tokio::test]
async fn a_spoilt_checkpoint_is_told_and_does_not_hide_the_blobs_behind_it() {
    let bench = Bench::new();
    bench.write(&log());
    let (services, mut queue) = bench.services(Limits::default()).await;
    until_caught_up(&services, &bench.blob()).await;
    let later = bench.blob_path().display().to_string().replace("h=08", "h=09");
    std::fs::create_dir_all(Path::new(&later).parent().unwrap()).unwrap();
    std::fs::write(&later, log()).unwrap();
    let table = bench.tables.table("checkpoints");
    let partition = midwatch::store::key::compound(&["bench", CONTAINER]);
    let row = midwatch::store::key::escape(&bench.blob().name);
    let key = Key { partition, row };
    let found = table.get(&key).await.unwrap();
    assert!(found.is_some(), "the key of the checkpoint is not what this test takes it for");
    let mut properties = found.unwrap().properties;
    properties.insert("offset".into(), Value::Text("soup".into()));
    table.write(Write::Upsert { key, properties }).await.unwrap();
    let error = follow(&services).await.unwrap_err();
    assert!(error.to_string().contains("checkpoint"), "{error}");
    assert!(queue.receive_now().unwrap().text.contains("h=09"));
}

#[tokio::test]
async fn a_deleted_table_fails_the_invocation_and_is_there_for_the_next() {
    let bench = Bench::new();
    bench.write(&log());
    let (mut services, _queue) = bench.services(Limits::default()).await;
    let clusters = bench.tables.table("clusters");
    services.store =
        store_over(&bench, Arc::new(Deleted { table: clusters, made: AtomicUsize::new(0) }));
    let first = Verbs::follow(&services).await;
    assert!(matches!(first, Completion::RetryLater { .. }), "{first:?}");
    let second = Verbs::follow(&services).await;
    assert!(matches!(second, Completion::Done { .. }), "{second:?}");
}
