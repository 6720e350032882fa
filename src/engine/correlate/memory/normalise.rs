//! What of a value is remembered: a value without the parts that change although nothing new
//! happened. A closed list; each is a function of the value, and of the node that called.

use std::borrow::Cow;

use crate::audit::{client, source};

/// How a value becomes what is remembered of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Normaliser {
    ClientFamily,
    Network,
    WithoutNode,
    WithoutRandom,
}

/// Letters and digits of random suffixes of names (`k8s.io/apimachinery/pkg/util/rand`): no vowels,
/// and nothing that looks like one.
const RANDOM: &str = "bcdfghjklmnpqrstvwxz2456789";
/// Those of them that stand for the ten digits in the hash of a template.
const HASH: &str = "456789bcdf";
/// Characters of a random suffix.
const SUFFIX: usize = 5;

impl Normaliser {
    /// The words of the documents.
    pub(in crate::engine) const ALL: [(&'static str, Self); 4] = [
        ("client-family", Self::ClientFamily),
        ("network", Self::Network),
        ("without-node", Self::WithoutNode),
        ("without-random", Self::WithoutRandom),
    ];

    /// What is remembered of the value; `node` is the name of the calling node, when a node
    /// called. What a normaliser does not understand stays as it is.
    pub(in crate::engine) fn apply<'a>(self, value: &'a str, node: Option<&str>) -> Cow<'a, str> {
        match self {
            Self::ClientFamily => client::family(value).map_or(Cow::Borrowed(value), Cow::Owned),
            Self::Network => source::block(value).map_or(Cow::Borrowed(value), Cow::Owned),
            Self::WithoutNode => Cow::Borrowed(without_node(value, node).unwrap_or(value)),
            Self::WithoutRandom => Cow::Borrowed(without_random(value).unwrap_or(value)),
        }
    }
}

/// A mirror pod is called after its manifest and its node.
fn without_node<'a>(value: &'a str, node: Option<&str>) -> Option<&'a str> {
    let node = node.filter(|node| !node.is_empty())?;
    let name = value.strip_suffix(node)?.strip_suffix('-')?;
    (!name.is_empty()).then_some(name)
}

/// A pod's name without its random suffix, and without the template hash of its replica set.
fn without_random(value: &str) -> Option<&str> {
    let (name, suffix) = value.rsplit_once('-')?;
    if name.is_empty() || suffix.len() != SUFFIX || !suffix.chars().all(|c| RANDOM.contains(c)) {
        return None;
    }
    let hashed = name.rsplit_once('-').filter(|(owner, hash)| {
        !owner.is_empty()
            && (6..=10).contains(&hash.len())
            && hash.chars().all(|c| HASH.contains(c))
    });
    Some(hashed.map_or(name, |(owner, _)| owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_normaliser_drops_what_changes_although_nothing_new_happened() {
        let node = "aks-nodepool1-12345678-vmss00000a";
        for (word, value, expected) in [
            ("client-family", "kubectl/v1.36.4 (linux/amd64) kubernetes/bb826b1", "kubectl"),
            ("client-family", "Helm/3.15.1", "helm"),
            ("client-family", "", ""),
            ("network", "203.0.113.77", "203.0.113.0/24"),
            ("network", "::ffff:203.0.113.77", "203.0.113.0/24"),
            ("network", "2001:db8:1:2::3", "2001:db8:1::/48"),
            ("network", "unknown", "unknown"),
            ("without-node", "kube-proxy-aks-nodepool1-12345678-vmss00000a", "kube-proxy"),
            (
                "without-node",
                "kube-proxy-aks-nodepool1-12345678-vmss00000b",
                "kube-proxy-aks-nodepool1-12345678-vmss00000b",
            ),
            (
                "without-node",
                "aks-nodepool1-12345678-vmss00000a",
                "aks-nodepool1-12345678-vmss00000a",
            ),
            (
                "without-node",
                "-aks-nodepool1-12345678-vmss00000a",
                "-aks-nodepool1-12345678-vmss00000a",
            ),
            ("without-random", "web-7d4b9c8f65-x2x7k", "web"),
            ("without-random", "web-front-7d4b9c8f65-x2x7k", "web-front"),
            ("without-random", "agent-x2x7k", "agent"),
            ("without-random", "agent-9999999999-x2x7k", "agent"),
            ("without-random", "agent-blue-x2x7k", "agent-blue"),
            ("without-random", "web-0", "web-0"),
            ("without-random", "redis-cache", "redis-cache"),
            ("without-random", "x2x7k", "x2x7k"),
            ("without-random", "-x2x7k", "-x2x7k"),
        ] {
            let (_, normaliser) =
                Normaliser::ALL.into_iter().find(|(known, _)| *known == word).expect("known");
            assert_eq!(normaliser.apply(value, Some(node)), expected, "{word} of {value}");
        }
        assert_eq!(Normaliser::WithoutNode.apply("a-b", None), "a-b");
        assert_eq!(Normaliser::WithoutNode.apply("a-b", Some("")), "a-b");
    }
}
