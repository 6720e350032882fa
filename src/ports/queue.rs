//! Handing work to another invocation.

use async_trait::async_trait;

use super::error::PortResult;

/// Sends messages; the Functions host (or the local runner) receives them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Puts one message of UTF-8 text (at most 48 KiB, the storage queue's 64 KiB before base64)
    /// on a queue, which is created when missing.
    async fn send(&self, queue: &str, message: &str) -> PortResult<()>;
}
