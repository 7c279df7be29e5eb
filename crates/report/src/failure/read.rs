use std::net::IpAddr;

use super::fields::{Fields, unfold};
use super::{FailureReport, Parts, header, text};
use crate::{Limits, MOST_A_RECORD, ReportError, Warning, number::Number};

/// Reads a failure report from its pieces.
///
/// # Errors
///
/// [`ReportError::NotAReport`] when neither the feedback part nor the text holds anything that such a report has; when it
/// stands for an implausible number of messages.
pub fn read(parts: &Parts, limits: &Limits) -> Result<FailureReport, ReportError> {
    let mut reader = Reader { known: 0, limits, refused: None, report: FailureReport::default() };
    let mut reported = parts.headers.as_deref();
    if let Some(feedback) = &parts.feedback {
        for (name, value) in Fields::new(feedback) {
            reader.field(&name.to_ascii_lowercase(), value);
        }
    }
    if reader.known == 0
        && let Some(text) = &parts.text
    {
        reader.warn("feedback_missing", "feedback");
        for (name, value) in text::fields(text) {
            reader.field(name, value);
        }
        reported = reported.or_else(|| text::reported_headers(text));
    }
    if reader.known == 0 {
        return Err(ReportError::NotAReport { reason: "there is no field of a failure report in it".into() });
    }
    if let Some(refused) = reader.refused {
        return Err(refused);
    }
    match reported {
        Some(block) => reader.headers(block),
        None => reader.warn("headers_missing", "headers"),
    }
    Ok(reader.finish())
}

struct Reader<'a> {
    /// Fields that only a feedback report has.
    known: usize,
    limits: &'a Limits,
    /// A count that cannot be right.
    refused: Option<ReportError>,
    report: FailureReport,
}

impl Reader<'_> {
    /// Takes a field of the feedback part; `name` is lower case.
    fn field(&mut self, name: &[u8], value: &[u8]) {
        if matches!(name, b"reported-domain" | b"dkim-domain" | b"dkim-selector")
            && value.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
        {
            self.known += 1;
            return self.refuse_name(name, value);
        }
        let value = self.cut(name, unfold(value));
        let report = &mut self.report;
        self.known += 1;
        match name {
            b"arrival-date" | b"received-date" => self.arrival_date(&value),
            b"auth-failure" => words(&mut report.auth_failure, &value),
            b"authentication-results" => push(&mut report.authentication_results, value),
            b"delivery-result" => set(&mut report.delivery_result, value.to_ascii_lowercase()),
            b"dkim-domain" => set(&mut report.dkim_domain, value),
            b"dkim-identity" => set(&mut report.dkim_identity, value),
            b"dkim-selector" => set(&mut report.dkim_selector, value),
            b"feedback-type" => set(&mut report.feedback_type, value.to_ascii_lowercase()),
            b"identity-alignment" => words(&mut report.identity_alignment, &value),
            b"incidents" => self.incidents(&value),
            // The null reverse-path is a value of its own, and LinkedIn leaves the field empty for it.
            b"original-mail-from" => {
                report.original_mail_from.get_or_insert_with(|| unbracket(&value).to_owned());
            }
            b"original-rcpt-to" => {
                value
                    .split(',')
                    .for_each(|one| push(&mut report.original_rcpt_to, unbracket(one).to_owned()));
            }
            b"original-envelope-id" => set(&mut report.original_envelope_id, value),
            b"reported-domain" => value
                .split([',', ';', ' '])
                .for_each(|one| push(&mut report.reported_domain, one.trim().to_owned())),
            b"reporting-mta" => set(&mut report.reporting_mta, value),
            b"source-ip" => self.source_ip(&value),
            b"spf-dns" => push(&mut report.spf_dns, value),
            b"user-agent" => set(&mut report.user_agent, value),
            b"version" => set(&mut report.version, value),
            // LinkedIn names the message here; the reported message itself knows better, if it is there.
            b"message-id" => {
                self.known -= 1;
                set(&mut report.message_id, unbracket(&value).to_owned());
            }
            _ => self.known -= 1,
        }
    }

    /// Leaves out a name with a control character. A domain is kept with the character in sight, for whoever decides
    /// what the report is about.
    fn refuse_name(&mut self, name: &[u8], value: &[u8]) {
        self.warn("control_character", &format!("feedback/{}", String::from_utf8_lossy(name)));
        if name == b"reported-domain" {
            let shown = String::from_utf8_lossy(value).trim().replace(|c: char| c.is_control(), "\u{fffd}");
            push(&mut self.report.reported_domain, shown);
        }
    }

    /// Takes what is wanted of the reported message's header block.
    fn headers(&mut self, block: &[u8]) {
        let header = header::read(block);
        let report = &mut self.report;
        report.header_from = header.from;
        report.subject = header.subject;
        report.message_id = header.message_id.or(report.message_id.take());
        for text in
            [&mut report.header_from, &mut report.subject, &mut report.message_id].into_iter().flatten()
        {
            truncate(text, self.limits.text_bytes);
        }
        if self.report.header_from.is_none() {
            self.warn("header_from_missing", "headers/From");
        }
    }

    fn arrival_date(&mut self, value: &str) {
        if value.is_empty() || self.report.arrival_date.is_some() {
            return;
        }
        self.report.arrival_date = header::date(value);
        if self.report.arrival_date.is_none() {
            self.warn("arrival_date_invalid", "feedback/Arrival-Date");
        }
    }

    fn incidents(&mut self, value: &str) {
        let number = Number::parse(value).filter(|number| !number.fraction && !number.negative);
        let Some(Number { whole, .. }) = number else {
            self.report.incidents = None;
            return self.warn("incidents_invalid", "feedback/Incidents");
        };
        match MOST_A_RECORD.check(u64::try_from(whole).unwrap_or(u64::MAX), 0) {
            Ok(count) => self.report.incidents = Some(count),
            Err(implausible) => {
                self.refused.get_or_insert(implausible);
            }
        }
    }

    /// `192.0.2.1`, `192.0.2.1 (host.example)`, `[192.0.2.1]`, `IPv6:2001:db8::1`, `dns; 192.0.2.1`.
    fn source_ip(&mut self, value: &str) {
        if self.report.source_ip.is_some() {
            return;
        }
        let words = || {
            value
                .split(|c: char| c.is_whitespace() || ";,()[]<>\"".contains(c))
                .filter(|word| !word.is_empty())
        };
        let address = words().find_map(|word| {
            let word = word.strip_prefix("IPv6:").or_else(|| word.strip_prefix("ipv6:")).unwrap_or(word);
            word.parse::<IpAddr>().is_ok().then(|| word.to_owned())
        });
        if address.is_none() && !value.is_empty() {
            self.warn("source_ip_invalid", "feedback/Source-IP");
        }
        self.report.source_ip = address.or_else(|| words().next().map(str::to_owned));
    }

    fn cut(&mut self, name: &[u8], mut value: String) -> String {
        if truncate(&mut value, self.limits.text_bytes) {
            self.warn("text_cut", &format!("feedback/{}", String::from_utf8_lossy(name)));
        }
        value
    }

    fn warn(&mut self, code: &'static str, at: &str) {
        if self.report.warnings.len() < MAX_LIST {
            self.report.warnings.push(Warning { code, at: at.to_owned() });
        }
    }

    fn finish(mut self) -> FailureReport {
        let report = &self.report;
        // RFC 5965 section 3.1 requires the first three, RFC 6591 section 3.1 and RFC 9991 the others of DMARC reports.
        let of_authentication = report.feedback_type.as_deref() != Some("abuse");
        let missing = [
            (report.feedback_type.is_none(), "feedback_type_missing", "feedback/Feedback-Type"),
            (report.user_agent.is_none(), "user_agent_missing", "feedback/User-Agent"),
            (report.version.is_none(), "version_missing", "feedback/Version"),
            (
                of_authentication && report.auth_failure.is_empty(),
                "auth_failure_missing",
                "feedback/Auth-Failure",
            ),
            (
                of_authentication && report.identity_alignment.is_empty(),
                "identity_alignment_missing",
                "feedback/Identity-Alignment",
            ),
            (report.reported_domain.is_empty(), "reported_domain_missing", "feedback/Reported-Domain"),
            (report.source_ip.is_none(), "source_ip_missing", "feedback/Source-IP"),
            (report.arrival_date.is_none(), "arrival_date_missing", "feedback/Arrival-Date"),
        ];
        for (_, code, at) in missing.into_iter().filter(|(missing, ..)| *missing) {
            self.warn(code, at);
        }
        self.report
    }
}

/// The first value counts.
fn set(field: &mut Option<String>, value: String) {
    if !value.is_empty() && field.is_none() {
        *field = Some(value);
    }
}

fn push(list: &mut Vec<String>, value: String) {
    if !value.is_empty() && list.len() < MAX_LIST && !list.contains(&value) {
        list.push(value);
    }
}

/// The tokens of a list, lower case and without comments.
fn words(list: &mut Vec<String>, value: &str) {
    let uncommented = value.split('(').next().unwrap_or_default();
    for word in uncommented.split(|c: char| c.is_whitespace() || c == ',' || c == ';') {
        push(list, word.to_ascii_lowercase());
    }
}

fn unbracket(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(value).trim()
}

/// Cuts at a character's boundary; true when something was cut off.
fn truncate(text: &mut String, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    text.truncate(text.floor_char_boundary(limit));
    true
}

/// Values of one field, and warnings, of one report.
const MAX_LIST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_values_are_understood() {
        let report = read_feedback(
            "FEEDBACK-TYPE: Auth-Failure\nSource-IP: [IPv6:2001:db8::1] (host.example)\nAuth-Failure: DMARC, spf (both)\n\
             Reported-Domain: a.example; b.example\nReported-Domain: a.example\nOriginal-Rcpt-To: <a@x.example>, b@x.example\n\
             Original-Mail-From: <>\nIncidents: 12\nIdentity-Alignment: spf,\n dkim\nReceived-Date: 8 Oct 2011 20:15:58 +0000 (GMT)\n\
             DKIM-Domain: a.example;\n b.example\n\nVersion: 1\nVersion: 2\n",
        );
        assert_eq!(report.feedback_type.as_deref(), Some("auth-failure"));
        assert_eq!(report.source_ip.as_deref(), Some("2001:db8::1"));
        assert_eq!(report.auth_failure, ["dmarc", "spf"]);
        assert_eq!(report.reported_domain, ["a.example", "b.example"]);
        assert_eq!(report.original_rcpt_to, ["a@x.example", "b@x.example"]);
        assert_eq!(report.original_mail_from.as_deref(), Some(""));
        assert_eq!(report.incidents, Some(12));
        assert_eq!(report.identity_alignment, ["spf", "dkim"]);
        assert_eq!(report.arrival_date, Some(1_318_104_958));
        assert_eq!(report.dkim_domain.as_deref(), Some("a.example; b.example"));
        assert_eq!(report.version.as_deref(), Some("1"));
    }

    #[test]
    fn values_that_are_none_have_a_warning() {
        let report = read_feedback(
            "Feedback-Type: abuse\nSource-IP: unknown\nArrival-Date: yesterday\nIncidents: -1\n",
        );
        assert_eq!(
            (report.source_ip.as_deref(), report.arrival_date, report.incidents),
            (Some("unknown"), None, None)
        );
        let codes: Vec<_> = report.warnings.iter().map(|warning| warning.code).collect();
        for code in [
            "source_ip_invalid",
            "arrival_date_invalid",
            "incidents_invalid",
            "headers_missing",
            "version_missing",
        ] {
            assert!(codes.contains(&code), "{code} is not among {codes:?}");
        }
        assert!(!codes.contains(&"auth_failure_missing"), "an abuse report has none");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for feedback in ["", "hello\n", "Subject: x\nMessage-ID: <a@b>\n"] {
            let parts = Parts { feedback: Some(feedback.into()), ..Parts::default() };
            assert!(
                matches!(read(&parts, &Limits::default()), Err(ReportError::NotAReport { .. })),
                "{feedback:?}"
            );
        }
        assert!(read(&Parts::default(), &Limits::default()).is_err());
    }

    #[test]
    fn the_hash_is_of_the_content() {
        let text = "Feedback-Type: auth-failure\nSource-IP: 192.0.2.1\nReported-Domain: a.example\n";
        let hash = read_feedback(text).content_hash();
        // Stored hashes must stay what they are.
        assert_eq!(format!("{hash:032x}"), "c4d43868673f9d11a50fbaa0e400f6c2");
        assert_eq!(hash, read_feedback(&text.replace('\n', "\r\n")).content_hash());
        assert_eq!(hash, read_feedback(&text.replace(": ", ":\n ")).content_hash());
        assert_ne!(hash, read_feedback(&text.replace("192.0.2.1", "192.0.2.2")).content_hash());
        let apart = read_feedback("Feedback-Type: a\nUser-Agent: b\n").content_hash();
        assert_ne!(apart, read_feedback("Feedback-Type: ab\n").content_hash());
    }

    #[test]
    fn long_texts_are_cut() {
        let mut text = "Feedback-Type: abuse\nUser-Agent: ".to_owned();
        text += &"é".repeat(40_000);
        let report = read_feedback(&text);
        assert_eq!(report.user_agent.map(|agent| agent.len()), Some(Limits::default().text_bytes));
        assert!(report.warnings.iter().any(|warning| warning.code == "text_cut"));
    }

    fn read_feedback(feedback: &str) -> FailureReport {
        let parts = Parts { feedback: Some(feedback.into()), ..Parts::default() };
        read(&parts, &Limits::default()).expect("a report")
    }
}
