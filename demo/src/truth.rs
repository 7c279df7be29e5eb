//! What a receiver that loses nothing, and counts nothing twice, must end up with.

use std::collections::BTreeMap;

use crate::mail::TlsReport;
use crate::report::{Disposition, Policy, Report};

/// The expected content of the database.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Truth {
    /// Genuine aggregate reports, by policy domain.
    pub domains: BTreeMap<&'static str, DomainTruth>,
    /// Aggregate reports that claim to come from somebody else.
    pub forged: Counts,
    /// Messages sent, by what becomes of them.
    pub mails: Mails,
    /// Mails with a report, duplicates too, by the verdict they deserve.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// TLS reports.
    pub tls: TlsTruth,
    /// Failure reports.
    pub failures: u64,
}

/// What is known about one domain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DomainTruth {
    /// The customer; `None` if it is in nobody's list.
    pub group: Option<&'static str>,
    /// The latest policy, `p`.
    pub policy: &'static str,
    /// Sums over its reports.
    pub counts: Counts,
}

/// Sums over aggregate reports.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Reports.
    pub reports: u64,
    /// Rows.
    pub records: u64,
    /// Messages.
    pub messages: u64,
    /// Messages with an aligned pass.
    pub aligned: u64,
    /// Messages by the reporter's word for what it did.
    pub dispositions: BTreeMap<Disposition, u64>,
}

/// Mails by outcome.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Mails {
    /// All of them.
    pub sent: u64,
    /// Aggregate, failure and TLS reports that are stored, conflicts and forgeries among them.
    pub stored: u64,
    /// The same report once more.
    pub duplicates: u64,
    /// Another content under an identifier that was used before; stored and flagged.
    pub conflicts: u64,
    /// Nothing to be had from them.
    pub unusable: u64,
}

/// Sums over TLS reports.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TlsTruth {
    /// Reports.
    pub reports: u64,
    /// Sessions that went well.
    pub successful: u64,
    /// Sessions that did not.
    pub failed: u64,
}

impl Truth {
    /// Adds a genuine aggregate report.
    pub fn add(&mut self, report: &Report, group: Option<&'static str>, latest: Policy) {
        let domain = self.domains.entry(report.domain).or_default();
        domain.group = group;
        domain.policy = latest.p.as_str();
        domain.counts.add(report);
    }

    /// Adds a TLS report.
    pub fn add_tls(&mut self, report: &TlsReport) {
        self.tls.reports += 1;
        for policy in &report.policies {
            self.tls.successful += policy.successful;
            self.tls.failed += policy.failed();
        }
    }

    /// Messages over all domains, forgeries left out.
    pub fn messages(&self) -> u64 {
        self.domains.values().map(|domain| domain.counts.messages).sum()
    }
}

impl Counts {
    /// Adds a report.
    pub fn add(&mut self, report: &Report) {
        self.reports += 1;
        for record in &report.records {
            self.records += 1;
            self.messages += record.count;
            self.aligned += if record.aligned() { record.count } else { 0 };
            *self.dispositions.entry(record.disposition).or_default() += record.count;
        }
    }
}
