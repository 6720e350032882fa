//! A rule's own examples: `<rule>.cases.jsonl`, a line each with a name, the expected verdict and
//! an event. The command line and the tests run them through the same decoder as real logs.

use serde::Deserialize;

use crate::audit::record::{Origin, decode};
use crate::model::ids::ClusterId;

use super::evaluate::is_judged;
use super::ruleset::LoadedRule;

/// One example.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Line in the file, counted from one.
    pub line: u32,
    /// What the example shows.
    pub name: String,
    /// The verdict that must come out.
    pub matches: bool,
    /// The event as JSON: an audit event, or an Azure record that holds one.
    pub event: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    name: String,
    #[serde(rename = "match")]
    matches: bool,
    event: serde_json::Value,
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
        match serde_json::from_str::<CaseLine>(text) {
            Ok(case) => cases.push(Case {
                line,
                name: case.name,
                matches: case.matches,
                event: case.event.to_string(),
            }),
            Err(error) => problems.push(CaseProblem {
                file: file.to_owned(),
                line,
                reason: format!(
                    "not a case: {error}; write {{\"name\": …, \"match\": true or false, \"event\": …}}"
                ),
            }),
        }
    }
    (cases, problems)
}

/// Runs a rule's cases and returns those that came out wrong.
pub fn run(rule: &LoadedRule, cases: &[Case], file: &str) -> Vec<CaseProblem> {
    cases.iter().filter_map(|case| problem(rule, case, file)).collect()
}

fn problem(rule: &LoadedRule, case: &Case, file: &str) -> Option<CaseProblem> {
    let wrong =
        |reason: String| Some(CaseProblem { file: file.to_owned(), line: case.line, reason });
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("case"),
        name: file.to_owned(),
        control_plane: Default::default(),
    };
    let decoded = decode(case.event.as_bytes(), 0, &origin);
    let [event] = decoded.events.as_slice() else {
        let detail = decoded.problems.first().map(ToString::to_string).unwrap_or_default();
        return wrong(format!("`{}`: not one audit event {detail}", case.name));
    };
    let verdict = is_judged(event) && rule.matcher.matches(event);
    if verdict == case.matches {
        return None;
    }
    let (got, wanted) = if verdict { ("matched", "must not") } else { ("did not match", "must") };
    wrong(format!("`{}`: the rule {} {got}, and {wanted}", case.name, rule.reference.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_names_its_place_and_the_rest_is_read() {
        let text = "{\"name\":\"a\",\"match\":true,\"event\":{}}\n\nnonsense\n{\"name\":\"b\"}\n";
        let (cases, problems) = parse(text, "x.cases.jsonl");
        assert_eq!(cases.iter().map(|case| case.line).collect::<Vec<_>>(), [1]);
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 4]);
    }
}
