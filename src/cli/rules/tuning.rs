//! What commands tell of filters, exceptions and value lists.

use std::io::{self, Write};

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::adapters::local::clock::SystemClock;
use crate::cli::console::Console;
use crate::cli::escape::{escape, fit};
use crate::cli::table::count;
use crate::engine::ruleset::RuleSet;
use crate::engine::visibility::RuleLint;
use crate::model::ids::RuleId;
use crate::ports::clock::Clock as _;
use crate::sigma::lint::Severity;

/// Characters of one line about a document.
const LINE_WIDTH: usize = 240;
/// Exceptions that have ended and are told one by one.
const ENDED_TOLD_MAX: usize = 5;

/// Exceptions that have ended by now. They still accept events of earlier days.
pub(in crate::cli) fn ended(rules: &RuleSet) -> Vec<RuleLint> {
    ended_by(rules, SystemClock.now())
}

fn ended_by(rules: &RuleSet, now: OffsetDateTime) -> Vec<RuleLint> {
    let ended = rules.exceptions().iter().filter(|it| it.has_ended(now.date()));
    ended
        .map(|exception| {
            let day = exception.document.expires.map(|day| day.to_string()).unwrap_or_default();
            let reason = format!(
                "the exception {} ended on {day} and accepts no event since; {} should renew or \
                 remove it",
                exception.name(),
                exception.document.owner
            );
            let (file, line) = (exception.file().to_owned(), exception.line());
            RuleLint { file, line, severity: Severity::Warning, reason }
        })
        .collect()
}

/// Warns of exceptions that have ended, the first few.
pub(in crate::cli) fn tell_ended(rules: &RuleSet, console: &mut Console) -> io::Result<()> {
    let ended = ended(rules);
    for lint in ended.iter().take(ENDED_TOLD_MAX) {
        console.warn(&format!("{}:{}: {}", lint.file, lint.line, lint.reason))?;
    }
    match ended.len().saturating_sub(ENDED_TOLD_MAX) {
        0 => Ok(()),
        more => console.warn(&format!(
            "and {} that ended; midwatch rules lint names them all",
            count(more as u64, "more exception")
        )),
    }
}

/// How many there are, for a note; `None` when there are none.
pub(super) fn counted(rules: &RuleSet) -> Option<String> {
    let parts = [
        (rules.filters().len(), "filter"),
        (rules.exceptions().len(), "exception"),
        (rules.lists().len(), "value list"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| count(number as u64, what))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The lines about one rule, for people.
pub(super) fn write(out: &mut dyn Write, rules: &RuleSet, rule: &RuleId) -> io::Result<()> {
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    let filters = rules.filters_of(rule).iter();
    sections.push((
        "Filters",
        filters.map(|it| format!("{}  ({}:{})", it.label(), it.file(), it.line())).collect(),
    ));
    let exceptions = rules.exceptions_of(rule).iter();
    sections.push((
        "Exceptions",
        exceptions
            .map(|it| {
                let until = it.document.expires.map(|day| format!("until {day}"));
                let until = until.unwrap_or_else(|| "without end".to_owned());
                let (owner, reason) = (&it.document.owner, &it.document.reason);
                format!("{} {until}, {owner}: {reason}", it.name())
            })
            .collect(),
    ));
    sections.push(("Value lists", lists_of(rules, rule)));
    for (title, lines) in sections.iter().filter(|(_, lines)| !lines.is_empty()) {
        writeln!(out, "\n{title}")?;
        for line in lines {
            writeln!(out, "  - {}", fit(line, LINE_WIDTH))?;
        }
    }
    Ok(())
}

/// The same as an object's member.
pub(super) fn object(rules: &RuleSet, rule: &RuleId) -> Value {
    let filters = rules.filters_of(rule).iter();
    let exceptions = rules.exceptions_of(rule).iter();
    json!({
        "filters": filters.map(|it| it.label()).collect::<Vec<_>>(),
        "exceptions": exceptions.map(|it| it.name()).collect::<Vec<_>>(),
        "lists": names_of(rules, rule),
    })
}

fn names_of(rules: &RuleSet, rule: &RuleId) -> Vec<String> {
    let rule = rules.rules().iter().find(|it| it.reference.id == *rule);
    let names = rule.map(|rule| rule.document.placeholders()).unwrap_or_default();
    names.into_iter().collect()
}

/// The lists that a rule asks for, with their values and who made them so.
fn lists_of(rules: &RuleSet, rule: &RuleId) -> Vec<String> {
    let told = |name: String| {
        let values = rules.lists().get(&name).cloned().unwrap_or_default();
        let made = rules.list_documents().iter().filter(|list| list.name == name);
        let made: Vec<String> =
            made.map(|list| format!("{} in {}", list.mode.as_str(), escape(&list.file))).collect();
        format!("%{name}%  ({}): {}", made.join(", "), values.join(", "))
    };
    names_of(rules, rule).into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::engine::ruleset::RuleSource;

    const EXCEPTION: &str = "
title: The scanner reads secrets
name: scanner
midwatch_exception:
  rules: any
  owner: platform@example.com
  reason: It scans
  expires: 2026-02-01
  scanner: {user.username: scanner}
  condition: scanner
";

    #[test]
    fn an_exception_is_told_of_from_the_day_on_which_it_ends() {
        let source = RuleSource { path: "x.yml".into(), text: EXCEPTION.into() };
        let rules = RuleSet::builtin_with(&[source]).expect("sound");
        let before = datetime!(2026-01-31 23:59:59 UTC);
        assert_eq!(ended_by(&rules, before), []);
        let ended = ended_by(&rules, datetime!(2026-02-01 00:00 UTC));
        let reason = &ended.first().expect("told").reason;
        assert!(reason.contains("scanner ended on 2026-02-01"), "{reason}");
        assert!(reason.contains("platform@example.com"), "{reason}");
        let rule = &rules.rules().first().expect("some").reference.id;
        let mut out = Vec::new();
        write(&mut out, &rules, rule).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(
            text.contains("scanner until 2026-02-01, platform@example.com: It scans"),
            "{text}"
        );
    }
}
