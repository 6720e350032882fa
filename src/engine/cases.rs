//! A rule's own examples: `<rule>.cases.jsonl`, a line each with a name, the expected verdict and
//! an event, or `events` for a correlation. The command line and the tests run them through the
//! same decoder as real logs.

use serde::Deserialize;

use super::correlate::contribution::{contribute, moment};
use super::correlate::windows::{Limits, Windows};
use super::evaluate::is_judged;
use super::ruleset::{LoadedCorrelation, LoadedRule, RuleSet};
use crate::audit::event::Event;
use crate::audit::record::{Origin, decode};
use crate::audit::source::ControlPlane;
use crate::model::ids::ClusterId;

/// One example.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Line in the file, counted from one.
    pub line: u32,
    /// What the example shows.
    pub name: String,
    /// The verdict that must come out.
    pub matches: bool,
    /// The events as JSON: audit events, or Azure records that hold one. A rule about single
    /// events has one.
    pub events: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    name: String,
    #[serde(rename = "match")]
    matches: bool,
    event: Option<serde_json::Value>,
    events: Option<Vec<serde_json::Value>>,
}

impl CaseLine {
    fn events(&self) -> Option<Vec<String>> {
        match (&self.event, &self.events) {
            (Some(event), None) => Some(vec![event.to_string()]),
            (None, Some(events)) => Some(events.iter().map(ToString::to_string).collect()),
            _ => None,
        }
    }
}

/// A line that is no case, or a case with the wrong verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct CaseProblem {
    pub file: String,
    pub line: u32,
    pub reason: String,
}

/// Reads a cases file. Empty lines are skipped; every bad line is a problem of its own.
pub fn parse(text: &str, file: &str) -> (Vec<Case>, Vec<CaseProblem>) {
    let mut cases = Vec::new();
    let mut problems = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let mut wrong = |detail: String| {
            problems.push(CaseProblem {
                file: file.to_owned(),
                line,
                reason: format!(
                    "not a case: {detail}; write {{\"name\": …, \"match\": true or false, \"event\": …}}, \
                     or \"events\": […] for a correlation"
                ),
            });
        };
        match serde_json::from_str::<CaseLine>(text) {
            Ok(case) => match case.events() {
                Some(events) => {
                    cases.push(Case { line, name: case.name, matches: case.matches, events });
                }
                None => wrong("it has neither `event` nor `events`, or both".to_owned()),
            },
            Err(error) => wrong(error.to_string()),
        }
    }
    (cases, problems)
}

/// Runs a rule's cases and returns those that came out wrong.
pub fn run(rule: &LoadedRule, cases: &[Case], file: &str) -> Vec<CaseProblem> {
    cases.iter().filter_map(|case| problem(rule, case, file)).collect()
}

/// Runs a correlation's cases, each with windows of its own, and returns those that came out
/// wrong. A case matches when the correlation fires at least once.
pub fn run_correlation(
    rules: &RuleSet,
    correlation: &LoadedCorrelation,
    cases: &[Case],
    file: &str,
) -> Vec<CaseProblem> {
    let id = &correlation.reference.id;
    let rules = rules.clone().asking_only(|rule| rule.id == *id);
    let fires = |case: &Case| {
        let events = events(case, file)?;
        let contributed = contribute(&rules, &events);
        let mut windows = Windows::default();
        // What contributes nothing still shows since when the cluster is known.
        for event in &events {
            let received = event.received().map(moment);
            received.into_iter().for_each(|moment| windows.observe(event.cluster(), moment));
        }
        windows.add(contributed.contributions);
        Ok(!windows.finish(&rules, &Limits::default()).is_empty())
    };
    cases
        .iter()
        .filter_map(|case| told(case, file, &correlation.reference.name, fires(case)))
        .collect()
}

fn problem(rule: &LoadedRule, case: &Case, file: &str) -> Option<CaseProblem> {
    let verdict = events(case, file).and_then(|events| match events.as_slice() {
        [event] => Ok(is_judged(event) && rule.matcher.matches(event)),
        _ => Err("not one audit event".to_owned()),
    });
    told(case, file, &rule.reference.name, verdict)
}

/// The events of a case, decoded.
///
/// # Errors
/// One of its texts holds no audit event; why.
pub fn events(case: &Case, file: &str) -> Result<Vec<Event>, String> {
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("case"),
        name: file.to_owned(),
        control_plane: ControlPlane::default(),
    };
    let mut events = Vec::new();
    for (offset, text) in (0..).zip(&case.events) {
        let decoded = decode(text.as_bytes(), offset, &origin);
        if decoded.events.is_empty() {
            let detail = decoded.problems.first().map(ToString::to_string).unwrap_or_default();
            return Err(format!("not one audit event {detail}"));
        }
        events.extend(decoded.events);
    }
    Ok(events)
}

fn told(case: &Case, file: &str, rule: &str, verdict: Result<bool, String>) -> Option<CaseProblem> {
    let reason = match verdict {
        Ok(verdict) if verdict == case.matches => return None,
        Ok(true) => format!("`{}`: the rule {rule} matched, and must not", case.name),
        Ok(false) => format!("`{}`: the rule {rule} did not match, and must", case.name),
        Err(detail) => format!("`{}`: {detail}", case.name),
    };
    Some(CaseProblem { file: file.to_owned(), line: case.line, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_names_its_place_and_the_rest_is_read() {
        let text = "{\"name\":\"a\",\"match\":true,\"event\":{}}\n\nnonsense\n{\"name\":\"b\",\"match\":true}\n";
        let (cases, problems) = parse(text, "x.cases.jsonl");
        assert_eq!(cases.iter().map(|case| case.line).collect::<Vec<_>>(), [1]);
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 4]);
    }
}
