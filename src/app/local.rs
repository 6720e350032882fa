//! Everything on one machine: a directory as log account, one file as state, a queue in memory.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;

use super::following;
use crate::adapters::local::clock::SystemClock;
use crate::adapters::local::directory::Directory;
use crate::adapters::local::queue::{LocalQueueReceiver, channel};
use crate::adapters::local::table::LocalTables;
use crate::audit::source::ControlPlane;
use crate::pipeline::rules::RuleFeed;
use crate::pipeline::services::{Limits, Services};
use crate::ports::clock::Clock as _;
use crate::store::{Store, StoreTables};

/// The account's name in checkpoints and evidence.
const ACCOUNT: &str = "local";
/// The container that AKS fills.
const CONTAINER: &str = "insights-logs-kube-audit";
/// A directory is read whole, however old its hours are: somebody chose it.
const EVERYTHING: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// How often the directory of rules is looked at, at most.
const LOOK_AT_RULES: time::Duration = time::Duration::seconds(2);
/// Segments waiting in memory, at most; `follow` finds again what did not fit.
const QUEUE_CAPACITY: usize = 1_000;

/// Services over a directory with the layout of a log account, with their state in `state_file`.
/// The receiver hands out the segments that `follow` queues.
///
/// # Errors
/// The state file cannot be opened: another process has it, or it is damaged.
pub async fn services(
    account: &Path,
    state_file: &Path,
    rules: RuleFeed,
) -> anyhow::Result<(Services, LocalQueueReceiver)> {
    let tables = LocalTables::open(state_file).context("cannot open the state file")?;
    let store = Store::new(StoreTables {
        checkpoints: tables.table("checkpoints"),
        alerts: tables.table("alerts"),
        clusters: tables.table("clusters"),
    });
    store.ensure().await.context("cannot prepare the state file")?;
    let (queue, receiver) = channel(QUEUE_CAPACITY);
    let services = Services {
        logs: vec![Arc::new(Directory::new(ACCOUNT, account))],
        containers: vec![CONTAINER.to_owned()],
        control_plane: ControlPlane::default(),
        queue: Arc::new(queue),
        clock: Arc::new(SystemClock),
        store,
        rules: following(rules, &[], LOOK_AT_RULES, SystemClock.now()),
        limits: Limits { wide_look: EVERYTHING, ..Limits::default() },
        owner: format!("local-{}", std::process::id()),
        last_wide_look: Mutex::new(None),
    };
    Ok((services, receiver))
}
