//! Azure Storage behind the ports: blobs, tables and queues, over one shared HTTP client.

pub mod endpoint;
pub mod secret;
pub mod shared_key;
