//! An alert: findings folded by rule, dedup key and window. It has a state, an owner and a close
//! reason; `triage::fold` alone decides how findings change it.

use time::OffsetDateTime;

use super::finding::{Actor, Reason, Target};
use super::ids::{AlertId, ClusterId};
use super::level::Level;
use super::rule::RuleRef;

/// Findings of one rule and dedup key within one window of event time.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub id: AlertId,
    pub rule: RuleRef,
    pub cluster: ClusterId,
    pub dedup: String,
    /// The highest level of its findings.
    pub level: Level,
    pub state: AlertState,
    /// Who works on it.
    pub owner: Option<String>,
    pub close_reason: Option<CloseReason>,
    /// When Midwatch first recorded it; the newest-first index is ordered by this.
    pub recorded: OffsetDateTime,
    /// Event time of the earliest and the latest finding.
    pub first_event: OffsetDateTime,
    pub last_event: OffsetDateTime,
    /// How many findings it holds.
    pub findings: u64,
    /// Of its findings, those that an exception accepts. When that is all of them it was never
    /// raised: it is closed from the start, and what it says is of them.
    pub excepted: u64,
    /// Of the finding with the earliest event: who, what, and why it fired.
    pub actor: Actor,
    pub target: Target,
    pub why: Vec<Reason>,
    /// Some finding came from a cut record.
    pub truncated: bool,
    /// A change of this alert is not yet on its way to anybody.
    pub undelivered: bool,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    Open,
    Investigating,
    Closed,
}

impl AlertState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Investigating, Self::Closed];

    /// The word for formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Investigating => "investigating",
            Self::Closed => "closed",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Why an alert was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseReason {
    TruePositive,
    Benign,
    FalsePositive,
    /// An exception accepts every finding of it; nobody has looked at it.
    Excepted,
}

impl CloseReason {
    /// Every reason.
    pub const ALL: [Self; 4] =
        [Self::TruePositive, Self::Benign, Self::FalsePositive, Self::Excepted];

    /// The word for formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TruePositive => "true-positive",
            Self::Benign => "benign",
            Self::FalsePositive => "false-positive",
            Self::Excepted => "excepted",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}
