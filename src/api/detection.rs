//! A detection rule as JSON: what it is about and how to look into what it finds, for the
//! catalogue. It decides nothing.

use serde::Serialize;
use utoipa::ToSchema;

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
