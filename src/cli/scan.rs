//! `midwatch scan`: offline detection over files, with the same decoder, rules and folding as
//! the live path, and nothing stored.

mod alerts;
mod document;
mod inputs;
mod problems;
mod progress;
mod read;
mod report;
mod sarif;
mod seen;
mod summary;

use std::collections::BTreeMap;
use std::time::Instant;

use self::alerts::Alerts;
use self::inputs::{Input, Inputs};
use self::problems::Problems;
use self::progress::Progress;
use self::read::{Filter, Scan};
use self::report::{Csv, Json, Ndjson, Report};
use self::sarif::Sarif;
use self::seen::Seen;
use self::summary::Summary;
use super::arguments::{ScanArguments, ScanFormat};
use super::console::Console;
use super::escape::escape;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::{self, Interrupt};
use super::rules::{sources, tuning};
use crate::audit::source::ControlPlane;
use crate::engine::correlate::windows::Windows;
use crate::engine::reader::Reader;
use crate::engine::ruleset::RuleSet;
use crate::model::ids::ClusterId;

/// Scans and says how it ended.
pub(super) fn scan(arguments: ScanArguments, mut console: Console) -> Result<Exit, Failure> {
    let mut rules = sources::rule_set(&arguments.rules)?;
    if arguments.no_correlations {
        rules = rules.without_correlations();
    }
    let scanned = interrupt::until_interrupted(move |interrupt| {
        let exit = run(&arguments, &rules, interrupt, &mut console)?;
        console.flush()?;
        Ok::<Exit, Failure>(exit)
    })?;
    scanned.unwrap_or(Ok(Exit::Interrupted))
}

fn run(
    arguments: &ScanArguments,
    rules: &RuleSet,
    interrupt: &Interrupt,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let started = Instant::now();
    sources::tell_not_run(rules, console)?;
    tuning::tell_ended(rules, console)?;
    let expanded = inputs::expand(&arguments.paths);
    let mut scan = Scan {
        rules,
        reader: Reader::new(rules),
        filter: Filter { level: arguments.level, modes: arguments.mode.clone() },
        cluster: ClusterId::new(&arguments.cluster),
        control_plane: ControlPlane::new(arguments.control_plane.clone()),
        report: report(arguments, rules, console),
        progress: progress(arguments, &expanded, console),
        interrupt: interrupt.clone(),
        seen: Seen::new(),
        windows: Windows::default(),
        limits: read::limits(arguments.learning),
        problems: Problems::default(),
        summary: Summary::default(),
        gravest: None,
    };
    for (path, why) in &expanded.unreadable {
        scan.unreadable(&path.to_string_lossy(), why, console)?;
    }
    for (path, why) in &expanded.skipped {
        scan.summary.skipped += 1;
        let name = path.to_string_lossy();
        console.note(&format!("skipped {}: {why}", escape(&name)))?;
    }
    scan.report.begin(console.out())?;
    for input in &expanded.inputs {
        if interrupt.is_raised() {
            scan.summary.interrupted = true;
            break;
        }
        scan.read(input, console)?;
    }
    scan.end_of_input(console)?;
    scan.progress.finish();
    scan.summary.elapsed = started.elapsed();
    scan.summary.totals.findings = scan.summary.findings();
    finish(scan, arguments, console)
}

fn finish(
    mut scan: Scan<'_>,
    arguments: &ScanArguments,
    console: &mut Console,
) -> Result<Exit, Failure> {
    scan.problems.tell(console)?;
    if scan.summary.has_checked_nothing() {
        console.warn("no audit event was read, so nothing has been checked")?;
    }
    scan.report.end(console.out(), &scan.summary)?;
    if arguments.output != ScanFormat::Table {
        let mut text = Vec::new();
        scan.summary.write(&mut text)?;
        console.note(String::from_utf8_lossy(&text).trim_end())?;
    }
    let summary = &scan.summary;
    let reached = arguments.fail_on.zip(scan.gravest).is_some_and(|(limit, seen)| seen >= limit);
    Ok(if summary.interrupted {
        Exit::Interrupted
    } else if reached {
        Exit::Findings
    } else if summary.is_partial() {
        Exit::PartialInput
    } else {
        Exit::Ok
    })
}

fn report(arguments: &ScanArguments, rules: &RuleSet, console: &Console) -> Box<dyn Report> {
    match arguments.output {
        ScanFormat::Table => {
            let table = Alerts::new(console.colour, console.columns());
            Box::new(if arguments.excepted { table.with_excepted() } else { table })
        }
        ScanFormat::Json => Box::new(Json::default()),
        ScanFormat::Ndjson => Box::new(Ndjson),
        ScanFormat::Csv => Box::new(Csv),
        ScanFormat::Sarif => {
            let descriptions: BTreeMap<String, String> = rules
                .catalogue()
                .into_iter()
                .map(|(rule, _)| {
                    let text = rule.description.unwrap_or_default().to_owned();
                    (rule.reference.id.as_str().to_owned(), text)
                })
                .collect();
            Box::new(Sarif::new(descriptions))
        }
    }
}

/// A bar where it disturbs nothing: the formats that stream would write through it.
fn progress(arguments: &ScanArguments, expanded: &Inputs, console: &Console) -> Progress {
    let streams_to_terminal = arguments.output != ScanFormat::Table && console.is_terminal();
    if arguments.no_progress || streams_to_terminal || !console.may_animate() {
        return Progress::hidden();
    }
    let total = expanded.inputs.iter().try_fold(0_u64, |sum, input| match input {
        Input::Stdin => None,
        Input::File { length, .. } => Some(sum + length),
    });
    Progress::over(total)
}
