//! What was wrong with the input of a scan: every problem counted, the first of each kind told.

use std::collections::BTreeMap;
use std::io;

use crate::cli::console::Console;
use crate::cli::table::number;
use crate::model::problem::{Problem, ProblemKind};

/// Problems of a kind told in full.
const TOLD_MAX: usize = 5;

/// Problems by kind.
#[derive(Debug, Default)]
pub(in crate::cli) struct Problems {
    kinds: BTreeMap<ProblemKind, Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    counted: u64,
    told: Vec<String>,
}

impl Problems {
    /// Counts a problem of a file.
    pub(in crate::cli) fn add(&mut self, file: &str, problem: &Problem) {
        let kind = self.kinds.entry(problem.kind).or_default();
        kind.counted += 1;
        if kind.told.len() < TOLD_MAX {
            kind.told.push(format!("{file}: {problem}"));
        }
    }

    /// Tells them on standard error. What could still be used is a note, which `--quiet`
    /// silences; what is lost is a warning.
    pub(in crate::cli) fn tell(&self, console: &mut Console) -> io::Result<()> {
        for (kind, problems) in &self.kinds {
            if console.quiet && *kind == ProblemKind::Truncated {
                continue;
            }
            for told in &problems.told {
                console.warn(told)?;
            }
            let more = problems.counted.saturating_sub(TOLD_MAX as u64);
            if more > 0 {
                console.warn(&format!("and {} more {}", number(more), kind.as_str()))?;
            }
        }
        Ok(())
    }
}
