//! A request's query, strictly: only known parameters, each once, and an error that names the
//! parameter and what it may be. A misspelt filter must not silently filter nothing.

use std::str::FromStr;

use axum::extract::Query as Pairs;
use axum::http::Uri;

use super::problem::Problem;

/// The parameter in which the Functions host takes its key; it is the host's, not ours.
const KEY_PARAMETER: &str = "code";

/// The parameters of one request.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Takes the query apart.
    ///
    /// # Errors
    /// 400 when it cannot be read, or has a parameter that is not in `known`, or one twice.
    pub fn read(uri: &Uri, known: &[&'static str]) -> Result<Self, Problem> {
        let Pairs(mut pairs) =
            Pairs::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| Problem::bad_query())?;
        pairs.retain(|(name, _)| name != KEY_PARAMETER);
        if pairs.iter().any(|(name, _)| !known.contains(&name.as_str())) {
            return Err(Problem::unknown_parameter(known));
        }
        for name in known {
            if pairs.iter().filter(|(given, _)| given == name).count() > 1 {
                return Err(Problem::bad_parameter(name, "given more than once", &[]));
            }
        }
        Ok(Self { pairs })
    }

    /// A parameter's text; one that is empty counts as absent.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(given, _)| given == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// A parameter that is one of a few words.
    ///
    /// # Errors
    /// 400 with the words when it is none of them.
    pub fn word<T>(
        &self,
        name: &'static str,
        words: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match read(text) {
            Some(value) => Ok(Some(value)),
            None => {
                let detail = format!("`{name}` must be one of {}", words.join(", "));
                Err(Problem::bad_parameter(name, detail, words))
            }
        }
    }

    /// The parameter `limit`, from 1 to `max`.
    ///
    /// # Errors
    /// 400 with the bounds.
    pub fn limit(&self, default: usize, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.text("limit") else { return Ok(default) };
        match usize::from_str(text) {
            Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
            _ => {
                let detail = format!("`limit` must be a whole number from 1 to {max}");
                Err(Problem::bad_parameter("limit", detail, &[]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query, Problem> {
        Query::read(&format!("/x?{query}").parse().unwrap(), &["limit", "state"])
    }

    #[test]
    fn known_parameters_are_decoded_and_the_key_of_the_host_is_passed_over() {
        let query = read("state=a%20b&code=secret&limit=").unwrap();
        assert_eq!(query.text("state"), Some("a b"));
        assert_eq!(query.text("limit"), None);
        assert_eq!(query.text("code"), None);
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused_without_repeating_them() {
        let unknown = read("stat=open&%3Cscript%3E=1").unwrap_err();
        assert_eq!(unknown.word(), "unknown-parameter");
        assert!(!format!("{unknown:?}").contains("script"));
        assert_eq!(read("state=a&state=b").unwrap_err().word(), "bad-parameter");
    }

    #[test]
    fn a_limit_has_bounds() {
        assert_eq!(read("").unwrap().limit(50, 200), Ok(50));
        assert_eq!(read("limit=200").unwrap().limit(50, 200), Ok(200));
        for bad in ["0", "201", "-1", "1e3", "99999999999999999999"] {
            assert!(read(&format!("limit={bad}")).unwrap().limit(50, 200).is_err(), "{bad}");
        }
    }
}
