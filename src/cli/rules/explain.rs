//! `midwatch rules explain`: one rule on the events of a file, clause by clause.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::sources;
use crate::api::explanation::DecisionBody;
use crate::api::json as twin;
use crate::audit::event::Event;
use crate::audit::gzip;
use crate::audit::lines::LineReader;
use crate::audit::record::{Decoded, Origin, decode};
use crate::audit::source::ControlPlane;
use crate::cli::arguments::TextFormat;
use crate::cli::arguments::rules::RulesExplainArguments;
use crate::cli::console::Console;
use crate::cli::escape::fit;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::table::count;
use crate::engine::explain::{Decision, explain as decide};
use crate::engine::ruleset::LoadedRule;
use crate::model::ids::ClusterId;
use crate::sigma::explain::{ClauseSeen, ElementsSeen, Step, StepKind};

/// Bytes read of the file: an explanation is for a few events.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Events explained, at most.
const EVENTS_MAX: usize = 100;
/// Problems of the file told, at most.
const PROBLEMS_TOLD_MAX: usize = 5;
/// Characters of one line of an explanation.
const LINE_WIDTH: usize = 240;
/// Characters of a name in it.
const NAME_WIDTH: usize = 80;

/// Explains the rule on every event of the file.
pub(super) fn explain(
    arguments: &RulesExplainArguments,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let rules = sources::rule_set(&arguments.rules)?;
    let rule = sources::find(&rules, &arguments.rule)?;
    let decoded = events(&arguments.event_file)?;
    for problem in decoded.problems.iter().take(PROBLEMS_TOLD_MAX) {
        console.warn(&problem.to_string())?;
    }
    let more = decoded.problems.len().saturating_sub(PROBLEMS_TOLD_MAX);
    if more > 0 {
        console.warn(&format!("and {} of the file", count(more as u64, "more problem")))?;
    }
    if decoded.events.is_empty() {
        let what = format!("no audit event in {}", arguments.event_file.display());
        return Err(Failure::new(Exit::PartialInput, what)
            .because("give audit events or Azure records, one a line"));
    }
    let shown = decoded.events.iter().take(EVENTS_MAX);
    match arguments.output {
        TextFormat::Table => {
            for event in shown {
                write(console.out(), rule, event, &decide(&rules, rule, event))?;
            }
        }
        TextFormat::Json => {
            let decisions: Vec<DecisionBody> = shown
                .map(|event| DecisionBody::new(event.audit_id(), &decide(&rules, rule, event)))
                .collect();
            let object = json!({
                "schema": "midwatch.explanation/v1",
                "rule": rule.reference.name,
                "decisions": decisions,
            });
            twin::write(console.out(), &object)?;
            console.out().write_all(b"\n")?;
        }
    }
    if decoded.events.len() > EVENTS_MAX {
        console.warn(&format!("only the first {EVENTS_MAX} events are explained"))?;
    }
    let partial = decoded.totals.malformed > 0;
    Ok(if partial { Exit::PartialInput } else { Exit::Ok })
}

/// The events of a file: one document, however it is laid out, or one a line.
fn events(path: &Path) -> Result<Decoded, Failure> {
    let text = read(path).map_err(|error| {
        Failure::new(Exit::PartialInput, format!("cannot read {}", path.display())).because(error)
    })?;
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: path.to_string_lossy().into_owned(),
        control_plane: ControlPlane::default(),
    };
    if let Ok(document) = serde_json::from_slice::<Value>(&text) {
        return Ok(decode(document.to_string().as_bytes(), 0, &origin));
    }
    let mut all = Decoded::default();
    let mut lines = LineReader::new(text.as_slice(), text.len());
    while let Ok(Some((span, line))) = lines.next_line() {
        let decoded = decode(line, span.offset, &origin);
        all.events.extend(decoded.events);
        all.problems.extend(decoded.problems);
        all.totals.add(&decoded.totals);
    }
    Ok(all)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let mut text = Vec::new();
    io::copy(&mut gzip::open(source)?.take(BYTES_MAX + 1), &mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("more than {BYTES_MAX} bytes; use midwatch scan")));
    }
    Ok(text)
}

fn write(
    out: &mut dyn Write,
    rule: &LoadedRule,
    event: &Event,
    decision: &Decision,
) -> io::Result<()> {
    let verdict = if decision.fires { "fires" } else { "does not fire" };
    let name = &rule.reference.name;
    writeln!(out, "{name} {verdict} on event {}", fit(event.audit_id(), 80))?;
    if let Some(reason) = decision.set_aside {
        writeln!(out, "  not judged: {reason}")?;
    }
    write_step(out, &decision.explanation.root, 1)?;
    for (name, filter) in &decision.filters {
        let verdict = if filter.matched { "leaves it" } else { "takes it away" };
        writeln!(out, "  the filter {} {verdict}:", fit(name, NAME_WIDTH))?;
        write_step(out, &filter.root, 2)?;
    }
    match &decision.excepted {
        Some(mark) => writeln!(
            out,
            "  accepted by the exception {} of {}: {}",
            fit(&mark.name, NAME_WIDTH),
            fit(&mark.owner, NAME_WIDTH),
            fit(&mark.reason, LINE_WIDTH)
        ),
        None => Ok(()),
    }
}

fn write_step(out: &mut dyn Write, step: &Step, depth: usize) -> io::Result<()> {
    // A group with one part says nothing that the part does not say.
    if let (StepKind::AllOf | StepKind::AnyOf, [only]) = (&step.kind, step.children.as_slice()) {
        return write_step(out, only, depth);
    }
    let verdict = if step.held { "yes" } else { "NO " };
    let line = format!("{verdict} {:indent$}{}", "", told(&step.kind), indent = depth * 2);
    writeln!(out, "{}", fit(&line, LINE_WIDTH))?;
    step.children.iter().try_for_each(|child| write_step(out, child, depth + 1))
}

fn told(kind: &StepKind) -> String {
    match kind {
        StepKind::And => "all of these hold".into(),
        StepKind::Or => "at least one of these holds".into(),
        StepKind::Not => "this does not hold".into(),
        StepKind::Of(text) => text.clone(),
        StepKind::Selection(name) => format!("selection {name}"),
        StepKind::AllOf => "every one".into(),
        StepKind::AnyOf => "any one".into(),
        StepKind::Elements(seen) => told_elements(seen),
        StepKind::Element(index) => format!("element [{index}]"),
        StepKind::Clause(clause) => told_clause(clause),
    }
}

fn told_elements(seen: &ElementsSeen) -> String {
    let count = match (seen.looked_at, seen.more) {
        (0, _) => "the event has no such element".to_owned(),
        (looked_at, 0) => format!("looked at {looked_at}"),
        (looked_at, more) => format!("looked at {looked_at}, {more} not shown"),
    };
    format!("{}  ({count})", seen.label())
}

fn told_clause(clause: &ClauseSeen) -> String {
    let seen = match (&clause.hit, clause.present, clause.seen.as_slice()) {
        (Some(hit), _, _) => format!("matched `{hit}`"),
        (None, false, _) => "the event has no such field".into(),
        (None, true, []) => "the field holds no value".into(),
        (None, true, seen) => format!("saw `{}`", seen.join("`, `")),
    };
    let more = if clause.more > 0 { format!(" and {} more", clause.more) } else { String::new() };
    format!("{}  ({seen}{more})", clause.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::explanation::StepBody;

    fn clause(held: bool) -> Step {
        let seen = ClauseSeen {
            field: "verb".into(),
            text: "verb: get".into(),
            line: 7,
            present: true,
            seen: vec!["list\u{1b}".into()],
            more: 0,
            hit: held.then(|| "get".to_owned()),
        };
        Step { held, kind: StepKind::Clause(seen), children: Vec::new() }
    }

    #[test]
    fn an_explanation_names_every_clause_with_the_value_seen() {
        let group = Step { held: false, kind: StepKind::AllOf, children: vec![clause(false)] };
        let root = Step {
            held: false,
            kind: StepKind::Selection("selection".into()),
            children: vec![group, clause(true)],
        };
        let mut out = Vec::new();
        write_step(&mut out, &root, 0).expect("memory");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "NO  selection selection\nNO    verb: get  (saw `list\\u{1b}`)\n\
             yes   verb: get  (matched `get`)\n"
        );
        let object = serde_json::to_value(StepBody::new(&root)).expect("JSON");
        assert_eq!(object["kind"], "selection");
        assert_eq!(object["parts"][1]["hit"], "get");
        assert_eq!(object["parts"][0]["parts"][0]["line"], 7);
    }
}
