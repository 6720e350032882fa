//! `midwatch rules export`: the whole catalogue for other tools.

use std::path::Path;

use serde_json::{Map, Value};

use super::sources;
use crate::api::json as twin;
use crate::cli::arguments::rules::{ExportFormat, RulesExportArguments};
use crate::cli::catalogue::{self, Entry, Files, columns, index, navigator};
use crate::cli::console::Console;
use crate::cli::csv;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::engine::vendor::{self, VendorDetection};

/// Prints the catalogue.
pub(super) fn export(
    arguments: &RulesExportArguments,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let rules = sources::rule_set(&arguments.rules)?;
    let files = files(arguments.rules.dir.as_deref(), arguments.rules.no_shipped_rules)?;
    let entries = catalogue::entries(&rules, &files)
        .map_err(|faults| sources::unusable(&faults, arguments.rules.dir.as_deref()))?;
    let entries: Vec<Entry<'_>> = entries
        .into_iter()
        .filter(|entry| {
            arguments.mode.is_empty() || arguments.mode.contains(&entry.rule.reference.mode)
        })
        .collect();
    let vendor = if arguments.rules.no_shipped_rules { Vec::new() } else { vendor()? };
    let objects = || -> Vec<Map<String, Value>> {
        let ours = entries.iter().map(columns::object);
        ours.chain(vendor.iter().map(columns::vendor_object)).collect()
    };
    match arguments.output {
        ExportFormat::Csv => {
            csv::write_row(console.out(), columns::COLUMNS)?;
            for object in objects() {
                let row = columns::row(&object);
                csv::write_row(console.out(), row.iter().map(String::as_str))?;
            }
        }
        ExportFormat::Json => {
            twin::write(console.out(), &objects())?;
            console.out().write_all(b"\n")?;
        }
        ExportFormat::Navigator => {
            twin::write(console.out(), &navigator::layer(&entries))?;
            console.out().write_all(b"\n")?;
        }
        ExportFormat::Markdown => {
            console.out().write_all(index::render(&entries, &vendor, false).as_bytes())?;
        }
    }
    sources::tell_not_run(&rules, console)?;
    Ok(Exit::Ok)
}

/// The vendor detections of the binary.
pub(super) fn vendor() -> Result<Vec<VendorDetection>, Failure> {
    vendor::shipped().map_err(|problems| {
        let failure = Failure::new(Exit::Configuration, "the vendor detections cannot be read");
        match problems.first() {
            Some(first) => failure.because(first),
            None => failure,
        }
    })
}

fn files(dir: Option<&Path>, alone: bool) -> Result<Files, Failure> {
    let mut files = Files::builtin();
    if alone {
        files.rules.clear();
        files.cases.clear();
    }
    if let Some(dir) = dir {
        files.add(sources::rules_of(dir)?, sources::case_files(Some(dir))?);
    }
    Ok(files)
}
