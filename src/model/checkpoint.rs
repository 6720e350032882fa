//! How far a blob has been consumed. A pure value: positions move only forward, only over what
//! was read, and a blob that shrank is a new generation.

use time::OffsetDateTime;

/// A log blob by its platform-given place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobRef {
    /// The storage account's name, or a label for a directory.
    pub account: String,
    pub container: String,
    /// The blob's full name, slashes included, in the spelling the platform uses.
    pub name: String,
}

/// Consumed bytes of one blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Counts how often the blob was replaced by a shorter one.
    pub generation: u32,
    /// Every byte before this has been evaluated and its findings are stored.
    pub offset: u64,
    /// The blob was read up to here: bytes between `offset` and this are the tail of a line that
    /// has no newline yet.
    pub length_seen: u64,
    pub totals: Totals,
    pub lease: Option<Lease>,
}

/// Right to work on the blob until a moment. An economy: correctness does not rest on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub owner: String,
    pub until: OffsetDateTime,
}

/// What consuming the blob came to. `records = evaluated + malformed + other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Records read (lines, or members of a `records` array).
    pub records: u64,
    /// Audit events that rules saw, cut ones included.
    pub evaluated: u64,
    /// Of the evaluated, those that were cut.
    pub truncated: u64,
    /// Lines or events that could not be used.
    pub malformed: u64,
    /// Sound records of a category that is not audit.
    pub other: u64,
    /// Findings made; an event that comes in two stages counts in each.
    pub findings: u64,
    /// Of the findings, those that an exception accepts.
    pub excepted: u64,
    /// Events that filters took away from a rule, counted for each rule.
    pub filtered: u64,
}

impl Totals {
    /// Adds what a further segment came to.
    pub fn add(&mut self, more: &Self) {
        self.records += more.records;
        self.evaluated += more.evaluated;
        self.truncated += more.truncated;
        self.malformed += more.malformed;
        self.other += more.other;
        self.findings += more.findings;
        self.excepted += more.excepted;
        self.filtered += more.filtered;
    }
}

/// What a listed length means for a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Bytes `from..to` are new.
    Grown { from: u64, to: u64 },
    /// Nothing new.
    Unchanged,
    /// The blob is shorter than what was consumed: it was replaced, start over.
    Replaced,
}

/// An advance that does not continue where the checkpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot advance from {from} to {to}: the checkpoint stands at {stands}")]
pub struct NotContiguous {
    pub from: u64,
    pub to: u64,
    pub stands: u64,
}

impl Checkpoint {
    /// Nothing consumed yet.
    pub fn start() -> Self {
        Self { generation: 0, offset: 0, length_seen: 0, totals: Totals::default(), lease: None }
    }

    /// Compares the length that a listing or a read gave with what has been consumed.
    pub fn growth(&self, length: u64) -> Growth {
        if length < self.offset {
            Growth::Replaced
        } else if length == self.offset {
            Growth::Unchanged
        } else {
            Growth::Grown { from: self.offset, to: length }
        }
    }

    /// Whether a blob of this length holds anything that was not looked at yet.
    pub fn has_news(&self, length: u64) -> bool {
        length < self.offset || length > self.length_seen
    }

    /// Notes that everything up to `length` was read, and what lies past the offset is a tail.
    pub fn looked_at(&mut self, length: u64) {
        self.length_seen = self.length_seen.max(length);
    }

    /// Starts over on a replaced blob. The totals stay: they count work done, not bytes held.
    #[must_use]
    pub fn next_generation(&self) -> Self {
        Self { generation: self.generation + 1, offset: 0, length_seen: 0, ..self.clone() }
    }

    /// Moves over `from..to`; refused unless it continues exactly where the checkpoint stands.
    pub fn advance(&mut self, from: u64, to: u64, more: &Totals) -> Result<(), NotContiguous> {
        if from != self.offset || to < from {
            return Err(NotContiguous { from, to, stands: self.offset });
        }
        self.offset = to;
        self.length_seen = self.length_seen.max(to);
        self.totals.add(more);
        Ok(())
    }

    /// Whether somebody else holds the lease at `now`.
    pub fn leased_to_another(&self, owner: &str, now: OffsetDateTime) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.owner != owner && lease.until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_tells_new_bytes_from_none_and_from_a_replaced_blob() {
        let at_10 = Checkpoint { offset: 10, ..Checkpoint::start() };
        assert_eq!(at_10.growth(25), Growth::Grown { from: 10, to: 25 });
        assert_eq!(at_10.growth(10), Growth::Unchanged);
        assert_eq!(at_10.growth(9), Growth::Replaced);
    }

    #[test]
    fn an_advance_must_continue_where_the_checkpoint_stands_and_changes_nothing_otherwise() {
        let more = Totals { records: 2, evaluated: 2, ..Totals::default() };
        let mut checkpoint = Checkpoint::start();
        assert_eq!(checkpoint.advance(0, 7, &more), Ok(()));
        let before = checkpoint.clone();
        for (from, to) in [(0, 7), (8, 9), (7, 6)] {
            assert!(checkpoint.advance(from, to, &more).is_err(), "{from}..{to}");
            assert_eq!(checkpoint, before);
        }
    }

    #[test]
    fn a_waiting_tail_is_no_news_until_the_blob_grows_again() {
        let mut checkpoint = Checkpoint { offset: 10, length_seen: 10, ..Checkpoint::start() };
        assert!(checkpoint.has_news(14));
        checkpoint.looked_at(14);
        assert!(!checkpoint.has_news(14) && checkpoint.has_news(15) && checkpoint.has_news(9));
    }

    #[test]
    fn a_replaced_blob_starts_over_and_is_counted() {
        let mut checkpoint = Checkpoint::start();
        checkpoint.advance(0, 7, &Totals::default()).expect("contiguous");
        let next = checkpoint.next_generation();
        assert_eq!((next.generation, next.offset, next.length_seen), (1, 0, 0));
    }

    #[test]
    fn a_lease_binds_others_until_it_ends() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let until = now + time::Duration::seconds(60);
        let lease = Some(Lease { owner: "a".into(), until });
        let checkpoint = Checkpoint { lease, ..Checkpoint::start() };
        assert!(checkpoint.leased_to_another("b", now));
        assert!(!checkpoint.leased_to_another("a", now));
        assert!(!checkpoint.leased_to_another("b", until));
    }
}
