//! Reads settings one by one and collects what is wrong, so that nobody has to start a process
//! five times to learn of five faults.

use std::fmt::Display;

use super::environment::Environment;
use super::fault::ConfigFault;

/// An environment, and the faults found in it so far.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    faults: Vec<ConfigFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self { environment, faults: Vec::new() }
    }

    pub(super) fn environment(&self) -> &'a Environment {
        self.environment
    }

    pub(super) fn get(&self, name: &'static str) -> Option<&'a str> {
        self.environment.get(name)
    }

    /// Notes what is wrong with a setting. `reason` must not repeat its value.
    pub(super) fn fault(&mut self, name: &'static str, reason: impl Display) {
        self.faults.push(ConfigFault { name, reason: reason.to_string() });
    }

    /// The value, or a fault that says what to set it to.
    pub(super) fn required(&mut self, name: &'static str, cure: &str) -> Option<&'a str> {
        let value = self.get(name);
        if value.is_none() {
            self.fault(name, format!("is not set; {cure}"));
        }
        value
    }

    /// A whole number between two bounds, both inclusive.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        default: u64,
        (min, max): (u64, u64),
    ) -> Option<u64> {
        let number = match self.get(name) {
            None => Some(default),
            Some(text) => text.parse().ok().filter(|number| (min..=max).contains(number)),
        };
        if number.is_none() {
            self.fault(name, format!("must be a whole number from {min} to {max}"));
        }
        number
    }

    /// The parts of a comma-separated list, without blanks and empty parts.
    pub(super) fn list(&self, name: &'static str) -> Vec<&'a str> {
        let parts = self.get(name).unwrap_or_default().split(',');
        parts.map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    /// A setting that the chosen credential does not use: left over, and perhaps a secret.
    pub(super) fn unused(&mut self, names: &[&'static str], choice: &str) {
        for name in names {
            if self.get(name).is_some() {
                self.fault(
                    name,
                    format!("is not used by MIDWATCH_CREDENTIAL={choice}; remove it, or choose another credential"),
                );
            }
        }
    }

    pub(super) fn into_faults(self) -> Vec<ConfigFault> {
        self.faults
    }
}
