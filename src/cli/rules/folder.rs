//! A directory of rules that a running process follows.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::sources::{self, unusable};
use crate::cli::arguments::rules::RulesFrom;
use crate::cli::failure::Failure;
use crate::engine::ruleset::{RuleSet, RuleSource};
use crate::pipeline::rules::{Content, RuleFeed, RuleFolder};

/// The rules to start with; where there is a directory, they follow it.
pub(in crate::cli) fn feed(from: &RulesFrom) -> Result<RuleFeed, Failure> {
    let Some(dir) = &from.dir else {
        return Ok(RuleFeed { rules: sources::rule_set(from)?, folder: None });
    };
    let files = sources::rules_of(dir)?;
    let folder = Folder { dir: dir.clone(), alone: from.no_shipped_rules };
    let rules = sources::of_files(Some(&files), folder.alone);
    let rules = rules.map_err(|faults| unusable(&faults, Some(dir)))?;
    Ok(RuleFeed { rules, folder: Some((Arc::new(folder), Content::of(&files))) })
}

struct Folder {
    dir: PathBuf,
    /// Without the built-in rules.
    alone: bool,
}

impl Folder {
    /// The directory's own path is nobody's business who asks for the health of the process.
    fn within(&self, told: &str) -> String {
        let dir = self.dir.to_string_lossy();
        told.replace(&format!("{}/", dir.trim_end_matches('/')), "")
            .replace(dir.as_ref(), "the directory of rules")
    }
}

impl RuleFolder for Folder {
    fn look(&self) -> Result<String, String> {
        let mut stamp = String::new();
        let files = sources::found(&self.dir, sources::RULE_ENDINGS);
        for path in files.map_err(|failure| self.within(&failure.message(false)))? {
            let told = |error: std::io::Error| self.within(&format!("{}: {error}", path.display()));
            let metadata = std::fs::metadata(&path).map_err(told)?;
            let changed =
                metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let _ = writeln!(stamp, "{} {} {changed:?}", path.display(), metadata.len());
        }
        Ok(stamp)
    }

    fn read(&self) -> Result<Vec<RuleSource>, String> {
        sources::rules_of(&self.dir).map_err(|failure| self.within(&failure.message(false)))
    }

    fn compile(&self, files: &[RuleSource]) -> Result<RuleSet, Vec<String>> {
        sources::of_files(Some(files), self.alone)
            .map_err(|faults| faults.iter().map(|it| self.within(&it.to_string())).collect())
    }
}
