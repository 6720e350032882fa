//! `midwatch rules new`: a rule with its cases to begin with. It loads, passes the lint, and its
//! cases fail with what is to be written.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

use crate::adapters::local::clock::SystemClock;
use crate::cli::arguments::rules::RulesNewArguments;
use crate::cli::console::Console;
use crate::cli::escape::escape;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::engine::builtin;
use crate::model::framework;
use crate::ports::clock::Clock as _;

/// Characters of a name, at most: it becomes a file name and stands in every finding.
const NAME_MAX: usize = 60;

/// Writes the two files.
pub(super) fn new(arguments: &RulesNewArguments, console: &mut Console) -> Result<Exit, Failure> {
    let name = arguments.name.as_str();
    if !is_name(name) {
        let what = format!("`{}` is no name for a rule", escape(name));
        return Err(Failure::new(Exit::Usage, what)
            .because("use words in lower case with dashes between them, such as quota-deleted"));
    }
    let tactic = framework::tactic_word(&arguments.tactic);
    if framework::tactic_of(&tactic).is_none() {
        let known: Vec<&str> = framework::TACTICS.iter().map(|tactic| tactic.tag).collect();
        let what = format!("`{}` is no tactic", escape(&arguments.tactic));
        return Err(Failure::new(Exit::Usage, what).because(format!("use {}", known.join(", "))));
    }
    let taken = format!("/{name}.yml");
    if builtin::sources().iter().any(|file| file.path.ends_with(&taken)) {
        let what = format!("there is a rule `{name}` already");
        return Err(Failure::new(Exit::Usage, what).then(format!("midwatch rules show {name}")));
    }
    let folder = arguments.dir.join("kubernetes").join(&tactic);
    let today = SystemClock.now().date().to_string();
    let rule = RULE
        .replace("NAME", name)
        .replace("UUID", &uuid())
        .replace("TODAY", &today)
        .replace("TACTIC", &tactic);
    let path = folder.join(format!("{name}.yml"));
    let cases = folder.join(format!("{name}.cases.jsonl"));
    fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
    write(&path, &rule)?;
    write(&cases, &case_lines())?;
    let told = |path: &PathBuf| escape(&path.to_string_lossy()).into_owned();
    writeln!(console.out(), "{}\n{}", told(&path), told(&cases))?;
    console.note(&format!(
        "fill them in, then: midwatch rules test {dir}, midwatch rules lint {dir}",
        dir = told(&arguments.dir)
    ))?;
    Ok(Exit::Ok)
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A random UUID of version 4. The keys of the standard library's hash maps are random, which is
/// all that an id that must only differ from others needs.
fn uuid() -> String {
    let draw = || RandomState::new().build_hasher().finish();
    let hex = format!("{:016x}{:016x}", draw(), draw());
    let digit = |at: usize| hex.chars().nth(at).unwrap_or('0');
    let part = |from: usize, to: usize| (from..to).map(digit).collect::<String>();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Writes a file that must not be there yet.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).open(path).map_err(|error| cannot(path, &error))?;
    file.write_all(text.as_bytes()).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Configuration, format!("cannot write {}", path.display())).because(error)
}

/// Six cases around one event; the rule asks for a resource that the event does not have, so those
/// that must match fail until rule and events are written.
fn case_lines() -> String {
    let cases = [
        (true, "TODO: the behaviour as kubectl does it; replace this event by a real one"),
        (true, "TODO: the same through a patch, or another kind of object"),
        (true, "TODO: the same, refused with 403"),
        (false, "TODO: near miss, the same by the platform's own identity"),
        (false, "TODO: near miss, one property is harmless"),
        (false, "TODO: near miss, a read of the same object"),
    ];
    let line = |(matches, name): &(bool, &str)| {
        format!("{{\"name\":\"{name}\",\"match\":{matches},\"event\":{EVENT}}}\n")
    };
    cases.iter().map(line).collect()
}

const EVENT: &str = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"RequestResponse\",\
\"auditID\":\"00000000-0000-4000-8000-000000000001\",\"stage\":\"ResponseComplete\",\
\"requestURI\":\"/api/v1/namespaces/shop/resourcequotas/limits\",\"verb\":\"delete\",\
\"user\":{\"username\":\"dev@contoso.example\",\"groups\":[\"system:authenticated\"]},\
\"sourceIPs\":[\"203.0.113.9\"],\"userAgent\":\"kubectl/v1.36.4 (linux/amd64) kubernetes/bb826b1\",\
\"objectRef\":{\"resource\":\"resourcequotas\",\"namespace\":\"shop\",\"name\":\"limits\",\"apiVersion\":\"v1\"},\
\"responseStatus\":{\"metadata\":{},\"status\":\"Success\",\"code\":200},\
\"requestReceivedTimestamp\":\"2026-01-02T03:04:05.000000Z\",\"stageTimestamp\":\"2026-01-02T03:04:05.010000Z\",\
\"annotations\":{\"authorization.k8s.io/decision\":\"allow\",\"authorization.k8s.io/reason\":\"\"}}";

const RULE: &str = "\
title: Something was done that TODO
id: UUID
name: NAME
status: experimental
description: >-
  TODO: why the person who gets the alert sees it. What was done, why an intruder does it, and when it
  is harmless. At least two sentences, in words that need no glossary.
author: TODO
date: TODAY
tags:
  - attack.TACTIC
logsource:
  product: kubernetes
  service: audit
detection:
  selection:
    verb: [create, update, patch, delete]
    objectRef.resource: todo-name-the-resource
  platform:
    midwatch.actor.kind: platform
  condition: selection and not platform
falsepositives:
  - 'TODO: who does this for a good reason on AKS'
level: medium
midwatch:
  mode: on
  dedup:
    - user.username
    - objectRef.namespace
  guide:
    questions:
      - 'TODO: what should be asked first?'
    evidence:
      - 'TODO: what should be collected'
  actions: [evidence.collect]
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cases;
    use crate::engine::ruleset::{RuleSet, RuleSource};

    #[test]
    fn what_is_begun_loads_and_its_cases_say_what_to_write() {
        let text = RULE
            .replace("NAME", "x-done")
            .replace("UUID", &uuid())
            .replace("TODAY", "2026-01-02")
            .replace("TACTIC", "impact");
        let source = RuleSource { path: "x-done.yml".into(), text };
        let rules = RuleSet::load(&[source]).expect("it loads");
        let (all, problems) = cases::parse(&case_lines(), "x-done.cases.jsonl");
        assert_eq!((all.len(), problems.len()), (6, 0));
        let wrong = cases::run(rules.rule("x-done").expect("it"), &all, "x-done.cases.jsonl");
        assert_eq!(wrong.len(), 3);
        assert!(wrong.iter().all(|problem| problem.reason.contains("TODO")), "{wrong:?}");
    }

    #[test]
    fn names_are_kebab_case_and_ids_are_uuids_that_differ() {
        for good in ["quota-deleted", "a1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Quota", "a--b", "-a", "a-", "a/b", "..", "a b", &"a".repeat(61)] {
            assert!(!is_name(bad), "{bad}");
        }
        let (one, other) = (uuid(), uuid());
        assert_ne!(one, other);
        assert!(crate::sigma::metadata::as_uuid(&one).is_some(), "{one}");
    }
}
