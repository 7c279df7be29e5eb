//! What makes a report that report: two deliveries with the same identity are the same report.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    domains::normalize,
    provenance::{Claim, Kind},
    report::{aggregate::Aggregate, failure::FailureReport, tls::TlsReport},
};

/// Who reports what, about which domain and days; written down with the decision and stored on every row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// The kind of report.
    pub kind: ReportKind,
    /// A hash of reporter, policy domain, report id, begin and end. Report ids alone repeat: between reporters, and from
    /// Google and Mimecast on different days.
    pub key: Uuid,
    /// A hash of what the report says.
    pub content: Uuid,
    /// `org_name`, or the domain of `email` where that is missing; lower case.
    pub reporter: String,
    /// The domain the report is about, normalized; empty when it names none.
    pub policy_domain: String,
    /// As written; empty when missing.
    pub report_id: String,
    /// The UTC day in the middle of the report's range, in days since the epoch: a range of local midnights
    /// belongs to the day most of it lies in. The day of arrival where the range is missing.
    pub day: u16,
    /// The range is missing, reversed, longer than 35 days or far from the arrival.
    pub date_suspect: bool,
    /// Records, policies, or 1.
    pub records: u64,
    /// Messages or sessions that it counts.
    pub messages: u64,
}

/// The kinds of report.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// DMARC aggregate report.
    Aggregate,
    /// DMARC failure report.
    Failure,
    /// SMTP TLS report.
    Tls,
}

impl Identity {
    /// Of an aggregate report that arrived at `received_at` (milliseconds since the epoch).
    #[must_use]
    pub fn of_aggregate(report: &Aggregate, received_at: u64) -> Self {
        let reporter = reporter(report.org_name.as_deref(), report.email.as_deref());
        let policy_domain = domain(report.policy.domain.as_deref());
        let report_id = report.report_id.clone().unwrap_or_default();
        let range = Range::new(report.begin, report.end, received_at);
        Self {
            kind: ReportKind::Aggregate,
            key: key(&["aggregate", &reporter, &policy_domain, &report_id, &range.begin, &range.end]),
            content: Uuid::from_u128(report.content_hash),
            reporter,
            policy_domain,
            report_id,
            day: range.day,
            date_suspect: range.suspect,
            records: report.records,
            messages: report.messages,
        }
    }

    /// Of a TLS report that arrived at `received_at`.
    #[must_use]
    pub fn of_tls(report: &TlsReport, received_at: u64) -> Self {
        let reporter = reporter(report.organization_name.as_deref(), report.contact_info.as_deref());
        let policy_domain = report.policies.iter().find_map(|policy| policy.policy_domain.as_deref());
        let report_id = report.report_id.clone().unwrap_or_default();
        let range = Range::new(report.begin, report.end, received_at);
        let sessions = report.policies.iter().fold(0_u64, |sum, policy| {
            sum.saturating_add(policy.successful.unwrap_or(0)).saturating_add(policy.failed.unwrap_or(0))
        });
        Self {
            kind: ReportKind::Tls,
            key: key(&["tls", &reporter, &report_id, &range.begin, &range.end]),
            content: Uuid::from_u128(report.content_hash()),
            reporter,
            policy_domain: domain(policy_domain),
            report_id,
            day: range.day,
            date_suspect: range.suspect,
            records: report.policies.len() as u64,
            messages: sessions,
        }
    }

    /// Of a failure report, before it is redacted, that arrived at `received_at`. It has no id, so
    /// its content is its identity; who reports is only in the header of its mail, for the caller to fill in.
    #[must_use]
    pub fn of_failure(report: &FailureReport, received_at: u64) -> Self {
        let content = report.content_hash();
        let about = report.reported_domain.first().map(String::as_str);
        let about = about.or_else(|| report.header_from.as_deref().and_then(domain_of_address));
        let range = Range::new(report.arrival_date, report.arrival_date, received_at);
        Self {
            kind: ReportKind::Failure,
            key: key(&["failure", &format!("{content:032x}")]),
            content: Uuid::from_u128(content),
            reporter: String::new(),
            policy_domain: domain(about),
            report_id: String::new(),
            day: range.day,
            // RFC 5965 section 3.2 leaves Arrival-Date to the reporter.
            date_suspect: range.suspect && report.arrival_date.is_some(),
            records: 1,
            messages: report.incidents.unwrap_or(1),
        }
    }
}

impl ReportKind {
    /// The word that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Failure => "failure",
            Self::Tls => "tls",
        }
    }

    /// A claim of this kind of report, to be held against the evidence.
    #[must_use]
    pub fn claim<'a>(self, org_name: Option<&'a str>, email: Option<&'a str>) -> Claim<'a> {
        let kind = match self {
            Self::Aggregate => Kind::Aggregate,
            Self::Failure => Kind::Failure,
            Self::Tls => Kind::Tls,
        };
        Claim { kind, org_name, email }
    }
}

struct Range {
    begin: String,
    end: String,
    day: u16,
    suspect: bool,
}

impl Range {
    fn new(begin: Option<i64>, end: Option<i64>, received_at: u64) -> Self {
        let arrival = i64::try_from(received_at / 1000).unwrap_or(i64::MAX);
        let text = |time: Option<i64>| time.map(|time| time.to_string()).unwrap_or_default();
        let (first, last) = match (begin, end) {
            (Some(begin), Some(end)) => (begin, end),
            (Some(one), None) | (None, Some(one)) => (one, one),
            (None, None) => (arrival, arrival),
        };
        let middle = first.midpoint(last);
        let is_complete = begin.is_some() && end.is_some();
        let is_plausible = first <= last
            && last.saturating_sub(first) <= MOST_DAYS * DAY
            && last <= arrival.saturating_add(2 * DAY)
            && first >= arrival.saturating_sub(LONGEST_AGO * DAY);
        Self {
            begin: text(begin),
            end: text(end),
            day: u16::try_from(middle.div_euclid(DAY).clamp(0, i64::from(u16::MAX))).unwrap_or(0),
            suspect: !(is_complete && is_plausible),
        }
    }
}

fn reporter(org_name: Option<&str>, email: Option<&str>) -> String {
    let named = org_name.map(str::trim).filter(|name| !name.is_empty());
    named.or_else(|| email.and_then(domain_of_address)).unwrap_or_default().to_lowercase()
}

fn domain(name: Option<&str>) -> String {
    let name = name.unwrap_or_default();
    normalize(name).unwrap_or_else(|| name.trim().trim_end_matches('.').to_lowercase())
}

fn domain_of_address(address: &str) -> Option<&str> {
    let (_, domain) = address.rsplit_once('@')?;
    domain.split(['>', ' ', ',', ';']).next()
}

/// Each part with its length before it, so that no two lists of parts give the same bytes. Stored, so it stays as it is.
fn key(parts: &[&str]) -> Uuid {
    let mut bytes = Vec::with_capacity(128);
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Uuid::from_u128(xxh3_128(&bytes))
}

/// Seconds.
const DAY: i64 = 86_400;

/// Ranges of weeks are seen in the wild (Trustwave); a month and some days is as far as belief goes.
const MOST_DAYS: i64 = 35;

/// Days. History that is handed in from another system is at most as old as what is kept here.
const LONGEST_AGO: i64 = 800;

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-02T12:00:00Z.
    const ARRIVAL: u64 = 1_793_620_800_000;

    fn range(begin: i64, end: i64) -> (u16, bool) {
        let range = Range::new(Some(begin), Some(end), ARRIVAL);
        (range.day, range.suspect)
    }

    #[test]
    fn a_day_is_the_reporters_whatever_its_midnight() {
        let midnight = 1_793_491_200; // 2026-11-01T00:00:00Z
        let day = u16::try_from(midnight / DAY).unwrap();
        assert_eq!(range(midnight, midnight + 86_399), (day, false), "Google");
        assert_eq!(range(midnight, midnight + 86_400), (day, false), "Microsoft");
        assert_eq!(range(midnight - 3_600, midnight + 82_799), (day, false), "local midnight in CET");
        assert_eq!(
            range(midnight + 28_800, midnight + 115_199),
            (day, false),
            "local midnight in California"
        );
    }

    #[test]
    fn strange_ranges_are_flagged_and_never_refused() {
        let midnight = 1_793_491_200;
        assert!(range(midnight + 86_399, midnight).1, "reversed");
        assert!(range(midnight - 40 * DAY, midnight).1, "longer than 35 days");
        assert!(range(0, 86_399).1, "1970");
        assert!(range(midnight + 400 * DAY, midnight + 401 * DAY).1, "in the future");
        assert!(range(i64::MIN, i64::MAX).1);
        assert_eq!(Range::new(None, None, ARRIVAL).day, 20_759);
        assert!(Range::new(None, None, ARRIVAL).suspect);
    }

    #[test]
    fn reporters_are_named_by_org_name_or_by_the_domain_of_their_address() {
        assert_eq!(reporter(Some("Google.COM"), Some("x@y.example")), "google.com");
        assert_eq!(reporter(Some("  "), Some("Reports <dmarc@Example.ORG>")), "example.org");
        assert_eq!(reporter(None, None), "");
    }

    #[test]
    fn parts_of_a_key_do_not_run_into_each_other() {
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_ne!(key(&["a", ""]), key(&["", "a"]));
    }

    #[test]
    fn the_key_is_stored_and_must_not_change() {
        let key = key(&["aggregate", "google.com", "example.org", "42", "1793491200", "1793577599"]);
        assert_eq!(key.to_string(), "e7bec133-447e-2658-371b-823bd6c44106");
    }
}
