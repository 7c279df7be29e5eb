//! When DNS had which key.

use std::{collections::BTreeMap, sync::Arc};

use super::learned::Known;
use crate::health::{
    keys::{Key, KeyHistory},
    rows::KeyRow,
    state::State,
};
use ruad_common::time::DAY;
use ruad_dns::{
    Mechanism,
    dkim::{self, Kind, REVOKED_KEY},
};

/// Every key of a domain that was ever seen, by selector and fingerprint.
#[derive(Debug, Default)]
pub(super) struct Sightings(BTreeMap<(String, String), Sighting>);

/// When a key was seen.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) kind: Kind,
    pub(super) bits: u32,
    pub(super) alias: Option<String>,
    /// Seconds since 1970.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The day on which it was written down last.
    pub(super) written: Option<u64>,
}

impl Sightings {
    /// Takes in what an earlier run saw.
    pub(super) fn restore(&mut self, identity: (String, String), stored: Sighting) {
        let seen = self.0.entry(identity).or_insert_with(|| stored.clone());
        (seen.first, seen.last) = (seen.first.min(stored.first), seen.last.max(stored.last));
    }

    /// Takes in the keys of an examination that are certain.
    pub(super) fn see(&mut self, state: &State, dkim: &dkim::Outcome, at: u64) {
        for published in &dkim.keys {
            let Some(fact) = state.confirmed(Mechanism::Dkim, &format!("key:{}", published.selector)) else {
                continue;
            };
            let (fingerprint, kind, bits) = match published.key() {
                Some(key) => (key.fingerprint.as_str(), key.kind, key.bits),
                None => (REVOKED_KEY, Kind::Rsa, 0),
            };
            if fact.value.as_deref() != Some(fingerprint) {
                continue;
            }
            let identity = (published.selector.clone(), fingerprint.to_owned());
            let alias = published.alias.clone();
            let fresh =
                Sighting { kind, bits, alias: alias.clone(), first: fact.since, last: at, written: None };
            let seen = self.0.entry(identity).or_insert(fresh);
            (seen.kind, seen.bits, seen.alias) = (kind, bits, alias);
            (seen.first, seen.last) = (seen.first.min(fact.since), at);
        }
    }

    /// Keys that were seen just now and are new, or were not written down today.
    pub(super) fn rows(&mut self, domain: &Arc<str>, group: &Arc<str>, at: u64) -> Vec<KeyRow> {
        let mut rows = Vec::new();
        for ((selector, fingerprint), seen) in &mut self.0 {
            let today = at / DAY;
            if seen.last != at || seen.written == Some(today) {
                continue;
            }
            seen.written = Some(today);
            rows.push(KeyRow {
                domain: domain.clone(),
                group: group.clone(),
                selector: selector.clone(),
                fingerprint: fingerprint.clone(),
                kind: seen.kind,
                bits: seen.bits,
                first_seen: seen.first,
                last_seen: seen.last,
            });
        }
        rows
    }

    /// What is known about each key. `known` says when its selector was used.
    pub(super) fn histories(&self, domain: &str, state: &State, known: Option<&Known>) -> Vec<KeyHistory> {
        let history = |((selector, fingerprint), seen): (&(String, String), &Sighting)| {
            let used = known.and_then(|known| known.selectors.get(selector));
            let now = state.value(Mechanism::Dkim, &format!("key:{selector}"));
            KeyHistory {
                key: Key {
                    domain: domain.to_owned(),
                    selector: selector.clone(),
                    fingerprint: fingerprint.clone(),
                    kind: seen.kind,
                    bits: seen.bits,
                    alias: seen.alias.clone(),
                },
                published: now == Some(fingerprint),
                first_seen_dns: seen.first,
                last_seen_dns: seen.last,
                first_seen_reports: used.filter(|used| used.messages > 0).map(|used| used.first.into()),
                last_seen_reports: used.map(|used| used.last.into()).filter(|last| *last > 0),
            }
        };
        self.0.iter().map(history).collect()
    }
}
