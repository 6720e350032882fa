//! Attributes that are missing or unlikely.

use super::Findings;
use crate::sigma::correlation::Correlation;
use crate::sigma::document::Rule;
use crate::sigma::error::quote;
use crate::sigma::metadata::{Metadata, Tag};
use crate::sigma::node::Place;

pub(super) fn of_rule(rule: &Rule, findings: &mut Findings) {
    let start = Place { line: rule.line, column: 1 };
    if rule.id.is_none() {
        findings.error(start, "`id` is missing; give the rule a new random UUID");
    }
    if rule.level.is_none() {
        findings.error(start, "`level` is missing; say how bad a hit is");
    }
    if rule.falsepositives.is_empty() {
        findings.warn(start, "`falsepositives` is missing; say which benign events match");
    }
    if rule.description.is_none() {
        findings.warn(start, "`description` is missing; say what the rule finds and why it counts");
    }
    if rule.status.is_none() {
        findings.warn(start, "`status` is missing; use experimental, test or stable");
    }
    if let (Some(date), Some(modified)) = (rule.date, rule.modified)
        && modified < date
    {
        findings.warn(start, "`modified` lies before `date`; correct one of them");
    }
    if !rule.tags.iter().any(|tag| tag.namespace == "attack") {
        findings.warn(start, "no tag names an ATT&CK technique; add one, as attack.t1609");
    }
    tags(&rule.tags, findings);
}

pub(super) fn of_metadata(metadata: &Metadata, start: Place, findings: &mut Findings) {
    if metadata.id.is_none() && metadata.name.is_none() {
        findings.warn(start, "`id` is missing; give the document a new random UUID");
    }
    tags(&metadata.tags, findings);
}

pub(super) fn of_correlation(correlation: &Correlation, start: Place, findings: &mut Findings) {
    for alias in correlation.aliases.keys() {
        if !correlation.group_by.contains(alias) {
            let reason = format!("the alias {} is not used in `group-by`", quote(alias));
            findings.warn(start, reason + "; add it there, or remove it");
        }
    }
    if correlation.metadata.level.is_none() {
        findings.warn(start, "`level` is missing; say how bad a hit is");
    }
    if correlation.group_by.is_empty() {
        findings.warn(start, "without `group-by` events of all actors are counted together");
    }
}

fn tags(tags: &[Tag], findings: &mut Findings) {
    for tag in tags {
        if let Some(reason) = doubt(&tag.namespace, &tag.name) {
            let tagged = quote(&format!("{}.{}", tag.namespace, tag.name));
            findings.warn(tag.place, format!("{tagged}: {reason}"));
        }
    }
}

/// What speaks against a tag in one of Sigma's namespaces.
fn doubt(namespace: &str, name: &str) -> Option<&'static str> {
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let sound = match namespace {
        "attack" => {
            let technique = name.strip_prefix('t').is_some_and(|id| match id.split_once('.') {
                Some((id, sub)) => digits(id, 4) && digits(sub, 3),
                None => digits(id, 4),
            });
            let other = ["ta", "g", "s"]
                .iter()
                .any(|prefix| name.strip_prefix(prefix).is_some_and(|id| digits(id, 4)));
            let word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            technique || other || word
        }
        "cve" => name.split_once(['-', '.']).is_some_and(|(year, number)| {
            digits(year, 4) && number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit())
        }),
        "detection" => ["dfir", "emerging-threats", "threat-hunting"].contains(&name),
        "tlp" => ["red", "amber", "amber-strict", "green", "clear", "white"].contains(&name),
        "car" => {
            let parts: Vec<&str> = name.split('-').collect();
            matches!(parts.as_slice(), [year, month, number]
                if digits(year, 4) && digits(month, 2) && digits(number, 3))
        }
        "stp" | "d3fend" => true,
        _ => {
            return Some(
                "no namespace of Sigma; use attack, car, cve, d3fend, detection, stp, tlp",
            );
        }
    };
    (!sound).then_some("not a name of its namespace; check the spelling")
}
