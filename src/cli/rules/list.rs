//! `midwatch rules list`: what Midwatch looks for, a line each.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{export, sources, tuning};
use crate::api::json as twin;
use crate::cli::arguments::ListFormat;
use crate::cli::arguments::rules::RulesListArguments;
use crate::cli::catalogue::columns;
use crate::cli::console::Console;
use crate::cli::csv;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::{self, count};
use crate::engine::ruleset::Listed;
use crate::engine::vendor::VendorDetection;
use crate::model::framework;

/// Lists the rules, gravest first.
pub(super) fn list(arguments: &RulesListArguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.vendor {
        return vendor(arguments, console);
    }
    let rules = sources::rule_set(&arguments.rules)?;
    let all: Vec<Listed<'_>> = rules.catalogue().into_iter().map(|(rule, _)| rule).collect();
    let mut shown: Vec<Listed<'_>> =
        all.iter().filter(|rule| is_shown(rule, arguments)).copied().collect();
    shown.sort_by(|a, b| {
        let key = |rule: &Listed<'_>| (Reverse(rule.reference.level), rule.reference.name.clone());
        key(a).cmp(&key(b))
    });
    match arguments.output {
        ListFormat::Table => {
            let rows: Vec<Vec<String>> = shown.iter().map(|rule| row(rule).to_vec()).collect();
            let columns = console.columns();
            let header = ["LEVEL", "MODE", "NAME", "TACTICS", "TITLE"];
            table::write(console.out(), &header, &rows, columns)?;
            let all = count(all.len() as u64, "rule");
            let tuning = tuning::counted(&rules).map(|it| format!("; {it}")).unwrap_or_default();
            console.note(&format!("{} of {all}{tuning}", shown.len()))?;
        }
        ListFormat::Json => {
            let rules: Vec<Value> = shown.iter().map(|rule| object(rule)).collect();
            twin::write(console.out(), &rules)?;
            console.out().write_all(b"\n")?;
        }
        ListFormat::Csv => {
            csv::write_row(console.out(), ["level", "mode", "name", "tactics", "title"])?;
            for rule in shown {
                let row = row(&rule);
                csv::write_row(console.out(), row.iter().map(String::as_str))?;
            }
        }
    }
    sources::tell_not_run(&rules, console)?;
    Ok(Exit::Ok)
}

/// Lists the detections of vendors, gravest first.
fn vendor(arguments: &RulesListArguments, console: &mut Console) -> Result<Exit, Failure> {
    let wanted = arguments.tactic.as_deref().map(framework::tactic_word);
    let mut all = export::vendor()?;
    all.retain(|it| arguments.level.is_none_or(|level| it.level >= level));
    all.retain(|it| wanted.as_ref().is_none_or(|tactic| it.tactics.contains(tactic)));
    all.sort_by_key(|it| Reverse(it.level));
    let row = |it: &VendorDetection| {
        let level = it.level.to_string();
        vec![
            level,
            VendorDetection::STATUS.to_owned(),
            it.alert_type.clone(),
            it.tactics.join(" "),
            it.title.clone(),
        ]
    };
    match arguments.output {
        ListFormat::Table => {
            // What holds for all of them is said once, below.
            let cells = |it: &VendorDetection| {
                let mut cells = row(it);
                cells.remove(1);
                cells
            };
            let rows: Vec<Vec<String>> = all.iter().map(cells).collect();
            let columns = console.columns();
            table::write(
                console.out(),
                &["LEVEL", "ALERT TYPE", "TACTICS", "TITLE"],
                &rows,
                columns,
            )?;
            let all = count(all.len() as u64, "vendor detection");
            console.note(&format!("{all}: {}", VendorDetection::STATUS))?;
        }
        ListFormat::Json => {
            let all: Vec<Value> =
                all.iter().map(|it| Value::Object(columns::vendor_object(it))).collect();
            twin::write(console.out(), &all)?;
            console.out().write_all(b"\n")?;
        }
        ListFormat::Csv => {
            csv::write_row(console.out(), ["level", "status", "alert_type", "tactics", "title"])?;
            for it in &all {
                csv::write_row(console.out(), row(it).iter().map(String::as_str))?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn is_shown(rule: &Listed<'_>, arguments: &RulesListArguments) -> bool {
    let level = arguments.level.is_none_or(|level| rule.reference.level >= level);
    let mode = arguments.mode.is_empty() || arguments.mode.contains(&rule.reference.mode);
    let tactic = arguments
        .tactic
        .as_ref()
        .is_none_or(|wanted| rule.tactics().contains(&framework::tactic_word(wanted)));
    level && mode && tactic
}

fn row(rule: &Listed<'_>) -> [String; 5] {
    [
        rule.reference.level.to_string(),
        rule.reference.mode.to_string(),
        rule.reference.name.clone(),
        rule.tactics().join(" "),
        rule.reference.title.clone(),
    ]
}

/// The rule as an object, without its source.
pub(super) fn object(rule: &Listed<'_>) -> Value {
    let reference = rule.reference;
    json!({
        "schema": "midwatch.rule/v1",
        "id": reference.id.as_str(),
        "name": reference.name,
        "title": reference.title,
        "level": reference.level.as_str(),
        "mode": reference.mode.as_str(),
        "description": rule.description,
        "tactics": rule.tactics(),
        "techniques": rule.techniques(),
        "false_positives": rule.falsepositives,
        "guide": {
            "questions": rule.metadata.guide.questions,
            "evidence": rule.metadata.guide.evidence,
        },
        "ask": rule.metadata.ask.as_ref().map(|ask| {
            json!({"question": ask.question, "audience": ask.audience.as_str()})
        }),
        "matrix": rule.metadata.matrix,
        "actions": rule.metadata.actions,
        "dedup": rule.metadata.dedup,
        "window_seconds": rule.metadata.window_seconds,
        "correlation": rule.is_correlation,
        "never": rule.never,
        "file": rule.file,
    })
}
