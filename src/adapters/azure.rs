//! Azure Storage behind the ports: blobs, tables and queues, over one shared HTTP client.
//!
//! Every error leaves here as a [`crate::ports::error::PortError`] with a status and an error
//! code: bodies, headers, keys and tokens never do.

pub mod answer;
pub mod blob;
pub mod connection_string;
pub mod credential;
pub mod endpoint;
pub mod http;
pub mod queue;
pub mod retry;
pub mod secret;
pub mod shared_key;
pub mod table;
