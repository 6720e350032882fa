//! `midwatch rules show`: one rule for people, from what it means to how it is written.

use std::io::{self, Write};

use super::{list, sources, tuning};
use crate::api::json as twin;
use crate::cli::arguments::TextFormat;
use crate::cli::arguments::rules::RulesShowArguments;
use crate::cli::catalogue::section_of;
use crate::cli::console::Console;
use crate::cli::escape::escape;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::wrap;
use crate::engine::builtin;
use crate::engine::ruleset::{Listed, RuleSource};

/// Columns of running text.
const WIDTH: usize = 96;

/// Prints one rule.
pub(super) fn show(arguments: &RulesShowArguments, console: &mut Console) -> Result<Exit, Failure> {
    let dir = arguments.rules.dir.as_deref();
    let rules = sources::rule_set(&arguments.rules)?;
    let rule = sources::listed(&rules, &arguments.name)?;
    let source = source(&rule, dir)?;
    match arguments.output {
        TextFormat::Table => {
            write(console.out(), &rule, &source)?;
            tuning::write(console.out(), &rules, &rule.reference.id)?;
        }
        TextFormat::Json => {
            let mut object = list::object(&rule);
            if let Some(members) = object.as_object_mut() {
                members.insert("source".to_owned(), source.into());
                let tuning = tuning::object(&rules, &rule.reference.id);
                members.insert("tuning".to_owned(), tuning);
            }
            twin::write(console.out(), &object)?;
            console.out().write_all(b"\n")?;
        }
    }
    Ok(Exit::Ok)
}

/// The text of the rule's file.
fn source(rule: &Listed<'_>, dir: Option<&std::path::Path>) -> Result<String, Failure> {
    let mut files: Vec<RuleSource> = builtin::sources();
    if dir.is_some() {
        files.extend(sources::rule_files(dir)?);
    }
    let file = files.into_iter().find(|file| file.path == rule.file);
    Ok(file.map(|file| file.text).unwrap_or_default())
}

fn write(out: &mut dyn Write, rule: &Listed<'_>, source: &str) -> io::Result<()> {
    let reference = rule.reference;
    writeln!(out, "{}", escape(&reference.title))?;
    writeln!(out)?;
    let tags: Vec<String> =
        rule.tags.iter().map(|tag| format!("{}.{}", tag.namespace, tag.name)).collect();
    for (name, value) in [
        ("name", reference.name.as_str()),
        ("id", reference.id.as_str()),
        ("level", reference.level.as_str()),
        ("mode", reference.mode.as_str()),
        ("file", rule.file),
        ("tags", tags.join(" ").as_str()),
        ("one alert per", rule.metadata.dedup.join(", ").as_str()),
    ] {
        writeln!(out, "{name:<14} {}", escape(value))?;
    }
    if let Some(never) = rule.never {
        writeln!(out, "{:<14} {}", "never matches", escape(never))?;
    }
    if let Some(description) = rule.description {
        writeln!(out, "\nWhat it means")?;
        wrap::write(out, description, WIDTH, "  ", "  ")?;
    }
    section(out, "Harmless reasons", rule.falsepositives)?;
    section(out, "Questions to ask", &rule.metadata.guide.questions)?;
    section(out, "Evidence to collect", &rule.metadata.guide.evidence)?;
    section(out, "What could be done", &rule.metadata.actions)?;
    if let Some(ask) = &rule.metadata.ask {
        writeln!(out, "\nWhat the {} is asked", ask.audience.as_str())?;
        wrap::write(out, &ask.question, WIDTH, "  ", "  ")?;
    }
    let key = if rule.is_correlation { "correlation:" } else { "detection:" };
    writeln!(out, "\n{}", if rule.is_correlation { "Correlation" } else { "Detection" })?;
    for line in section_of(source, rule.line, key) {
        writeln!(out, "  {}", escape(line))?;
    }
    Ok(())
}

fn section(out: &mut dyn Write, title: &str, items: &[String]) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    items.iter().try_for_each(|item| wrap::write(out, item, WIDTH, "  - ", "    "))
}
