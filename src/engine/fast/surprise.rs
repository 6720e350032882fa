//! Why a line is left to the reference.

/// What the fast path did not expect of a line. Each is a counter: they tell whether the fast path
/// still fits what AKS writes, and an attacker who wants it slow shows here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Surprise {
    /// The line, or the event in it, ends too early.
    Cut,
    /// It is not the JSON that was expected: none at all, or spelled in a way that only the reference
    /// reads.
    Malformed,
    /// Neither an audit event nor a record with one event.
    Shape,
    /// A key is written with escapes, or a value with one that is none.
    Escape,
    /// A key that matters comes twice.
    DuplicateKey,
    /// A key with dots, under which a path can be read in another way.
    Reading,
    /// A number that 64 bits do not hold, or a fraction, where a rule asks.
    Number,
    /// Nested or repeated beyond what is walked.
    Large,
    /// Another category of log, or none that is stated.
    Category,
    /// Another cluster than the path names, or an id that is none.
    Cluster,
}

impl Surprise {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Cut,
        Self::Malformed,
        Self::Shape,
        Self::Escape,
        Self::DuplicateKey,
        Self::Reading,
        Self::Number,
        Self::Large,
        Self::Category,
        Self::Cluster,
    ];

    /// The word for it in counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Malformed => "odd-syntax",
            Self::Shape => "shape",
            Self::Escape => "escape",
            Self::DuplicateKey => "duplicate-key",
            Self::Reading => "reading",
            Self::Number => "number",
            Self::Large => "large",
            Self::Category => "category",
            Self::Cluster => "cluster",
        }
    }
}
