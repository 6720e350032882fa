//! The catalogue of detections as data: everything that is known of a rule, for exports and for the
//! pages of `docs/detections`.

pub mod columns;
pub mod index;
mod markdown;
pub mod navigator;
pub mod page;
mod sample;

use std::collections::BTreeMap;

use crate::engine::builtin;
use crate::engine::cases::{self, Case};
use crate::engine::lock::{self, Lock};
use crate::engine::ruleset::{Listed, RuleSet, RuleSource};
use crate::engine::visibility::coverage::{Needs, needs};
use crate::model::framework;
use crate::sigma::error::SigmaError;

/// A rule with everything that is told of it.
#[derive(Debug)]
pub struct Entry<'a> {
    pub rule: Listed<'a>,
    pub needs: Needs,
    /// The examples beside it.
    pub cases: Vec<Case>,
    /// The version of `rules.lock`; `None` for a rule that is not in it.
    pub version: Option<u32>,
    /// The hash of what the rule says.
    pub hash: Option<String>,
    /// The file that it stands in.
    pub source: &'a str,
}

impl Entry<'_> {
    /// Techniques by the ids of [`framework::ATTACK_VERSION`], each once.
    pub fn techniques(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for id in self.rule.techniques() {
            let id = framework::current(&id).to_owned();
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }

    /// Examples that must match, and near misses.
    pub fn case_counts(&self) -> (usize, usize) {
        let matching = self.cases.iter().filter(|case| case.matches).count();
        (matching, self.cases.len().saturating_sub(matching))
    }
}

/// The files that a catalogue is made of.
#[derive(Debug)]
pub struct Files {
    pub rules: Vec<RuleSource>,
    pub cases: Vec<RuleSource>,
    pub lock: Lock,
}

impl Files {
    /// Those of the binary.
    pub fn builtin() -> Self {
        Self { rules: builtin::sources(), cases: builtin::case_files(), lock: Lock::builtin() }
    }

    /// With a directory's on top.
    pub fn add(&mut self, rules: Vec<RuleSource>, cases: Vec<RuleSource>) {
        self.rules.extend(rules);
        self.cases.extend(cases);
    }
}

/// An entry for each rule of the set, by name.
///
/// # Errors
///
/// What is wrong with the YAML of the files.
pub fn entries<'a>(
    rules: &'a RuleSet,
    files: &'a Files,
) -> Result<Vec<Entry<'a>>, Vec<SigmaError>> {
    let mut hashes: BTreeMap<String, String> = BTreeMap::new();
    for rule in lock::current(&files.rules)? {
        hashes.insert(rule.id, rule.hash);
    }
    let sources: BTreeMap<&str, &str> =
        files.rules.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let case_files: BTreeMap<&str, &RuleSource> =
        files.cases.iter().map(|file| (file.path.as_str(), file)).collect();
    let entry = |rule: Listed<'a>| {
        let needs = needs(rules, &rule.reference.name)?;
        let beside = cases_beside(rule.file);
        let cases = case_files.get(beside.as_str());
        let id = rule.reference.id.as_str();
        let hash = hashes.get(id).cloned();
        let locked = files.lock.get(id).filter(|locked| locked.hash == hash);
        Some(Entry {
            rule,
            needs,
            cases: cases.map(|file| cases::parse(&file.text, &file.path).0).unwrap_or_default(),
            version: locked.map(|locked| locked.version),
            hash,
            source: sources.get(rule.file).copied().unwrap_or_default(),
        })
    };
    Ok(rules.catalogue().into_iter().filter_map(|(rule, _)| entry(rule)).collect())
}

/// The file of cases that stands beside a rule's file.
pub fn cases_beside(file: &str) -> String {
    format!("{}.cases.jsonl", file.trim_end_matches(".yml").trim_end_matches(".yaml"))
}

/// Seconds as people say them: `30 minutes`, `24 hours`, `7 days`.
fn duration(seconds: i64) -> String {
    let (value, unit) = match seconds {
        s if s % 86_400 == 0 && s > 86_400 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{value} {unit}{}", if value == 1 { "" } else { "s" })
}

/// The lines of a top-level key, of the document that begins at `line` of the file.
pub fn section_of<'a>(source: &'a str, line: u32, key: &'a str) -> impl Iterator<Item = &'a str> {
    let is_key = |line: &str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or_default();
    source
        .lines()
        .skip(before)
        .skip_while(move |line| !line.starts_with(key))
        .enumerate()
        .take_while(move |(at, line)| *at == 0 || !(is_key(line) || line.starts_with("---")))
        .map(|(_, line)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detection_ends_at_the_next_key() {
        let source = "title: x\ndetection:\n  a:\n    b: 1\n  condition: a\nlevel: low\n";
        let lines: Vec<&str> = section_of(source, 1, "detection:").collect();
        assert_eq!(lines, ["detection:", "  a:", "    b: 1", "  condition: a"]);
        let second = format!("{source}---\ntitle: y\ndetection: {{a: {{b: 2}}, condition: a}}\n");
        let lines: Vec<&str> = section_of(&second, 8, "detection:").collect();
        assert_eq!(lines, ["detection: {a: {b: 2}, condition: a}"]);
    }
}
