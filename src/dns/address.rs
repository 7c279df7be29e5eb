//! Addresses that nobody on the internet can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is when it is none of the public internet: `loopback`, `private`… (RFC 6890). Those of
/// documentation are not told apart: every example is made of them.
pub(crate) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(carried) => special_v4(carried),
            None => special_v6(address),
        },
    }
}

/// The IPv4 address that is reached through one of IPv6: mapped, or translated (RFC 6052).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((u32::from(high) << 16 | u32::from(low)).into()),
        _ => address.to_ipv4_mapped(),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = address.octets();
    Some(match (first, second) {
        (0, _) => "unspecified",
        (127, _) => "loopback",
        (169, 254) => "link-local",
        (100, 64..=127) => "carrier-internal",
        (198, 18..=19) => "benchmarking",
        (224..=239, _) => "multicast",
        (240..=255, _) => "reserved",
        _ if address.is_private() => "private",
        _ => return None,
    })
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    Some(match address {
        Ipv6Addr::UNSPECIFIED => "unspecified",
        Ipv6Addr::LOCALHOST => "loopback",
        _ if address.is_unicast_link_local() => "link-local",
        _ if address.is_unique_local() => "private",
        _ if address.is_multicast() => "multicast",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_and_others() {
        for (address, kind) in [
            ("0.0.0.0", Some("unspecified")),
            ("10.1.2.3", Some("private")),
            ("100.63.255.255", None),
            ("100.64.0.1", Some("carrier-internal")),
            ("127.0.0.2", Some("loopback")),
            ("169.254.1.1", Some("link-local")),
            ("172.31.0.1", Some("private")),
            ("172.32.0.1", None),
            ("192.0.2.1", None),
            ("198.19.0.1", Some("benchmarking")),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("64:ff9b::c000:201", None),
            ("192.168.1.1", Some("private")),
            ("224.0.0.1", Some("multicast")),
            ("255.255.255.255", Some("reserved")),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::ffff:10.0.0.1", Some("private")),
            ("2001:db8::1", None),
            ("fd00::1", Some("private")),
            ("fe80::1", Some("link-local")),
            ("ff02::1", Some("multicast")),
        ] {
            assert_eq!(special(address.parse().unwrap()), kind, "{address}");
        }
    }
}
