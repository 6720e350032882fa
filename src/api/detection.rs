//! A detection rule as JSON: what it is about and how to look into what it finds, for the
//! catalogue. It decides nothing.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::ruleset::Listed;

/// The value of `schema` in every detection.
pub const SCHEMA: &str = "midwatch.detection/v1";

/// One rule of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Detection)]
pub struct DetectionBody {
    /// Always `midwatch.detection/v1`.
    pub schema: &'static str,
    /// The Sigma UUID.
    pub id: String,
    /// The kebab-case id of the behaviour.
    pub name: String,
    pub title: String,
    pub description: String,
    /// informational, low, medium, high or critical.
    pub level: &'static str,
    /// on, opt-in, duet or building-block.
    pub mode: &'static str,
    /// Whether it is asked about events here: an opt-in rule is not until it is switched on, and
    /// correlations are run by `midwatch scan` only.
    pub active: bool,
    /// Why it can never match what AKS writes, when it cannot: others wrote it for another log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never: Option<String>,
    /// ATT&CK tactics in kebab case: `credential-access`.
    pub tactics: Vec<String>,
    /// ATT&CK techniques: `T1552.007`.
    pub techniques: Vec<String>,
    /// What sets it off without harm.
    pub false_positives: Vec<String>,
    pub references: Vec<String>,
    /// What to ask when it fires.
    pub questions: Vec<String>,
    /// What to look at when it fires.
    pub evidence: Vec<String>,
    /// Fields whose values fold findings into one alert.
    pub dedup: Vec<String>,
    /// Event time within which they fold, in seconds.
    pub window_seconds: i64,
}

impl DetectionBody {
    /// A rule, and whether it is asked about events.
    pub fn new(rule: &Listed<'_>, active: bool) -> Self {
        let (reference, metadata) = (rule.reference, rule.metadata);
        Self {
            schema: SCHEMA,
            id: reference.id.as_str().to_owned(),
            name: reference.name.clone(),
            title: reference.title.clone(),
            description: rule.description.unwrap_or_default().to_owned(),
            level: reference.level.as_str(),
            mode: reference.mode.as_str(),
            active,
            never: rule.never.map(str::to_owned),
            tactics: rule.tactics(),
            techniques: rule.techniques(),
            false_positives: rule.falsepositives.to_vec(),
            references: rule.references.to_vec(),
            questions: metadata.guide.questions.clone(),
            evidence: metadata.guide.evidence.clone(),
            dedup: metadata.dedup.clone(),
            window_seconds: metadata.window_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ruleset::RuleSet;

    #[test]
    fn every_shipped_rule_has_what_the_catalogue_shows() {
        let rules = RuleSet::builtin().expect("the shipped rules load");
        assert!(!rules.rules().is_empty());
        for (rule, active) in rules.catalogue() {
            let detection = DetectionBody::new(&rule, active);
            assert!(!detection.description.is_empty(), "{}", detection.name);
            assert!(!detection.tactics.is_empty(), "{}", detection.name);
            assert!(!detection.questions.is_empty(), "{}", detection.name);
        }
    }
}
