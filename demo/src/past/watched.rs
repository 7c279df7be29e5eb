//! One domain as the daemon's watch would have seen it, day by day.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruad::health::keys::{self, Key, KeyHistory, ReportDays, Thresholds};
use ruad::health::posture::Posture;
use ruad::health::rows::{CheckRow, EventRow, KeyRow, RecordRow};
use ruad::health::state::State;
use ruad::health::{Examiner, Snapshot, Subject, events};
use ruad::{
    health::store::SelectorUse,
    store::{Store, StoreError},
};
use ruad_dns::dkim::{Origin, Selector};
use ruad_dns::profile::Profile;
use ruad_dns::{Code, Mechanism};
use uuid::Uuid;

/// What is known about a domain so far.
pub(super) struct Watched {
    domain: Arc<str>,
    group: Arc<str>,
    /// The selectors that the owner has told of, each from a day on.
    selectors: BTreeMap<String, i64>,
    state: State,
    keys: BTreeMap<(String, String), KeyHistory>,
    costs: BTreeMap<Mechanism, Vec<Code>>,
    posture: Option<Arc<Posture>>,
}

/// What reports tell about it.
#[derive(Default)]
pub(super) struct Told {
    pub(super) uses: Vec<SelectorUse>,
    pub(super) days: Option<ReportDays>,
    pub(super) addresses: Vec<std::net::IpAddr>,
}

impl Told {
    /// What was known of a selector on a day, and the last day then on which it was used.
    fn of(&self, selector: &str, today: u32) -> Option<(&SelectorUse, u32)> {
        let used = self.uses.iter().find(|used| used.selector == selector)?;
        (u32::from(used.first) <= today).then(|| (used, today.min(used.last.into())))
    }

    /// The days for which there were reports then.
    fn days_until(&self, at: u64) -> Option<ReportDays> {
        let ReportDays { oldest, newest } = self.days?;
        let today = u32::try_from(at / DAY).unwrap_or(u32::MAX);
        (oldest <= today).then(|| ReportDays { oldest, newest: newest.min(today) })
    }
}

/// What is to be kept.
#[derive(Default)]
pub(super) struct Rows {
    checks: Vec<CheckRow>,
    records: Vec<RecordRow>,
    keys: Vec<KeyRow>,
    events: Vec<EventRow>,
}

impl Watched {
    pub(super) fn new(domain: &str, group: &str, selectors: BTreeMap<String, i64>) -> Self {
        Self {
            domain: domain.into(),
            group: group.into(),
            selectors,
            state: State::default(),
            keys: BTreeMap::new(),
            costs: BTreeMap::new(),
            posture: None,
        }
    }

    /// What advice goes by.
    pub(super) fn posture(&self) -> Option<Arc<Posture>> {
        self.posture.clone()
    }

    /// Looks at `at`. Nothing changes within a day, so that what is seen is taken for what two looks in a row have seen.
    pub(super) async fn look(&mut self, examiner: &Examiner, told: &Told, day: i64, at: u64) -> Rows {
        let subject = Subject {
            domain: self.domain.to_string(),
            selectors: self.asked(told, day, at),
            try_common_selectors: false,
            addresses: told.addresses.clone(),
        };
        let mut snapshot = examiner.examine(&subject, at - SECOND_LOOK).await;
        self.state.observe(snapshot.checks(), &BTreeSet::new(), at - SECOND_LOOK);
        snapshot.checked_at = at;
        let changes = self.state.observe(snapshot.checks(), &BTreeSet::new(), at);
        self.remember(&snapshot, told, at);
        let histories: Vec<_> = self.keys.values().cloned().collect();
        let findings =
            keys::findings(&self.domain, &histories, told.days_until(at), at, &Thresholds::default());
        snapshot.dkim.check.findings.extend(findings);
        for check in snapshot.checks().into_iter().filter(|check| check.is_told()) {
            let codes = check.findings.iter().map(|finding| finding.code).collect();
            self.costs.insert(check.mechanism, codes);
        }
        let is_known = Mechanism::ALL.iter().all(|mechanism| self.costs.contains_key(mechanism));
        let score = is_known.then(|| <&Profile>::default().score(self.costs.values().flatten().copied()));
        self.posture = Some(Arc::new(Posture::of(&snapshot, &histories, score)));
        let group = &self.group;
        let events = events::events(&self.domain, &changes, &self.state).into_iter();
        let check = |check: &&ruad_dns::Check| CheckRow {
            domain: self.domain.clone(),
            group: group.clone(),
            mechanism: check.mechanism,
            checked_at: at,
            status: check.status(),
            findings: check.findings.clone(),
            unknown: check.unknown.clone(),
            settled: self.state.is_settled(check.mechanism),
            facts: self
                .state
                .certain(check.mechanism)
                .map(|(name, fact)| (name.to_owned(), fact.clone()))
                .collect(),
            spf_lookups: self
                .state
                .value(Mechanism::Spf, "lookups")
                .and_then(|lookups| lookups.parse().ok())
                .filter(|_| check.mechanism == Mechanism::Spf),
            score: score.as_ref().map(|score| score.value() as f32),
        };
        Rows {
            events: events.map(|event| EventRow { group: group.clone(), event, confirmed_at: at }).collect(),
            records: self.records(&snapshot, at),
            keys: self.keys.values().filter(|key| key.published).map(|key| self.key(key)).collect(),
            checks: snapshot.checks().iter().map(check).collect(),
        }
    }

    fn remember(&mut self, snapshot: &Snapshot, told: &Told, at: u64) {
        let today = u32::try_from(at / DAY).unwrap_or(u32::MAX);
        self.keys.values_mut().for_each(|history| history.published = false);
        for found in &snapshot.dkim.keys {
            let Some(key) = found.key() else { continue };
            let identity = (found.selector.clone(), key.fingerprint.clone());
            let history = self.keys.entry(identity).or_insert_with(|| KeyHistory {
                key: Key {
                    domain: self.domain.to_string(),
                    selector: found.selector.clone(),
                    fingerprint: key.fingerprint.clone(),
                    kind: key.kind,
                    bits: key.bits,
                    alias: found.alias.clone(),
                },
                published: true,
                first_seen_dns: at - SECOND_LOOK,
                last_seen_dns: at,
                first_seen_reports: None,
                last_seen_reports: None,
            });
            (history.published, history.last_seen_dns) = (true, at);
        }
        for history in self.keys.values_mut() {
            let Some((used, last)) = told.of(&history.key.selector, today) else { continue };
            history.first_seen_reports = (used.messages > 0).then_some(used.first.into());
            history.last_seen_reports = Some(last);
        }
    }

    /// The selectors that were known by then: from reports, and from the owner.
    fn asked(&self, told: &Told, day: i64, at: u64) -> Vec<Selector> {
        let today = u32::try_from(at / DAY).unwrap_or(u32::MAX);
        let known = self.selectors.iter().filter(|(_, from)| **from <= day);
        let selector = |(name, _): (&String, &i64)| {
            let origin = told.of(name, today).map_or(Origin::Registry, |(used, last)| Origin::Report {
                passed: used.messages > 0,
                quiet_days: today.saturating_sub(last),
            });
            Selector::new(name.as_str(), origin)
        };
        known.map(selector).collect()
    }

    fn records(&self, snapshot: &Snapshot, at: u64) -> Vec<RecordRow> {
        let records = snapshot.checks().into_iter().flat_map(|check| &check.records);
        records
            .map(|record| RecordRow {
                domain: self.domain.clone(),
                group: self.group.clone(),
                name: record.name.clone(),
                kind: record.kind,
                text: record.text.clone(),
                seen_at: at,
            })
            .collect()
    }

    fn key(&self, history: &KeyHistory) -> KeyRow {
        KeyRow {
            domain: self.domain.clone(),
            group: self.group.clone(),
            selector: history.key.selector.clone(),
            fingerprint: history.key.fingerprint.clone(),
            kind: history.key.kind,
            bits: history.key.bits,
            first_seen: history.first_seen_dns,
            last_seen: history.last_seen_dns,
        }
    }
}

impl Rows {
    pub(super) fn add(&mut self, other: Self) {
        self.checks.extend(other.checks);
        self.records.extend(other.records);
        self.keys.extend(other.keys);
        self.events.extend(other.events);
    }

    /// What is still known of it: since when records and keys are there.
    pub(super) fn of_long_ago(mut self) -> Self {
        self.events.clear();
        self.checks.clear();
        self
    }

    pub(super) async fn keep(&self, store: &Store) -> Result<(), StoreError> {
        // A statement without rows is none.
        if !self.checks.is_empty() {
            store.keep_checks(&self.checks, Uuid::now_v7()).await?;
        }
        if !self.records.is_empty() {
            store.keep_records(&self.records, Uuid::now_v7()).await?;
        }
        if !self.keys.is_empty() {
            store.keep_keys(&self.keys, Uuid::now_v7()).await?;
        }
        if !self.events.is_empty() {
            store.keep_events(&self.events, Uuid::now_v7()).await?;
        }
        Ok(())
    }
}

/// Seconds from the first look to the second one.
const SECOND_LOOK: u64 = 7_200;
const DAY: u64 = 86_400;
