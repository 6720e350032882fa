//! Configuration: the only place that reads the process environment. Every fault is reported at
//! once and by name, each with its cure; a setting that is wrong never falls back to a default.

pub mod credential;
pub mod docs;
pub mod environment;
pub mod fault;
mod reader;
pub mod sections;

use crate::adapters::azure::credential::CredentialChoice;
pub use environment::Environment;
pub use fault::{ConfigFault, ConfigFaults};
use reader::Reader;
use sections::{
    LimitSettings, LogSettings, QueueSettings, RuleSettings, StateSettings, TelemetrySettings,
};

/// Everything `serve` needs to know, checked. `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub log: LogSettings,
    pub state: StateSettings,
    pub queue: QueueSettings,
    pub credential: CredentialChoice,
    pub rules: RuleSettings,
    pub limits: LimitSettings,
    pub telemetry: TelemetrySettings,
    /// Variables that begin with `MIDWATCH_` and mean nothing: misspelt, or of another version.
    /// Worth a warning, not a refusal to start: a newer package must start beside old settings.
    pub unknown: Vec<String>,
}

impl Settings {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(environment: &Environment) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::new(environment);
        let settings = Self::read_with(&mut reader);
        match (settings, reader.into_faults()) {
            (Some(settings), faults) if faults.is_empty() => Ok(settings),
            (_, faults) => Err(ConfigFaults(faults)),
        }
    }

    /// Every part is read before any is missed, so that every fault is found.
    fn read_with(reader: &mut Reader<'_>) -> Option<Self> {
        let credential = credential::read(reader);
        let log = LogSettings::read(reader, credential.as_ref());
        let state = StateSettings::read(reader, credential.as_ref());
        let queue = QueueSettings::read(reader, credential.as_ref());
        let rules = RuleSettings::read(reader);
        let limits = LimitSettings::read(reader);
        let telemetry = TelemetrySettings::read(reader);
        let unknown = reader
            .environment()
            .names("MIDWATCH_")
            .filter(|name| !docs::SETTINGS.iter().any(|setting| setting.name == *name))
            .map(str::to_owned)
            .collect();
        Some(Self {
            log: log?,
            state: state?,
            queue: queue?,
            credential: credential?,
            rules,
            limits: limits?,
            telemetry: telemetry?,
            unknown,
        })
    }
}

#[cfg(test)]
mod tests;
