//! Keys that nobody uses, and keys that are used but gone.

use std::collections::BTreeMap;

use super::{
    KeyHistory, ReportDays, Thresholds,
    age::{date, day, is_possible},
};
use ruad_common::time::DAY;
use ruad_dns::{Finding, dkim};

pub(super) fn findings(
    own: &[&KeyHistory],
    reports: ReportDays,
    now: u64,
    thresholds: &Thresholds,
) -> Vec<Finding> {
    let mut selectors: BTreeMap<&str, Vec<&KeyHistory>> = BTreeMap::new();
    for key in own {
        selectors.entry(&key.key.selector).or_default().push(key);
    }
    let window = Window { reports, now, unused_days: thresholds.unused_days };
    let unused = own.iter().filter(|key| key.is_live()).filter_map(|key| {
        let since = window.unseen_since(key)?;
        (!has_used_sibling(key, own, &window)).then(|| unused(key, since, reports))
    });
    let gone = selectors.values().filter_map(|keys| gone(keys, &window));
    unused.chain(gone).collect()
}

struct Window {
    reports: ReportDays,
    now: u64,
    unused_days: u32,
}

impl Window {
    /// Since which day the key has not been seen, when that is too long before the newest report. Days before the
    /// first report and before the key do not count: nobody was there to see it.
    fn unseen_since(&self, key: &KeyHistory) -> Option<u32> {
        let published = Some(key.first_seen_dns).filter(|time| is_possible(*time, self.now));
        let published = day(published.unwrap_or(self.now).min(self.now));
        let last = key.last_seen_reports.unwrap_or(0).max(self.reports.oldest).max(published);
        (self.reports.newest.saturating_sub(last) >= self.unused_days).then_some(last)
    }

    fn is_used(&self, key: &KeyHistory) -> bool {
        key.last_seen_reports.is_some_and(|last| self.reports.newest.saturating_sub(last) < self.unused_days)
    }
}

fn unused(key: &KeyHistory, since: u32, reports: ReportDays) -> Finding {
    let newest = date(u64::from(reports.newest) * DAY);
    let detail = match key.last_seen_reports {
        Some(last) => {
            let last = date(u64::from(last) * DAY);
            format!(
                "The key is published, but no mail in reports was signed with it since {last}; the newest report is of {newest}."
            )
        }
        None => {
            let since = date(u64::from(since) * DAY);
            format!(
                "The key is published, but no mail in reports from {since} to {newest} was signed with it."
            )
        }
    };
    dkim::KEY_UNUSED.at(&key.name(), None, detail)
}

/// Whether another selector that leads to the same service is in use. Services ask for two or three aliases and sign
/// with one of them until they rotate: the others are spare, not superfluous.
fn has_used_sibling(key: &KeyHistory, own: &[&KeyHistory], window: &Window) -> bool {
    let Some(alias) = &key.key.alias else { return false };
    own.iter().any(|other| {
        other.key.selector != key.key.selector
            && window.is_used(other)
            && other.key.alias.as_ref().is_some_and(|other| dkim::is_same_service(other, alias))
    })
}

/// The keys of one selector: whether all are gone although mail was signed with it afterwards.
fn gone(keys: &[&KeyHistory], window: &Window) -> Option<Finding> {
    // A revoked key is a record, too, and is reported where it is read.
    if keys.iter().any(|key| key.published) {
        return None;
    }
    let newest = keys.iter().max_by_key(|key| key.last_seen_dns)?;
    let used = keys.iter().filter_map(|key| key.last_seen_reports).max()?;
    let vanished = day(newest.last_seen_dns.min(window.now));
    // Mail is on its way for a while, and a report's day may begin a day early: only later use is use without a key.
    let is_after = used > vanished.saturating_add(1);
    let is_recent = window.reports.newest.saturating_sub(used) <= RECENT_DAYS
        && day(window.now).saturating_sub(used) <= window.unused_days;
    (is_after && is_recent).then(|| {
        let (used, vanished) = (date(u64::from(used) * DAY), date(u64::from(vanished) * DAY));
        let detail =
            format!("Mail of {used} was signed with this selector, but its key was last seen on {vanished}.");
        dkim::KEY_GONE.at(&newest.name(), None, detail)
    })
}

/// How long before the newest report a selector still counts as in use.
const RECENT_DAYS: u32 = 14;
