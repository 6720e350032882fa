//! Floor 3: the few traits at the process edge, in our own words. No vendor is known here.

pub mod blobs;
pub mod clock;
pub mod error;
pub mod queue;
pub mod table;
