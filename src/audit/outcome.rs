//! How a request ended, from the status code and the authorizer's decision.

use crate::model::finding::Outcome;

/// Judges a status code and the annotation `authorization.k8s.io/decision`.
pub fn judge(code: Option<u16>, decision: Option<&str>) -> Outcome {
    match code {
        Some(401 | 403) => Outcome::Denied,
        _ if decision == Some("forbid") => Outcome::Denied,
        Some(101 | 200..=299) => Outcome::Allowed,
        Some(300..=599) => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_decisions_tell_the_outcome() {
        for (code, decision, expected) in [
            (Some(200), Some("allow"), Outcome::Allowed),
            (Some(101), None, Outcome::Allowed),
            (Some(403), Some("forbid"), Outcome::Denied),
            (Some(403), Some("allow"), Outcome::Denied),
            (Some(401), None, Outcome::Denied),
            (None, Some("forbid"), Outcome::Denied),
            (Some(409), Some("allow"), Outcome::Failed),
            (Some(302), None, Outcome::Failed),
            (None, Some("allow"), Outcome::Unknown),
            (Some(100), None, Outcome::Unknown),
            (Some(0), None, Outcome::Unknown),
        ] {
            assert_eq!(judge(code, decision), expected, "{code:?} {decision:?}");
        }
    }
}
