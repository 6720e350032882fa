//! The environment as a value, so that everything else takes it as a parameter.

use std::collections::BTreeMap;
use std::fmt;

/// Variables by name. Its `Debug` shows names only, because values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. Names and values that are no UTF-8 are left out.
    #[expect(clippy::disallowed_methods, reason = "the single place that reads the environment")]
    pub fn from_process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self(pairs.collect())
    }

    /// The given variables; tests and the local mode use it.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value without blanks around it; an empty value counts as not set, because that is how
    /// a portal clears a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Names that are set and start with `prefix`, in order.
    pub fn names(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_not_set() {
        let environment = Environment::from_pairs([("A", " x "), ("B", "  "), ("C", "")]);
        assert_eq!(environment.get("A"), Some("x"));
        assert_eq!((environment.get("B"), environment.get("C")), (None, None));
        assert_eq!(environment.names("").count(), 3);
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?}", Environment::from_pairs([("KEY", "hunter2")]));
        assert_eq!(shown, r#"{"KEY"}"#);
    }

    #[test]
    fn the_process_has_an_environment() {
        assert!(Environment::from_process().get("PATH").is_some());
    }
}
