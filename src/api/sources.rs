//! What the API reads from: handles that arrive when initialisation has ended.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;

use super::detection::DetectionBody;
use super::problem::Problem;
use crate::engine::explain::{Explained, Refusal, explain_text};
use crate::pipeline::services::Services;
use crate::store::Store;

/// How long a request waits for initialisation to end before it is told to come again.
const READY_MAX: Duration = Duration::from_secs(10);

/// The rules that are asked about events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesInUse {
    pub count: usize,
    pub loaded_at: OffsetDateTime,
    /// Why the present content of their directory is not in use, when it is not.
    pub problem: Option<String>,
}

/// Where the API's answers come from.
pub trait Sources: Send + Sync + 'static {
    /// What Midwatch remembers.
    fn store(&self) -> &Store;

    /// The rules that are loaded, ordered by name.
    fn detections(&self) -> Vec<DetectionBody>;

    /// Those of them that are asked about events, and how they came to be in use.
    fn rules_in_use(&self) -> RulesInUse;

    /// Why the rule of this name or id, or every rule, does or does not fire on an event.
    ///
    /// # Errors
    /// There is not one event, or no such rule.
    fn explain(&self, event: &str, rule: Option<&str>) -> Result<Explained, Refusal>;
}

impl Sources for Services {
    fn store(&self) -> &Store {
        &self.store
    }

    fn detections(&self) -> Vec<DetectionBody> {
        let rules = self.rules.current();
        let catalogue = rules.catalogue();
        catalogue.into_iter().map(|(rule, active)| DetectionBody::new(&rule, active)).collect()
    }

    fn rules_in_use(&self) -> RulesInUse {
        let in_use = self.rules.in_use();
        RulesInUse {
            count: in_use.rules.catalogue().iter().filter(|(_, active)| *active).count(),
            loaded_at: in_use.loaded_at,
            problem: in_use.problem,
        }
    }

    fn explain(&self, event: &str, rule: Option<&str>) -> Result<Explained, Refusal> {
        explain_text(&self.rules.current(), &self.control_plane, event, rule)
    }
}

/// `None` until initialisation has ended.
pub type Ready<V> = watch::Receiver<Option<Arc<V>>>;

/// The handles, as soon as they are there.
///
/// # Errors
/// 503 with `Retry-After` when that takes too long.
pub(super) async fn wait<V>(ready: &Ready<V>) -> Result<Arc<V>, Problem> {
    let mut ready = ready.clone();
    let arrived = tokio::time::timeout(READY_MAX, ready.wait_for(Option::is_some)).await;
    let handles = arrived.ok().and_then(|arrived| arrived.ok().and_then(|handles| handles.clone()));
    handles.ok_or_else(Problem::not_ready)
}
