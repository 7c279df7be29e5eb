//! Ranges of addresses, and how many addresses they hold.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Serialize, Serializer};

/// A range of addresses: those that share a prefix.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// How many addresses; those that several networks share are counted once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Addresses {
    /// Of IPv4.
    pub ipv4: u64,
    /// Of IPv6; in JSON a text, because it is more than most readers' numbers hold. All of them are as many as the
    /// type holds: one too few.
    #[serde(serialize_with = "text")]
    pub ipv6: u128,
}

impl Network {
    /// The range `address` is in; what is behind the prefix is cut off. A prefix longer than an address is one address.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        match address {
            IpAddr::V4(address) => {
                let prefix = prefix.min(32);
                let bits = address.to_bits() & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Self { address: Ipv4Addr::from_bits(bits).into(), prefix }
            }
            IpAddr::V6(address) => {
                let prefix = prefix.min(128);
                let bits = address.to_bits() & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Self { address: Ipv6Addr::from_bits(bits).into(), prefix }
            }
        }
    }

    /// Its first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits of the address are fixed.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::new(address, self.prefix) == *self
    }

    /// Whether all of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// Whether no mail server on the Internet can have an address of it.
    pub fn is_private(&self) -> bool {
        match self.address {
            IpAddr::V4(address) => {
                let is_shared = Self::new(Ipv4Addr::new(100, 64, 0, 0).into(), 10).covers(self);
                let is_within = |prefix: u8| self.prefix >= prefix;
                is_shared
                    || (address.is_private() && is_within(8))
                    || (address.is_loopback() && is_within(8))
                    || (address.is_link_local() && is_within(16))
            }
            IpAddr::V6(address) => {
                (address.is_unique_local() && self.prefix >= 7)
                    || (address.is_unicast_link_local() && self.prefix >= 10)
                    || (address.is_loopback() && self.prefix == 128)
            }
        }
    }

    /// The first and the last address, as numbers.
    fn range(&self) -> (u128, u128) {
        match self.address {
            IpAddr::V4(address) => {
                let first = u128::from(address.to_bits());
                (first, first + (1 << (32 - self.prefix)) - 1)
            }
            IpAddr::V6(address) => {
                let first = address.to_bits();
                (first, first | u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0))
            }
        }
    }
}

impl Addresses {
    /// Those of all these networks together.
    pub fn of<'a>(networks: impl IntoIterator<Item = &'a Network>) -> Self {
        let (ipv4, ipv6): (Vec<_>, Vec<_>) =
            networks.into_iter().partition(|network| network.address.is_ipv4());
        let ipv4 = u64::try_from(together(ipv4)).unwrap_or(u64::MAX);
        Self { ipv4, ipv6: together(ipv6) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == longest {
            return self.address.fmt(f);
        }
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn together(networks: Vec<&Network>) -> u128 {
    let mut ranges: Vec<_> = networks.into_iter().map(Network::range).collect();
    ranges.sort_unstable();
    let mut count = 0_u128;
    // The first address that was not counted yet; none after the very last.
    let mut next = Some(0_u128);
    for (first, last) in ranges {
        let Some(from) = next else { break };
        let first = first.max(from);
        if first <= last {
            count = count.saturating_add((last - first).saturating_add(1));
            next = last.checked_add(1);
        }
    }
    count
}

fn text<S: Serializer>(count: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let (address, prefix) = text.split_once('/').unwrap();
        Network::new(address.parse().unwrap(), prefix.parse().unwrap())
    }

    #[test]
    fn a_range_is_written_by_its_first_address() {
        for (given, written) in [
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("192.0.2.77/32", "192.0.2.77"),
            ("192.0.2.77/0", "0.0.0.0/0"),
            ("2001:db8:1:2::3/33", "2001:db8::/33"),
            ("2001:db8::3/128", "2001:db8::3"),
            ("2001:db8::3/0", "::/0"),
        ] {
            assert_eq!(network(given).to_string(), written);
        }
    }

    #[test]
    fn containing_and_covering() {
        let net = network("192.0.2.0/25");
        assert!(
            net.contains("192.0.2.127".parse().unwrap()) && !net.contains("192.0.2.128".parse().unwrap())
        );
        assert!(!net.contains("::ffff:192.0.2.1".parse().unwrap()));
        assert!(net.covers(&network("192.0.2.64/26")) && net.covers(&net));
        assert!(!net.covers(&network("192.0.2.0/24")) && !net.covers(&network("::/128")));
        assert!(network("::/0").covers(&network("2001:db8::/32")));
    }

    #[test]
    fn addresses_are_counted_once() {
        let count = |texts: &[&str]| {
            Addresses::of(texts.iter().map(|text| network(text)).collect::<Vec<_>>().as_slice())
        };
        assert_eq!(count(&[]), Addresses::default());
        assert_eq!(count(&["192.0.2.0/24", "192.0.2.128/25", "192.0.2.1/32", "198.51.100.0/31"]).ipv4, 258);
        assert_eq!(count(&["0.0.0.0/0", "192.0.2.0/24"]).ipv4, 1 << 32);
        assert_eq!(count(&["2001:db8::/64", "2001:db8::1/128"]).ipv6, 1 << 64);
        assert_eq!(count(&["::/0", "::/1", "8000::/1"]).ipv6, u128::MAX);
        let json = serde_json::to_string(&count(&["2001:db8::/64", "192.0.2.1/32"])).unwrap();
        assert_eq!(json, r#"{"ipv4":1,"ipv6":"18446744073709551616"}"#);
    }

    #[test]
    fn private_networks() {
        for text in
            ["10.0.0.0/8", "192.168.1.1/32", "100.64.1.0/24", "127.0.0.1/32", "fd00::1/128", "fe80::/64"]
        {
            assert!(network(text).is_private(), "{text}");
        }
        for text in ["10.0.0.0/7", "0.0.0.0/0", "100.128.0.0/16", "192.0.2.0/24", "2001:db8::/32", "::/0"] {
            assert!(!network(text).is_private(), "{text}");
        }
    }
}
