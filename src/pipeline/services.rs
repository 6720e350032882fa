//! The handles that every verb works with: made once by `app`, passed down, never global.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use time::OffsetDateTime;

use crate::audit::source::ControlPlane;
use crate::ports::blobs::Blobs;
use crate::ports::clock::Clock;
use crate::ports::queue::Queue;
use crate::store::Store;

use super::rules::Rules;

/// Everything a verb needs.
pub struct Services {
    /// The log accounts, one per region.
    pub logs: Vec<Arc<dyn Blobs>>,
    /// The containers with audit records in each of them.
    pub containers: Vec<String>,
    /// Networks that control planes call from besides their usual one.
    pub control_plane: ControlPlane,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
    pub store: Store,
    pub rules: Rules,
    pub limits: Limits,
    /// Names this process in a lease.
    pub owner: String,
    /// When this process last looked beyond the current hours.
    pub last_wide_look: Mutex<Option<OffsetDateTime>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Services {
    /// The log account of this name.
    pub fn log_account(&self, name: &str) -> Option<&Arc<dyn Blobs>> {
        self.logs.iter().find(|logs| logs.account() == name)
    }
}

/// How much one invocation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one blob that one segment consumes, about. Also the longest line that is read.
    pub segment_bytes: u64,
    /// Bytes of one ranged read; memory is bounded by this and one line.
    pub read_bytes: u64,
    /// How long one segment works. Well under the host's function timeout, because the host kills
    /// without a signal.
    pub segment_time: Duration,
    /// How long a lease keeps others away.
    pub lease: Duration,
    /// How far back a look beyond the current hours goes. The platform files records up to 48
    /// hours late after they happened.
    pub wide_look: Duration,
    /// Listing pages per container that one look beyond the current hours reads.
    pub list_pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: 8 * 1024 * 1024,
            read_bytes: 1024 * 1024,
            segment_time: Duration::from_secs(240),
            lease: Duration::from_secs(90),
            wide_look: Duration::from_secs(48 * 60 * 60),
            list_pages: 200,
        }
    }
}
