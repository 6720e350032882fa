//! Correlation documents: what must happen together, or often enough, within a time. Owns their
//! reading and validation; nothing here runs them.

use std::collections::BTreeMap;

use super::condition::{self, Condition};
use super::error::{Faults, quote};
use super::metadata::{self, Metadata, Word};
use super::node::{Entry, Kind, Node, Place, Scalar, Value};
pub use extension::{Absent, FieldName, RiskLimits};

pub mod extension;

/// Rules and groups that one correlation may name.
const NAMES_MAX: usize = 200;

/// A correlation of rules, or of other correlations.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    pub metadata: Metadata,
    pub kind: CorrelationKind,
    /// Rules or correlations, by id or name. At least one; two for the temporal kinds.
    pub rules: Vec<RuleName>,
    /// Fields or aliases whose values must be equal; empty for one group of everything.
    pub group_by: Vec<String>,
    /// Alias → rule → the field that the alias stands for in that rule's events.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// The length of the window in seconds. A month counts 30 days, a year 365.
    pub timespan_seconds: u64,
    pub condition: CorrelationCondition,
    /// Fields or aliases in which the events of the rules must differ; an extension of Midwatch.
    pub differ: Vec<FieldName>,
    /// Rules of which none may have an event afterwards; an extension of Midwatch.
    pub absent: Option<Absent>,
    /// What the rules that fired must weigh together; an extension of Midwatch.
    pub risk: Option<RiskLimits>,
    /// The rules referred to report on their own as well.
    pub generate: bool,
    pub file: String,
    /// Where the document begins.
    pub line: u32,
}

/// A reference to a rule by id or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    pub text: String,
    pub place: Place,
}

/// What a correlation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CorrelationKind {
    EventCount,
    ValueCount,
    ValueSum,
    ValueAvg,
    ValuePercentile,
    ValueMedian,
    Temporal,
    TemporalOrdered,
}

/// When a window is a hit.
#[derive(Debug, Clone, PartialEq)]
pub enum CorrelationCondition {
    /// Every bound holds for the count or value.
    Bounds { bounds: Vec<Bound>, fields: Vec<String>, percentile: Option<u8> },
    /// Every rule has an event in the window (in their order, when ordered).
    AllRules,
    /// A condition over the rules, numbered as in [`Correlation::rules`].
    Rules(Condition),
}

/// A limit of the count or value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    pub relation: Relation,
    pub value: f64,
}

/// How the count stands to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Word for CorrelationKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("event_count", Self::EventCount),
        ("value_count", Self::ValueCount),
        ("value_sum", Self::ValueSum),
        ("value_avg", Self::ValueAvg),
        ("value_percentile", Self::ValuePercentile),
        ("value_median", Self::ValueMedian),
        ("temporal", Self::Temporal),
        ("temporal_ordered", Self::TemporalOrdered),
    ];
}

impl CorrelationKind {
    /// Whether the kind is about which rules fired, not about how often or with which values.
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }

    /// The word of the documents.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    fn takes_field(self) -> bool {
        !self.is_temporal() && self != Self::EventCount
    }
}

impl Correlation {
    /// Everything that it is made of: its rules, and those that must not follow.
    pub fn members(&self) -> impl Iterator<Item = &RuleName> {
        self.rules.iter().chain(self.absent.iter().flat_map(|absent| &absent.rules))
    }

    /// The fields whose values count; none for kinds that count events or rules.
    pub fn fields(&self) -> &[String] {
        match &self.condition {
            CorrelationCondition::Bounds { fields, .. } => fields,
            CorrelationCondition::AllRules | CorrelationCondition::Rules(_) => &[],
        }
    }
}

pub(crate) fn read(node: &Node, section: &Entry, faults: &mut Faults) -> Option<Correlation> {
    let metadata = metadata::read(node, &["correlation"], faults);
    for key in ["generate", "logsource"] {
        if let Some(entry) = node.entries().iter().find(|entry| entry.key == key) {
            let reason = match key {
                "generate" => "`generate` belongs under `correlation`; move it there",
                _ => "a correlation has no `logsource`; its rules have",
            };
            faults.add(entry.place, reason);
        }
    }
    let Value::Map(entries) = &section.value.value else {
        let kind = section.value.description();
        faults.add(section.value.place, format!("`correlation` must be a map, not {kind}"));
        return None;
    };
    let parts = Parts { entries, place: section.place };
    let kind = parts.required("type", faults).and_then(|entry| metadata::word(entry, faults));
    let rules = parts.required("rules", faults).map(|entry| rules(entry, faults));
    let timespan = parts.required("timespan", faults).and_then(|entry| timespan(entry, faults));
    let group_by = parts.get("group-by").map(|entry| one_or_more(entry, faults));
    let rule_names = rules.as_deref().unwrap_or_default();
    let absent = extension::absent(node, faults);
    let not_to_follow = absent.iter().flat_map(|absent| &absent.rules);
    let named: Vec<&RuleName> = rule_names.iter().chain(not_to_follow).collect();
    let aliases = parts.get("aliases").map(|entry| aliases(entry, &named, faults));
    let generate = parts.get("generate").map(|entry| boolean(entry, faults));
    parts.refuse_unknown(faults);
    if let (Some(kind), Some(rules)) = (kind, &rules) {
        check_rule_count(kind, rules, parts.place, faults);
    }
    let condition = kind.and_then(|kind| condition(kind, &parts, rule_names, faults));
    let (kind, condition, group_by) = (kind?, condition?, group_by.unwrap_or_default());
    let core =
        extension::Core { kind, rules: rule_names, group_by: &group_by, condition: &condition };
    let differ = extension::differ(node, &core, faults);
    let risk = extension::risk(node, &core, faults);
    Some(Correlation {
        metadata,
        kind,
        condition,
        rules: rules?,
        group_by,
        differ,
        absent,
        risk,
        aliases: aliases.unwrap_or_default(),
        timespan_seconds: timespan?,
        generate: generate.unwrap_or_default(),
        file: faults.file().to_owned(),
        line: node.place.line,
    })
}

struct Parts<'a> {
    entries: &'a [Entry],
    place: Place,
}

impl<'a> Parts<'a> {
    fn get(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn required(&self, key: &str, faults: &mut Faults) -> Option<&'a Entry> {
        let found = self.get(key);
        if found.is_none() {
            faults.add(self.place, format!("`{key}` is missing under `correlation`; add it"));
        }
        found
    }

    fn refuse_unknown(&self, faults: &mut Faults) {
        const KNOWN: [&str; 7] =
            ["type", "rules", "group-by", "aliases", "timespan", "condition", "generate"];
        for entry in self.entries {
            if !KNOWN.contains(&entry.key.as_str()) {
                let known = KNOWN.join(", ");
                let reason = format!("a correlation has no {}; it has {known}", quote(&entry.key));
                faults.add(entry.place, reason);
            }
        }
    }
}

fn rules(entry: &Entry, faults: &mut Faults) -> Vec<RuleName> {
    let nodes = match &entry.value.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut found: Vec<RuleName> = Vec::new();
    for node in nodes.iter().take(NAMES_MAX) {
        match node.text() {
            Some(text) if found.iter().any(|rule| rule.text == text) => {
                faults.add(node.place, format!("{} stands here twice; remove one", quote(text)));
            }
            Some(text) => found.push(RuleName { text: text.to_owned(), place: node.place }),
            None => faults.add(node.place, "`rules` lists ids or names of rules"),
        }
    }
    if nodes.len() > NAMES_MAX {
        faults.add(entry.place, format!("more than {NAMES_MAX} rules; split the correlation"));
    }
    found
}

fn check_rule_count(kind: CorrelationKind, rules: &[RuleName], place: Place, faults: &mut Faults) {
    if rules.is_empty() {
        faults.add(place, "`rules` is empty; name what is correlated");
    } else if kind.is_temporal() && rules.len() < 2 {
        faults.add(place, "a temporal correlation needs two rules or more; or use event_count");
    }
}

fn one_or_more(entry: &Entry, faults: &mut Faults) -> Vec<String> {
    match &entry.value.value {
        Value::Scalar(_) => metadata::text(entry, faults).into_iter().collect(),
        _ => metadata::texts(entry, faults),
    }
}

fn boolean(entry: &Entry, faults: &mut Faults) -> bool {
    entry.value.boolean().unwrap_or_else(|| {
        faults.add(entry.value.place, format!("{} is true or false", quote(&entry.key)));
        false
    })
}

fn timespan(entry: &Entry, faults: &mut Faults) -> Option<u64> {
    let seconds = entry.value.text().and_then(seconds).filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        let reason = "`timespan` is a number with a unit s, m, h, d, w, M or y, as in 15m";
        faults.add(entry.value.place, reason);
    }
    seconds
}

/// `15m` as seconds. A month counts 30 days, a year 365.
pub fn seconds(text: &str) -> Option<u64> {
    const DAY: u64 = 86_400;
    let unit = text.chars().last()?;
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => DAY,
        'w' => 7 * DAY,
        'M' => 30 * DAY,
        'y' => 365 * DAY,
        _ => return None,
    };
    count.checked_mul(seconds)
}

fn aliases(
    entry: &Entry,
    rules: &[&RuleName],
    faults: &mut Faults,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    if !matches!(entry.value.value, Value::Map(_)) {
        faults.add(entry.value.place, "`aliases` maps a name to a field of each rule");
    }
    for alias in entry.value.entries() {
        let mut fields = BTreeMap::new();
        if alias.value.entries().is_empty() {
            let reason = format!("the alias {} must map rules to fields", quote(&alias.key));
            faults.add(alias.place, reason);
        }
        for field in alias.value.entries() {
            if !rules.iter().any(|rule| rule.text == field.key) {
                let reason = format!("{} is not listed under `rules`; add it", quote(&field.key));
                faults.add(field.place, reason);
            }
            fields.extend(metadata::text(field, faults).map(|text| (field.key.clone(), text)));
        }
        found.insert(alias.key.clone(), fields);
    }
    found
}

fn condition(
    kind: CorrelationKind,
    parts: &Parts<'_>,
    rules: &[RuleName],
    faults: &mut Faults,
) -> Option<CorrelationCondition> {
    let Some(entry) = parts.get("condition") else {
        if kind.is_temporal() {
            return Some(CorrelationCondition::AllRules);
        }
        faults.add(parts.place, "`condition` is missing; say how much is too much, as `gte: 10`");
        return None;
    };
    match &entry.value.value {
        Value::Map(_) => bounds(kind, entry, faults),
        Value::Scalar(Scalar { kind: Kind::Text, text, .. }) if kind.is_temporal() => {
            let names: Vec<&str> = rules.iter().map(|rule| rule.text.as_str()).collect();
            match condition::parse(text, &names) {
                Ok(parsed) => Some(CorrelationCondition::Rules(parsed)),
                Err(fault) => {
                    faults.add(entry.value.place_at(fault.offset), fault.reason);
                    None
                }
            }
        }
        _ if kind.is_temporal() => {
            let reason = "this condition is text over the rules (`a and not b`), or bounds";
            faults.add(entry.value.place, reason);
            None
        }
        _ => {
            faults.add(entry.value.place, "`condition` is a map of bounds here, as `gte: 10`");
            None
        }
    }
}

fn bounds(
    kind: CorrelationKind,
    entry: &Entry,
    faults: &mut Faults,
) -> Option<CorrelationCondition> {
    let before = faults.len();
    let mut bounds = Vec::new();
    let mut fields = Vec::new();
    let mut percentile = None;
    for part in entry.value.entries() {
        match (part.key.as_str(), relation(&part.key)) {
            (_, Some(relation)) => {
                bounds.extend(number(part, faults).map(|value| Bound { relation, value }));
            }
            ("field", _) if kind.takes_field() => fields = one_or_more(part, faults),
            ("field", _) => {
                faults.add(part.place, "only the value types count a `field`; remove it");
            }
            ("percentile", _) if kind == CorrelationKind::ValuePercentile => {
                percentile = number(part, faults)
                    .and_then(|value| (0..=100).find(|whole| f64::from(*whole) == value));
                if percentile.is_none() {
                    faults.add(part.value.place, "`percentile` is a whole number from 0 to 100");
                }
            }
            (other, _) => {
                let reason = format!("no bound is called {}", quote(other));
                faults.add(part.place, reason + "; use gt, gte, lt, lte, eq or neq");
            }
        }
    }
    if bounds.is_empty() && faults.len() == before {
        faults.add(entry.place, "`condition` has no bound; add one, as `gte: 10`");
    }
    if kind.takes_field() && fields.is_empty() && faults.len() == before {
        faults.add(entry.place, "`field` is missing; name the field whose values count");
    }
    check_range(&bounds, entry.place, faults);
    (faults.len() == before).then_some(CorrelationCondition::Bounds { bounds, fields, percentile })
}

fn check_range(bounds: &[Bound], place: Place, faults: &mut Faults) {
    let lower = bounds
        .iter()
        .find(|bound| matches!(bound.relation, Relation::Greater | Relation::GreaterOrEqual));
    let upper = bounds
        .iter()
        .find(|bound| matches!(bound.relation, Relation::Less | Relation::LessOrEqual));
    if let (Some(lower), Some(upper)) = (lower, upper)
        && lower.value > upper.value
    {
        faults.add(place, "no number lies in this range; swap the bounds");
    }
}

fn relation(key: &str) -> Option<Relation> {
    Some(match key {
        "lt" => Relation::Less,
        "lte" => Relation::LessOrEqual,
        "gt" => Relation::Greater,
        "gte" => Relation::GreaterOrEqual,
        "eq" => Relation::Equal,
        "neq" => Relation::NotEqual,
        _ => return None,
    })
}

fn number(entry: &Entry, faults: &mut Faults) -> Option<f64> {
    let value = match &entry.value.value {
        Value::Scalar(Scalar { kind: Kind::Int(_) | Kind::Float(_), text, .. }) => {
            text.parse::<f64>().ok()
        }
        _ => None,
    };
    if value.is_none() {
        faults.add(entry.value.place, format!("{} needs a number", quote(&entry.key)));
    }
    value
}

#[cfg(test)]
mod tests;
