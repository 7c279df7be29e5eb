//! What makes a report that report: two deliveries with the same identity are the same report.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::read::Refusal;
use crate::provenance::{Claim, Kind};
use ruad_common::{domain_name, label::label};
use ruad_report::{LONGEST_RANGE, aggregate::Aggregate, failure::FailureReport, tls::TlsReport};

/// Who reports what, about which domain and days; written down with the decision and stored on every row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// The kind of report.
    pub kind: ReportKind,
    /// A hash of reporter, policy domain, report id, begin and end. Report ids alone repeat: between reporters, and from
    /// Google and Mimecast on different days. It is made of names as they were written, in lower case. See `Earlier::key`.
    pub key: Uuid,
    /// A hash of what the report says, whatever the spelling of names. See `Earlier::contents`.
    pub content: Uuid,
    /// The [`label`] of `org_name`, or of the domain of `email` where that is missing.
    pub reporter: String,
    /// The domain the report is about, normalized; empty when it names none.
    pub policy_domain: String,
    /// As written; empty when missing.
    pub report_id: String,
    /// The UTC day in the middle of the report's range, in days since the epoch: a range of local midnights
    /// belongs to the day most of it lies in. The day of arrival where the range is suspect.
    pub day: u16,
    /// The range is missing, reversed, longer than 35 days or far from the arrival.
    pub date_suspect: bool,
    /// Records, policies, or 1.
    pub records: u64,
    /// Messages or sessions that it counts.
    pub messages: u64,
}

/// The identity under which earlier versions of this program stored a report, which it keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Earlier {
    /// [`Identity::key`] with the report id as written.
    pub(super) key: Uuid,
    /// [`Identity::content`] when the spelling of every name counted, and when that of some did.
    pub(super) contents: [Uuid; 2],
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
    ///
    /// # Errors
    ///
    /// When its policy domain is not a domain name.
    pub fn of_aggregate(report: &Aggregate, received_at: u64) -> Result<Self, Refusal> {
        let reporter = reporter(report.org_name.as_deref(), report.email.as_deref());
        let policy_domain = domain(report.policy.domain.as_deref())?;
        let report_id = report.report_id.clone().unwrap_or_default();
        let range = Range::new(report.begin, report.end, received_at);
        Ok(Self {
            kind: ReportKind::Aggregate,
            key: key_of_aggregate(&reporter, &policy_domain, &report_id.to_lowercase(), &range),
            content: Uuid::from_u128(report.folded_hash),
            reporter: label(&reporter),
            policy_domain,
            report_id,
            day: range.day,
            date_suspect: range.suspect,
            records: report.records,
            messages: report.messages,
        })
    }

    /// Of a TLS report that arrived at `received_at`.
    ///
    /// # Errors
    ///
    /// When the domain of one of its policies is not a domain name.
    pub fn of_tls(report: &TlsReport, received_at: u64) -> Result<Self, Refusal> {
        let reporter = reporter(report.organization_name.as_deref(), report.contact_info.as_deref());
        for policy in &report.policies {
            domain(policy.policy_domain.as_deref())?;
        }
        let policy_domain = report.policies.iter().find_map(|policy| report.domain_of(policy));
        let report_id = report.report_id.clone().unwrap_or_default();
        let range = Range::new(report.begin, report.end, received_at);
        let sessions = report.policies.iter().fold(0_u64, |sum, policy| {
            sum.saturating_add(policy.successful.unwrap_or(0)).saturating_add(policy.failed.unwrap_or(0))
        });
        Ok(Self {
            kind: ReportKind::Tls,
            key: key_of_tls(&reporter, &report_id.to_lowercase(), &range),
            content: Uuid::from_u128(report.folded_hash()),
            reporter: label(&reporter),
            policy_domain: policy_domain.unwrap_or_default(),
            report_id,
            day: range.day,
            date_suspect: range.suspect,
            records: report.policies.len() as u64,
            messages: sessions,
        })
    }

    /// Of a failure report, before it is redacted, that arrived at `received_at`. It has no id, so
    /// its content is its identity; who reports is only in the header of its mail, for the caller to fill in.
    ///
    /// # Errors
    ///
    /// When what it names as reported is not a domain name.
    pub fn of_failure(report: &FailureReport, received_at: u64) -> Result<Self, Refusal> {
        let content = report.content_hash();
        let author = report.header_from.as_deref().and_then(domain_of_address);
        let named = || {
            report
                .reported_domain
                .iter()
                .map(|name| name.rsplit_once('@').map_or(name.as_str(), |(_, domain)| domain))
                .chain(author)
        };
        let policy_domain = match named().find_map(domain_name::domain) {
            Some(about) => about,
            None => domain(named().next())?,
        };
        let range = Range::new(report.arrival_date, report.arrival_date, received_at);
        Ok(Self {
            kind: ReportKind::Failure,
            key: key(&["failure", &format!("{content:032x}")]),
            content: Uuid::from_u128(content),
            reporter: String::new(),
            policy_domain,
            report_id: String::new(),
            day: range.day,
            // RFC 5965 section 3.2 leaves Arrival-Date to the reporter.
            date_suspect: range.suspect && report.arrival_date.is_some(),
            records: 1,
            messages: report.incidents.unwrap_or(1),
        })
    }
}

impl Earlier {
    /// Of an aggregate report with this identity.
    pub(super) fn of_aggregate(report: &Aggregate, identity: &Identity) -> Self {
        let reporter = reporter(report.org_name.as_deref(), report.email.as_deref());
        let range = Range::new(report.begin, report.end, 0);
        Self {
            key: key_of_aggregate(&reporter, &identity.policy_domain, &identity.report_id, &range),
            contents: [report.content_hash, report.half_folded_hash].map(Uuid::from_u128),
        }
    }

    /// Of a TLS report with this identity.
    pub(super) fn of_tls(report: &TlsReport, identity: &Identity) -> Self {
        let reporter = reporter(report.organization_name.as_deref(), report.contact_info.as_deref());
        let range = Range::new(report.begin, report.end, 0);
        Self {
            key: key_of_tls(&reporter, &identity.report_id, &range),
            contents: [report.content_hash(), report.half_folded_hash()].map(Uuid::from_u128),
        }
    }

    /// Of a failure report with this identity: it was always the same.
    pub(super) fn of_failure(identity: &Identity) -> Self {
        Self { key: identity.key, contents: [identity.content; 2] }
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
        let is_complete = begin.is_some() && end.is_some();
        let is_plausible = first <= last
            && last.saturating_sub(first) <= LONGEST_RANGE
            && last <= arrival.saturating_add(2 * DAY)
            && first >= arrival.saturating_sub(LONGEST_AGO * DAY);
        let suspect = !(is_complete && is_plausible);
        let middle = if suspect { arrival } else { first.midpoint(last) };
        Self {
            begin: text(begin),
            end: text(end),
            day: u16::try_from(middle.div_euclid(DAY).clamp(0, i64::from(u16::MAX))).unwrap_or(0),
            suspect,
        }
    }
}

fn reporter(org_name: Option<&str>, email: Option<&str>) -> String {
    let named = org_name.map(str::trim).filter(|name| !name.is_empty());
    named.or_else(|| email.and_then(domain_of_address)).unwrap_or_default().to_lowercase()
}

/// A domain that a report names, normalized; empty where it names none. Real reporters write it with underscores, a final
/// dot, capitals or as U-label, and all of these are domains.
fn domain(name: Option<&str>) -> Result<String, Refusal> {
    let name = name.unwrap_or_default().trim();
    match domain_name::domain(name) {
        Some(domain) => Ok(domain),
        None if name.is_empty() => Ok(String::new()),
        None => Err(Refusal::no_domain(name)),
    }
}

fn key_of_aggregate(reporter: &str, policy_domain: &str, report_id: &str, range: &Range) -> Uuid {
    key(&["aggregate", reporter, policy_domain, report_id, &range.begin, &range.end])
}

fn key_of_tls(reporter: &str, report_id: &str, range: &Range) -> Uuid {
    key(&["tls", reporter, report_id, &range.begin, &range.end])
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

/// Days. History that is handed in from another system is at most as old as what is kept here.
const LONGEST_AGO: i64 = 800;

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-02T12:00:00Z.
    const ARRIVAL: u64 = 1_793_620_800_000;
    const ARRIVED: u16 = 20_759;

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
        for (begin, end, why) in [
            (midnight + 86_399, midnight, "reversed"),
            (midnight - 40 * DAY, midnight, "longer than 35 days"),
            (0, 86_399, "1970"),
            (midnight + 400 * DAY, midnight + 401 * DAY, "in the future"),
            (midnight * 1000, (midnight + 86_399) * 1000, "in milliseconds"),
            (-86_400, -1, "before 1970"),
            (0, 4_294_967_295, "136 years"),
            (i64::MIN, i64::MAX, "all of time"),
        ] {
            assert_eq!(range(begin, end), (ARRIVED, true), "{why}");
        }
        for (begin, end) in [(None, None), (Some(midnight), None), (None, Some(0))] {
            let range = Range::new(begin, end, ARRIVAL);
            assert_eq!((range.day, range.suspect), (ARRIVED, true), "{begin:?} {end:?}");
        }
    }

    #[test]
    fn domains_as_reporters_write_them() {
        for (written, expected) in [
            ("Example.COM.", "example.com"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            (" example.com\n", "example.com"),
            ("", ""),
            ("  ", ""),
        ] {
            assert_eq!(domain(Some(written)).ok().as_deref(), Some(expected), "{written:?}");
        }
        assert_eq!(domain(None).ok().as_deref(), Some(""));
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for name in [
            r"x\') or 1=1 --.example",
            "a'b.example",
            "a\0b.example",
            "a b.example",
            "a@b.example",
            "a..b",
            "\u{202e}",
            "exam\u{200b}ple.com",
            "exam\u{ad}ple.com",
            "ｅxample.com",
            "127.0.0.1",
            "[::1]",
            "-.example",
            "_",
            "xn--zzzz--.example",
        ] {
            let refusal = domain(Some(name)).unwrap_err();
            assert_eq!(refusal.code, "policy_domain_invalid", "{name:?}");
        }
        let long = domain(Some(&"x".repeat(100_000))).unwrap_err();
        assert!(long.message.len() < 200, "{}", long.message);
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

    fn aggregate(org_name: &str, email: &str, domain: &str) -> Aggregate {
        let document = format!(
            "<feedback><report_metadata><org_name>{org_name}</org_name><email>{email}</email><report_id>42</report_id>\
             <date_range><begin>1793491200</begin><end>1793577599</end></date_range></report_metadata>\
             <policy_published><domain>{domain}</domain></policy_published></feedback>"
        );
        let limits = ruad_report::Limits::default();
        ruad_report::aggregate::read(document.as_bytes(), &limits, |_| {}).unwrap()
    }

    #[test]
    fn ordinary_reports_keep_their_identity() {
        let report = aggregate("google.com", "noreply-dmarc-support@google.com", "example.org");
        let identity = Identity::of_aggregate(&report, ARRIVAL).unwrap();
        assert_eq!(identity.key.to_string(), "e7bec133-447e-2658-371b-823bd6c44106");
        assert_eq!(identity.content.as_u128(), report.content_hash);
        assert_eq!(identity.reporter, "google.com");
        for (org_name, lower, reporter) in [
            ("Enterprise Outlook", "enterprise outlook", "enterprise outlook"),
            (" Mail.Ru\n", "mail.ru", "mail.ru"),
            ("O'Reilly\\", "o'reilly\\", "o_reilly_"),
            ("Goo\u{200b}gle.com", "goo\u{200b}gle.com", "goo_gle.com"),
        ] {
            let report = aggregate(org_name, "a@b.example", "Example.ORG.");
            let identity = Identity::of_aggregate(&report, ARRIVAL).unwrap();
            let parts = ["aggregate", lower, "example.org", "42", "1793491200", "1793577599"];
            assert_eq!(identity.key, key(&parts), "{org_name}");
            assert_eq!(identity.reporter, reporter);
        }
    }

    #[test]
    fn the_case_of_a_report_id_is_no_part_of_the_key() {
        let mut report = aggregate("google.com", "noreply-dmarc-support@google.com", "example.org");
        let mut identity_of = |id: &str| {
            report.report_id = Some(id.to_owned());
            let identity = Identity::of_aggregate(&report, ARRIVAL).unwrap();
            let earlier = Earlier::of_aggregate(&report, &identity);
            (identity.key, earlier.key, identity.report_id)
        };
        let (key, earlier, id) = identity_of("aBc");
        assert_eq!((identity_of("abc").0, identity_of("ABC").0), (key, key));
        assert_eq!(identity_of("abc").1, key, "nothing has changed for these");
        assert_ne!((earlier, identity_of("ABC").1), (key, earlier));
        assert_eq!(id, "aBc", "it is stored as written");
    }

    #[test]
    fn tls_reports_keep_their_identity() {
        let report = TlsReport {
            organization_name: Some("Google Inc.".to_owned()),
            report_id: Some("2026-11-01T00:00:00Z_example.org".to_owned()),
            begin: Some(1_793_491_200),
            end: Some(1_793_577_599),
            announced_domain: Some("example.org".to_owned()),
            policies: vec![ruad_report::tls::TlsPolicy::default()],
            ..TlsReport::default()
        };
        let identity = Identity::of_tls(&report, ARRIVAL).unwrap();
        let parts = |id| key(&["tls", "google inc.", id, "1793491200", "1793577599"]);
        let lower = parts("2026-11-01t00:00:00z_example.org");
        assert_eq!(identity.key, lower, "the announced domain is no part of it");
        let earlier = Earlier::of_tls(&report, &identity);
        assert_eq!(earlier.key, parts("2026-11-01T00:00:00Z_example.org"));
        assert_eq!(earlier.contents[0].as_u128(), report.content_hash());
        assert_eq!(
            (identity.reporter.as_str(), identity.policy_domain.as_str()),
            ("google inc.", "example.org")
        );
    }

    #[test]
    fn the_key_is_stored_and_must_not_change() {
        let key = key(&["aggregate", "google.com", "example.org", "42", "1793491200", "1793577599"]);
        assert_eq!(key.to_string(), "e7bec133-447e-2658-371b-823bd6c44106");
    }
}
