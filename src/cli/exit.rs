//! How the process ends: a closed set of exit codes, documented from this one list.

use std::fmt::Write as _;
use std::process::ExitCode;

/// An exit code with a meaning that scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The command did what was asked, and nothing reached the limit it was given.
    Ok,
    /// Findings at or above `--fail-on`, failed rule tests, or lint complaints.
    Findings,
    /// The command line is wrong.
    Usage,
    /// Configuration or credentials are missing or wrong, rules included.
    Configuration,
    /// Some of the input could not be used, or there was none; the rest was reported.
    PartialInput,
    /// A remote service refused, failed or did not answer.
    Remote,
    /// Ended by Ctrl-C before the work was done.
    Interrupted,
}

impl Exit {
    /// Every code, in numeric order.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Findings,
        Self::Usage,
        Self::Configuration,
        Self::PartialInput,
        Self::Remote,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::PartialInput => 4,
            Self::Remote => 5,
            Self::Interrupted => 130,
        }
    }

    /// What it means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done; no finding at or above --fail-on",
            Self::Findings => "findings at or above --fail-on, or rule tests or lints failed",
            Self::Usage => "the command line is wrong",
            Self::Configuration => "configuration, rules or credentials are missing or wrong",
            Self::PartialInput => {
                "some input was malformed, cut beyond use, unreadable or empty; the rest was reported"
            }
            Self::Remote => "a remote service refused, failed or did not answer",
            Self::Interrupted => "interrupted by Ctrl-C before the work was done",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table of exit codes as `--help` shows it.
pub fn help_table() -> String {
    let mut table = String::from("Exit codes:");
    for exit in Exit::ALL {
        // Writing into a string cannot fail.
        let _ = write!(table, "\n  {:>3}  {}", exit.code(), exit.meaning());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_in_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 130]);
        assert_eq!(help_table().lines().count(), codes.len() + 1);
    }
}
