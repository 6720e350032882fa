//! Findings on their way out of a scan: one writer a format, all of them streaming except the
//! table, which folds findings into alerts first.

use std::io::{self, Write};

use super::summary::Summary;
use crate::api::{finding, json};
use crate::cli::csv;
use crate::model::finding::Finding;

/// The value of `schema` in the object that `-o json` prints.
const SCHEMA: &str = "midwatch.scan/v1";

/// A format of `scan`.
pub(in crate::cli) trait Report {
    /// Before the first finding.
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// One finding, in the order of the input.
    fn finding(&mut self, out: &mut dyn Write, finding: &Finding) -> io::Result<()>;

    /// After the last finding. A report that was begun is always ended, also when the scan was
    /// interrupted, so that what was written is well-formed.
    fn end(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()>;
}

/// One finding a line, nothing else.
pub(in crate::cli) struct Ndjson;

impl Report for Ndjson {
    fn finding(&mut self, out: &mut dyn Write, found: &Finding) -> io::Result<()> {
        finding::write_line(out, found)
    }

    fn end(&mut self, _out: &mut dyn Write, _summary: &Summary) -> io::Result<()> {
        Ok(())
    }
}

/// One object. The summary comes last, because findings are not held back for it.
#[derive(Default)]
pub(in crate::cli) struct Json {
    written: bool,
}

impl Report for Json {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"schema\":\"{SCHEMA}\",\"findings\":[")
    }

    fn finding(&mut self, out: &mut dyn Write, found: &Finding) -> io::Result<()> {
        out.write_all(if self.written { b",\n" } else { b"\n" })?;
        self.written = true;
        json::write(out, &finding::FindingBody::from(found))
    }

    fn end(&mut self, out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
        out.write_all(b"\n],\"summary\":")?;
        json::write(&mut *out, &summary.to_json())?;
        out.write_all(b"}\n")
    }
}

/// One finding a row.
pub(in crate::cli) struct Csv;

const CSV_HEADER: [&str; 25] = [
    "id",
    "time",
    "level",
    "rule",
    "title",
    "mode",
    "cluster",
    "actor",
    "actor_kind",
    "impersonated",
    "source",
    "client",
    "verb",
    "resource",
    "subresource",
    "namespace",
    "name",
    "uri",
    "code",
    "outcome",
    "truncated",
    "audit_id",
    "alert",
    "evidence",
    "excepted",
];

impl Report for Csv {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        csv::write_row(out, CSV_HEADER)
    }

    fn finding(&mut self, out: &mut dyn Write, found: &Finding) -> io::Result<()> {
        let (actor, target) = (&found.actor, &found.target);
        let time = json::time_text(found.time);
        let code = target.code.map(|code| code.to_string()).unwrap_or_default();
        let resource = match target.api_group.as_str() {
            "" => target.resource.clone(),
            group => format!("{}.{group}", target.resource),
        };
        let audit_ids: Vec<&str> =
            found.events.iter().map(|event| event.audit_id.as_str()).collect();
        let evidence = format!("{}@{}", found.evidence.origin, found.evidence.offset);
        let cells: [&str; CSV_HEADER.len()] = [
            found.id.as_str(),
            &time,
            found.level.as_str(),
            &found.rule.name,
            &found.rule.title,
            found.rule.mode.as_str(),
            found.cluster.as_str(),
            &actor.username,
            actor.kind.as_str(),
            actor.impersonated.as_deref().unwrap_or_default(),
            actor.source.as_deref().unwrap_or_default(),
            &actor.client,
            &target.verb,
            &resource,
            &target.subresource,
            &target.namespace,
            &target.name,
            &target.uri,
            &code,
            found.outcome.as_str(),
            if found.truncated { "true" } else { "false" },
            &audit_ids.join(" "),
            found.alert.as_str(),
            &evidence,
            found.excepted.as_ref().map_or("", |mark| mark.name.as_str()),
        ];
        csv::write_row(out, cells)
    }

    fn end(&mut self, _out: &mut dyn Write, _summary: &Summary) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::finding::tests::sample;

    fn written(report: &mut dyn Report, findings: &[Finding]) -> String {
        let mut out = Vec::new();
        report.begin(&mut out).expect("memory");
        for found in findings {
            report.finding(&mut out, found).expect("memory");
        }
        report.end(&mut out, &Summary::default()).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn json_is_one_object_with_and_without_findings() {
        for count in [0, 1, 3] {
            let text = written(&mut Json::default(), &vec![sample(); count]);
            let object: serde_json::Value = serde_json::from_str(&text).expect("json");
            assert_eq!(object["schema"], SCHEMA);
            assert_eq!(object["findings"].as_array().map(Vec::len), Some(count));
            assert_eq!(object["summary"]["records"], 0);
        }
    }

    #[test]
    fn ndjson_is_a_finding_a_line() {
        let text = written(&mut Ndjson, &[sample(), sample()]);
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            let object: serde_json::Value = serde_json::from_str(line).expect("json");
            assert_eq!(object["schema"], finding::SCHEMA);
        }
    }

    #[test]
    fn csv_has_a_header_and_neutral_cells() {
        let mut hostile = sample();
        hostile.actor.client = "=HYPERLINK(\"http://x\")\u{1b}[2J".into();
        let text = written(&mut Csv, &[hostile]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("id,time,level,rule,"));
        assert!(lines[1].contains("\"'=HYPERLINK(\"\"http://x\"\")\\u{1b}[2J\""), "{}", lines[1]);
    }
}
