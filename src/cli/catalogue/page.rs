//! The page of one rule, for the customer who got its alert.

use std::fmt::Write as _;

use super::markdown::{block, code, list, text};
use super::{Entry, duration, sample, section_of};
use crate::engine::visibility::coverage::Left;
use crate::model::action;
use crate::model::framework::{self, ATTACK_VERSION, MATRIX_VERSION};
use crate::model::level::Level;
use crate::model::rule::Mode;

/// The name of a rule's page.
pub fn file_name(entry: &Entry<'_>) -> String {
    format!("{}.md", entry.rule.reference.name)
}

/// The whole page.
pub fn render(entry: &Entry<'_>) -> String {
    let rule = &entry.rule;
    let reference = rule.reference;
    let mut page = format!("# {}\n\n", text(&reference.title));
    // Writing into a string cannot fail, here and below.
    let _ = writeln!(
        page,
        "{} · level **{}** · mode **{}**{}\n",
        code(&reference.name),
        reference.level,
        reference.mode,
        entry.version.map(|version| format!(" · version {version}")).unwrap_or_default()
    );
    let _ = writeln!(page, "{}\n", mode(reference.mode));
    section(
        &mut page,
        "Why you see this",
        &format!("{}\n", text(rule.description.unwrap_or_default())),
    );
    section(&mut page, "Why it matters", &importance(entry));
    section(&mut page, "What to ask", &questions(entry));
    section(&mut page, "What to collect", &list(&rule.metadata.guide.evidence));
    section(&mut page, "What can be done about it", &actions(entry));
    section(&mut page, "What it cannot see", &blind_spots(entry));
    section(&mut page, "Harmless reasons", &list(rule.falsepositives));
    section(&mut page, "In the frameworks", &frameworks(entry));
    section(&mut page, "An example", &example(entry));
    section(&mut page, "The rule", &source(entry));
    page
}

fn section(page: &mut String, title: &str, content: &str) {
    if !content.trim().is_empty() {
        let _ = write!(page, "## {title}\n\n{}\n\n", content.trim_end());
    }
    while page.ends_with("\n\n\n") {
        page.pop();
    }
}

/// What a hit becomes.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::On => "A hit is an alert.",
        Mode::OptIn => {
            "Switched off by default: a hit is an alert only where somebody has switched the rule on."
        }
        Mode::Duet => "A hit is a question to the person who can know, before it is an alert.",
        Mode::BuildingBlock => {
            "Never told by itself: it is a part of other rules, and counts towards the picture of an actor."
        }
    }
}

fn importance(entry: &Entry<'_>) -> String {
    let level = match entry.rule.reference.level {
        Level::Informational => "For the record: nothing follows from it alone.",
        Level::Low => "Worth knowing; by itself rarely an attack.",
        Level::Medium => {
            "Look at it within a working day: it is often explained, and must not stay unexplained."
        }
        Level::High => "Look at it now: it is seldom innocent, or grave when it is not.",
        Level::Critical => {
            "Drop other work: if it is not explained at once, treat it as an intrusion."
        }
    };
    let aims: Vec<&str> = entry
        .rule
        .tactics()
        .iter()
        .filter_map(|tag| framework::tactic_of(tag))
        .map(|tactic| tactic.aim)
        .collect();
    let mut told = format!("{level}\n");
    if !aims.is_empty() {
        let _ = write!(
            told,
            "\nSomebody who does this on purpose wants to {}.\n",
            aims.join("; or to ")
        );
    }
    let metadata = entry.rule.metadata;
    let _ = write!(
        told,
        "\nFindings with the same {} within {} are one alert.\n",
        metadata.dedup.iter().map(|field| code(field)).collect::<Vec<_>>().join(", "),
        duration(metadata.window_seconds)
    );
    told
}

fn questions(entry: &Entry<'_>) -> String {
    let metadata = entry.rule.metadata;
    let mut told = list(&metadata.guide.questions);
    if let Some(ask) = &metadata.ask {
        let _ =
            write!(told, "\nThe {} is asked: *{}*\n", ask.audience.as_str(), text(&ask.question));
    }
    told
}

fn actions(entry: &Entry<'_>) -> String {
    let names = &entry.rule.metadata.actions;
    if names.is_empty() {
        return "No action is suggested: find out first what happened.\n".to_owned();
    }
    let mut told = String::from(
        "Suggested, the mildest first. This version of Midwatch names them and carries none of them out.\n\n\
         | action | tier | what it does |\n| --- | --- | --- |\n",
    );
    for doc in names.iter().filter_map(|name| action::find(name)) {
        let tier = match doc.tier {
            0 => "0, reads",
            1 => "1, little impact",
            2 => "2, contains, can be undone",
            _ => "3, destroys or reaches far",
        };
        let _ = writeln!(told, "| {} | {tier} | {} |", code(doc.name), text(doc.what));
    }
    told
}

/// What is not in the log, from the rule's needs and the audit policy of AKS.
fn blind_spots(entry: &Entry<'_>) -> String {
    let needs = &entry.needs;
    let mut told = String::new();
    let lost = needs.verbs_lost().iter().map(|verb| code(verb)).collect::<Vec<_>>().join(" and ");
    let _ = writeln!(
        told,
        "{}",
        match needs.admin {
            Left::Whole =>
                "- Either log category suffices: `kube-audit` or `kube-audit-admin`.".to_owned(),
            Left::Partly => format!(
                "- It needs the log category `kube-audit`. Under `kube-audit-admin` it misses the requests with the verb {lost}."
            ),
            Left::Blind => {
                "- It needs the log category `kube-audit`. Under `kube-audit-admin` it never matches.".to_owned()
            }
        }
    );
    if needs.false_alarms {
        told.push_str("- Under `kube-audit-admin` it also alarms falsely: it waits for the absence of requests that are not there.\n");
    }
    if needs.bodiless {
        told.push_str("- AKS writes no body for these requests: names, callers and outcomes are known, the content is not.\n");
    }
    if needs.body.any() {
        let sometimes = if needs.body.avoidable { " in some of the ways it matches" } else { "" };
        let _ = writeln!(
            told,
            "- It reads the {} of the request{sometimes}. AKS leaves out bodies above about 32 KB, and an export to \
             storage cuts records at 16 KB; what lies behind the cut is not seen (`midwatch.truncated`).",
            body_words(entry)
        );
    }
    if needs.verbs.contains(&"deletecollection") {
        told.push_str("- Of Kubernetes events, AKS logs no `deletecollection`.\n");
    }
    if entry.rule.is_correlation {
        told.push_str("- It looks at several events together; `docs/sigma.md` says where such rules run and how far they remember.\n");
    }
    told.push_str("- It does not see what happens inside a container or on a node, nor anything that never reaches the API server.\n");
    told
}

fn body_words(entry: &Entry<'_>) -> &'static str {
    let body = entry.needs.body;
    match (body.object, body.request, body.response) {
        (true, false, false) => "object in the body",
        (false, true, false) => "request body",
        (false, false, true) => "response body",
        _ => "bodies",
    }
}

fn frameworks(entry: &Entry<'_>) -> String {
    let mut told = format!(
        "MITRE ATT&amp;CK {ATTACK_VERSION}, and Microsoft's threat matrix for Kubernetes {MATRIX_VERSION}.\n\n"
    );
    told.push_str("| | id | name |\n| --- | --- | --- |\n");
    for tag in entry.rule.tactics() {
        let name = framework::tactic_of(&tag).map_or("", |tactic| tactic.name);
        let _ = writeln!(told, "| tactic | {} | {} |", code(&tag), text(name));
    }
    for id in entry.techniques() {
        let name = framework::technique(&id).unwrap_or_default();
        let path = id.replace('.', "/");
        let _ = writeln!(
            told,
            "| technique | [{id}](https://attack.mitre.org/techniques/{path}/) | {} |",
            text(name)
        );
    }
    for id in &entry.rule.metadata.matrix {
        let _ = writeln!(
            told,
            "| matrix | {} | {} |",
            code(id),
            text(framework::matrix(id).unwrap_or_default())
        );
    }
    told
}

fn example(entry: &Entry<'_>) -> String {
    let Some(case) = entry.cases.iter().find(|case| case.matches) else { return String::new() };
    let Some(event) = sample::event(case) else { return String::new() };
    let several = match case.events.len() {
        0 | 1 => String::new(),
        many => format!(" The last of {many} events."),
    };
    let (matching, near) = entry.case_counts();
    format!(
        "{}.{several} Shortened; the rule is tested with {matching} events or groups of events that must match and {near} that must not.\n\n{}",
        capital(&text(&case.name)),
        block("json", &event)
    )
}

fn source(entry: &Entry<'_>) -> String {
    let key = if entry.rule.is_correlation { "correlation:" } else { "detection:" };
    let lines: Vec<&str> = section_of(entry.source, entry.rule.line, key).collect();
    format!(
        "[{file}](../../{file}), id {}.\n\n{}",
        code(entry.rule.reference.id.as_str()),
        block("yaml", &lines.join("\n")),
        file = entry.rule.file
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
