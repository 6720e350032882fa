//! The repositories over a real table (redb in a file): crashes, races, listings, restarts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use midwatch::adapters::local::table::LocalTables;
use midwatch::model::alert::{Alert, AlertState};
use midwatch::model::finding::{Actor, ActorKind, EventRef, Evidence, Finding, Outcome, Target};
use midwatch::model::ids::{AlertId, ClusterId, FindingId, RuleId, SessionKey};
use midwatch::model::level::Level;
use midwatch::model::rule::{Mode, RuleRef};
use midwatch::ports::error::{PortError, PortErrorKind, PortResult};
use midwatch::ports::table::{Etag, Key, Page, Range, Row, Table, Write};
use midwatch::store::{Store, StoreTables};
use time::{Duration, OffsetDateTime};

mod alerts;
mod positions;
mod processes;

/// A store in a file, which goes with its folder.
fn open(file: &Path) -> Store {
    let tables = LocalTables::open(file).expect("opened");
    Store::new(StoreTables {
        checkpoints: tables.table("checkpoints"),
        alerts: tables.table("alerts"),
        clusters: tables.table("clusters"),
    })
}

async fn new_store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("state.redb"));
    store.ensure().await.expect("created");
    (folder, store)
}

fn minute(n: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_772_000_000).expect("a time") + Duration::minutes(n)
}

/// Alert number `n`, recorded in minute `n`; clusters, rules, levels, states and modes repeat.
fn alert(n: usize) -> Alert {
    let pick = |count: usize| n % count;
    Alert {
        id: AlertId::new(format!("{n:032x}")),
        rule: RuleRef {
            id: RuleId::new("0a1b2c3d-0000-4000-8000-000000000001"),
            name: ["pod_exec", "secret_read", "role_bound"][pick(3)].to_owned(),
            title: "Something happened".to_owned(),
            level: Level::High,
            mode: [Mode::On, Mode::Duet][pick(2)],
        },
        cluster: ClusterId::new(["prod1", "prod2"][pick(2)]),
        dedup: format!("key {n}"),
        level: Level::ALL[pick(5)],
        state: AlertState::ALL[pick(3)],
        owner: None,
        close_reason: None,
        recorded: minute(n as i64),
        first_event: minute(n as i64 - 5),
        last_event: minute(n as i64 - 4),
        findings: 1,

        excepted: 0,
        actor: Actor { session: SessionKey::new(["one", "other"][pick(7) % 2]), ..actor() },
        target: Target { verb: "get".to_owned(), ..Target::default() },
        why: Vec::new(),
        truncated: false,
        undelivered: true,
    }
}

fn actor() -> Actor {
    Actor {
        username: "o'brien".to_owned(),
        kind: ActorKind::Human,
        impersonated: None,
        source: None,
        client: "kubectl".to_owned(),
        session: SessionKey::new("33333333333333333333333333333333"),
    }
}

fn finding(of: &Alert, n: usize) -> Finding {
    Finding {
        id: FindingId::new(format!("{n:032x}")),
        alert: of.id.clone(),
        rule: of.rule.clone(),
        level: of.level,
        cluster: of.cluster.clone(),
        time: of.first_event,
        events: vec![EventRef {
            audit_id: format!("audit-{n}"),
            stage: "ResponseComplete".to_owned(),
            time: of.first_event,
        }],
        actor: of.actor.clone(),
        target: of.target.clone(),
        outcome: Outcome::Allowed,
        why: of.why.clone(),
        truncated: false,
        dedup: of.dedup.clone(),
        evidence: Evidence { origin: "logs/blob".to_owned(), offset: n as u64, length: 1 },
        excepted: None,
    }
}

/// A table that stops working before its next batch, as a process that is killed does, and that
/// counts the rows it gives.
struct Frail {
    inner: Arc<dyn Table>,
    dead: AtomicBool,
    rows_given: AtomicUsize,
}

impl Frail {
    fn new(inner: Arc<dyn Table>) -> Arc<Self> {
        Arc::new(Self { inner, dead: AtomicBool::new(false), rows_given: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Table for Frail {
    async fn ensure(&self) -> PortResult<()> {
        self.inner.ensure().await
    }

    async fn get(&self, key: &Key) -> PortResult<Option<Row>> {
        self.rows_given.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key).await
    }

    async fn write(&self, write: Write) -> PortResult<Option<Etag>> {
        self.inner.write(write).await
    }

    async fn batch(&self, writes: Vec<Write>) -> PortResult<()> {
        if self.dead.load(Ordering::Relaxed) {
            return Err(PortError::new(PortErrorKind::Unavailable, "write rows", "killed"));
        }
        self.inner.batch(writes).await
    }

    async fn scan(
        &self,
        partition: &str,
        range: &Range,
        limit: usize,
        continuation: Option<&str>,
    ) -> PortResult<Page> {
        let page = self.inner.scan(partition, range, limit, continuation).await?;
        self.rows_given.fetch_add(page.rows.len(), Ordering::Relaxed);
        Ok(page)
    }
}
