use std::net::{IpAddr, Ipv6Addr};

use crate::health::posture::Entry;
use ruad_dns::spf::Network;

/// The terms of an SPF record, and when mail last came from the networks of each.
pub(super) struct Ranges<'a> {
    entries: Vec<(&'a Entry, Option<u32>)>,
}

impl<'a> Ranges<'a> {
    /// Terms that depend on the message cannot be judged by addresses, and are left out.
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let judged = entries.iter().filter(|entry| entry.is_complete);
        Self { entries: judged.map(|entry| (entry, None)).collect() }
    }

    /// Mail came from `address` (IPv4 mapped), last on the day `last`.
    pub(super) fn saw(&mut self, address: u128, last: u16) {
        let (address, last) = (canonical(address), Some(u32::from(last)));
        for (entry, used) in &mut self.entries {
            if *used < last && entry.networks.iter().any(|network| network.contains(address)) {
                *used = last;
            }
        }
    }

    pub(super) fn into_uses(self) -> Vec<(String, Option<u32>)> {
        self.entries.into_iter().map(|(entry, used)| (entry.term.clone(), used)).collect()
    }
}

/// Whether the record allows one of these addresses (IPv4 mapped). Whoever allows half of the Internet says nothing by it.
pub(super) fn allow(entries: &[Entry], addresses: &[u128]) -> bool {
    let telling: Vec<_> =
        entries.iter().flat_map(|entry| &entry.networks).filter(|network| is_telling(network)).collect();
    addresses.iter().any(|address| {
        let address = canonical(*address);
        telling.iter().any(|network| network.contains(address))
    })
}

fn canonical(address: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(address)).to_canonical()
}

fn is_telling(network: &Network) -> bool {
    network.prefix() >= if network.address().is_ipv4() { 8 } else { 16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(term: &str, networks: &[(&str, u8)], is_complete: bool) -> Entry {
        let network = |(address, prefix): &(&str, u8)| Network::new(address.parse().unwrap(), *prefix);
        let networks = networks.iter().map(network).collect();
        Entry { term: term.to_owned(), domain: None, networks, is_complete, lookups: 0 }
    }

    fn mapped(address: &str) -> u128 {
        match address.parse().unwrap() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    #[test]
    fn the_last_day_of_each_term_that_can_be_judged() {
        let entries = [
            entry("ip4:192.0.2.0/24", &[("192.0.2.0", 24)], true),
            entry("include:a.example", &[("192.0.2.7", 32), ("2001:db8::", 32)], true),
            entry("mx", &[("198.51.100.1", 32)], true),
            entry("exists:%{i}.example", &[], false),
        ];
        let mut ranges = Ranges::of(&entries);
        for (address, last) in [("192.0.2.7", 10), ("192.0.2.9", 30), ("2001:db8::1", 20), ("192.0.2.7", 5)] {
            ranges.saw(mapped(address), last);
        }
        let uses = [("ip4:192.0.2.0/24", Some(30)), ("include:a.example", Some(20)), ("mx", None)];
        assert_eq!(ranges.into_uses(), uses.map(|(term, used)| (term.to_owned(), used)));
    }

    #[test]
    fn whoever_allows_everything_says_nothing() {
        let entries =
            [entry("ip4:0.0.0.0/1", &[("0.0.0.0", 1)], true), entry("a", &[("192.0.2.1", 32)], true)];
        assert!(allow(&entries, &[mapped("10.0.0.1"), mapped("192.0.2.1")]));
        assert!(!allow(&entries, &[mapped("10.0.0.1")]));
        assert!(!allow(&entries, &[]));
    }
}
