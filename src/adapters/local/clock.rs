//! The system's clock: the one place that asks for the time of day.

use time::OffsetDateTime;

use crate::ports::clock::Clock;

/// Tells the time as the operating system does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "everything else takes the time from here")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
