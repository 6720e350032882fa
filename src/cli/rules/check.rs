//! `midwatch rules test` and `midwatch rules lint`: whether rules do what their cases say, and
//! whether they can work at all on what AKS writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::{sources, tuning};
use crate::api::json as twin;
use crate::cli::arguments::TextFormat;
use crate::cli::arguments::rules::{RulesLintArguments, RulesTestArguments};
use crate::cli::catalogue::cases_beside;
use crate::cli::console::Console;
use crate::cli::escape::escape;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::count;
use crate::engine::cases::{self, Case};
use crate::engine::mutation;
use crate::engine::ruleset::{Listed, NotRun, Provenance, RuleSet, RuleSource};
use crate::engine::visibility::{self, RuleLint};
use crate::sigma::error::SigmaError;
use crate::sigma::lint::Severity;

/// Rules about other logs that are told one by one; a collection holds thousands.
const OTHER_LOGS_TOLD_MAX: usize = 10;

/// Something wrong with a rule or a case, at its place.
struct Complaint {
    severity: Severity,
    file: String,
    line: u32,
    reason: String,
}

impl From<SigmaError> for Complaint {
    fn from(error: SigmaError) -> Self {
        let SigmaError { file, line, reason, .. } = error;
        Self { severity: Severity::Error, file, line, reason }
    }
}

impl From<cases::CaseProblem> for Complaint {
    fn from(problem: cases::CaseProblem) -> Self {
        let cases::CaseProblem { file, line, reason } = problem;
        Self { severity: Severity::Error, file, line, reason }
    }
}

impl From<RuleLint> for Complaint {
    fn from(lint: RuleLint) -> Self {
        let RuleLint { severity, file, line, reason } = lint;
        Self { severity, file, line, reason }
    }
}

/// What a check came to.
#[derive(Default)]
struct Outcome {
    rules: usize,
    /// Sound rules about other logs, which are not run.
    other_logs: usize,
    /// Cases run; the lint runs none.
    cases: Option<usize>,
    complaints: Vec<Complaint>,
}

/// Runs the cases beside the rules.
pub(super) fn test(arguments: &RulesTestArguments, console: &mut Console) -> Result<Exit, Failure> {
    let dir = arguments.dir.as_deref();
    let files = sources::rule_files(dir)?;
    let (rules, faults) = RuleSet::load_sound(&files, provenance(dir));
    let mut outcome = Outcome::of(&rules, faults);
    let cases = sources::case_files(dir)?;
    if arguments.mutate {
        outcome.mutate_all(&rules, &cases);
    }
    outcome.test_all(&rules, &files, cases);
    tell(&outcome, arguments.output, console)
}

/// Looks for rules that cannot work as written.
pub(super) fn lint(arguments: &RulesLintArguments, console: &mut Console) -> Result<Exit, Failure> {
    let dir = arguments.dir.as_deref();
    let (rules, faults) = RuleSet::load_sound(&sources::rule_files(dir)?, provenance(dir));
    let mut outcome = Outcome::of(&rules, faults);
    outcome.lint_all(&rules);
    tell(&outcome, arguments.output, console)
}

fn provenance(dir: Option<&Path>) -> Provenance {
    if dir.is_some() { Provenance::Directory } else { Provenance::Shipped }
}

impl Outcome {
    /// What loading alone came to: the faults, and a warning for what is sound and not run.
    fn of(rules: &RuleSet, faults: Vec<SigmaError>) -> Self {
        let mut complaints: Vec<Complaint> = faults.into_iter().map(Complaint::from).collect();
        let other_logs = rules.not_run().iter().filter(|it| it.other_log).count();
        let told = |it: &&NotRun| !it.other_log || other_logs <= OTHER_LOGS_TOLD_MAX;
        for not_run in rules.not_run().iter().filter(told) {
            let (file, line, reason) = (not_run.file.clone(), not_run.line, not_run.reason.clone());
            complaints.push(Complaint { severity: Severity::Warning, file, line, reason });
        }
        Self { rules: rules.catalogue().len(), other_logs, cases: None, complaints }
    }

    /// Tells which clauses no case would miss.
    fn mutate_all(&mut self, rules: &RuleSet, cases: &[RuleSource]) {
        for (listed, _) in rules.catalogue() {
            let file = cases_beside(listed.file);
            let Some(text) = cases.iter().find(|it| it.path == file) else { continue };
            let (cases, _) = cases::parse(&text.text, &file);
            let name = &listed.reference.name;
            let single =
                rules.rule(name).map(|rule| mutation::check(rule, rules.lists(), &cases, &file));
            let several = || {
                let correlation = rules.correlation(name)?;
                Some(mutation::check_correlation(rules, correlation, &cases, &file))
            };
            for survivor in single.or_else(several).unwrap_or_default().survivors {
                let reason = format!(
                    "no case notices `{}`; add one that only this clause decides",
                    survivor.change
                );
                let (file, line) = (listed.file.to_owned(), listed.line);
                let severity = Severity::Warning;
                self.complaints.push(Complaint { severity, file, line, reason });
            }
        }
    }

    /// Runs the cases of the rules that are sound; those of the others wait until they are.
    fn test_all(&mut self, rules: &RuleSet, files: &[RuleSource], cases: Vec<RuleSource>) {
        let mut cases: BTreeMap<String, String> =
            cases.into_iter().map(|file| (file.path, file.text)).collect();
        self.cases = Some(0);
        let mut tested = BTreeSet::new();
        for (rule, _) in rules.catalogue() {
            let (file, line) = (rule.file, rule.line);
            let name = cases_beside(file);
            match cases.remove(&name) {
                Some(text) => self.test(rules, &rule, &text, &name),
                None if tested.contains(&name) => self.complain(
                    file,
                    line,
                    "the cases beside the file are those of its first rule; give this one a file",
                ),
                None => self.complain(file, line, "the rule has no cases beside it"),
            }
            tested.insert(name);
        }
        for file in files {
            cases.remove(&cases_beside(&file.path));
        }
        for name in cases.keys() {
            self.complain(name, 1, "there is no rule beside these cases");
        }
    }

    /// What loading refuses is an error; what it lets pass may still be worth a warning.
    fn lint_all(&mut self, rules: &RuleSet) {
        let tuning = rules.tuning_lints().into_iter().chain(tuning::ended(rules));
        self.complaints.extend(tuning.map(Complaint::from));
        for rule in rules.rules() {
            if let Some(reason) = &rule.never {
                let reason = format!("the rule can never match what AKS writes: {reason}");
                let (file, line) = (rule.document.file.clone(), rule.document.line);
                let severity = Severity::Warning;
                self.complaints.push(Complaint { severity, file, line, reason });
            }
            let mut found = visibility::lint(&rule.document, &rule.metadata);
            if rule.is_from_elsewhere() {
                // Nothing of it is ours to mend, and it is loaded all the same.
                found.iter_mut().for_each(|lint| lint.severity = Severity::Warning);
            }
            self.complaints.extend(found.into_iter().map(Complaint::from));
        }
    }

    fn complain(&mut self, file: &str, line: u32, reason: &str) {
        let (file, reason) = (file.to_owned(), reason.to_owned());
        self.complaints.push(Complaint { severity: Severity::Error, file, line, reason });
    }

    fn test(&mut self, rules: &RuleSet, rule: &Listed<'_>, text: &str, name: &str) {
        let (cases, problems): (Vec<Case>, _) = cases::parse(text, name);
        self.cases = self.cases.map(|counted| counted + cases.len());
        self.complaints.extend(problems.into_iter().map(Complaint::from));
        let rule = &rule.reference.name;
        let single = rules.rule(rule).map(|rule| cases::run(rule, &cases, name));
        let several = rules
            .correlation(rule)
            .map(|correlation| cases::run_correlation(rules, correlation, &cases, name));
        let wrong = single.or(several).unwrap_or_default();
        self.complaints.extend(wrong.into_iter().map(Complaint::from));
    }
}

fn tell(outcome: &Outcome, format: TextFormat, console: &mut Console) -> Result<Exit, Failure> {
    match format {
        TextFormat::Table => {
            for Complaint { severity, file, line, reason } in &outcome.complaints {
                let (file, severity, reason) = (escape(file), severity.as_str(), escape(reason));
                writeln!(console.out(), "{file}:{line}: {severity}: {reason}")?;
            }
            let mut told = count(outcome.rules as u64, "rule");
            if let Some(cases) = outcome.cases {
                told.push_str(&format!(", {}", count(cases as u64, "case")));
            }
            if outcome.other_logs > 0 {
                told.push_str(&format!(", {} about other logs and not run", outcome.other_logs));
            }
            let complaints = count(outcome.complaints.len() as u64, "complaint");
            console.note(&format!("{told}, {complaints}"))?;
        }
        TextFormat::Json => {
            let complaints: Vec<Value> = outcome
                .complaints
                .iter()
                .map(|complaint| {
                    json!({
                        "severity": complaint.severity.as_str(),
                        "file": complaint.file,
                        "line": complaint.line,
                        "reason": complaint.reason,
                    })
                })
                .collect();
            let object = json!({
                "schema": "midwatch.rule-check/v1",
                "rules": outcome.rules,
                "other_logs": outcome.other_logs,
                "cases": outcome.cases,
                "complaints": complaints,
            });
            twin::write(console.out(), &object)?;
            console.out().write_all(b"\n")?;
        }
    }
    // A warning is worth reading, and no reason to fail.
    let failed = outcome.complaints.iter().any(|it| it.severity == Severity::Error);
    Ok(if failed { Exit::Findings } else { Exit::Ok })
}
