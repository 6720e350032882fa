//! What the rest of the system needs to know of a rule that fired.

use std::fmt;
use std::str::FromStr;

use super::ids::RuleId;
use super::level::Level;

/// What a rule's hit becomes. Our Sigma attribute `midwatch.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// An alert.
    On,
    /// An alert where somebody has switched the rule on.
    OptIn,
    /// A question to the owner before it is anything else.
    Duet,
    /// Never shown alone; scored and correlated.
    BuildingBlock,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::On, Self::OptIn, Self::Duet, Self::BuildingBlock];

    /// The word that rules and our formats use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::OptIn => "opt-in",
            Self::Duet => "duet",
            Self::BuildingBlock => "building-block",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mode; use on, opt-in, duet or building-block")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == word)
            .ok_or_else(|| UnknownMode(word.to_owned()))
    }
}

/// The rule of a finding, as it was when it fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    /// The Sigma UUID.
    pub id: RuleId,
    /// The kebab-case id of the behaviour, equal to the file name.
    pub name: String,
    /// One line in the past tense.
    pub title: String,
    /// The level that the rule declares.
    pub level: Level,
    /// What a hit becomes.
    pub mode: Mode,
}
