//! The detection rules that ship inside the binary, so that there is one file to deploy.

use include_dir::{Dir, DirEntry, include_dir};
use once_cell::sync::OnceCell;

use super::elsewhere::Provenance;
use super::ruleset::{RuleSet, RuleSource};
use crate::sigma::error::SigmaError;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// The same for ever, so it is compiled once; what depends on settings is made from it.
static RULES: OnceCell<RuleSet> = OnceCell::new();

impl RuleSet {
    /// The rules that ship with the binary.
    pub fn builtin() -> Result<Self, Vec<SigmaError>> {
        RULES
            .get_or_try_init(|| {
                let (rules, faults) = Self::load_sound(&sources(), Provenance::Embedded);
                if faults.is_empty() { Ok(rules) } else { Err(faults) }
            })
            .cloned()
    }

    /// The shipped rules with a directory's on top: a rule of the same name replaces the shipped
    /// one, any other is added.
    pub fn builtin_with(extra: &[RuleSource]) -> Result<Self, Vec<SigmaError>> {
        Self::builtin()?.with(extra)
    }
}

/// Every shipped rule document, in path order.
pub fn sources() -> Vec<RuleSource> {
    files(".yml")
}

/// The shipped files with other names for fields, in path order.
pub fn mapping_files() -> Vec<RuleSource> {
    // Not `get_dir`, which looks at every path there is and so pages in what lies around them.
    let folder = FILES.dirs().find(|folder| folder.path().as_os_str() == "mappings");
    folder.map(|folder| files_of(folder, ".yml")).unwrap_or_default()
}

/// Every shipped cases file, in path order.
pub fn case_files() -> Vec<RuleSource> {
    files(".cases.jsonl")
}

/// The files of vendor detections, in path order.
pub fn vendor_files() -> Vec<RuleSource> {
    files(".tsv")
}

/// The lock of the shipped rules, as text.
pub fn lock() -> String {
    files("rules.lock").into_iter().map(|file| file.text).collect()
}

fn files(ending: &str) -> Vec<RuleSource> {
    files_of(&FILES, ending)
}

fn files_of(folder: &Dir<'static>, ending: &str) -> Vec<RuleSource> {
    let mut found = Vec::new();
    collect(folder, ending, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Dir<'static>, ending: &str, found: &mut Vec<RuleSource>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(folder) => collect(folder, ending, found),
            DirEntry::File(file) => {
                let path = format!("rules/{}", file.path().display());
                // By its name first: nothing of another file is looked at, and so not paged in.
                if path.ends_with(ending)
                    && let Some(text) = file.contents_utf8()
                {
                    found.push(RuleSource { path, text: text.to_owned() });
                }
            }
        }
    }
}
