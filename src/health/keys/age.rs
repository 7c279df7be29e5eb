//! How old a key is.

use mail_parser::DateTime;
use serde::Serialize;

use super::{KeyHistory, Thresholds};
use ruad_common::time::DAY;
use ruad_dns::{Finding, dkim};

/// How old a key is, at least.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Age {
    /// In seconds.
    pub seconds: u64,
    /// Whether it rests on reports, which name selectors, not keys.
    pub estimated: bool,
}

/// How old `key` is at the time `now`, from the earliest evidence for its fingerprint; nothing when there is none that
/// can be believed. `keys` are all that is known about the same selector, `key` itself among them or not.
///
/// The evidence of DNS is when the fingerprint was first seen. A new fingerprint is a new key, so a rotation starts
/// again at nothing, and a key that comes back is as old as it was.
///
/// The evidence of reports is the first day on which the selector was in use. It counts for this fingerprint only when
/// DNS never showed another one under the selector on that day or later; it is an estimate even then, because the key
/// may have been replaced before anybody looked. It does not count when the selector is an alias of a name that belongs
/// to a service: services replace the key behind an alias, and nobody sees it.
pub fn age(key: &KeyHistory, keys: &[KeyHistory], now: u64) -> Option<Age> {
    of(key, keys.iter(), now)
}

pub(super) fn findings(own: &[&KeyHistory], now: u64, thresholds: &Thresholds) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in own.iter().filter(|key| key.is_live()) {
        let Some(age) = of(key, own.iter().copied(), now) else { continue };
        let days = age.seconds / DAY;
        let (code, limit) = if days > u64::from(thresholds.error_days) {
            (dkim::KEY_OLD, thresholds.error_days)
        } else if days > u64::from(thresholds.warning_days) {
            (dkim::KEY_AGING, thresholds.warning_days)
        } else {
            continue;
        };
        let since = date(now.saturating_sub(age.seconds));
        let evidence = match age.estimated {
            true => format!(
                "estimated: the selector is in reports since {since}, and no other key was seen under it"
            ),
            false => format!("first seen in DNS on {since}"),
        };
        let place = key.key.alias.as_ref().map_or_else(String::new, |alias| {
            format!(" {alias} holds it, so it is replaced by whoever runs that name.")
        });
        let detail = format!("The key is {days} days old ({evidence}); the limit is {limit} days.{place}");
        findings.push(code.at(&key.name(), None, detail));
    }
    findings
}

fn of<'a>(key: &KeyHistory, keys: impl Iterator<Item = &'a KeyHistory>, now: u64) -> Option<Age> {
    let dns = Some(key.first_seen_dns).filter(|time| is_possible(*time, now));
    let reports = key.first_seen_reports.filter(|_| key.key.alias.is_none()).and_then(|first| {
        let start = u64::from(first) * DAY;
        let mut others = keys.filter(|other| {
            other.key.domain == key.key.domain
                && other.key.selector == key.key.selector
                && other.key.fingerprint != key.key.fingerprint
        });
        // A time that cannot be may be any.
        let is_sole =
            !others.any(|other| other.last_seen_dns >= start || !is_possible(other.last_seen_dns, now));
        (is_sole && (FIRST_DMARC_DAY..=day(now)).contains(&first)).then_some(start)
    });
    let (since, estimated) = match (dns, reports) {
        (Some(dns), Some(reports)) => (dns.min(reports), reports < dns),
        (Some(dns), None) => (dns, false),
        (None, Some(reports)) => (reports, true),
        (None, None) => return None,
    };
    Some(Age { seconds: now.saturating_sub(since), estimated })
}

/// Whether something can have been seen in DNS then.
pub(super) fn is_possible(time: u64, now: u64) -> bool {
    (u64::from(FIRST_DMARC_DAY) * DAY..=now.saturating_add(DAY)).contains(&time)
}

/// The day of a time, in days since 1970.
pub(super) fn day(time: u64) -> u32 {
    u32::try_from(time / DAY).unwrap_or(u32::MAX)
}

pub(crate) fn date(time: u64) -> String {
    let text = DateTime::from_timestamp(i64::try_from(time.min(LAST_WRITTEN)).unwrap_or(0)).to_rfc3339();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// 2012-01-01: before that there were no reports, and nobody watched a domain for their sake. What says otherwise was
/// written with a clock that was not set.
const FIRST_DMARC_DAY: u32 = 15_340;
/// 9999-12-31.
const LAST_WRITTEN: u64 = 253_402_300_799;
