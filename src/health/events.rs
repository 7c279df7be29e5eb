//! What a change means: events with a stable kind, a severity and a sentence.

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::state::{Change, State};
use ruad_dns::{Mechanism, Severity};

mod kinds;

pub use kinds::*;

/// A kind of event. The name is stable: alerts and dashboards refer to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kind {
    /// `mechanism.what_happened`, in lower case.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, as the part of a sentence that follows the domain's name.
    pub(crate) said: &'static str,
}

/// Something about a domain has changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Event {
    /// The domain.
    pub domain: String,
    /// What happened.
    pub kind: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about within the domain: a selector, a host, a list and an address; empty for the domain itself.
    pub subject: String,
    /// What was there before.
    pub old: Option<String>,
    /// What is there now.
    pub new: Option<String>,
    /// When the new state was first seen; seconds since 1970.
    pub seen_at: u64,
    /// One sentence.
    pub text: String,
    /// The same for the same change, however often it is noticed.
    pub id: u128,
}

impl Kind {
    /// The event that this happened to a domain; `more` ends the sentence. The parts of `identity` are what makes it this
    /// change and no other.
    pub(crate) fn tell(
        self,
        domain: &str,
        subject: &str,
        [old, new]: [Option<&str>; 2],
        seen_at: u64,
        more: &str,
        identity: &[&str],
    ) -> Event {
        let about = if subject.is_empty() { String::new() } else { format!(" ({subject})") };
        Event {
            domain: domain.to_owned(),
            kind: self.name,
            severity: self.severity,
            subject: subject.to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
            seen_at,
            text: format!("{domain}{about}: {}; {more}.", self.said),
            id: xxh3_128(identity.join("\0").as_bytes()),
        }
    }
}

impl Event {
    /// The name of the mechanism it is about.
    pub fn check(&self) -> &'static str {
        self.kind.split('.').next().unwrap_or(self.kind)
    }
}

/// The events that these changes of one domain's state are; `state` has them in it.
pub fn events(domain: &str, changes: &[Change], state: &State) -> Vec<Event> {
    let told = Changes { domain, changes, state };
    [told.dmarc(), told.records(), told.spf(), told.dkim(), told.mx(), told.mta_sts(), told.rest()].concat()
}

struct Changes<'a> {
    domain: &'a str,
    changes: &'a [Change],
    state: &'a State,
}

impl Changes<'_> {
    fn dmarc(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let record = self.change(Mechanism::Dmarc, "record");
        let came_or_went =
            record.is_some_and(|record| record.old.value.is_none() || record.new.value.is_none());
        if !came_or_went {
            // What the subdomains get follows the policy unless something else is said.
            let policies = ["policy", "subdomain_policy", "nonexistent_policy"];
            let moved = policies.into_iter().find_map(|name| self.change(Mechanism::Dmarc, name));
            if let Some(change) = moved {
                let [old, new] = [&change.old, &change.new].map(|fact| strictness(fact.value.as_deref()));
                let kind = if new < old { DMARC_POLICY_LOOSENED } else { DMARC_POLICY_TIGHTENED };
                let about = change.name.strip_suffix("_policy").unwrap_or_default();
                events.push(self.event(kind, about, change));
            }
            if let Some(change) = self.change(Mechanism::Dmarc, "testing") {
                let kind = if is_yes(change) { DMARC_TESTING_STARTED } else { DMARC_TESTING_ENDED };
                events.push(self.event(kind, "", change));
            }
        }
        if let Some(change) = self.change(Mechanism::Dmarc, "reports_to_us") {
            let was = change.old.value.as_deref() == Some("yes");
            let kind = if was { DMARC_REPORTS_NO_LONGER_TO_US } else { DMARC_REPORTS_TO_US };
            if was || is_yes(change) {
                events.push(self.event(kind, "", change));
            }
        }
        let record = record.or(self.change(Mechanism::Dmarc, "at"));
        match record {
            Some(change) if came_or_went || events.is_empty() => {
                let kinds = [DMARC_RECORD_PUBLISHED, DMARC_RECORD_GONE, DMARC_RECORD_CHANGED];
                events.push(self.came_or_went(kinds, "", change));
            }
            _ => {}
        }
        events
    }

    /// What is one record each.
    fn records(&self) -> Vec<Event> {
        [
            (Mechanism::Spf, "record", [SPF_RECORD_PUBLISHED, SPF_RECORD_GONE, SPF_RECORD_CHANGED]),
            (
                Mechanism::TlsRpt,
                "record",
                [TLS_RPT_RECORD_PUBLISHED, TLS_RPT_RECORD_GONE, TLS_RPT_RECORD_CHANGED],
            ),
            (Mechanism::Bimi, "record", [BIMI_RECORD_PUBLISHED, BIMI_RECORD_GONE, BIMI_RECORD_CHANGED]),
        ]
        .into_iter()
        .filter_map(|(mechanism, name, kinds)| {
            Some(self.came_or_went(kinds, "", self.change(mechanism, name)?))
        })
        .collect()
    }

    fn spf(&self) -> Vec<Event> {
        let Some(change) = self.change(Mechanism::Spf, "valid") else { return Vec::new() };
        match (change.old.value.as_deref(), change.new.value.as_deref()) {
            (Some("yes"), Some("no")) => vec![self.event(SPF_BROKEN, "", change)],
            (Some("no"), Some("yes")) => vec![self.event(SPF_REPAIRED, "", change)],
            // That of a record which came or went has been said.
            _ => Vec::new(),
        }
    }

    fn dkim(&self) -> Vec<Event> {
        let keys = self.subjects(Mechanism::Dkim, "key:");
        keys.filter_map(|(selector, change)| {
            let [old, new] = [&change.old, &change.new].map(|fact| fact.value.as_deref().map(fingerprint));
            let kind = match (old, new) {
                (None | Some(REVOKED), None) | (None, Some(REVOKED)) => return None,
                (Some(_), Some(REVOKED)) => DKIM_KEY_REVOKED,
                (Some(_), None) => DKIM_KEY_GONE,
                (None | Some(REVOKED), Some(_)) => DKIM_KEY_PUBLISHED,
                (Some(old), Some(new)) if old == new => return None,
                _ => DKIM_KEY_ROTATED,
            };
            Some(self.event(kind, selector, change))
        })
        .collect()
    }

    fn mx(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(change) = self.change(Mechanism::Mx, "hosts") {
            events.push(self.event(MX_CHANGED, "", change));
        }
        for (host, change) in self.subjects(Mechanism::Dane, "tlsa:") {
            // That a host came or went has been said.
            if self.was_and_is_host(host) {
                events.push(self.came_or_went([DANE_PUBLISHED, DANE_GONE, DANE_CHANGED], host, change));
            }
        }
        events
    }

    fn mta_sts(&self) -> Vec<Event> {
        let [mode, policy, id] = ["mode", "policy", "id"].map(|name| self.change(Mechanism::MtaSts, name));
        if let Some(change) = id.filter(|id| id.old.value.is_none() || id.new.value.is_none()) {
            return vec![self.came_or_went(
                [MTA_STS_PUBLISHED, MTA_STS_GONE, MTA_STS_POLICY_CHANGED],
                "",
                change,
            )];
        }
        let mut events = Vec::new();
        if let Some(change) = mode.filter(|mode| mode.old.value.is_some() && mode.new.value.is_some()) {
            events.push(self.event(MTA_STS_MODE_CHANGED, "", change));
        }
        if let Some(change) = policy.filter(|policy| policy.old.value.is_some() && policy.new.value.is_some())
        {
            // Senders fetch a policy again only when the id is another (RFC 8461 section 3.3). It may have changed earlier,
            // while the policy could not be fetched.
            let id = self.state.confirmed(Mechanism::MtaSts, "id");
            if id.is_some_and(|id| id.since <= change.old.since) {
                events.push(self.event(MTA_STS_POLICY_CHANGED_WITHOUT_ID, "", change));
            } else if events.is_empty() {
                events.push(self.event(MTA_STS_POLICY_CHANGED, "", change));
            }
        }
        events
    }

    fn rest(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(change) = self.change(Mechanism::Dnssec, "secure") {
            let kind = match change.new.value.as_deref() {
                Some("yes") => DNSSEC_SIGNED,
                Some("bogus") => DNSSEC_BOGUS,
                _ => DNSSEC_UNSIGNED,
            };
            events.push(self.event(kind, "", change));
        }
        if let Some(change) = self.change(Mechanism::Ns, "servers") {
            events.push(self.event(NS_CHANGED, "", change));
        }
        for (listing, change) in self.subjects(Mechanism::Dnsbl, "listed:") {
            match (&change.old.value, &change.new.value) {
                (None, Some(_)) => events.push(self.event(DNSBL_LISTED, listing, change)),
                (Some(_), None) => events.push(self.event(DNSBL_DELISTED, listing, change)),
                // Another reason on the same list.
                _ => {}
            }
        }
        events
    }

    fn change(&self, mechanism: Mechanism, name: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.mechanism == mechanism && change.name == name)
    }

    fn subjects(&self, mechanism: Mechanism, prefix: &str) -> impl Iterator<Item = (&str, &Change)> {
        let of = self.changes.iter().filter(move |change| change.mechanism == mechanism);
        of.filter_map(move |change| Some((change.name.strip_prefix(prefix)?, change)))
    }

    fn was_and_is_host(&self, host: &str) -> bool {
        let has = |hosts: Option<&str>| {
            hosts.is_some_and(|hosts| hosts.split(", ").any(|known| known.split(' ').nth(1) == Some(host)))
        };
        let now = self.state.value(Mechanism::Mx, "hosts");
        let before = self.change(Mechanism::Mx, "hosts").map_or(now, |change| change.old.value.as_deref());
        has(now) && has(before)
    }

    fn came_or_went(&self, [came, went, changed]: [Kind; 3], subject: &str, change: &Change) -> Event {
        let kind = match (&change.old.value, &change.new.value) {
            (None, _) => came,
            (_, None) => went,
            _ => changed,
        };
        self.event(kind, subject, change)
    }

    fn event(&self, kind: Kind, subject: &str, change: &Change) -> Event {
        let Change { old, new, .. } = change;
        let values = [old.value.as_deref(), new.value.as_deref()];
        let identity = [
            self.domain,
            change.mechanism.name(),
            &change.name,
            &old.since.to_string(),
            kind.name,
            old.value.as_deref().unwrap_or("\n"),
            new.value.as_deref().unwrap_or("\n"),
        ];
        kind.tell(self.domain, subject, values, new.since, &was_and_is(values), &identity)
    }
}

/// What it was and what it is, as the end of a sentence.
pub(crate) fn was_and_is(values: [Option<&str>; 2]) -> String {
    match values {
        [Some(old), Some(new)] => format!("it was {}, now it is {}", quoted(old), quoted(new)),
        [None, Some(new)] => format!("it is {}", quoted(new)),
        [Some(old), None] => format!("it was {}", quoted(old)),
        [None, None] => "there is none".to_owned(),
    }
}

/// How much of a key's fact is its identity: kind and size may follow.
pub(super) fn fingerprint(fact: &str) -> &str {
    fact.split(' ').next().unwrap_or(fact)
}

fn strictness(policy: Option<&str>) -> u8 {
    match policy {
        Some("reject") => 3,
        Some("quarantine") => 2,
        Some(_) => 1,
        None => 0,
    }
}

fn is_yes(change: &Change) -> bool {
    change.new.value.as_deref().is_some_and(|value| value.starts_with('y'))
}

fn quoted(value: &str) -> String {
    let short = value.get(..value.floor_char_boundary(LONGEST_QUOTE)).unwrap_or_default();
    format!("\"{short}{}\"", if short.len() < value.len() { "…" } else { "" })
}

/// What stands in the place of a fingerprint when a key was withdrawn (RFC 6376 section 3.6.1).
pub(super) const REVOKED: &str = "revoked";

const LONGEST_QUOTE: usize = 200;

#[cfg(test)]
mod tests;
