//! How much senders may store a day who did not prove that they are the organisation their reports name.
//!
//! Anybody can mail reports, and a mail of 3 MB can hold more than a million records. What counts is the client's network:
//! unlike a From domain it cannot be made up. All strangers together have [`NETWORKS`] times what one has, for those
//! with many networks. What is beyond it waits in quarantine. Genuine reports and those of reporters with a standing are neither
//! counted nor bound.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use ruad_smtp::network_of;
use ruad_spool::Envelope;

/// What strangers have stored on each of the last days.
#[derive(Clone, Debug)]
pub(super) struct StrangerQuota {
    /// Rows of one network a day; 0 is no bound.
    rows: u64,
    /// By the UTC day of arrival, in days since the epoch.
    days: BTreeMap<u64, Day>,
}

/// A delivery of which the sender is to be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) client_ip: IpAddr,
    /// Milliseconds since the epoch.
    pub(super) received_at: u64,
}

#[derive(Clone, Debug, Default)]
struct Day {
    total: u64,
    networks: HashMap<IpAddr, u64>,
}

impl StrangerQuota {
    /// With so many rows of each network a day.
    pub(super) fn new(rows: u64) -> Self {
        Self { rows, days: BTreeMap::new() }
    }

    /// Whether a report of so many rows may be stored, which then counts.
    pub(super) fn admits(&mut self, origin: Origin, rows: u64) -> bool {
        if self.rows == 0 {
            return true;
        }
        let (limit, all) = (self.rows, self.rows.saturating_mul(NETWORKS));
        let network = network_of(origin.client_ip);
        let day = self.day(origin.received_at);
        let own = day.networks.get(&network).copied().unwrap_or(0);
        if own.saturating_add(rows) > limit || day.total.saturating_add(rows) > all {
            return false;
        }
        day.add(network, rows);
        true
    }

    /// Counts what was stored on a day before this program started.
    pub(super) fn recall(&mut self, client_ip: IpAddr, day: u64, rows: u64) {
        self.day(day.saturating_mul(DAY)).add(network_of(client_ip), rows);
    }

    fn day(&mut self, received_at: u64) -> &mut Day {
        let number = received_at / DAY;
        if !self.days.contains_key(&number) && self.days.len() >= MOST_DAYS {
            self.days.pop_first();
        }
        self.days.entry(number).or_default()
    }
}

impl Origin {
    pub(super) fn of(envelope: &Envelope) -> Self {
        Self { client_ip: envelope.client_ip, received_at: envelope.received_at }
    }
}

impl Day {
    fn add(&mut self, network: IpAddr, rows: u64) {
        self.total = self.total.saturating_add(rows);
        // More networks than this have used up what all have together, unless each stored next to nothing.
        if self.networks.len() < MOST_NETWORKS || self.networks.contains_key(&network) {
            let own = self.networks.entry(network).or_default();
            *own = own.saturating_add(rows);
        }
    }
}

/// All strangers together may store so many times what one network may.
const NETWORKS: u64 = 5;

/// What waited in the spool while ClickHouse was away comes from several days.
const MOST_DAYS: usize = 8;

const MOST_NETWORKS: usize = 4096;

/// Milliseconds.
const DAY: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(client: [u8; 4], day: u64) -> Origin {
        Origin { client_ip: client.into(), received_at: day * DAY }
    }

    #[test]
    fn a_network_has_its_share_of_a_day() {
        let mut quota = StrangerQuota::new(100);
        let mut admits = |client, day, rows| quota.admits(origin(client, day), rows);
        assert!(admits([192, 0, 2, 1], 1, 60));
        assert!(!admits([192, 0, 2, 200], 1, 41), "the same network, another address");
        assert!(admits([192, 0, 2, 200], 1, 40));
        assert!(!admits([192, 0, 2, 1], 1, 1));
        assert!(admits([198, 51, 100, 1], 1, 100), "nor hurt by others");
        assert!(admits([192, 0, 2, 1], 2, 100), "nor tomorrow");
        assert!(!admits([203, 0, 113, 1], 1, 101));
    }

    #[test]
    fn all_strangers_together_have_a_bound() {
        let mut quota = StrangerQuota::new(100);
        let stored = (0..=255).filter(|&host| quota.admits(origin([10, 0, host, 1], 1), 90));
        assert_eq!(stored.count(), 5);
    }

    #[test]
    fn nothing_is_bound_without_a_number() {
        let mut quota = StrangerQuota::new(0);
        assert!(quota.admits(origin([192, 0, 2, 1], 1), u64::MAX));
    }

    proptest! {
        #[test]
        fn neither_rows_nor_memory_grow_beyond_it(
            reports in prop::collection::vec((any::<u32>(), 0u64..20, any::<u64>()), 0..200)
        ) {
            let mut quota = StrangerQuota::new(1000);
            let mut stored = HashMap::<_, u64>::new();
            for (client, day, rows) in reports {
                let rows = rows % 2000;
                if quota.admits(origin(client.to_be_bytes(), day), rows) {
                    *stored.entry(day).or_default() += rows;
                }
                prop_assert!(quota.days.len() <= MOST_DAYS);
            }
            for day in quota.days.values() {
                prop_assert!(day.total <= 5000 && day.networks.values().all(|rows| *rows <= 1000));
            }
        }
    }
}
