//! Correlations: findings from several events. Owns their windows of event time, as a value that
//! goes in and comes out; it knows no clock, stores nothing, and shows no finding to anybody.
//!
//! # When a correlation fires
//! The *moment* of an event is when the API server received the request: the same in every stage
//! and copy. Events are judged in the order of their moments, and only once the *watermark* has
//! passed them: the newest moment seen in the cluster less the lateness. So the order of arrival
//! does not matter within the lateness, nor how the input was cut, and a repetition is known.
//! Something older than the watermark is counted as late, and not used.
//!
//! - The window of a group ends at each moment that brought the group an event, and reaches back
//!   over the timespan, both ends included. All events of one moment enter before it is judged.
//! - If the condition holds in the window, the correlation fires. Its group is then silent until a
//!   moment more than the timespan later, so no two findings of a rule and group share an event,
//!   and a burst that goes on is told once in each timespan.
//! - With `midwatch.absent` the condition waits, and its group is silent, until the watermark has
//!   passed the time in which something must not follow. Then it fires as of the moment at which it
//!   held; or, if something did follow, the group is free from that moment on.
//! - Conditions with an upper bound (`lt`, `lte`, `eq`, `neq`) and with `not` are judged in the same
//!   windows: they look back, and do not wait for what may still come.
//! - The finding's id derives from rule, cluster, group and the moment at which it fired. It has
//!   the actor, target, time and evidence of the last contributing event, and names every
//!   contributing event, the latest hundred when there are more.
//!
//! `docs/sigma.md` says it for those who write rules.

pub mod contribution;
mod differ;
pub mod entry;
mod finding;
mod judge;
pub(in crate::engine) mod link;
mod logic;
pub(in crate::engine) mod memory;
pub mod plan;
mod risk;
mod settle;
pub mod state;
pub mod windows;

/// Microseconds since the Unix epoch: the precision of the API server.
pub type Moment = i64;

/// Microseconds of a second.
pub(crate) const SECOND: Moment = 1_000_000;

/// So many seconds, or as many as there can be.
pub fn microseconds(seconds: u64) -> Moment {
    Moment::try_from(seconds).unwrap_or(Moment::MAX).saturating_mul(SECOND)
}

/// The values of the `group-by` fields, in their order.
pub type Group = Vec<String>;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
