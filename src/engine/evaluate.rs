//! Events in, findings out: the plain evaluator. It asks every rule about every event and shares
//! nothing between them; the fast path of a later day is measured against it.

use std::collections::{BTreeSet, HashSet};

use crate::audit::event::Event;
use crate::model::fields::Fields;
use crate::model::finding::{EventRef, Finding, Outcome};
use crate::model::ids::{AlertId, FindingId};
use crate::model::level::Level;

use super::metadata::{Denied, Metadata};
use super::ruleset::{LoadedRule, RuleSet};

/// Reasons kept with a finding, at most. A rule has a handful; a keyword list may have more.
const REASONS_MAX: usize = 32;
/// Values of one dedup field that enter the key, at most, and characters of each.
const DEDUP_VALUES_MAX: usize = 4;
const DEDUP_CHARS_MAX: usize = 200;

/// Every finding of the batch, in the order of events and then of rules; each id once, so that an
/// event that comes in two stages is told at its first.
pub fn evaluate(rules: &RuleSet, events: &[Event]) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut findings = Vec::new();
    for event in events.iter().filter(|event| is_judged(event)) {
        for rule in rules.rules() {
            if !rule.matcher.matches(event) {
                continue;
            }
            let finding = finding(rule, event);
            if seen.insert(finding.id.clone()) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// A request that has only been received has no outcome yet and comes again in a later stage.
pub(super) fn is_judged(event: &Event) -> bool {
    event.stage() != "RequestReceived"
}

/// The finding of a rule that fired on an event.
fn finding(rule: &LoadedRule, event: &Event) -> Finding {
    let cluster = event.cluster().clone();
    let audit_id = event.audit_id().to_owned();
    let time = event.time();
    let dedup = dedup_key(&rule.metadata, event);
    let window = rule.metadata.window_seconds;
    let mut why = rule.matcher.explain(event).reasons();
    why.truncate(REASONS_MAX);
    Finding {
        id: FindingId::derive(&cluster, &audit_id, &rule.reference.id),
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
            .map(|text| text.chars().take(DEDUP_CHARS_MAX).collect::<String>().replace('|', "||"))
            .collect();
        let kept: Vec<String> = values.into_iter().take(DEDUP_VALUES_MAX).collect();
        if kept.is_empty() { "-".to_owned() } else { kept.join(",") }
    });
    parts.collect::<Vec<_>>().join("|")
}
