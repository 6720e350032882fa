//! What Midwatch adds to correlations, below the custom key `midwatch` of their documents. Owns
//! the reading and validation; nothing here runs them.
//!
//! An extension only narrows: without it the document is a valid Sigma correlation that fires more
//! often. So whoever does not know the extension is told too much, and never too little.

use super::{CorrelationCondition, CorrelationKind, RuleName};
use crate::sigma::error::{Faults, quote};
use crate::sigma::node::{Entry, Node, Place, Value};

/// The custom key under which they stand.
const SECTION: &str = "midwatch";
/// Values of the steps must differ.
const DIFFER: &str = "differ";
/// Rules that must not follow.
const ABSENT: &str = "absent";
/// What the rules that fired must weigh together.
const RISK: &str = "risk";
/// The extensions that only correlations have.
pub const KEYS: [&str; 3] = [DIFFER, ABSENT, RISK];
/// How long an absence may be waited for, in seconds: thirty days.
const WITHIN_MAX: u64 = 30 * 24 * 60 * 60;
/// The highest score and number of tactics that can be asked for: ATT&CK has fourteen tactics.
const SCORE_MAX: u32 = 1_000;
const TACTICS_MAX: u32 = 14;
/// Fields in which steps must differ, at most.
const DIFFER_FIELDS_MAX: usize = 4;
/// Rules whose events are compared with each other, at most: every choice is weighed against
/// every other.
const DIFFER_RULES_MAX: usize = 6;

/// A field or an alias, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldName {
    pub text: String,
    pub place: Place,
}

/// Rules of which none may have an event after the condition held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Rules or correlations, by id or name. At least one.
    pub rules: Vec<RuleName>,
    /// For how long after the moment at which the condition held.
    pub within_seconds: u64,
    /// Where the document asks for it.
    pub place: Place,
}

/// What the rules that fired must come to: the sum of their weights, by level, and the number of
/// their tactics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskLimits {
    pub score: u32,
    pub tactics: u32,
}

/// What the extensions are checked against.
pub(super) struct Core<'a> {
    pub kind: CorrelationKind,
    pub rules: &'a [RuleName],
    pub group_by: &'a [String],
    pub condition: &'a CorrelationCondition,
}

/// Refuses the extensions in a document that is no correlation; `what` says what it is.
pub(in crate::sigma) fn refuse(node: &Node, what: &str, faults: &mut Faults) {
    let Some(section) = node.get(SECTION) else { return };
    for entry in section.entries().iter().filter(|entry| KEYS.contains(&entry.key.as_str())) {
        let reason = format!(
            "`midwatch.{}` is about several events, and this is {what}; remove it, or write a \
             correlation and put it there",
            entry.key
        );
        faults.add(entry.place, reason);
    }
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Entry> {
    node.get(SECTION)?.entries().iter().find(|entry| entry.key == key)
}

/// The fields in which the events of the steps must differ; none when the document does not ask.
pub(super) fn differ(node: &Node, core: &Core<'_>, faults: &mut Faults) -> Vec<FieldName> {
    let Some(entry) = entry(node, DIFFER) else { return Vec::new() };
    let fields = fields(entry, faults);
    if !core.kind.is_temporal() {
        let reason = format!(
            "`midwatch.differ` compares the events of different rules, and {} counts events; use \
             temporal or temporal_ordered, or remove it",
            core.kind.as_str()
        );
        faults.add(entry.place, reason);
    } else if *core.condition != CorrelationCondition::AllRules {
        let reason = "`midwatch.differ` compares one event of every rule; remove `condition`, or \
                      write a correlation for each of its alternatives";
        faults.add(entry.place, reason);
    }
    if core.rules.len() > DIFFER_RULES_MAX {
        let reason =
            format!("`midwatch.differ` compares {DIFFER_RULES_MAX} rules at most; name fewer");
        faults.add(entry.place, reason);
    }
    for field in fields.iter().filter(|field| core.group_by.contains(&field.text)) {
        let reason = format!(
            "{} is the same in all events of a group and can never differ; remove it here or from \
             `group-by`",
            quote(&field.text)
        );
        faults.add(field.place, reason);
    }
    fields
}

/// What must not follow; `None` when the document does not ask.
pub(super) fn absent(node: &Node, faults: &mut Faults) -> Option<Absent> {
    let entry = entry(node, ABSENT)?;
    let before = faults.len();
    let mut rules = Vec::new();
    let mut within = None;
    for part in entry.value.entries() {
        match part.key.as_str() {
            "rules" => rules = super::rules(part, faults),
            "within" => {
                within = part.value.text().and_then(super::seconds);
                if !within.is_some_and(|seconds| (1..=WITHIN_MAX).contains(&seconds)) {
                    let reason = "`midwatch.absent.within` is a time of 30d at most, as 10m";
                    faults.add(part.value.place, reason);
                }
            }
            other => {
                let reason = format!("`midwatch.absent` has no {}", quote(other));
                faults.add(part.place, reason + "; it has rules and within");
            }
        }
    }
    if faults.len() == before && (rules.is_empty() || within.is_none()) {
        let reason = "`midwatch.absent` needs what must not follow and for how long, as \
                      `{rules: [pod-gone], within: 1h}`";
        faults.add(entry.place, reason);
    }
    Some(Absent { rules, within_seconds: within?, place: entry.place })
}

fn fields(entry: &Entry, faults: &mut Faults) -> Vec<FieldName> {
    let nodes = match &entry.value.value {
        Value::List(items) => items.as_slice(),
        _ => &[],
    };
    if nodes.is_empty() || nodes.len() > DIFFER_FIELDS_MAX {
        let reason = format!(
            "`midwatch.differ` is a list of one to {DIFFER_FIELDS_MAX} fields, as \
             `[midwatch.source.address]`"
        );
        faults.add(entry.value.place, reason);
        return Vec::new();
    }
    let mut fields: Vec<FieldName> = Vec::new();
    for node in nodes {
        match node.text() {
            Some(text) if fields.iter().any(|field| field.text == text) => {
                faults.add(node.place, format!("{} stands here twice; remove one", quote(text)));
            }
            Some(text) => fields.push(FieldName { text: text.to_owned(), place: node.place }),
            None => faults.add(node.place, "`midwatch.differ` lists fields or aliases"),
        }
    }
    fields
}

/// What the rules must weigh; `None` when the document does not ask.
pub(super) fn risk(node: &Node, core: &Core<'_>, faults: &mut Faults) -> Option<RiskLimits> {
    let entry = entry(node, RISK)?;
    let counts_rules = matches!(core.condition, CorrelationCondition::Bounds { .. });
    if core.kind != CorrelationKind::Temporal || !counts_rules {
        let reason = "`midwatch.risk` weighs the rules that fired, so the correlation counts them: \
                      write `type: temporal` and `condition: {gte: 2}`";
        faults.add(entry.place, reason);
    }
    for part in
        entry.value.entries().iter().filter(|p| !["score", "tactics"].contains(&p.key.as_str()))
    {
        let reason = format!("`midwatch.risk` has no {}; it has score, tactics", quote(&part.key));
        faults.add(part.place, reason);
    }
    let mut number = |key: &str, most: u32| {
        let value = entry.value.get(key);
        let number = value.and_then(Node::text).and_then(|text| text.parse::<u32>().ok());
        let sound = number.filter(|number| (1..=most).contains(number));
        if sound.is_none() {
            let place = value.map_or(entry.place, |value| value.place);
            faults.add(place, format!("`midwatch.risk.{key}` is a number from 1 to {most}"));
        }
        sound
    };
    let (score, tactics) = (number("score", SCORE_MAX), number("tactics", TACTICS_MAX));
    Some(RiskLimits { score: score?, tactics: tactics? })
}
