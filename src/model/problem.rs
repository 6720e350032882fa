//! What was wrong with the input, as values: floors 0 to 2 never fail on a stream, they count.

use std::fmt;

/// Why a line, or a part of it, could not be used. A bounded set, fit for a counter's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The outer line is not JSON, or not an object.
    MalformedLine,
    /// The line is longer than the limit and was skipped to its newline.
    OversizedLine,
    /// The envelope is sound and of an audit category, but its `log` holds no audit event.
    MalformedEvent,
    /// The event could be used, but parts were cut off; the rest was salvaged.
    Truncated,
    /// The path and the record name different clusters; the path was believed.
    ClusterMismatch,
}

impl ProblemKind {
    /// The word for counters and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedLine => "malformed-line",
            Self::OversizedLine => "oversized-line",
            Self::MalformedEvent => "malformed-event",
            Self::Truncated => "truncated",
            Self::ClusterMismatch => "cluster-mismatch",
        }
    }
}

/// One problem and the place of the line that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    /// Byte offset of the line's first byte in its blob or file (decompressed).
    pub offset: u64,
    /// What was wrong, in our words: never the content of the line.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.kind.as_str(), self.offset, self.detail)
    }
}
