//! `midwatch rules test` and `midwatch rules lint`: whether rules do what their cases say, and
//! whether they can work at all on what AKS writes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::sources;
use crate::api::json as twin;
use crate::cli::arguments::TextFormat;
use crate::cli::arguments::rules::{RulesLintArguments, RulesTestArguments};
use crate::cli::console::Console;
use crate::cli::escape::escape;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::count;
use crate::engine::cases::{self, Case};
use crate::engine::ruleset::{LoadedRule, RuleSet, RuleSource};
use crate::engine::visibility::{self, RuleLint};
use crate::sigma::error::SigmaError;
use crate::sigma::lint::Severity;

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
    /// Cases run; the lint runs none.
    cases: Option<usize>,
    complaints: Vec<Complaint>,
}

/// Runs the cases beside the rules.
pub(super) fn test(arguments: &RulesTestArguments, console: &mut Console) -> Result<Exit, Failure> {
    let dir = arguments.dir.as_deref();
    let outcome = match load(dir)? {
        Ok(rules) => test_all(&rules, sources::case_files(dir)?),
        Err(faults) => Outcome { complaints: faults, ..Outcome::default() },
    };
    tell(&outcome, arguments.output, console)
}

/// Looks for rules that cannot work as written.
pub(super) fn lint(arguments: &RulesLintArguments, console: &mut Console) -> Result<Exit, Failure> {
    let outcome = match load(arguments.dir.as_deref())? {
        Ok(rules) => lint_all(&rules),
        Err(faults) => Outcome { complaints: faults, ..Outcome::default() },
    };
    tell(&outcome, arguments.output, console)
}

/// The rules, or what is wrong with them.
fn load(dir: Option<&Path>) -> Result<Result<RuleSet, Vec<Complaint>>, Failure> {
    let loaded = RuleSet::load(&sources::rule_files(dir)?);
    Ok(loaded.map_err(|faults| faults.into_iter().map(Complaint::from).collect()))
}

fn test_all(rules: &RuleSet, files: Vec<RuleSource>) -> Outcome {
    let mut files: BTreeMap<String, String> =
        files.into_iter().map(|file| (file.path, file.text)).collect();
    let mut outcome = Outcome { rules: rules.rules().len(), cases: Some(0), ..Outcome::default() };
    for rule in rules.rules() {
        let file = &rule.document.file;
        let beside = file.trim_end_matches(".yml").trim_end_matches(".yaml");
        let name = format!("{beside}.cases.jsonl");
        match files.remove(&name) {
            Some(text) => outcome.test(rule, &text, &name),
            None => outcome.complain(file, rule.document.line, "the rule has no cases beside it"),
        }
    }
    for name in files.keys() {
        outcome.complain(name, 1, "there is no rule beside these cases");
    }
    outcome
}

/// What loading refuses is an error; what it lets pass may still be worth a warning.
fn lint_all(rules: &RuleSet) -> Outcome {
    let mut outcome = Outcome { rules: rules.rules().len(), ..Outcome::default() };
    for rule in rules.rules() {
        outcome.complaints.extend(
            visibility::lint(&rule.document, &rule.metadata).into_iter().map(Complaint::from),
        );
    }
    for document in rules.not_run() {
        let (file, line, reason) = (document.file.clone(), document.line, document.reason.clone());
        outcome.complaints.push(Complaint { severity: Severity::Warning, file, line, reason });
    }
    outcome
}

impl Outcome {
    fn complain(&mut self, file: &str, line: u32, reason: &str) {
        let (file, reason) = (file.to_owned(), reason.to_owned());
        self.complaints.push(Complaint { severity: Severity::Error, file, line, reason });
    }

    fn test(&mut self, rule: &LoadedRule, text: &str, name: &str) {
        let (cases, problems): (Vec<Case>, _) = cases::parse(text, name);
        self.cases = self.cases.map(|counted| counted + cases.len());
        self.complaints.extend(problems.into_iter().map(Complaint::from));
        let wrong = cases::run(rule, &cases, name);
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
