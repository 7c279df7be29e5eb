//! How long DKIM keys have been in use, and what follows from it.
//!
//! Nothing here asks or stores anything: what was seen so far goes in, findings come out.

mod age;
mod shared;
mod usage;

use serde::{Deserialize, Serialize};

use ruad_dns::{Code, Finding, dkim};

pub(crate) use age::date;
pub use age::{Age, age};

/// A key under a selector of a domain.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Key {
    /// The domain.
    pub domain: String,
    /// The selector.
    pub selector: String,
    /// [`dkim::PublicKey::fingerprint`], or [`dkim::REVOKED_KEY`].
    pub fingerprint: String,
    /// Its type.
    pub kind: dkim::Kind,
    /// Its size.
    pub bits: u32,
    /// The name that holds the record, when the selector is an alias of it.
    pub alias: Option<String>,
}

/// When a key was seen. One for every fingerprint that was ever seen under a selector, those of the past included:
/// they tell since when a selector can have had the key it has now.
///
/// Times are seconds since 1970, days are days since 1970, both UTC. Times that cannot be (before this program
/// existed, or in the future) were written by a clock that was wrong and count as unknown.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct KeyHistory {
    /// The key.
    pub key: Key,
    /// Whether the newest answer about the selector that could be had held this key. A question that was not
    /// answered changes nothing.
    pub published: bool,
    /// When DNS held it first, as far as was seen.
    pub first_seen_dns: u64,
    /// When DNS held it last.
    pub last_seen_dns: u64,
    /// The first day on which reports show mail that was signed with the selector and verified. Reports do not say with
    /// which key, so this is the same for all keys of the selector.
    pub first_seen_reports: Option<u32>,
    /// The last day on which reports show mail that was signed with the selector, whether it verified or not: what is
    /// signed with a key that is gone does not.
    pub last_seen_reports: Option<u32>,
}

/// The days for which there are reports about a domain; those after today left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct ReportDays {
    /// The first one, in days since 1970.
    pub oldest: u32,
    /// The last one.
    pub newest: u32,
}

/// When a key is too old; a group may have its own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Older than this is a warning; days. Half a year is what rotation guides ask of most senders.
    pub warning_days: u32,
    /// Older than this is an error; days.
    pub error_days: u32,
    /// A key that no report has shown for so long is superfluous; days.
    pub unused_days: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { warning_days: 180, error_days: 365, unused_days: 60 }
    }
}

/// What is to be said about the keys of `domain`.
///
/// `keys` holds the domain's keys, and those keys of other domains that the answer may speak of (a customer should not
/// read of another's): they only count as copies of the same key. `reports` is `None` when there are no reports about
/// the domain. `now` is in seconds since 1970; when it is wrong, ages are, but nothing breaks.
pub fn findings(
    domain: &str,
    keys: &[KeyHistory],
    reports: Option<ReportDays>,
    now: u64,
    thresholds: &Thresholds,
) -> Vec<Finding> {
    let own: Vec<_> = keys.iter().filter(|key| key.key.domain == domain).collect();
    // A day that has not come is a reporter's wrong clock, and says nothing about what was not seen.
    let reports =
        reports.filter(|days| days.oldest <= days.newest && days.newest <= age::day(now).saturating_add(1));
    let mut findings = age::findings(&own, now, thresholds);
    findings.extend(shared::findings(domain, &own, keys));
    if let Some(reports) = reports {
        findings.extend(usage::findings(&own, reports, now, thresholds));
    }
    findings.sort_by(|a, b| {
        b.code.severity.cmp(&a.code.severity).then_with(|| a.evidence.name.cmp(&b.evidence.name))
    });
    findings
}

/// Whether a finding rests on when keys were seen, and not on one answer.
pub(crate) fn is_of_history(code: &Code) -> bool {
    [
        dkim::KEY_OLD,
        dkim::KEY_AGING,
        dkim::KEY_SHARED,
        dkim::KEY_SHARED_BY_ALIAS,
        dkim::KEY_UNUSED,
        dkim::KEY_GONE,
    ]
    .contains(code)
}

impl KeyHistory {
    /// The name at which the key stands.
    pub fn name(&self) -> String {
        format!("{}._domainkey.{}", self.key.selector, self.key.domain)
    }

    /// Whether there is a key now.
    fn is_live(&self) -> bool {
        self.published && self.key.fingerprint != dkim::REVOKED_KEY
    }
}

#[cfg(test)]
mod tests;
