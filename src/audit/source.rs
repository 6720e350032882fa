//! Where a call came from. The API server writes the chain of addresses as `sourceIPs`; only what
//! stands furthest right was seen by the server, the rest a client can forge with headers.

use std::net::IpAddr;

/// The caller among `addresses`: from the right, hops of the control plane itself are dropped
/// (172.31.0.0/16 where AKS runs it, loopback, link-local), and the next one is the caller.
/// `None` when nothing is left: the control plane called itself.
pub fn caller<'a>(addresses: impl DoubleEndedIterator<Item = &'a str>) -> Option<&'a str> {
    addresses.rev().find(|address| !parse(address).is_some_and(is_control_plane))
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
            assert_eq!(caller(chain.iter().copied()), expected, "{chain:?}");
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
