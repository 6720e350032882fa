//! Names for things, as types, so that a rule's id cannot be passed where an alert's is meant.

use std::fmt;

use sha2::{Digest, Sha256};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The Sigma `id` of a rule: a UUID in lower case.
    RuleId
}
text_id! {
    /// A finding's derived id: 32 hexadecimal digits. See [`FindingId::derive`].
    FindingId
}
text_id! {
    /// An alert's derived id: 32 hexadecimal digits. See [`AlertId::derive`].
    AlertId
}

text_id! {
    /// Who acts in one way: 32 hexadecimal digits. See [`SessionKey::derive`].
    SessionKey
}

impl SessionKey {
    /// Requests with the same principal, assumed identity, credential, block of addresses and kind
    /// of client belong together, as far as they follow each other closely (`triage::story`).
    pub fn derive(who: [&str; 5]) -> Self {
        Self(digest(&who))
    }
}

impl FindingId {
    /// One rule on one request to one cluster is one finding, whichever stage, container or replay
    /// brought it. `event` is what makes the request one of a kind: `audit::event::Event::identity`.
    pub fn derive(cluster: &ClusterId, event: &str, rule: &RuleId) -> Self {
        Self(digest(&[cluster.as_str(), event, rule.as_str()]))
    }
}

impl AlertId {
    /// Findings of one rule, cluster and dedup key whose event times fall into the same window
    /// fold into one alert. `window` is the window's number since the Unix epoch.
    pub fn derive(cluster: &ClusterId, rule: &RuleId, dedup: &str, window: i64) -> Self {
        let window = window.to_string();
        Self(digest(&[cluster.as_str(), rule.as_str(), dedup, &window]))
    }
}

/// A cluster: its ARM resource id in lower case, or a label chosen for an offline scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(String);

impl ClusterId {
    /// Lowers the case, because storage paths spell ARM ids in upper case and Log Analytics in
    /// lower case for the same cluster.
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Reads the ARM resource id of an AKS cluster, in any case: subscription, resource group,
    /// provider and name, and nothing else.
    pub fn from_arm(id: &str) -> Option<Self> {
        let lower = id.to_lowercase();
        let parts: Vec<&str> = lower.split('/').collect();
        let [
            "",
            "subscriptions",
            subscription,
            "resourcegroups",
            group,
            "providers",
            "microsoft.containerservice",
            "managedclusters",
            name,
        ] = parts.as_slice()
        else {
            return None;
        };
        let whole = ![subscription, group, name].iter().any(|part| part.is_empty());
        whole.then(|| Self::new(&lower))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment of the ARM id: the name people use.
    pub fn short_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first 128 bits of a SHA-256 over the parts, each preceded by its length so that no two
/// lists of parts run together.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_collide_when_text_moves_between_the_parts() {
        let rule = RuleId::new("r");
        let a = FindingId::derive(&ClusterId::new("ab"), "c", &rule);
        let b = FindingId::derive(&ClusterId::new("a"), "bc", &rule);
        assert_ne!(a, b);
        assert_eq!(a.as_str().len(), 32);
    }

    #[test]
    fn a_cluster_is_the_same_in_upper_and_lower_case() {
        let cluster = ClusterId::new("/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD1");
        assert_eq!(cluster, ClusterId::new("/subscriptions/s/managedclusters/prod1"));
        assert_eq!(cluster.short_name(), "prod1");
    }
}
