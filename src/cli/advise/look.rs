//! What DNS says about domains now, with what was known of their keys before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt;
use ruad::{
    advice::store::StoredKeyUse,
    config::Settings,
    health::{
        Examiner, Snapshot, Subject,
        keys::{self, Key, KeyHistory, ReportDays, Thresholds},
        posture::Posture,
    },
    store::Store,
};
use ruad_dns::profile::Profile;
use ruad_dns::{
    Check,
    dkim::{Kind, Origin, Selector},
};
use ruad_registry::Registry;

use super::super::examiner::{examiner, routing};

/// Asks name servers about domains.
pub(super) struct Look<'a> {
    settings: &'a Settings,
    registry: &'a Registry,
    store: &'a Store,
    examiner: Examiner,
}

/// What ClickHouse knows about a domain that DNS does not tell.
#[derive(Default)]
struct Known {
    keys: Vec<StoredKeyUse>,
    days: Option<ReportDays>,
    addresses: Vec<std::net::IpAddr>,
}

impl<'a> Look<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        registry: &'a Registry,
        store: &'a Store,
    ) -> anyhow::Result<Self> {
        let examiner = examiner(settings)?
            .expecting_reports_at(&settings.health.reports_to)
            .with_lists(&settings.health.dnsbl)
            .with_routing(routing(&settings.health.rpki)?);
        Ok(Self { settings, registry, store, examiner })
    }

    /// The postures of these domains, in their order.
    pub(super) async fn at(&self, domains: &[String], now: u64) -> anyhow::Result<Vec<Posture>> {
        let mut known = self.known(domains).await?;
        let examinations = futures_util::stream::iter(domains).map(|domain| {
            let known = known.remove(domain).unwrap_or_default();
            let subject = self.subject(domain, &known);
            let examiner = self.examiner.clone();
            // Each on a task of its own, so that both the waiting and the work are shared by all cores.
            let task = tokio::spawn(async move { examiner.examine(&subject, now).await });
            async move { (task.await, known) }
        });
        let mut examinations = examinations.buffered(super::AT_ONCE);
        let mut postures = Vec::new();
        while let Some((snapshot, known)) = examinations.next().await {
            postures.push(self.posture(snapshot?, &known));
        }
        Ok(postures)
    }

    async fn known(&self, domains: &[String]) -> anyhow::Result<HashMap<String, Known>> {
        let names: Vec<_> = domains.iter().map(String::as_str).collect();
        let mut known: HashMap<String, Known> = HashMap::new();
        for key in self.store.key_uses(&names).await? {
            known.entry(key.domain.clone()).or_default().keys.push(key);
        }
        for days in self.store.reported_days(&names).await? {
            let days_known = ReportDays { oldest: days.first.into(), newest: days.last.into() };
            known.entry(days.domain).or_default().days = Some(days_known);
        }
        for sender in self.store.senders(&names, MOST_SENDERS).await? {
            if let Ok(address) = sender.address.parse() {
                known.entry(sender.domain).or_default().addresses.push(address);
            }
        }
        Ok(known)
    }

    fn subject(&self, domain: &str, known: &Known) -> Subject {
        let newest = known.days.map(|days| days.newest);
        let mut named: BTreeMap<&str, Origin> = BTreeMap::new();
        for key in &known.keys {
            let last = key.last_day.map(u32::from);
            let quiet_days = newest.zip(last).map_or(u32::MAX, |(newest, last)| newest.saturating_sub(last));
            named.insert(&key.selector, Origin::Report { passed: key.messages > 0, quiet_days });
        }
        let watched = self.registry.watched(domain);
        let selectors = watched.map(|watched| watched.selectors).unwrap_or_default();
        named.extend(selectors.iter().map(|selector| (selector.as_str(), Origin::Registry)));
        Subject {
            domain: domain.to_owned(),
            selectors: named.into_iter().map(|(name, origin)| Selector::new(name, origin)).collect(),
            try_common_selectors: true,
            addresses: known.addresses.clone(),
        }
    }

    fn posture(&self, mut snapshot: Snapshot, known: &Known) -> Posture {
        let histories = histories(&snapshot, &known.keys);
        let watched = self.registry.watched(&snapshot.domain);
        let health = &self.settings.health;
        let thresholds = Thresholds {
            warning_days: watched.and_then(|of| of.key_age_warning).unwrap_or(health.key_age_warning),
            error_days: watched.and_then(|of| of.key_age_error).unwrap_or(health.key_age_error),
            ..Thresholds::default()
        };
        let at = snapshot.checked_at;
        let findings = keys::findings(&snapshot.domain, &histories, known.days, at, &thresholds);
        snapshot.dkim.check.findings.extend(findings);
        let profile = watched.and_then(|of| of.profile).unwrap_or(&health.profile);
        let profile = Profile::named(profile).unwrap_or_default();
        let checks = snapshot.checks();
        let is_told = |check: &&Check| check.is_told();
        let codes = checks.iter().flat_map(|check| &check.findings).map(|finding| finding.code);
        let score = checks.iter().all(is_told).then(|| profile.score(codes));
        Posture::of(&snapshot, &histories, score)
    }
}

/// When the keys were seen: those of the past from the store, and those of now.
fn histories(snapshot: &Snapshot, stored: &[StoredKeyUse]) -> Vec<KeyHistory> {
    let now = snapshot.checked_at;
    let published: BTreeMap<_, _> = snapshot
        .dkim
        .keys
        .iter()
        .filter_map(|found| Some((found.selector.as_str(), (found, found.key()?))))
        .collect();
    let mut seen = BTreeSet::new();
    let mut histories = Vec::new();
    for row in stored.iter().filter(|row| !row.fingerprint.is_empty()) {
        let live = published.get(row.selector.as_str());
        let is_live = live.is_some_and(|(_, key)| key.fingerprint == row.fingerprint);
        seen.insert((row.selector.as_str(), row.fingerprint.as_str()));
        histories.push(KeyHistory {
            key: Key {
                domain: snapshot.domain.clone(),
                selector: row.selector.clone(),
                fingerprint: row.fingerprint.clone(),
                kind: if row.kind == Kind::Ed25519.to_string() { Kind::Ed25519 } else { Kind::Rsa },
                bits: row.bits,
                alias: live.filter(|_| is_live).and_then(|(found, _)| found.alias.clone()),
            },
            published: is_live,
            first_seen_dns: row.first_seen.map_or(now, u64::from),
            last_seen_dns: if is_live { now } else { row.last_seen.map_or(now, u64::from) },
            first_seen_reports: row.first_day.filter(|_| row.messages > 0).map(u32::from),
            last_seen_reports: row.last_day.map(u32::from),
        });
    }
    for (selector, (found, key)) in published {
        if seen.contains(&(selector, key.fingerprint.as_str())) {
            continue;
        }
        let used = stored.iter().find(|row| row.selector == selector);
        histories.push(KeyHistory {
            key: Key {
                domain: snapshot.domain.clone(),
                selector: selector.to_owned(),
                fingerprint: key.fingerprint.clone(),
                kind: key.kind,
                bits: key.bits,
                alias: found.alias.clone(),
            },
            published: true,
            first_seen_dns: now,
            last_seen_dns: now,
            first_seen_reports: used
                .filter(|row| row.messages > 0)
                .and_then(|row| row.first_day)
                .map(u32::from),
            last_seen_reports: used.and_then(|row| row.last_day).map(u32::from),
        });
    }
    histories
}

/// For each domain, as many as the daemon looks at.
const MOST_SENDERS: u32 = 20;
