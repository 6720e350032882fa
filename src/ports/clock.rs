//! The time of day, as a parameter.

use time::OffsetDateTime;

/// Tells the time. Nothing below floor 6 asks the system for it.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
}
