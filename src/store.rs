//! Floor 3: typed repositories, written once over the table port. Owns what a row looks like;
//! must not know which store keeps it, nor decide what an alert or a checkpoint should say.

use std::sync::Arc;

use crate::ports::error::PortResult;
use crate::ports::table::{Etag, Table};

pub mod alerts;
pub mod checkpoints;
pub mod clusters;
pub mod key;
pub mod outbox;

mod body;
mod column;
mod rows;

use alerts::Alerts;
use checkpoints::Checkpoints;
use clusters::Clusters;
use outbox::Outbox;

/// The tables that the repositories live in.
#[derive(Clone)]
pub struct StoreTables {
    pub checkpoints: Arc<dyn Table>,
    /// Alerts, their findings, the newest-first index and the outbox.
    pub alerts: Arc<dyn Table>,
    pub clusters: Arc<dyn Table>,
}

/// Everything Midwatch remembers. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub checkpoints: Checkpoints,
    pub alerts: Alerts,
    pub outbox: Outbox,
    pub clusters: Clusters,
    tables: StoreTables,
}

impl Store {
    /// The repositories over these tables.
    pub fn new(tables: StoreTables) -> Self {
        Self {
            checkpoints: Checkpoints::new(tables.checkpoints.clone()),
            alerts: Alerts::new(tables.alerts.clone()),
            outbox: Outbox::new(tables.alerts.clone()),
            clusters: Clusters::new(tables.clusters.clone()),
            tables,
        }
    }

    /// Creates the tables that are missing. Call it once, before anything else.
    pub async fn ensure(&self) -> PortResult<()> {
        self.tables.checkpoints.ensure().await?;
        self.tables.alerts.ensure().await?;
        self.tables.clusters.ensure().await
    }
}

/// A value and the version it was read at; give the version back to change it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    pub value: T,
    pub etag: Etag,
}
