//! What the watch holds about one domain.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use xxhash_rust::xxh3::xxh3_64;

use super::{keeper::Rows, learned::Known};
use crate::{
    dns::{Check, Mechanism, Status},
    domains::Watched,
    health::{
        Settings, Snapshot, Subject,
        events::{self, REVOKED},
        rows::{CheckRow, EventRow, KeyRow, RecordRow},
        state::State,
    },
    telemetry::health::Changed,
};

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) group: Arc<str>,
    pub(super) interval: Duration,
    pub(super) state: State,
    /// Every key that was ever seen, by selector and fingerprint.
    pub(super) sightings: HashMap<(String, String), Sighting>,
    /// How each mechanism stood last.
    pub(super) statuses: Vec<(Mechanism, Status)>,
    pub(super) score: Option<f32>,
    /// When it was examined last, and when with any answer; seconds since 1970.
    pub(super) last_checked: Option<u64>,
    pub(super) last_success: Option<u64>,
    /// Examinations in a row with questions that were not answered.
    pub(super) failures: u32,
    /// The day on which each record and key was written down last.
    pub(super) written: HashMap<u64, u64>,
}

/// When a key was seen in DNS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sighting {
    pub(super) kind: String,
    pub(super) bits: u32,
    /// Seconds since 1970.
    pub(super) first: u64,
    pub(super) last: u64,
}

/// A key that is published now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Key {
    pub(super) selector: String,
    pub(super) fingerprint: String,
    pub(super) kind: String,
    pub(super) bits: u32,
    /// Seconds since 1970: when it was seen first, in DNS or, as long as the selector has had no other key, in reports.
    pub(super) since: u64,
}

/// How much was answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answered {
    All,
    Partly,
    Nothing,
}

impl Entry {
    pub(super) fn new(watched: &Watched<'_>, settings: &Settings) -> Self {
        let mut entry = Self::default();
        entry.follow(watched, settings);
        entry
    }

    /// Takes over what the registry says now; whether the interval is another.
    pub(super) fn follow(&mut self, watched: &Watched<'_>, settings: &Settings) -> bool {
        if *self.group != *watched.group {
            self.group = watched.group.into();
        }
        let interval = watched.check_every.unwrap_or(settings.interval);
        std::mem::replace(&mut self.interval, interval) != interval
    }

    /// What is to be examined, and the facts that are asked for on purpose.
    pub(super) fn subject(
        &self,
        domain: &str,
        selectors: &[String],
        known: Option<&Known>,
    ) -> (Subject, BTreeSet<String>) {
        let learned = known.into_iter().flat_map(|known| known.selectors.keys());
        let named: BTreeSet<&str> = selectors.iter().chain(learned).map(String::as_str).collect();
        let asked = named.iter().map(|selector| format!("key:{selector}")).collect();
        // A key that is known is looked for as long as it is there: it has not gone because reports tell of others now.
        let published = self.facts(Mechanism::Dkim, "key:").map(|(selector, _)| selector);
        let selectors = named.into_iter().chain(published).collect::<BTreeSet<_>>();
        let listed = self.facts(Mechanism::Dnsbl, "listed:").filter_map(|(listing, _)| {
            let (_list, address) = listing.split_once(':')?;
            address.parse::<IpAddr>().ok()
        });
        let senders = known.into_iter().flat_map(|known| known.senders.iter().copied());
        let subject = Subject {
            domain: domain.to_owned(),
            selectors: selectors.into_iter().map(str::to_owned).collect(),
            addresses: senders.chain(listed).collect::<BTreeSet<_>>().into_iter().collect(),
        };
        (subject, asked)
    }

    /// Takes in what an examination found; gives what is to be stored, and how much was answered.
    pub(super) fn take(
        &mut self,
        domain: &Arc<str>,
        snapshot: &Snapshot,
        asked: &BTreeSet<String>,
    ) -> (Rows, Answered) {
        let at = snapshot.checked_at;
        let checks = snapshot.checks();
        let answered = answered(&checks);
        let changes = self.state.observe(checks, asked, at);
        let events = events::events(domain, &changes, &self.state);
        self.statuses = checks.iter().map(|check| (check.mechanism, check.status())).collect();
        self.last_checked = Some(at);
        match answered {
            Answered::All => self.failures = 0,
            Answered::Partly | Answered::Nothing => self.failures = self.failures.saturating_add(1),
        }
        if answered != Answered::Nothing {
            self.last_success = Some(at);
        }
        let group = &self.group;
        let events =
            events.into_iter().map(|event| EventRow { group: group.clone(), event, confirmed_at: at });
        let events: Vec<_> = events.inspect(|row| Changed { event: &row.event, group }.record()).collect();
        let rows = Rows {
            events,
            records: self.records(domain, &checks, at),
            keys: self.keys_to_write(domain, at),
            checks: checks.iter().map(|check| self.check(domain, check, at)).collect(),
        };
        self.written.retain(|_, day| *day + 1 >= at / DAY);
        (rows, answered)
    }

    /// The keys that are published now. `known` says since when reports tell of a selector.
    pub(super) fn keys<'a>(&'a self, known: Option<&'a Known>) -> impl Iterator<Item = Key> + 'a {
        self.state.values(Mechanism::Dkim).filter_map(move |(name, fact)| {
            let selector = name.strip_prefix("key:")?;
            let value = fact.value.as_deref()?;
            let mut parts = value.split(' ');
            let fingerprint = parts.next().filter(|fingerprint| *fingerprint != REVOKED)?;
            let identity = (selector.to_owned(), fingerprint.to_owned());
            let seen = self.sightings.get(&identity).map_or(fact.since, |seen| fact.since.min(seen.first));
            let is_only = !self.sightings.keys().any(|(name, key)| name == selector && key != fingerprint);
            let reported = known.and_then(|known| known.selectors.get(selector)).filter(|_| is_only);
            Some(Key {
                kind: parts.next().unwrap_or_default().to_owned(),
                bits: parts.next().and_then(|bits| bits.parse().ok()).unwrap_or_default(),
                since: reported.map_or(seen, |used| seen.min(u64::from(used.first) * DAY)),
                selector: identity.0,
                fingerprint: identity.1,
            })
        })
    }

    pub(super) fn spf_lookups(&self) -> Option<u32> {
        self.state.value(Mechanism::Spf, "lookups")?.parse().ok()
    }

    fn facts(&self, mechanism: Mechanism, prefix: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let present = self.state.values(mechanism);
        present.filter_map(move |(name, fact)| Some((name.strip_prefix(prefix)?, fact.value.as_deref()?)))
    }

    fn check(&self, domain: &Arc<str>, check: &Check, at: u64) -> CheckRow {
        let mechanism = check.mechanism;
        let facts = self.state.certain(mechanism).map(|(name, fact)| (name.to_owned(), fact.clone()));
        CheckRow {
            domain: domain.clone(),
            group: self.group.clone(),
            mechanism,
            checked_at: at,
            status: check.status(),
            findings: check.findings.clone(),
            unknown: check.unknown.clone(),
            settled: self.state.is_settled(mechanism),
            facts: facts.collect(),
            spf_lookups: self.spf_lookups().filter(|_| mechanism == Mechanism::Spf),
            score: self.score,
        }
    }

    /// Records that are new, or were not written down today.
    fn records(&mut self, domain: &Arc<str>, checks: &[&Check], at: u64) -> Vec<RecordRow> {
        let mut rows = Vec::new();
        for record in checks.iter().flat_map(|check| &check.records) {
            if self.is_due(&[&record.name, record.kind, &record.text], at) {
                rows.push(RecordRow {
                    domain: domain.clone(),
                    group: self.group.clone(),
                    name: record.name.clone(),
                    kind: record.kind,
                    text: record.text.clone(),
                    seen_at: at,
                });
            }
        }
        rows
    }

    /// Keys that two examinations agreed on and that are new, or were not written down today.
    fn keys_to_write(&mut self, domain: &Arc<str>, at: u64) -> Vec<KeyRow> {
        let is_certain =
            |selector: &str| self.state.confirmed(Mechanism::Dkim, &format!("key:{selector}")).is_some();
        let keys: Vec<_> = self.keys(None).filter(|key| is_certain(&key.selector)).collect();
        let mut rows = Vec::new();
        for key in keys {
            let identity = (key.selector.clone(), key.fingerprint.clone());
            let sighting = Sighting { kind: key.kind.clone(), bits: key.bits, first: key.since, last: at };
            self.sightings.insert(identity, sighting);
            if !self.is_due(&["key", &key.selector, &key.fingerprint], at) {
                continue;
            }
            rows.push(KeyRow {
                domain: domain.clone(),
                group: self.group.clone(),
                selector: key.selector,
                fingerprint: key.fingerprint,
                kind: key.kind,
                bits: key.bits,
                first_seen: key.since,
                last_seen: at,
            });
        }
        rows
    }

    fn is_due(&mut self, parts: &[&str], at: u64) -> bool {
        let today = at / DAY;
        self.written.insert(xxh3_64(parts.join("\0").as_bytes()), today) != Some(today)
    }
}

fn answered(checks: &[&Check]) -> Answered {
    if checks.iter().all(|check| check.unknown.is_empty()) {
        Answered::All
    } else if checks.iter().any(|check| !check.records.is_empty()) {
        Answered::Partly
    } else {
        Answered::Nothing
    }
}

const DAY: u64 = 86_400;
