//! Floor 2: sets of rules over batches of events. Values in, values out; nothing is stored here.

pub mod builtin;
pub mod cases;
pub mod correlate;
pub mod elsewhere;
pub mod evaluate;
pub mod explain;
pub mod fast;
pub mod loaded;
pub mod lock;
mod mapped;
pub mod metadata;
pub mod mutation;
pub mod reader;
pub mod ruleset;
pub mod tuning;
pub mod vendor;
pub mod visibility;
