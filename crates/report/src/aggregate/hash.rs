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
//! A report also has a *folded* hash: the same with `org_name`, email and the policy's domain in lower case, and the
//! domain without its final dot. Reporters send a report again with these in another case.
//!
//! Summing makes the order of records irrelevant. Namespace, extensions and warnings are left out as layout,
//! and so are records that were skipped.

use std::net::IpAddr;

use super::{model::Aggregate, record::Record};
use crate::canonical::Canonical;

/// Hashes records as they come and the report at last.
#[derive(Debug, Default)]
pub(super) struct ContentHash {
    encoded: Canonical,
    sum: u128,
}

impl ContentHash {
    pub(super) fn record(&mut self, record: &Record) {
        let encoded = &mut self.encoded;
        encoded.clear();
        let address = match record.source_ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        encoded.bytes(&address.octets());
        encoded.bytes(&record.count().to_le_bytes());
        let fields = &record.fields;
        for span in [
            fields.disposition,
            fields.dkim,
            fields.spf,
            fields.header_from,
            fields.envelope_from,
            fields.envelope_to,
        ] {
            encoded.text(record.get(span));
        }
        encoded.length(record.reasons.len());
        for &span in record.reasons.as_flattened() {
            encoded.text(record.get(span));
        }
        for results in [&record.dkim_results, &record.spf_results] {
            encoded.length(results.len());
            for &span in results.as_flattened() {
                encoded.text(record.get(span));
            }
        }
        self.sum = self.sum.wrapping_add(encoded.hash());
    }

    pub(super) fn report(&self, report: &Aggregate) -> u128 {
        self.with_names(
            report,
            [&report.org_name, &report.email, &report.policy.domain].map(Option::as_deref),
        )
    }

    pub(super) fn folded(&self, report: &Aggregate) -> u128 {
        let lower = |name: &Option<String>| name.as_deref().map(str::to_lowercase);
        let names = [lower(&report.org_name), lower(&report.email), lower(&report.policy.domain)];
        let [org_name, email, domain] = names.each_ref().map(Option::as_deref);
        self.with_names(report, [org_name, email, domain.map(|name| name.strip_suffix('.').unwrap_or(name))])
    }

    fn with_names(&self, report: &Aggregate, [org_name, email, domain]: [Option<&str>; 3]) -> u128 {
        let mut encoded = Canonical::default();
        encoded.bytes(&[1]);
        encoded.text(report.version.as_deref());
        encoded.text(org_name);
        encoded.text(email);
        encoded.text(report.extra_contact_info.as_deref());
        encoded.text(report.report_id.as_deref());
        encoded.signed(report.begin);
        encoded.signed(report.end);
        encoded.texts(&report.errors);
        encoded.text(report.generator.as_deref());
        let policy = &report.policy;
        encoded.text(domain);
        for value in [&policy.p, &policy.sp, &policy.np, &policy.adkim, &policy.aspf] {
            encoded.text(value.as_deref());
        }
        encoded.signed(policy.pct);
        for value in [&policy.fo, &policy.testing, &policy.discovery_method] {
            encoded.text(value.as_deref());
        }
        encoded.bytes(&report.records.to_le_bytes());
        encoded.bytes(&self.sum.to_le_bytes());
        encoded.hash()
    }
}
