//! Events in, findings out: the plain evaluator. It asks every rule about every event and shares
//! nothing between them; the fast path is measured against it, and leaves to it every event that
//! a rule may match.

use std::collections::BTreeSet;

use crate::audit::event::Event;
use crate::model::fields::Fields;
use crate::model::finding::{EventRef, Finding, Outcome};
use crate::model::ids::{AlertId, FindingId};
use crate::model::level::Level;

use super::metadata::{Denied, Metadata};
use super::ruleset::{LoadedRule, RuleSet};
use super::tuning::exceptions;
use super::tuning::tally::Filtered;

/// Reasons kept with a finding, at most. A rule has a handful; a keyword list may have more.
const REASONS_MAX: usize = 32;
/// Values of one dedup field that enter the key, at most, and characters of each.
const DEDUP_VALUES_MAX: usize = 4;
const DEDUP_CHARS_MAX: usize = 200;

/// Every finding of single events of the batch, in the order of events and then of rules. Rules that a
/// correlation is made of stay silent, unless it says `generate: true`. An event that comes in
/// two stages makes the same finding, by its id, in each; who keeps findings keeps the first.
pub fn evaluate(rules: &RuleSet, events: &[Event]) -> Vec<Finding> {
    evaluate_counting(rules, events, &mut Filtered::default())
}

/// As [`evaluate`]; `filtered` counts what filters take away.
pub fn evaluate_counting(
    rules: &RuleSet,
    events: &[Event],
    filtered: &mut Filtered,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for event in events.iter().filter(|event| is_judged(event)) {
        for rule in rules.telling() {
            if rule.matcher.matches(event) && rules.admits(&rule.reference.id, event, filtered) {
                findings.push(finding(rules, rule, event));
            }
        }
    }
    findings
}

/// A request that has only been received has no outcome yet and comes again in a later stage.
pub(super) fn is_judged(event: &Event) -> bool {
    event.stage() != "RequestReceived"
}

/// The finding of a rule that fired on an event, marked when an exception accepts it.
pub(super) fn finding(rules: &RuleSet, rule: &LoadedRule, event: &Event) -> Finding {
    let cluster = event.cluster().clone();
    let audit_id = event.audit_id().to_owned();
    let time = event.time();
    let dedup = dedup_key(&rule.metadata, event);
    let window = rule.metadata.window_seconds;
    let mut why = rule.matcher.explain(event).reasons();
    why.truncate(REASONS_MAX);
    Finding {
        id: FindingId::derive(&cluster, &event.identity(), &rule.reference.id),
        alert: AlertId::derive(
            &cluster,
            &rule.reference.id,
            &dedup,
            time.unix_timestamp().div_euclid(window),
        ),
        rule: rule.reference.clone(),
        level: level(rule, event),
        time,
        events: vec![EventRef { audit_id, stage: event.stage().to_owned(), time }],
        actor: event.actor(),
        target: event.target(),
        outcome: event.outcome(),
        why,
        truncated: event.truncated(),
        dedup,
        evidence: event.evidence(),
        excepted: exceptions::mark(rules.exceptions_of(&rule.reference.id), event, time),
        cluster,
    }
}

/// The rule's level; one lower when the attempt was refused, unless refusal is what the rule is
/// about; informational when nothing was to happen at all.
fn level(rule: &LoadedRule, event: &Event) -> Level {
    let declared = rule.reference.level;
    if event.is_dry_run() {
        Level::Informational
    } else if event.outcome() == Outcome::Denied && rule.metadata.denied == Denied::Lower {
        declared.lowered()
    } else {
        declared
    }
}

/// The values of the rule's dedup fields, joined. A bar within a value is doubled, so that two
/// different lists of values never make one key.
fn dedup_key(metadata: &Metadata, event: &Event) -> String {
    let parts = metadata.dedup.iter().map(|field| {
        let found = event.find(field);
        let values: BTreeSet<String> = found
            .values
            .iter()
            .filter_map(|value| value.to_text())
            .map(|text| marked(text.chars().take(DEDUP_CHARS_MAX)))
            .collect();
        let kept: Vec<String> = values.into_iter().take(DEDUP_VALUES_MAX).collect();
        if kept.is_empty() { "-".to_owned() } else { kept.join(",") }
    });
    parts.collect::<Vec<_>>().join("|")
}

/// A value in which nothing reads as the end of the value, of the field, or as an absent field:
/// nobody may choose a name that folds into the alert of somebody else.
pub(super) fn marked(value: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for c in value {
        if matches!(c, '\\' | '|' | ',') {
            text.push('\\');
        }
        text.push(c);
    }
    if text == "-" { "\\-".to_owned() } else { text }
}

/// The values that were marked and joined with commas.
pub(super) fn unmarked(joined: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut escaped = false;
    for c in joined.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => values.push(String::new()),
            c => {
                escaped = false;
                values.last_mut().into_iter().for_each(|value| value.push(c));
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::{Origin, decode};
    use crate::engine::ruleset::RuleSource;
    use crate::model::ids::ClusterId;

    const RULE: &str = "
title: A secret was read
id: 6f0a2b8e-6a35-4a86-9c39-0f6c3f0a7b11
name: secret-read
logsource: {product: kubernetes, service: audit}
detection:
  reads: {objectRef.resource: secrets}
  condition: reads
level: high
midwatch:
  mode: on
  dedup: [user.username]
  guide: {questions: [who?], evidence: [the event]}
";

    fn findings(changes: &[(&str, &str)]) -> Vec<Finding> {
        let rules = [RuleSource { path: "r.yml".into(), text: RULE.into() }];
        let rules = RuleSet::load(&rules).expect("a sound rule");
        let origin = Origin {
            cluster: None,
            fallback: ClusterId::new("c"),
            name: "-".into(),
            control_plane: Default::default(),
        };
        let events: Vec<Event> = changes
            .iter()
            .flat_map(|(old, new)| {
                let text = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",
                    "auditID":"a1","stage":"ResponseComplete","requestURI":"/api/v1/secrets",
                    "verb":"list","user":{"username":"eve|1"},"objectRef":{"resource":"secrets"},
                    "responseStatus":{"code":200},
                    "requestReceivedTimestamp":"2026-01-01T00:00:00.000001Z",
                    "stageTimestamp":"2026-01-01T00:00:00.000002Z"}"#
                    .replace('\n', " ")
                    .replace(old, new);
                decode(text.as_bytes(), 0, &origin).events
            })
            .collect();
        assert_eq!(events.len(), changes.len());
        evaluate(&rules, &events)
    }

    fn ids(changes: &[(&str, &str)]) -> BTreeSet<String> {
        findings(changes).iter().map(|finding| finding.id.as_str().to_owned()).collect()
    }

    #[test]
    fn both_stages_of_a_request_make_one_finding() {
        let started = ("ResponseComplete", "ResponseStarted");
        let later = ("00.000002Z", "09.000000Z");
        assert_eq!(ids(&[("", ""), started, later]).len(), 1);
    }

    #[test]
    fn an_audit_id_that_a_client_uses_again_hides_nothing() {
        assert_eq!(ids(&[("", ""), ("00.000001Z", "00.000003Z")]).len(), 2);
        let cut = "\"requestReceivedTimestamp\":\"2026-01-01T00:00:00.000001Z\",";
        assert_eq!(ids(&[(cut, ""), (cut, "\"sourceIPs\":[\"10.0.0.1\"],")]).len(), 2);
    }

    #[test]
    fn a_request_that_was_only_received_is_not_judged() {
        assert_eq!(findings(&[("ResponseComplete", "RequestReceived")]), []);
    }

    #[test]
    fn a_refusal_lowers_the_level_and_a_dry_run_makes_it_informational() {
        let level = |change| findings(&[change]).first().map(|finding| finding.level);
        assert_eq!(level(("", "")), Some(Level::High));
        assert_eq!(level(("\"code\":200", "\"code\":403")), Some(Level::Medium));
        let dry = "\"/api/v1/secrets?dryRun=All\", \"verb\":\"create\", \"x\":\"";
        let dry = findings(&[("\"/api/v1/secrets\",                     \"verb\":\"list", dry)]);
        assert_eq!(dry.first().map(|finding| finding.level), Some(Level::Informational));
    }

    #[test]
    fn marked_values_read_back() {
        let values = ["a,b", "c\\", "d|e", "-", ""];
        let marked: Vec<String> = values.iter().map(|value| marked(value.chars())).collect();
        assert_eq!(unmarked(&marked.join(",")), values);
    }

    #[test]
    fn no_two_sets_of_values_make_one_dedup_key() {
        let found = findings(&[("", "")]);
        assert_eq!(found.first().map(|finding| finding.dedup.as_str()), Some("eve\\|1"));
        // Joined as the key joins them: one field after the other, values of one with a comma.
        let joined = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|text| marked(text.chars())).collect();
            fields.join("|")
        };
        assert_ne!(joined(&["a|", "b"]), joined(&["a", "|b"]));
        assert_ne!(joined(&["a\\", "b"]), joined(&["a|b"]));
        assert_ne!(joined(&["a,b"]), "a,b", "two values of one field");
        assert_ne!(joined(&["-"]), "-", "an absent field");
    }
}
