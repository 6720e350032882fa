//! Where a call came from. The API server writes the chain of addresses as `sourceIPs`; only what
//! stands furthest right was seen by the server, the rest a client can forge with headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

/// Where a cluster's control plane calls from besides 172.31.0.0/16, where AKS runs it: front ends,
/// or the customer's own subnet when the API server stands in it. Empty by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlPlane(Option<Arc<[IpNet]>>);

impl ControlPlane {
    /// These networks too. Whoever calls from them under a platform name counts as the platform.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self((!networks.is_empty()).then(|| networks.into()))
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.0.as_ref().is_some_and(|networks| networks.iter().any(|net| net.contains(&address)))
    }
}

/// The caller among `addresses`: from the right, hops of the control plane itself are dropped
/// (172.31.0.0/16 where AKS runs it, loopback, link-local, and what is configured), and the next
/// one is the caller.
/// `None` when nothing is left: the control plane called itself.
pub fn caller<'a>(
    addresses: impl DoubleEndedIterator<Item = &'a str>,
    control_plane: &ControlPlane,
) -> Option<&'a str> {
    let is_hop = |address: IpAddr| is_control_plane(address) || control_plane.holds(address);
    addresses.rev().find(|address| !parse(address).is_some_and(is_hop))
}

/// Whether an address is reachable from the internet: `public`, `private`, or `none` when there is
/// no address (or none that can be read).
pub fn scope(address: Option<&str>) -> &'static str {
    match address.and_then(parse) {
        None => "none",
        Some(address) if is_private(address) => "private",
        Some(_) => "public",
    }
}

/// The address's /24, or its /48 for version 6: what one office or one provider's block has.
pub fn block(address: &str) -> Option<String> {
    Some(match parse(address)? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    })
}

fn parse(address: &str) -> Option<IpAddr> {
    address.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_control_plane(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            matches!(address.octets(), [172, 31, ..])
                || address.is_loopback()
                || address.is_link_local()
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
    }
}

/// Private use (RFC 1918, RFC 4193), carrier-grade NAT (RFC 6598), loopback, link-local, `0.0.0.0`.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || matches!(v4.octets(), [100, 64..=127, ..])
        }
        IpAddr::V6(v6) => {
            v6.is_unique_local()
                || v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_the_rightmost_address_that_is_no_hop_of_the_control_plane() {
        for (chain, expected) in [
            (&["203.0.113.7", "172.31.9.4"][..], Some("203.0.113.7")),
            (&["1.1.1.1", "203.0.113.7", "172.31.9.4", "127.0.0.1"], Some("203.0.113.7")),
            (&["172.31.9.4"], None),
            (&["::1"], None),
            (&["::ffff:172.31.0.1"], None),
            (&["fe80::1", "169.254.1.1"], None),
            (&["172.30.0.1"], Some("172.30.0.1")),
            (&["not an address", "::1"], Some("not an address")),
            (&[], None),
        ] {
            let none = ControlPlane::default();
            assert_eq!(caller(chain.iter().copied(), &none), expected, "{chain:?}");
        }
    }

    #[test]
    fn a_configured_network_belongs_to_the_control_plane_and_nothing_beside_it() {
        let net = |text: &str| text.parse().expect("a network");
        let mine = ControlPlane::new(vec![net("10.224.0.0/28"), net("fd00:1::/64")]);
        for (address, expected) in [
            ("10.224.0.14", None),
            ("10.224.0.16", Some("10.224.0.16")),
            ("fd00:1::7", None),
            ("172.31.0.9", None),
        ] {
            assert_eq!(caller([address].into_iter(), &mine), expected, "{address}");
        }
    }

    #[test]
    fn scopes_tell_private_from_public() {
        for (address, expected) in [
            (None, "none"),
            (Some("junk"), "none"),
            (Some("10.224.0.4"), "private"),
            (Some("100.64.0.1"), "private"),
            (Some("fd00::1"), "private"),
            (Some("::ffff:10.0.0.1"), "private"),
            (Some("203.0.113.7"), "public"),
            (Some("2001:db8::1"), "public"),
        ] {
            assert_eq!(scope(address), expected, "{address:?}");
        }
    }
}
