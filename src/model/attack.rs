//! MITRE ATT&CK tags of Sigma (`attack.t1552.007`, `attack.credential-access`), parsed.

/// One ATT&CK reference of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// A technique or sub-technique in its official spelling: `T1552.007`.
    Technique(String),
    /// A tactic as kebab-case words: `credential-access`.
    Tactic(String),
}

impl Attack {
    /// Reads a Sigma tag; `None` when it is of another namespace or malformed.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let rest = tag.strip_prefix("attack.")?;
        let digits = rest.strip_prefix('t').or_else(|| rest.strip_prefix('T'));
        match digits {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                let (main, sub) = match digits.split_once('.') {
                    Some((main, sub)) => (main, Some(sub)),
                    None => (digits, None),
                };
                let all_digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
                let well_formed = main.len() == 4
                    && all_digits(main)
                    && sub.is_none_or(|sub| sub.len() == 3 && all_digits(sub));
                well_formed.then(|| Self::Technique(format!("T{digits}")))
            }
            _ => {
                let word = rest.replace('_', "-");
                let kebab =
                    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                kebab.then_some(Self::Tactic(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigma_tags_become_techniques_and_tactics() {
        let technique = |t: &str| Some(Attack::Technique(t.into()));
        assert_eq!(Attack::from_tag("attack.t1552.007"), technique("T1552.007"));
        assert_eq!(Attack::from_tag("attack.T1611"), technique("T1611"));
        assert_eq!(
            Attack::from_tag("attack.credential_access"),
            Some(Attack::Tactic("credential-access".into()))
        );
        for bad in ["attack.t15", "attack.t1552.7", "cve.2020-8554", "attack."] {
            assert_eq!(Attack::from_tag(bad), None, "{bad}");
        }
    }
}
