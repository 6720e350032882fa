//! Floor 2: from findings to alerts, and from alerts to stories. Decides, never stores.

pub mod fold;
pub mod story;
