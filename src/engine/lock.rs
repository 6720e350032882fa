//! `rules.lock`: which rules there are, in which version, and what each says, as a hash. A rule that
//! changes gets a higher version; an id that was once given is never given again.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::builtin;
use super::ruleset::RuleSource;
use crate::sigma::canonical;
use crate::sigma::error::SigmaError;

/// Hexadecimal digits of a hash: 64 bits tell the versions of one rule apart.
const HASH_DIGITS: usize = 16;
/// In place of the hash, for an id whose rule is gone.
const RETIRED: &str = "retired";
/// What follows what is wrong.
const CURE: &str = "run `midwatch rules lock`, and commit the file with the change";

const HEADER: &str = "\
# Written by `midwatch rules lock`; one rule a line: name, id, version, hash of what it says.
# After a merge, run it again: of two lines for one rule it keeps the higher version.
";

/// What the lock says of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedRule {
    pub name: String,
    pub id: String,
    /// Counted from 1.
    pub version: u32,
    /// `None` when the rule is gone.
    pub hash: Option<String>,
}

/// A rule or correlation as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentRule {
    pub name: String,
    pub id: String,
    pub hash: String,
}

/// The lock as read. There may be several lines for one id after a merge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    lines: Vec<LockedRule>,
}

/// The rules and correlations of files, hashed: every document that has an id and a name.
///
/// # Errors
///
/// What is wrong with the YAML of the files.
pub fn current(sources: &[RuleSource]) -> Result<Vec<CurrentRule>, Vec<SigmaError>> {
    let mut rules = Vec::new();
    let mut faults = Vec::new();
    for source in sources {
        match canonical::documents(&source.text, &source.path) {
            Ok(documents) => {
                rules.extend(documents.into_iter().filter_map(|document| {
                    let digest = Sha256::digest(document.text.as_bytes());
                    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    Some(CurrentRule {
                        name: document.name?,
                        id: document.id?,
                        hash: hex.chars().take(HASH_DIGITS).collect(),
                    })
                }));
            }
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

impl Lock {
    /// The lock that ships with the rules.
    pub fn builtin() -> Self {
        Self::parse(&builtin::lock())
    }

    /// Reads a lock. A line that is none is left out: renewing writes the file anew.
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let (name, id, version, hash) =
                (words.next()?, words.next()?, words.next()?, words.next()?);
            Some(LockedRule {
                name: name.to_owned(),
                id: id.to_lowercase(),
                version: version.parse().ok()?,
                hash: (hash != RETIRED).then(|| hash.to_owned()),
            })
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self { lines: lines.filter_map(line).collect() }
    }

    /// What is locked for an id: the line with the highest version.
    pub fn get(&self, id: &str) -> Option<&LockedRule> {
        self.lines.iter().filter(|line| line.id == id).max_by_key(|line| line.version)
    }

    /// The lock for rules as they are: what is new begins at 1, what changed is raised by one, what
    /// is gone is retired.
    #[must_use]
    pub fn renewed(&self, rules: &[CurrentRule]) -> Self {
        let mut next: BTreeMap<&str, LockedRule> = BTreeMap::new();
        for line in &self.lines {
            let retired = LockedRule { hash: None, ..line.clone() };
            let known = next.entry(&line.id).or_insert_with(|| retired.clone());
            if retired.version > known.version {
                *known = retired;
            }
        }
        for rule in rules {
            let before = self.lines.iter().filter(|line| line.id == rule.id);
            let highest = before.clone().map(|line| line.version).max().unwrap_or_default();
            let same = |line: &LockedRule| {
                line.version == highest && line.hash.as_ref() == Some(&rule.hash)
            };
            let kept = before.clone().any(same);
            let rivals = before.filter(|line| line.version == highest).count() > 1;
            let version = if kept && !rivals { highest } else { highest.saturating_add(1) };
            let locked = LockedRule {
                name: rule.name.clone(),
                id: rule.id.clone(),
                version,
                hash: Some(rule.hash.clone()),
            };
            next.insert(&rule.id, locked);
        }
        let mut lines: Vec<LockedRule> = next.into_values().collect();
        lines.sort();
        Self { lines }
    }

    /// The file.
    pub fn render(&self) -> String {
        let mut text = HEADER.to_owned();
        for line in &self.lines {
            let hash = line.hash.as_deref().unwrap_or(RETIRED);
            text.push_str(&format!("{} {} {} {hash}\n", line.name, line.id, line.version));
        }
        text
    }
}

/// Everything that a lock of this text gets wrong about the rules, each with its cure.
pub fn complaints(text: &str, rules: &[CurrentRule]) -> Vec<String> {
    let lock = Lock::parse(text);
    let mut found = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for rule in rules {
        let CurrentRule { name, id, hash } = rule;
        if !seen.insert(id) {
            found.push(format!("{name}: the id {id} is given twice; draw a new UUID"));
        }
        match lock.get(id) {
            None => found.push(format!("{name} is not in rules.lock; {CURE}")),
            Some(LockedRule { hash: None, name: old, .. }) => found.push(format!(
                "{name} has the id of the retired rule {old}; ids are never given again, so draw a \
                 new UUID"
            )),
            Some(locked) if locked.hash.as_ref() != Some(hash) => found.push(format!(
                "{name} is not what version {} says; a changed rule needs a higher version: {CURE}",
                locked.version
            )),
            Some(_) => {}
        }
    }
    for line in lock.lines.iter().filter(|line| line.hash.is_some()) {
        if !seen.contains(line.id.as_str()) {
            found.push(format!("{} is gone, and its id is not retired; {CURE}", line.name));
        }
    }
    if found.is_empty() && lock.renewed(rules).render() != text {
        found.push(format!("rules.lock is not as it would be written; {CURE}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, hash: &str) -> CurrentRule {
        CurrentRule { name: name.to_owned(), id: format!("id-{name}"), hash: hash.to_owned() }
    }

    #[test]
    fn a_change_raises_the_version_and_a_removal_retires_the_id() {
        let first = Lock::default().renewed(&[rule("b", "01"), rule("a", "02")]);
        let text = first.render();
        assert!(text.ends_with("a id-a 1 02\nb id-b 1 01\n"), "{text}");
        assert_eq!(complaints(&text, &[rule("a", "02"), rule("b", "01")]), [""; 0]);

        let changed = [rule("a", "03")];
        let told = complaints(&text, &changed);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("a is not what version 1 says") && told[0].ends_with(CURE));
        let text = Lock::parse(&text).renewed(&changed).render();
        assert!(text.ends_with("a id-a 2 03\nb id-b 1 retired\n"), "{text}");
        assert_eq!(complaints(&text, &changed), [""; 0]);

        let again = complaints(&text, &[rule("a", "03"), rule("b", "01")]);
        assert!(again[0].contains("never given again"), "{again:?}");
    }

    #[test]
    fn lines_of_two_branches_become_one_that_is_newer_than_both() {
        let merged = "a id-a 2 0a\na id-a 2 0b\nb id-b 1 01\n";
        let rules = [rule("a", "0a"), rule("b", "01")];
        assert!(!complaints(merged, &rules).is_empty());
        let text = Lock::parse(merged).renewed(&rules).render();
        assert!(text.ends_with("a id-a 3 0a\nb id-b 1 01\n"), "{text}");
    }

    #[test]
    fn the_hash_is_of_what_a_document_says() {
        let hash = |text: &str| {
            let source = RuleSource { path: "r.yml".into(), text: text.into() };
            current(&[source]).expect("YAML").remove(0).hash
        };
        assert_eq!(hash("name: a\nid: X\n"), hash("# new\nid: 'X'\nname: a\n"));
        assert_ne!(hash("name: a\nid: X\n"), hash("name: a\nid: X\nlevel: low\n"));
    }
}
