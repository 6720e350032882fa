//! Floor 2: from findings to alerts. Decides, never stores.

pub mod fold;
