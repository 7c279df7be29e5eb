//! Failure reports: RFC 5965 feedback about one message, with the fields of RFC 6591 and RFC 9991.
//!
//! The mail room finds the pieces ([`Parts`]); [`read`] makes one value of them. Reporters leave out, misspell and repeat
//! what they like, so no field is required: what is missing is `None` and has a warning.
//!
//! `Identity-Alignment` is kept as written and never interpreted: RFC 7489 lists the mechanisms that were aligned,
//! RFC 9991 those that were not, with the same words.

mod fields;
mod header;
mod read;
mod redact;
mod text;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3Default;

use super::Warning;

pub(crate) use fields::{Fields, colon, unfold};
pub use read::read;

/// The Subject of a header block, decoded.
pub(crate) fn subject(headers: &[u8]) -> Option<String> {
    header::read(headers).subject
}

/// The pieces of a failure report, as the walk over a message finds them.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// The fields of the feedback part, without their transfer encoding.
    pub feedback: Option<Vec<u8>>,
    /// The header block of the reported message. Its body is never read.
    pub headers: Option<Vec<u8>>,
    /// The text of a report that has no feedback part (Exim, cPanel, Baruwa, antispamcloud).
    pub text: Option<Vec<u8>>,
    /// The header block of the mail that brought the report.
    pub outer_headers: Vec<u8>,
}

/// One failure report. Lists are empty, other fields `None`, where the reporter said nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FailureReport {
    /// Lower case; `auth-failure` for everything that has to do with DMARC.
    pub feedback_type: Option<String>,
    /// Of the feedback format, as written.
    pub version: Option<String>,
    /// The reporting software.
    pub user_agent: Option<String>,
    /// Lower case: `dmarc`, `spf`, `signature`, `bodyhash`, `revoked`, `adsp` and whatever else is sent.
    pub auth_failure: Vec<String>,
    /// As written; several when the field is repeated or holds a list.
    pub reported_domain: Vec<String>,
    /// The address alone, without the host name in brackets that OpenDMARC adds.
    pub source_ip: Option<String>,
    /// Seconds since the epoch.
    pub arrival_date: Option<i64>,
    /// How many messages the report stands for.
    pub incidents: Option<u64>,
    /// Lower case: `dkim`, `spf` or `none`. See the module's documentation.
    pub identity_alignment: Vec<String>,
    /// Lower case: `delivered`, `spam`, `policy`, `reject`, `other`, or the reporter's own words.
    pub delivery_result: Option<String>,
    /// Without angle brackets; empty for the null reverse-path.
    pub original_mail_from: Option<String>,
    /// Without angle brackets.
    pub original_rcpt_to: Vec<String>,
    /// As written.
    pub original_envelope_id: Option<String>,
    /// As written; Netease separates several with `;`.
    pub dkim_domain: Option<String>,
    /// As written.
    pub dkim_selector: Option<String>,
    /// As written: the `i=` of the signature.
    pub dkim_identity: Option<String>,
    /// As written, one for each field.
    pub spf_dns: Vec<String>,
    /// `Authentication-Results` of the feedback part, unfolded.
    pub authentication_results: Vec<String>,
    /// As written: who reports.
    pub reporting_mta: Option<String>,
    /// The address in `From` of the reported message.
    pub header_from: Option<String>,
    /// Of the reported message, decoded.
    pub subject: Option<String>,
    /// Of the reported message, without angle brackets.
    pub message_id: Option<String>,
    /// What was missing or repaired.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

impl FailureReport {
    /// Replaces the local part of every address by `redacted`, so that no person can be told from the report.
    ///
    /// Addresses are looked for in every field that the reporter or the author of the message fills freely: the envelope and
    /// `From` addresses, the DKIM identity, the envelope id, the subject, the authentication results, and, because
    /// anything turns up anywhere, the domains, the software, the delivery result, the reporting host and the SPF
    /// records. The Message-ID stays: its left side names a message, not a person, and finds it in the logs.
    pub fn redact(&mut self) {
        for address in [&mut self.original_mail_from, &mut self.header_from].into_iter().flatten() {
            redact::address(address);
        }
        self.original_rcpt_to.iter_mut().for_each(redact::address);
        let texts = [
            &mut self.delivery_result,
            &mut self.dkim_domain,
            &mut self.dkim_identity,
            &mut self.original_envelope_id,
            &mut self.reporting_mta,
            &mut self.subject,
            &mut self.user_agent,
        ];
        let lists = [&mut self.authentication_results, &mut self.reported_domain, &mut self.spf_dns];
        texts.into_iter().flatten().chain(lists.into_iter().flatten()).for_each(redact::text);
    }

    /// A hash of what the report says, to tell a report sent twice from two reports.
    ///
    /// It is stored, so it never changes for equal content: each field's number, how many values it has, and each value with
    /// its length, in the order below; new fields go to the end and add nothing while they are empty. Warnings and
    /// how the mail was packed do not count. A redacted report has another hash than the report as received: take it before.
    pub fn content_hash(&self) -> u128 {
        let mut hash = Xxh3Default::new();
        let numbers =
            [self.arrival_date.map(|date| date.to_string()), self.incidents.map(|count| count.to_string())];
        let fields: [&[String]; 22] = [
            self.feedback_type.as_slice(),
            self.version.as_slice(),
            self.user_agent.as_slice(),
            &self.auth_failure,
            &self.reported_domain,
            self.source_ip.as_slice(),
            numbers[0].as_slice(),
            numbers[1].as_slice(),
            &self.identity_alignment,
            self.delivery_result.as_slice(),
            self.original_mail_from.as_slice(),
            &self.original_rcpt_to,
            self.original_envelope_id.as_slice(),
            self.dkim_domain.as_slice(),
            self.dkim_selector.as_slice(),
            self.dkim_identity.as_slice(),
            &self.spf_dns,
            &self.authentication_results,
            self.reporting_mta.as_slice(),
            self.header_from.as_slice(),
            self.subject.as_slice(),
            self.message_id.as_slice(),
        ];
        for (number, values) in fields.into_iter().enumerate().filter(|(_, values)| !values.is_empty()) {
            hash.update(&(number as u64).to_le_bytes());
            hash.update(&(values.len() as u64).to_le_bytes());
            for value in values {
                hash.update(&(value.len() as u64).to_le_bytes());
                hash.update(value.as_bytes());
            }
        }
        hash.digest128()
    }
}
