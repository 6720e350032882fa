//! Floor 5: what the Functions host sees: its envelope, one file for each queue, timer and blob
//! trigger, and the loopback server. It knows no adapter and nothing of the HTTP API, which it is
//! handed as a finished router.

pub mod blob_uri;
pub mod body;
pub mod detect;
pub mod envelope;
pub mod follow;
pub mod reply;
pub mod router;
pub mod segment;
pub mod server;
pub mod verbs;
