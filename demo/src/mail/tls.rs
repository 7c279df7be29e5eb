//! SMTP TLS reports (RFC 8460) as Google and Microsoft send them.

use std::net::IpAddr;

use serde::Serialize;

use super::mime::{Headers, base64, multipart};
use super::pack::gzip;
use super::{Draft, Key, Origin};
use crate::day::{Day, Moment};
use crate::random::Random;

/// A day's report about one domain.
#[derive(Clone, Debug)]
pub struct TlsReport {
    /// Who sends it.
    pub reporter: &'static TlsReporter,
    /// The policy domain.
    pub domain: &'static str,
    /// The day.
    pub day: Day,
    /// What was found, policy by policy.
    pub policies: Vec<TlsPolicy>,
    /// When the mail leaves.
    pub sent: Moment,
}

/// Sessions under one policy.
#[derive(Clone, Debug)]
pub struct TlsPolicy {
    /// `sts`, `tlsa` or `no-policy-found`.
    pub kind: &'static str,
    /// The policy's lines.
    pub lines: Vec<String>,
    /// Patterns of hosts.
    pub hosts: Vec<String>,
    /// Sessions that went well.
    pub successful: u64,
    /// Sessions that did not.
    pub failures: Vec<Session>,
}

/// Sessions that failed in one way.
#[derive(Clone, Debug)]
pub struct Session {
    /// How.
    pub result: &'static str,
    /// How many.
    pub count: u64,
    /// From where to which host there; left out when the policy itself could not be had.
    pub path: Option<(IpAddr, String, IpAddr)>,
    /// A code of the reporter's.
    pub reason: Option<&'static str>,
}

/// A sender of TLS reports.
#[derive(Debug)]
pub struct TlsReporter {
    /// Its style's name in the demo.
    pub label: &'static str,
    /// Its mail system.
    pub origin: &'static Origin,
    /// Its share of a domain's sessions.
    pub share: f64,
    /// Where it connects from, for its failure details.
    pub sender: [u8; 4],
    /// It knows DANE.
    pub dane: bool,
    /// Writes a report as a mail.
    pub write: fn(report: &TlsReport, recipient: &str, random: &mut Random) -> Draft,
}

/// Everyone who sends TLS reports.
pub const REPORTERS: &[&TlsReporter] = &[&GOOGLE, &MICROSOFT];

static GOOGLE: TlsReporter = TlsReporter {
    label: "google tls",
    origin: &GOOGLE_ORIGIN,
    share: 0.6,
    sender: [198, 51, 100, 40],
    dane: false,
    write: google,
};

/// The record at `_dmarc` comes with the aggregate reports' origin.
static GOOGLE_ORIGIN: Origin = Origin {
    helo: "mail-ot1-f73.google.com",
    client: std::net::Ipv4Addr::new(127, 0, 10, 2),
    bounces: "smtp-tls-reporting.bounces.google.com",
    from: "google.com",
    proves: "genuine",
    dmarc: None,
    keys: &[Key::rsa("google.com", "20251104")],
};

static MICROSOFT: TlsReporter = TlsReporter {
    label: "microsoft tls",
    origin: &super::microsoft::ORIGIN,
    share: 0.4,
    sender: [198, 51, 100, 7],
    dane: true,
    write: microsoft,
};

fn google(report: &TlsReport, recipient: &str, random: &mut Random) -> Draft {
    let (domain, begin) = (report.domain, report.day.begin());
    let begun = Moment(begin).internet();
    let file =
        Document::of(report, "Google Inc.", "smtp-tls-reporting@google.com", format!("{begun}_{domain}"));
    let name = format!("google.com!{domain}!{begin}!{}!001.json.gz", begin + 86_399);
    let boundary = format!("000000000000{}", random.hex(16));
    let headers = Headers::default()
        .add("MIME-Version", "1.0")
        .add("Date", report.sent.mail_date(-8))
        .add("TLS-Report-Domain", domain)
        .add("TLS-Report-Submitter", "google.com")
        .add("Message-ID", format!("<{}.00000000.{}tls@google.com>", random.hex(8), random.hex(6)))
        // Not the id inside the report: the colons are dots.
        .add(
            "Subject",
            subject(
                domain,
                "google.com",
                &format!("<{}+{domain}@google.com>", begun.replace([':', '-'], ".")),
            ),
        )
        .add("From", "noreply-smtp-tls-reporting@google.com")
        .add("To", recipient)
        .add("Content-Type", format!("multipart/report; boundary=\"{boundary}\"; report-type=tlsrpt"))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=\"UTF-8\"; format=flowed; delsp=yes")
        .part("This is an aggregate TLS report from google.com\r\n");
    let attachment = Headers::default()
        .add("Content-Type", format!("application/tlsrpt+gzip; \r\n\tname=\"{name}\""))
        .add("Content-Disposition", format!("attachment; \r\n\tfilename=\"{name}\""))
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(&gzip(&file.compact(), None), 76));
    let token = random.hex(28).to_uppercase();
    Draft {
        mail_from: format!("3{token}@{}", GOOGLE_ORIGIN.bounces),
        headers,
        body: multipart("", &boundary, &[note, attachment]).into_bytes(),
    }
}

fn microsoft(report: &TlsReport, recipient: &str, random: &mut Random) -> Draft {
    let (domain, begin) = (report.domain, report.day.begin());
    let id = format!("{}+{domain}", random.decimal(18));
    let file = Document::of(report, "Microsoft Corporation", "tlsrpt-noreply@microsoft.com", id.clone());
    let name = format!("microsoft.com!{domain}!{begin}!{}!{}.json.gz", begin + 86_399, random.decimal(18));
    let token = format!("{}tlsrptcorpm_", random.hex(32));
    let boundary = format!("_mpm_{token}");
    let headers = Headers::default()
        // The recipient's domain, not its own.
        .add("Message-ID", format!("<{}@reports.example>", random.uuid()))
        .add("MIME-Version", "1.0")
        .add("TLS-Report-Domain", domain)
        .add("TLS-Report-Submitter", "microsoft.com")
        .add("From", "tlsrpt-noreply@microsoft.com")
        .add("To", format!("<{recipient}>"))
        .add("Subject", format!("Report Domain: {domain} Submitter: microsoft.com\r\n Report-ID: {id}"))
        .add(
            "Content-Type",
            format!("multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"{boundary}\""),
        )
        .add("Date", report.sent.mail_date(0))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/html; charset=us-ascii")
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(format!("<div>SMTP TLS report for {domain}</div>").as_bytes(), 78));
    let attachment = Headers::default()
        .add("Content-Type", "application/tlsrpt+gzip")
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment; filename=\"{name}\";"))
        .part(&base64(&gzip(&file.pretty(), None), 78));
    Draft {
        mail_from: "tlsrpt-noreply@microsoft.com".to_owned(),
        headers,
        body: multipart("", &boundary, &[note, attachment]).into_bytes(),
    }
}

fn subject(domain: &str, submitter: &str, id: &str) -> String {
    format!("Report Domain: {domain} Submitter: {submitter} Report-ID: {id}")
}

/// The JSON document; its field order is the order of the bytes.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    organization_name: &'static str,
    date_range: DateRange,
    contact_info: &'static str,
    report_id: String,
    policies: Vec<PolicyResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct DateRange {
    start_datetime: String,
    end_datetime: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PolicyResult {
    policy: PolicyText,
    summary: Summary,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failure_details: Vec<Detail>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PolicyText {
    policy_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy_string: Vec<String>,
    policy_domain: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mx_host: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Summary {
    total_successful_session_count: u64,
    total_failure_session_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    result_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sending_mta_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_mx_hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiving_ip: Option<IpAddr>,
    failed_session_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason_code: Option<&'static str>,
}

impl Document {
    fn of(
        report: &TlsReport,
        organization_name: &'static str,
        contact_info: &'static str,
        report_id: String,
    ) -> Self {
        let begin = report.day.begin();
        Self {
            organization_name,
            date_range: DateRange {
                start_datetime: Moment(begin).internet(),
                end_datetime: Moment(begin + 86_399).internet(),
            },
            contact_info,
            report_id,
            policies: report.policies.iter().map(|policy| PolicyResult::of(policy, report.domain)).collect(),
        }
    }

    fn compact(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn pretty(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

impl PolicyResult {
    fn of(policy: &TlsPolicy, domain: &'static str) -> Self {
        Self {
            policy: PolicyText {
                policy_type: policy.kind,
                policy_string: policy.lines.clone(),
                policy_domain: domain,
                mx_host: policy.hosts.clone(),
            },
            summary: Summary {
                total_successful_session_count: policy.successful,
                total_failure_session_count: policy.failed(),
            },
            failure_details: policy.failures.iter().map(Detail::of).collect(),
        }
    }
}

impl TlsPolicy {
    /// Sessions that failed.
    pub fn failed(&self) -> u64 {
        self.failures.iter().map(|session| session.count).sum()
    }
}

impl Detail {
    fn of(session: &Session) -> Self {
        let (sending, host, receiving) = match session.path.clone() {
            Some((sending, host, receiving)) => (Some(sending), Some(host), Some(receiving)),
            None => (None, None, None),
        };
        Self {
            result_type: session.result,
            sending_mta_ip: sending,
            receiving_mx_hostname: host,
            receiving_ip: receiving,
            failed_session_count: session.count,
            failure_reason_code: session.reason,
        }
    }
}
