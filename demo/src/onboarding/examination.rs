//! What the daemon's watch over a domain does, at a time that is given: asks DNS, remembers keys, counts points.

use std::collections::BTreeMap;

use ruad::health::keys::{self, Key, KeyHistory, ReportDays, Thresholds};
use ruad::health::{Examiner, Snapshot, Subject};
use ruad::{health::store::SelectorUse, store::Store};
use ruad_dns::dkim::{Origin, Selector};
use ruad_dns::profile::{Profile, Score};
use ruad_dns::{Resolver, Validator};

use super::{Error, Internet, Web};

/// Examines one domain again and again.
pub struct Examination {
    domain: &'static str,
    examiner: Examiner,
    histories: BTreeMap<(String, String), KeyHistory>,
}

/// What was found.
pub struct Found {
    /// What DNS says, with what is to be said of the ages of keys.
    pub snapshot: Snapshot,
    /// When each key was seen.
    pub histories: Vec<KeyHistory>,
    /// What is left of five points; none when something could not be told.
    pub score: Option<Score>,
}

impl Examination {
    /// Of `domain`, whose reports are to go to `own`.
    ///
    /// # Errors
    ///
    /// When the resolvers cannot be set up.
    pub fn of(domain: &'static str, internet: &Internet, web: &Web, own: &[String]) -> Result<Self, Error> {
        let settings = internet.settings();
        let resolver = Resolver::new(&settings, 0, 200)?;
        let validator = Validator::new(&settings, 0, 200)?;
        let https = web.client(resolver.clone())?;
        let examiner = Examiner::new(resolver, validator).expecting_reports_at(own).with_https(https);
        Ok(Self { domain, examiner, histories: BTreeMap::new() })
    }

    /// Looks at `now` (seconds since 1970).
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn look(&mut self, store: &Store, now: u64) -> Result<Found, Error> {
        for day in store.days_to_add_up().await? {
            store.add_up_selectors(day).await?;
        }
        let mut uses = store.selector_uses(50).await?;
        uses.retain(|used| used.domain == self.domain);
        let reported = store.reported_days(&[self.domain]).await?.pop();
        let newest = reported.as_ref().map_or(0, |days| days.last);
        let subject = Subject {
            domain: self.domain.to_owned(),
            selectors: uses.iter().map(|used| selector(used, newest)).collect(),
            try_common_selectors: true,
            addresses: Vec::new(),
        };
        let mut snapshot = self.examiner.examine(&subject, now).await;
        self.remember(&snapshot.dkim.keys, &uses, now);
        let histories: Vec<_> = self.histories.values().cloned().collect();
        let days =
            reported.map(|days| ReportDays { oldest: u32::from(days.first), newest: u32::from(days.last) });
        let findings = keys::findings(self.domain, &histories, days, now, &Thresholds::default());
        snapshot.dkim.check.findings.extend(findings);
        let is_known = snapshot.checks().iter().all(|check| check.is_told());
        let codes =
            snapshot.checks().into_iter().flat_map(|check| &check.findings).map(|finding| finding.code);
        let score = is_known.then(|| <&Profile>::default().score(codes));
        Ok(Found { snapshot, histories, score })
    }

    fn remember(&mut self, published: &[ruad_dns::dkim::Published], uses: &[SelectorUse], now: u64) {
        self.histories.values_mut().for_each(|history| history.published = false);
        for found in published {
            let Some(key) = found.key() else { continue };
            let identity = (found.selector.clone(), key.fingerprint.clone());
            let history = self.histories.entry(identity).or_insert_with(|| KeyHistory {
                key: Key {
                    domain: self.domain.to_owned(),
                    selector: found.selector.clone(),
                    fingerprint: key.fingerprint.clone(),
                    kind: key.kind,
                    bits: key.bits,
                    alias: found.alias.clone(),
                },
                published: true,
                first_seen_dns: now,
                last_seen_dns: now,
                first_seen_reports: None,
                last_seen_reports: None,
            });
            history.published = true;
            history.last_seen_dns = now;
        }
        for history in self.histories.values_mut() {
            let Some(used) = uses.iter().find(|used| used.selector == history.key.selector) else { continue };
            history.first_seen_reports = (used.messages > 0).then_some(used.first.into());
            history.last_seen_reports = Some(used.last.into());
        }
    }
}

fn selector(used: &SelectorUse, newest: u16) -> Selector {
    let quiet_days = newest.saturating_sub(used.last).into();
    Selector::new(&used.selector, Origin::Report { passed: used.messages > 0, quiet_days })
}
