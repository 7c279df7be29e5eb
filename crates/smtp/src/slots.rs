//! The places for sessions, and who loses one when they are scarce.
//!
//! Up to half of the places, sessions may be as idle as `smtp.command_timeout` allows. Beyond that each has to get on:
//! a session that has been open for longer than the *patience*, plus what it sent of messages at [`LEAST_RATE`],
//! ends when somebody else comes. The patience shrinks with the places that are left. When none is left, a newcomer
//! takes the place of the slowest session of the network that has the most of them, so that one network cannot keep
//! the others out. The last eighth of the places is for networks that delivered genuine reports lately.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{
    end::End,
    known::{KnownNetworks, network},
};

/// All places. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    limit: usize,
    per_address: usize,
    known: KnownNetworks,
    epoch: Instant,
    table: Arc<Mutex<Table>>,
}

/// One session's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    entry: Arc<Entry>,
}

/// What is known of a session that has a place.
#[derive(Debug)]
pub(super) struct Entry {
    id: u64,
    address: IpAddr,
    network: IpAddr,
    is_known: bool,
    epoch: Instant,
    /// Milliseconds since `epoch`: when it began, or delivered its last message.
    since: AtomicU64,
    /// Bytes of messages since then.
    bytes: AtomicU64,
    token: OnceLock<CancellationToken>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    sessions: HashMap<u64, Arc<Entry>>,
    addresses: HashMap<IpAddr, usize>,
    networks: HashMap<IpAddr, Crowd>,
    /// Sessions that lost their place and have not ended yet.
    leaving: usize,
    swept: u64,
}

/// The sessions of one network.
#[derive(Clone, Copy, Debug, Default)]
struct Crowd {
    sessions: usize,
    is_known: bool,
}

impl Slots {
    pub(super) fn new(limit: usize, per_address: usize, known: KnownNetworks) -> Self {
        Self { limit, per_address, known, epoch: Instant::now(), table: Arc::default() }
    }

    /// Gives a client a place, if need be that of a slower one.
    ///
    /// # Errors
    ///
    /// [`End::TooManyFromHere`] or [`End::TooMany`].
    pub(super) fn enter(&self, client: IpAddr) -> Result<Slot, End> {
        self.enter_at(client, millis(self.epoch.elapsed()))
    }

    fn enter_at(&self, client: IpAddr, now: u64) -> Result<Slot, End> {
        let (address, network) = (address(client), network(client));
        let is_known = self.known.contains(client);
        let mut table = self.lock();
        if table.addresses.get(&address).is_some_and(|count| *count >= self.per_address) {
            return Err(End::TooManyFromHere);
        }
        let room = if is_known { self.limit } else { self.limit - self.limit / RESERVED };
        let (is_full, is_pressed) =
            (table.sessions.len() >= room, table.sessions.len() > self.limit / PRESSED);
        if is_full || is_pressed && now >= table.swept + SWEEP_EVERY {
            let patience = self.patience(table.sessions.len());
            table.sweep(patience, now);
        }
        if table.sessions.len() >= room {
            if table.leaving > self.limit / LEAVING {
                return Err(End::TooMany);
            }
            let victim = table.victim(network, is_known, now).ok_or(End::TooMany)?;
            table.end(&victim);
        }
        table.next += 1;
        let entry = Arc::new(Entry {
            id: table.next,
            address,
            network,
            is_known,
            epoch: self.epoch,
            since: AtomicU64::new(now),
            bytes: AtomicU64::new(0),
            token: OnceLock::new(),
        });
        table.sessions.insert(entry.id, entry.clone());
        *table.addresses.entry(address).or_default() += 1;
        let crowd = table.networks.entry(network).or_default();
        *crowd = Crowd { sessions: crowd.sessions + 1, is_known };
        Ok(Slot { slots: self.clone(), entry })
    }

    /// How long a session may take to begin a message: less with every place that is taken.
    fn patience(&self, used: usize) -> u64 {
        let scarce = (self.limit - self.limit / PRESSED).max(1);
        let taken = used.saturating_sub(self.limit / PRESSED).min(scarce);
        let (longest, shortest) = (millis(LONGEST_PATIENCE), millis(SHORTEST_PATIENCE));
        longest - (longest - shortest) * taken as u64 / scarce as u64
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.slots.lock();
        if !table.remove(&self.entry) {
            table.leaving = table.leaving.saturating_sub(1);
        }
    }
}

impl Entry {
    /// What is cancelled when the place is lost.
    pub(super) fn lose_to(&self, token: CancellationToken) {
        drop(self.token.set(token));
    }

    /// So many bytes of a message came.
    pub(super) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A message is stored: its sender has time again for the next.
    pub(super) fn delivered(&self) {
        self.since.store(millis(self.epoch.elapsed()), Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// How far the session is behind what is asked of it, in milliseconds; less is slower.
    fn ahead(&self, patience: u64, now: u64) -> i64 {
        let earned = self.bytes.load(Ordering::Relaxed).saturating_mul(1000) / LEAST_RATE;
        let until = self.since.load(Ordering::Relaxed).saturating_add(patience).saturating_add(earned);
        i64::try_from(until).unwrap_or(i64::MAX).saturating_sub(i64::try_from(now).unwrap_or(i64::MAX))
    }
}

impl Table {
    /// Ends all sessions that are too slow.
    fn sweep(&mut self, patience: u64, now: u64) {
        self.swept = now;
        let slow: Vec<_> =
            self.sessions.values().filter(|entry| entry.ahead(patience, now) < 0).cloned().collect();
        for entry in slow {
            self.end(&entry);
        }
    }

    /// Whose place a newcomer takes when nobody is too slow: the slowest of the network that has the most, unless the
    /// newcomer's own has as many. Nobody takes a place from a known network but another that is known.
    fn victim(&self, newcomer: IpAddr, is_known: bool, now: u64) -> Option<Arc<Entry>> {
        let own = self.networks.get(&newcomer).map_or(0, |crowd| crowd.sessions);
        let may_lose = |(_, crowd): &(&IpAddr, &Crowd)| is_known || !crowd.is_known;
        let largest = self.networks.iter().filter(may_lose).max_by_key(|(_, crowd)| crowd.sessions);
        let network = largest.filter(|(_, crowd)| crowd.sessions > own + 1).map(|(network, _)| *network);
        let slowest = |may_lose: &dyn Fn(&Entry) -> bool| {
            let sessions = self.sessions.values().filter(|entry| may_lose(entry));
            sessions.min_by_key(|entry| (entry.ahead(0, now), entry.id)).cloned()
        };
        match network {
            Some(network) => slowest(&|entry| entry.network == network),
            None if is_known => slowest(&|entry| !entry.is_known),
            None => None,
        }
    }

    fn end(&mut self, entry: &Arc<Entry>) {
        if self.remove(entry) {
            self.leaving += 1;
            if let Some(token) = entry.token.get() {
                token.cancel();
            }
        }
    }

    /// Takes the session out of the table; whether it was there.
    fn remove(&mut self, entry: &Entry) -> bool {
        let was_there = self.sessions.remove(&entry.id).is_some();
        if was_there {
            match self.addresses.get_mut(&entry.address) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.addresses.remove(&entry.address)),
            }
            match self.networks.get_mut(&entry.network) {
                Some(crowd) if crowd.sessions > 1 => crowd.sessions -= 1,
                _ => drop(self.networks.remove(&entry.network)),
            }
        }
        was_there
    }
}

/// An IPv4 address, or a whole IPv6 /64, which one customer has to himself.
fn address(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Places are scarce when more than one in so many is taken.
const PRESSED: usize = 2;

/// One place in so many is kept for known networks.
const RESERVED: usize = 8;

/// As many as one in so many may be ending beyond the limit.
const LEAVING: usize = 4;

/// Bytes of a message in a second. Less than any modem.
const LEAST_RATE: u64 = 1024;

/// A session with the usual commands, within TLS, over a bad line, takes a few seconds.
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
const SHORTEST_PATIENCE: Duration = Duration::from_secs(10);

/// Milliseconds. Looking at every session takes some 100 µs.
const SWEEP_EVERY: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(limit: usize) -> Slots {
        Slots::new(limit, 20, KnownNetworks::default())
    }

    fn client(network: u32, host: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x0a00_0000 | network << 8 | host).into()
    }

    fn fill(slots: &Slots, networks: std::ops::Range<u32>, each: u32, now: u64) -> Vec<Slot> {
        let clients = networks.flat_map(|network| (0..each).map(move |host| client(network, host)));
        clients.map(|client| slots.enter_at(client, now).unwrap()).collect()
    }

    fn remain(slots: &Slots, kept: &[Slot]) -> usize {
        let table = slots.lock();
        kept.iter().filter(|slot| table.sessions.contains_key(&slot.entry.id)).count()
    }

    #[test]
    fn counts_each_client_apart_and_forgets_it() {
        let slots = Slots::new(100, 2, KnownNetworks::default());
        let enter = |client: &str| slots.enter(client.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let second = enter("::ffff:192.0.2.1").unwrap();
        assert!(matches!(enter("192.0.2.1"), Err(End::TooManyFromHere)));
        let other = enter("192.0.2.2").unwrap();
        drop(first);
        let again = enter("192.0.2.1").unwrap();
        let six = [enter("2001:db8:0:1::1"), enter("2001:db8:0:1:ffff::2")];
        assert!(six.iter().all(Result::is_ok));
        assert!(enter("2001:db8:0:1::3").is_err());
        assert!(enter("2001:db8:0:2::1").is_ok());
        drop((again, second, other, six));
        let table = slots.lock();
        assert!(table.addresses.is_empty() && table.networks.is_empty() && table.sessions.is_empty());
    }

    #[test]
    fn with_room_nobody_is_hurried() {
        let slots = slots(100);
        let idle = fill(&slots, 0..5, 9, 0);
        let _newcomer = slots.enter_at(client(50, 0), 100_000_000).unwrap();
        assert_eq!(remain(&slots, &idle), 45);
    }

    #[test]
    fn beyond_half_of_the_places_the_slow_ones_go() {
        let slots = slots(100);
        let idle = fill(&slots, 0..30, 2, 0);
        idle[7].entry.received(1 << 20);
        idle[8].entry.since.store(59_000, Ordering::Relaxed);
        let _soon = slots.enter_at(client(50, 0), 9_999).unwrap();
        assert_eq!(remain(&slots, &idle), 60);
        let _newcomer = slots.enter_at(client(50, 1), 61_000).unwrap();
        assert_eq!(remain(&slots, &idle), 2, "one sends a message, one has just delivered one");
    }

    #[test]
    fn a_network_does_not_keep_others_out_however_fast_it_is() {
        let slots = slots(80);
        let mut crowd = fill(&slots, 0..1, 16, 0);
        crowd.extend(fill(&slots, 1..7, 9, 0));
        crowd[5].entry.lose_to(CancellationToken::new());
        crowd.iter().enumerate().filter(|(at, _)| *at != 5).for_each(|(_, slot)| slot.entry.received(9));
        let _newcomer = slots.enter_at(client(50, 0), 1).unwrap();
        assert_eq!(remain(&slots, &crowd), 69);
        let lost =
            crowd.iter().filter(|slot| slot.entry.token.get().is_some_and(CancellationToken::is_cancelled));
        assert_eq!(lost.count(), 1, "the slowest of them");
        let _second = slots.enter_at(client(50, 1), 1).unwrap();
        assert_eq!(slots.lock().leaving, 2);
        drop(crowd);
        assert_eq!(slots.lock().leaving, 0);
        assert_eq!(slots.lock().sessions.len(), 2);
    }

    #[test]
    fn who_has_as_many_as_everybody_gets_no_more() {
        let slots = slots(80);
        let _all = fill(&slots, 0..70, 1, 0);
        assert!(matches!(slots.enter_at(client(3, 7), 1), Err(End::TooMany)));
        assert!(matches!(slots.enter_at(client(200, 0), 1), Err(End::TooMany)));
    }

    #[test]
    fn known_networks_have_places_of_their_own() {
        let slots = slots(80);
        (0..40).for_each(|network| slots.known.remember(client(network, 0)));
        let known = fill(&slots, 0..5, 10, 0);
        let strangers = fill(&slots, 100..120, 1, 0);
        assert!(matches!(slots.enter_at(client(200, 0), 1), Err(End::TooMany)), "no place of a known one");
        let more = fill(&slots, 5..15, 1, 1);
        assert_eq!(slots.lock().sessions.len(), 80);
        let _one_more = slots.enter_at(client(20, 0), 1).unwrap();
        assert_eq!(remain(&slots, &known) + remain(&slots, &strangers) + remain(&slots, &more), 79);
        let _yet_more = fill(&slots, 21..40, 1, 1);
        assert_eq!(slots.lock().sessions.len(), 80);
    }
}
