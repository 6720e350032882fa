//! The services over Azure: log accounts, tables and a queue, with one credential and one HTTP
//! client for all of them.

use std::sync::{Arc, Mutex};

use anyhow::Context;
use time::Duration;

use super::following;
use crate::adapters::azure::blob::AzureBlobs;
use crate::adapters::azure::credential::Access;
use crate::adapters::azure::http::{Http, HttpOptions};
use crate::adapters::azure::queue::AzureQueue;
use crate::adapters::azure::table::AzureTable;
use crate::adapters::local::clock::SystemClock;
use crate::audit::source::ControlPlane;
use crate::config::Settings;
use crate::pipeline::rules::RuleFeed;
use crate::pipeline::services::{Limits, Services};
use crate::ports::blobs::Blobs;
use crate::ports::clock::Clock;
use crate::ports::table::Table;
use crate::store::clusters::KnownCluster;
use crate::store::{Store, StoreTables};

/// How often the directory of rules is looked at, at most: work begins every second when much is
/// going on, and a mounted share answers slowly.
const LOOK_AT_RULES: Duration = Duration::seconds(15);

/// Services as the settings say. Talks to the tables once, so that a missing role or a wrong
/// endpoint is told at start and not at the first record.
///
/// # Errors
/// The credential cannot be made, or the tables cannot be reached or created.
pub async fn services(settings: &Settings, rules: RuleFeed) -> anyhow::Result<Services> {
    let http = Http::new(&HttpOptions::default())?;
    let access = settings.credential.open(&http)?;
    let clock = SystemClock;
    let store = store(settings, &access, &http)?;
    store.ensure().await.context(
        "cannot reach the state tables; the identity needs the role Storage Table Data \
         Contributor on the account of MIDWATCH_TABLE_ENDPOINT",
    )?;
    let mut logs: Vec<Arc<dyn Blobs>> = Vec::new();
    for account in &settings.log.accounts {
        logs.push(Arc::new(AzureBlobs::new(account.clone(), &access, &http)?));
    }
    remember_clusters(settings, &store, &clock).await?;
    let defaults = Limits::default();
    Ok(Services {
        logs,
        containers: settings.log.containers.clone(),
        control_plane: ControlPlane::new(settings.log.control_plane.clone()),
        queue: Arc::new(AzureQueue::new(&settings.queue.endpoint, &access, &http)?),
        clock: Arc::new(clock),
        store,
        rules: following(rules, &settings.rules.opt_in, LOOK_AT_RULES, clock.now()),
        limits: Limits {
            segment_bytes: settings.limits.segment_bytes,
            lease: settings.limits.lease,
            ..defaults
        },
        owner: owner(),
        last_wide_look: Mutex::new(None),
    })
}

fn store(settings: &Settings, access: &Access, http: &Http) -> anyhow::Result<Store> {
    let table = |word: &str| -> anyhow::Result<Arc<dyn Table>> {
        let name = format!("{}{word}", settings.state.prefix);
        Ok(Arc::new(AzureTable::new(&settings.state.endpoint, access, http, &name)?))
    };
    Ok(Store::new(StoreTables {
        checkpoints: table("checkpoints")?,
        alerts: table("alerts")?,
        clusters: table("clusters")?,
    }))
}

/// Clusters that the settings name are looked for in every log account from the first minute on.
/// The platform spells their ids in upper case in blob names.
async fn remember_clusters(
    settings: &Settings,
    store: &Store,
    clock: &SystemClock,
) -> anyhow::Result<()> {
    let now = clock.now();
    for cluster in &settings.log.clusters {
        for account in &settings.log.accounts {
            for container in &settings.log.containers {
                let known = KnownCluster {
                    cluster: cluster.clone(),
                    account: account.account().to_owned(),
                    container: container.clone(),
                    blob_prefix: format!("resourceId={}", cluster.as_str().to_uppercase()),
                    first_seen: now,
                    last_seen: now,
                };
                store.clusters.remember(&known).await.context("cannot note a known cluster")?;
            }
        }
    }
    Ok(())
}

/// Names this process in leases: unlike that of any other instance, or of one before a restart.
fn owner() -> String {
    let started = SystemClock.now().unix_timestamp_nanos();
    format!("{:x}-{:x}", std::process::id(), started)
}
