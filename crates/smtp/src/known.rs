//! The networks of those who delivered genuine reports lately. When places are scarce, theirs are kept.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Networks from which a genuine report came within the last eight days. Cheap to clone; clones share the networks.
#[derive(Clone, Debug, Default)]
pub struct KnownNetworks(Arc<Mutex<HashMap<IpAddr, Instant>>>);

impl KnownNetworks {
    /// A client delivered a genuine report just now.
    pub fn remember(&self, client: IpAddr) {
        let mut networks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let key = network(client);
        if networks.len() >= MOST && !networks.contains_key(&key) {
            networks.retain(|_, seen| now.duration_since(*seen) < KEPT);
            if networks.len() >= MOST {
                let oldest = networks.iter().min_by_key(|(_, seen)| **seen).map(|(network, _)| *network);
                oldest.map(|oldest| networks.remove(&oldest));
            }
        }
        networks.insert(key, now);
    }

    /// Whether the client's network is known.
    pub fn contains(&self, client: IpAddr) -> bool {
        let networks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        networks.get(&network(client)).is_some_and(|seen| seen.elapsed() < KEPT)
    }
}

/// The network a client is in: an IPv4 /24 or an IPv6 /48, which is about what one party is given.
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into(),
    }
}

/// Reporters write every day; some only on workdays.
const KEPT: Duration = Duration::from_secs(8 * 86_400);

/// Some 100 kB.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_network_of_who_was_genuine() {
        let known = KnownNetworks::default();
        known.remember("192.0.2.1".parse().unwrap());
        known.remember("2001:db8:1::1".parse().unwrap());
        for (client, expected) in [
            ("192.0.2.200", true),
            ("::ffff:192.0.2.9", true),
            ("192.0.3.1", false),
            ("2001:db8:1:ffff::2", true),
            ("2001:db8:2::1", false),
        ] {
            assert_eq!(known.contains(client.parse().unwrap()), expected, "{client}");
        }
    }

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let known = KnownNetworks::default();
        let client = |number: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(number << 8).unwrap()));
        (0..=MOST).for_each(|number| known.remember(client(number)));
        assert!(!known.contains(client(0)) && known.contains(client(1)) && known.contains(client(MOST)));
        assert_eq!(known.0.lock().unwrap().len(), MOST);
    }
}
