//! Findings as SARIF 2.1.0 (OASIS, sections 3.13 to 3.27), for tools that show scan results.

use std::collections::BTreeMap;
use std::io::{self, Write};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::report::Report;
use super::summary::Summary;
use crate::api::json as twin;
use crate::cli::sentence;
use crate::model::finding::Finding;
use crate::model::level::Level;
use crate::model::rule::RuleRef;

/// What may not stand in the path of a URI reference (RFC 3986, section 3.3), nor a colon, which
/// would make the part before it a scheme.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Streams results; the rules that fired are listed after them.
#[derive(Default)]
pub(in crate::cli) struct Sarif {
    /// Descriptions of rules by their id.
    descriptions: BTreeMap<String, String>,
    /// Place of a rule in the list, by its id.
    places: BTreeMap<String, usize>,
    rules: Vec<Value>,
    written: bool,
}

impl Sarif {
    /// A report that describes rules by the texts given, by rule id.
    pub(in crate::cli) fn new(descriptions: BTreeMap<String, String>) -> Self {
        Self { descriptions, ..Self::default() }
    }

    fn place(&mut self, rule: &RuleRef) -> usize {
        if let Some(place) = self.places.get(rule.id.as_str()) {
            return *place;
        }
        let place = self.rules.len();
        let description = self.descriptions.get(rule.id.as_str()).unwrap_or(&rule.title);
        self.rules.push(json!({
            "id": rule.name,
            "guid": rule.id.as_str(),
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": description },
            "defaultConfiguration": { "level": level(rule.level) },
            "properties": {
                "tags": ["security"],
                "security-severity": severity(rule.level),
                "midwatch/level": rule.level.as_str(),
                "midwatch/mode": rule.mode.as_str(),
            },
        }));
        self.places.insert(rule.id.as_str().to_owned(), place);
        place
    }
}

impl Report for Sarif {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(
            b"{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\
            \"version\":\"2.1.0\",\"runs\":[{\"results\":[",
        )
    }

    fn finding(&mut self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        let place = self.place(&finding.rule);
        out.write_all(if self.written { b",\n" } else { b"\n" })?;
        self.written = true;
        twin::write(out, &result(finding, place))
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        let tool = json!({ "driver": {
            "name": "midwatch",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": std::mem::take(&mut self.rules),
        }});
        let invocations = json!([{
            "executionSuccessful": !summary.interrupted && !summary.is_partial(),
            "properties": summary.to_json(),
        }]);
        out.write_all(b"\n],\"tool\":")?;
        twin::write(&mut *out, &tool)?;
        out.write_all(b",\"invocations\":")?;
        twin::write(&mut *out, &invocations)?;
        out.write_all(b"}]}\n")
    }
}

fn result(finding: &Finding, place: usize) -> Value {
    let text = format!(
        "{}: {} {}, in cluster {}",
        finding.rule.title,
        sentence::who(&finding.actor),
        sentence::what(&finding.target),
        finding.cluster.short_name(),
    );
    let origin = match finding.evidence.origin.as_str() {
        "-" => "stdin",
        origin => origin,
    };
    // Where one result of a run says whether it is suppressed, all must (section 3.27.23).
    let suppressions: Vec<Value> = finding
        .excepted
        .iter()
        .map(|mark| {
            json!({
                "kind": "external",
                "status": "accepted",
                "justification": mark.reason,
                "properties": {
                    "midwatch/exception": mark.name,
                    "midwatch/owner": mark.owner,
                },
            })
        })
        .collect();
    json!({
        "ruleId": finding.rule.name,
        "ruleIndex": place,
        "level": level(finding.level),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": utf8_percent_encode(origin, NOT_IN_PATH).to_string() },
            "region": {
                "byteOffset": finding.evidence.offset,
                "byteLength": finding.evidence.length,
            },
        }}],
        "suppressions": suppressions,
        "partialFingerprints": { "midwatchFinding/v1": finding.id.as_str() },
        "properties": {
            "midwatch/time": twin::time_text(finding.time),
            "midwatch/cluster": finding.cluster.as_str(),
            "midwatch/level": finding.level.as_str(),
            "midwatch/alert": finding.alert.as_str(),
        },
    })
}

/// SARIF knows three grades.
fn level(level: Level) -> &'static str {
    match level {
        Level::Critical | Level::High => "error",
        Level::Medium => "warning",
        Level::Low | Level::Informational => "note",
    }
}

/// The middle of the score band that GitHub code scanning shows under the same word.
fn severity(level: Level) -> &'static str {
    match level {
        Level::Critical => "9.5",
        Level::High => "8.0",
        Level::Medium => "5.5",
        Level::Low => "2.0",
        Level::Informational => "0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::finding::tests::sample;
    use crate::model::finding::Excepted;

    #[test]
    fn results_point_at_a_rule_of_the_list_and_at_bytes() {
        let mut second = sample();
        second.evidence.origin = "a dir/x:y.json".into();
        let mut report = Sarif::default();
        let mut out = Vec::new();
        report.begin(&mut out).expect("memory");
        for finding in [sample(), second] {
            report.finding(&mut out, &finding).expect("memory");
        }
        report.end(&mut out, &Summary::default()).expect("memory");
        let log: Value = serde_json::from_slice(&out).expect("json");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(2));
        assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        assert_eq!(run["results"][0]["ruleId"], run["tool"]["driver"]["rules"][0]["id"]);
        let place = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20dir/x%3Ay.json");
        assert_eq!(place["region"]["byteOffset"], sample().evidence.offset);
    }

    #[test]
    fn what_an_exception_accepts_is_suppressed_with_its_reason() {
        let mut finding = sample();
        assert_eq!(result(&finding, 0)["suppressions"], json!([]));
        let mark = Excepted { name: "x".into(), owner: "o".into(), reason: "the backup".into() };
        finding.excepted = Some(mark);
        assert_eq!(result(&finding, 0)["suppressions"][0]["justification"], "the backup");
    }

    #[test]
    fn no_findings_is_a_valid_log_too() {
        let mut out = Vec::new();
        let mut report = Sarif::default();
        report.begin(&mut out).expect("memory");
        report.end(&mut out, &Summary::default()).expect("memory");
        let log: Value = serde_json::from_slice(&out).expect("json");
        assert_eq!(log["runs"][0]["results"], json!([]));
    }
}
