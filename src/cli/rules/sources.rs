//! Rule and case files of a directory or of the binary, and the rule set they make.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::arguments::rules::RulesFrom;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::count;
use crate::engine::builtin;
use crate::engine::ruleset::{Listed, LoadedRule, RuleSet, RuleSource};
use crate::sigma::error::SigmaError;

/// Endings of rule files; the second is accepted because other Sigma repositories use it.
pub(in crate::cli) const RULE_ENDINGS: &[&str] = &[".yml", ".yaml"];
/// Ending of case files.
pub(in crate::cli) const CASES_ENDING: &[&str] = &[".cases.jsonl"];
/// Folders within folders, and files, at most: more is a mistake in the path.
const DEPTH_MAX: usize = 32;
const FILES_MAX: usize = 20_000;
/// Documents that are not run and told by name.
const NOT_RUN_TOLD_MAX: usize = 5;
/// Bytes of one file.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// The built-in rules, with those of the directory added or in place of their namesakes; or those
/// of the directory alone.
pub(in crate::cli) fn rule_set(from: &RulesFrom) -> Result<RuleSet, Failure> {
    let files = from.dir.as_deref().map(rules_of).transpose()?;
    let loaded = of_files(files.as_deref(), from.no_shipped_rules);
    loaded.map_err(|faults| unusable(&faults, from.dir.as_deref()))
}

/// The same of files that are in hand.
pub(super) fn of_files(
    files: Option<&[RuleSource]>,
    alone: bool,
) -> Result<RuleSet, Vec<SigmaError>> {
    match files {
        None => RuleSet::builtin(),
        Some(files) if alone => RuleSet::of_directory(files),
        Some(files) => RuleSet::builtin_with(files),
    }
}

/// Faults of rules as one failure: the first in the line, the others below `--verbose`.
pub(super) fn unusable(faults: &[SigmaError], dir: Option<&Path>) -> Failure {
    let what = match faults.len() {
        0 | 1 => "a rule cannot be used".to_owned(),
        many => format!("{many} faults in rules"),
    };
    let mut failure = Failure::new(Exit::Configuration, what);
    if let Some(first) = faults.first() {
        failure = failure.because(first);
    }
    for fault in faults.iter().skip(1) {
        failure = failure.detail(fault);
    }
    match dir {
        Some(dir) => failure.then(format!("midwatch rules lint {}", dir.display())),
        None => failure,
    }
}

/// The rule about single events of this name or id, or a failure that names the nearest.
pub(in crate::cli) fn find<'a>(rules: &'a RuleSet, name: &str) -> Result<&'a LoadedRule, Failure> {
    let found = listed(rules, name)?;
    rules.rule(&found.reference.name).ok_or_else(|| {
        let what = format!("`{name}` is about several events, and a single one explains nothing");
        Failure::new(Exit::Usage, what).then(format!("midwatch rules show {name}"))
    })
}

/// Whatever has this name or id, or a failure that names the nearest.
pub(in crate::cli) fn listed<'a>(rules: &'a RuleSet, name: &str) -> Result<Listed<'a>, Failure> {
    let wanted = name.to_lowercase();
    let mut all = rules.catalogue().into_iter().map(|(rule, _)| rule);
    let found = all.find(|rule| {
        rule.reference.name.to_lowercase() == wanted || rule.reference.id.as_str() == wanted
    });
    found.ok_or_else(|| {
        let failure = Failure::new(Exit::Usage, format!("there is no rule `{name}`"));
        match nearest(rules, &wanted) {
            Some(nearest) => failure.because(format!("did you mean `{nearest}`?")),
            None => failure.then("midwatch rules list"),
        }
    })
}

/// The name that shares most of its words with the wanted one.
fn nearest<'a>(rules: &'a RuleSet, wanted: &str) -> Option<&'a str> {
    let words: Vec<&str> = wanted.split(['-', '_', ' ']).filter(|word| word.len() > 1).collect();
    rules
        .catalogue()
        .into_iter()
        .map(|(rule, _)| rule.reference.name.as_str())
        .map(|name| (words.iter().filter(|word| name.contains(**word)).count(), name))
        .filter(|(shared, _)| *shared > 0)
        .max_by_key(|(shared, name)| (*shared, std::cmp::Reverse(name.len())))
        .map(|(_, name)| name)
}

/// Rule files of a directory, or those of the binary.
pub(in crate::cli) fn rule_files(dir: Option<&Path>) -> Result<Vec<RuleSource>, Failure> {
    dir.map_or_else(|| Ok(builtin::sources()), rules_of)
}

/// Rule files of a directory. One without any is a mistake in the path: rules that somebody counts
/// on would be missing, and nothing would say so.
pub(super) fn rules_of(dir: &Path) -> Result<Vec<RuleSource>, Failure> {
    let files = read(dir, RULE_ENDINGS)?;
    if files.is_empty() {
        let what = format!("there is no rule in {}", dir.display());
        return Err(Failure::new(Exit::Configuration, what)
            .because("names of rule files end in .yml or .yaml"));
    }
    Ok(files)
}

/// Says which documents of the set are sound and not run by this version: the first few.
pub(in crate::cli) fn tell_not_run(rules: &RuleSet, console: &mut Console) -> std::io::Result<()> {
    let not_run = rules.not_run();
    for document in not_run.iter().take(NOT_RUN_TOLD_MAX) {
        console.warn(&document.to_string())?;
    }
    let never = rules.catalogue().iter().filter(|(rule, _)| rule.never.is_some()).count();
    if never > 0 {
        console.warn(&format!(
            "{} can never match what AKS writes; midwatch rules lint DIR says why",
            count(never as u64, "rule")
        ))?;
    }
    match not_run.len().saturating_sub(NOT_RUN_TOLD_MAX) {
        0 => Ok(()),
        more => console.warn(&format!(
            "and {more} more rule documents that are not run; midwatch rules lint names them all"
        )),
    }
}

/// Case files of a directory, or those of the binary.
pub(in crate::cli) fn case_files(dir: Option<&Path>) -> Result<Vec<RuleSource>, Failure> {
    dir.map_or_else(|| Ok(builtin::case_files()), |dir| read(dir, CASES_ENDING))
}

/// Files below `dir` with one of the endings, in path order.
fn read(dir: &Path, endings: &[&str]) -> Result<Vec<RuleSource>, Failure> {
    let mut files = Vec::new();
    for path in found(dir, endings)? {
        let name = path.to_string_lossy().into_owned();
        let text =
            text(&path).map_err(|error| unreadable(dir).because(format!("{name}: {error}")))?;
        files.push(RuleSource { path: name, text });
    }
    Ok(files)
}

/// The paths of those files.
pub(super) fn found(dir: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    if dir.is_file() {
        return Err(unreadable(dir).because("it is a file; give the directory that holds it"));
    }
    let mut paths = Vec::new();
    walk(dir, endings, 0, &mut paths).map_err(|error| unreadable(dir).because(error))?;
    paths.sort_by_cached_key(|path| path.to_string_lossy().into_owned());
    Ok(paths)
}

fn unreadable(dir: &Path) -> Failure {
    Failure::new(Exit::Configuration, format!("cannot read rules from {}", dir.display()))
}

fn walk(
    dir: &Path,
    endings: &[&str],
    depth: usize,
    paths: &mut Vec<PathBuf>,
) -> std::io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(std::io::Error::other(format!("more than {DEPTH_MAX} folders deep")));
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), endings, depth + 1, paths)?;
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            if paths.len() >= FILES_MAX {
                return Err(std::io::Error::other(format!("more than {FILES_MAX} files")));
            }
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(FILE_MAX + 1);
    std::io::copy(&mut file, &mut bytes)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(std::io::Error::other(format!("longer than {FILE_MAX} bytes")));
    }
    String::from_utf8(bytes)
        .map_err(|_| std::io::Error::other("the text is not UTF-8; save it as UTF-8"))
}
