//! The content hash of a report. It is stored, so what it covers never changes; values are encoded as
//! [`crate::canonical`] says.
//!
//! - *record*: the source address as 16 bytes (IPv4 mapped into IPv6), the count as u64, the texts
//!   disposition, dkim, spf, `header_from`, `envelope_from`, `envelope_to`, and the lists, in the order of
//!   the document, of reasons (type, comment), DKIM results (domain, selector, result, `human_result`) and
//!   SPF results (domain, scope, result, `human_result`);
//! - *report*: the byte 1, the texts version, `org_name`, email, `extra_contact_info`, `report_id`, the
//!   numbers begin and end, the list of errors, the text generator, the policy's texts domain, p, sp, np,
//!   adkim, aspf, its number pct, its texts fo, testing, `discovery_method`, the number of records as u64,
//!   and the sum modulo 2^128 of the hashes of all records as u128.
//!
//! A report also has a *folded* hash: the same with names in one spelling, because reporters send a report again with another.
//! `org_name`, email, `report_id` and selectors are in lower case, and the domains (of the policy, `header_from`,
//! `envelope_from`, `envelope_to`, those of DKIM and SPF results) normalized, or in lower case where they are no domains.
//!
//! Its *half-folded* hash, under which reports were stored for some time, has `org_name`, email and the policy's domain in lower
//! case, and that domain without its final dot.
//!
//! Summing makes the order of records irrelevant. Namespace, extensions and warnings are left out as layout,
//! and so are records that were skipped.

use std::{borrow::Cow, net::IpAddr};

use super::{
    model::Aggregate,
    record::{Record, Span},
};
use crate::canonical::{Canonical, folded_domain, lower_case};

/// Hashes records as they come and the report at last.
#[derive(Debug, Default)]
pub(super) struct ContentHash {
    encoded: Canonical,
    sum: u128,
    folded_sum: u128,
}

/// The texts of a report whose spelling may differ.
struct Names<'a> {
    org_name: Option<Cow<'a, str>>,
    email: Option<Cow<'a, str>>,
    report_id: Option<Cow<'a, str>>,
    domain: Option<Cow<'a, str>>,
}

impl ContentHash {
    /// `may_fold` is false when no text of the record has a capital or a character beyond ASCII.
    pub(super) fn record(&mut self, record: &Record, may_fold: bool) {
        let hash = self.hash(record, Cow::Borrowed, Cow::Borrowed);
        let is_folded = || {
            let fields = &record.fields;
            let is_other = |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii();
            let is_spelt = |name: &str| !(name.ends_with('.') || may_fold && name.bytes().any(is_other));
            let is_folded = |span: Span| record.get(span).is_none_or(is_spelt);
            [fields.header_from, fields.envelope_from, fields.envelope_to].into_iter().all(is_folded)
                && record.dkim_results.iter().all(|result| is_folded(result[0]) && is_folded(result[1]))
                && record.spf_results.iter().all(|result| is_folded(result[0]))
        };
        // Nearly all records are.
        let folded = if is_folded() { hash } else { self.hash(record, folded_domain, lower_case) };
        self.sum = self.sum.wrapping_add(hash);
        self.folded_sum = self.folded_sum.wrapping_add(folded);
    }

    /// The hash of a report as it is written, half-folded, and folded.
    pub(super) fn report(&self, report: &Aggregate) -> [u128; 3] {
        let as_written = Names::of(report, Cow::Borrowed, Cow::Borrowed, Cow::Borrowed);
        let hash = self.with_names(report, self.sum, &as_written);
        let is_half_folded =
            [&as_written.org_name, &as_written.email, &as_written.domain].into_iter().all(is_folded);
        let half_folded = if is_half_folded {
            hash
        } else {
            let domain = |name| {
                let lower = str::to_lowercase(name);
                Cow::Owned(lower.strip_suffix('.').map(str::to_owned).unwrap_or(lower))
            };
            self.with_names(report, self.sum, &Names::of(report, lower_case, Cow::Borrowed, domain))
        };
        let folded = if is_half_folded && is_folded(&as_written.report_id) && self.sum == self.folded_sum {
            hash
        } else {
            self.with_names(
                report,
                self.folded_sum,
                &Names::of(report, lower_case, lower_case, folded_domain),
            )
        };
        [hash, half_folded, folded]
    }

    fn hash<'r>(
        &mut self,
        record: &'r Record,
        domain: impl Fn(&'r str) -> Cow<'r, str>,
        selector: impl Fn(&'r str) -> Cow<'r, str>,
    ) -> u128 {
        let encoded = &mut self.encoded;
        encoded.clear();
        let address = match record.source_ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        encoded.bytes(&address.octets());
        encoded.bytes(&record.count().to_le_bytes());
        let fields = &record.fields;
        for span in [fields.disposition, fields.dkim, fields.spf] {
            encoded.text(record.get(span));
        }
        let named = |span| record.get(span).map(&domain);
        for span in [fields.header_from, fields.envelope_from, fields.envelope_to] {
            encoded.text(named(span).as_deref());
        }
        encoded.length(record.reasons.len());
        for &span in record.reasons.as_flattened() {
            encoded.text(record.get(span));
        }
        encoded.length(record.dkim_results.len());
        for [signer, name, rest @ ..] in &record.dkim_results {
            encoded.text(named(*signer).as_deref());
            encoded.text(record.get(*name).map(&selector).as_deref());
            rest.iter().for_each(|span| encoded.text(record.get(*span)));
        }
        encoded.length(record.spf_results.len());
        for [sender, rest @ ..] in &record.spf_results {
            encoded.text(named(*sender).as_deref());
            rest.iter().for_each(|span| encoded.text(record.get(*span)));
        }
        encoded.hash()
    }

    fn with_names(&self, report: &Aggregate, sum: u128, names: &Names<'_>) -> u128 {
        let mut encoded = Canonical::default();
        encoded.bytes(&[1]);
        encoded.text(report.version.as_deref());
        encoded.text(names.org_name.as_deref());
        encoded.text(names.email.as_deref());
        encoded.text(report.extra_contact_info.as_deref());
        encoded.text(names.report_id.as_deref());
        encoded.signed(report.begin);
        encoded.signed(report.end);
        encoded.texts(&report.errors);
        encoded.text(report.generator.as_deref());
        let policy = &report.policy;
        encoded.text(names.domain.as_deref());
        for value in [&policy.p, &policy.sp, &policy.np, &policy.adkim, &policy.aspf] {
            encoded.text(value.as_deref());
        }
        encoded.signed(policy.pct);
        for value in [&policy.fo, &policy.testing, &policy.discovery_method] {
            encoded.text(value.as_deref());
        }
        encoded.bytes(&report.records.to_le_bytes());
        encoded.bytes(&sum.to_le_bytes());
        encoded.hash()
    }
}

impl<'a> Names<'a> {
    fn of(
        report: &'a Aggregate,
        reporter: impl Fn(&'a str) -> Cow<'a, str>,
        id: impl Fn(&'a str) -> Cow<'a, str>,
        domain: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> Self {
        Self {
            org_name: report.org_name.as_deref().map(&reporter),
            email: report.email.as_deref().map(&reporter),
            report_id: report.report_id.as_deref().map(id),
            domain: report.policy.domain.as_deref().map(domain),
        }
    }
}

/// Whether there is only one spelling of a name.
fn is_folded(name: &Option<Cow<'_, str>>) -> bool {
    let is_other = |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii();
    name.as_deref().is_none_or(|name| !name.ends_with('.') && !name.bytes().any(is_other))
}
