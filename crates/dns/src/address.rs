//! Addresses that are not of the public internet, by IANA's registries of special-purpose addresses (RFC 6890), and the one
//! way to connect to an address that a stranger has named.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpStream;

/// What an address is when it is none of the public internet: `loopback`, `private`… Those of documentation are not told
/// apart: every example is made of them.
pub fn special(address: IpAddr) -> Option<&'static str> {
    kind(address).filter(|kind| *kind != DOCUMENTATION)
}

/// Whether this machine may connect to an address that somebody else's DNS or mail has named. Without the operator's word
/// (`private_addresses`) it may not reach anything that only this machine or its network can reach.
///
/// # Errors
///
/// [`io::ErrorKind::PermissionDenied`], saying what the address is.
pub fn may_connect(address: IpAddr, private_addresses: bool) -> io::Result<()> {
    match kind(address) {
        Some(kind) if !private_addresses => {
            let words = format!("{address} is a {kind} address, to which no connection is made");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, words))
        }
        _ => Ok(()),
    }
}

/// Connects to an address that somebody else has named, if [`may_connect`]. The address itself is judged, so that a name that
/// means another address the next time it is asked for changes nothing.
///
/// # Errors
///
/// As [`may_connect`], and what the system says.
pub async fn connect(address: SocketAddr, private_addresses: bool) -> io::Result<TcpStream> {
    may_connect(address.ip(), private_addresses)?;
    TcpStream::connect(address).await
}

fn kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "unspecified",
        [127, ..] => "loopback",
        [169, 254, ..] => "link-local",
        [100, 64..=127, ..] => "carrier-internal",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        // Protocol assignments (RFC 6890) and the relays of 6to4, which are withdrawn (RFC 7526).
        [192, 0, 0, _] | [192, 88, 99, _] => "reserved",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => DOCUMENTATION,
        [198, 18..=19, ..] => "benchmarking",
        [224..=239, ..] => "multicast",
        [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn kind_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // IPv4-compatible, mapped and translated (RFC 4291 section 2.5.5, RFC 2765), and the well-known prefix of translators
        // (RFC 6052): what is reached is the IPv4 address.
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => kind_of_v4(ipv4(high, low)),
        // Translators of this network alone (RFC 8215).
        [0x64, 0xff9b, 1, ..] => Some("private"),
        // 6to4 (RFC 3056) and Teredo (RFC 4380 section 4): the packets go to the IPv4 addresses inside.
        [0x2002, high, low, ..] => kind_of_v4(ipv4(high, low)),
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            kind_of_v4(ipv4(high, low)).or_else(|| kind_of_v4(ipv4(!client_high, !client_low)))
        }
        [0x2001, 2, 0, ..] => Some("benchmarking"),
        // The rest of the protocol assignments (RFC 2928), ORCHID among them; AMT and AS112 can be reached.
        [0x2001, 3, ..] | [0x2001, 4, 0x112, ..] => None,
        [0x2001, 0..=0x1ff, ..] => Some("reserved"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some(DOCUMENTATION),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local"),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // Nothing else is given out (RFC 4291 section 2.4): discarded packets (RFC 6666), segment routing (RFC 9602).
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

fn ipv4(high: u16, low: u16) -> Ipv4Addr {
    (u32::from(high) << 16 | u32::from(low)).into()
}

const DOCUMENTATION: &str = "documentation";

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

    #[test]
    fn no_connection_leads_inside() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.99",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b:1:abcd::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            // Teredo by way of a server at 8.8.8.8, to 192.168.0.1.
            "2001:0:808:808:0:0:3f57:fffe",
            "2001:0:7f00:1::f7f7:f7f7",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:c0a8:1::1",
            "2002:a9fe:a9fe::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
        ] {
            let address = address.parse().unwrap();
            let error = may_connect(address, false).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{address}");
            may_connect(address, true).unwrap();
        }
    }

    #[test]
    fn public_addresses_can_be_reached() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.31.196.1",
            "198.17.255.255",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2600::1",
            "2a00:1450::1",
            "64:ff9b::8.8.8.8",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808:0:0:f7f7:f7f7",
        ] {
            may_connect(address.parse().unwrap(), false).unwrap();
        }
    }

    #[tokio::test]
    async fn the_address_that_is_connected_to_is_judged() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mapped = SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), address.port());
        for address in [address, mapped] {
            let error = connect(address, false).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }
        connect(address, true).await.unwrap();
    }
}
