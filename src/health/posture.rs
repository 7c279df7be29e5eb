//! What DNS says about a domain, condensed for those who decide.

mod condense;

use std::collections::BTreeSet;

use ruad_dns::profile::Score;
use ruad_dns::{
    Code, Finding, Mechanism,
    dkim::Kind,
    dmarc::{self, Policies},
    spf::{self, Meaning, Network, Qualifier},
};

/// What DNS says about a domain, as far as advice rests on it: a condensed [`crate::health::Snapshot`].
///
/// What could not be told is listed in `unknown`, and no advice rests on its absence.
#[derive(Clone, Debug, PartialEq)]
pub struct Posture {
    /// The domain, normalized.
    pub domain: String,
    /// When it was examined; seconds since 1970.
    pub checked_at: u64,
    /// Mechanisms about which not everything was answered.
    pub unknown: BTreeSet<Mechanism>,
    /// What is wrong: warnings and errors, and what is worth knowing.
    pub findings: Vec<Finding>,
    /// What is left of five points by the findings alone; none while something was never told.
    pub score: Option<Score>,
    /// The DMARC record that applies, and the domain that has it.
    pub dmarc: Option<(String, dmarc::Record)>,
    /// The policies in force.
    pub policies: Option<Policies>,
    /// The organizational domain, where it could be told.
    pub organization: Option<String>,
    /// Hosts of this installation that the record names, and that do not say that they take the reports.
    pub unauthorized: Vec<String>,
    /// Whether reports are sent to this installation; none when nobody said where it takes them.
    pub reports_to_us: Option<bool>,
    /// The SPF record as it was found.
    pub spf: Option<String>,
    /// Its `all`.
    pub spf_all: Option<spf::Qualifier>,
    /// Its terms that stand for addresses, in their order.
    pub entries: Vec<Entry>,
    /// The DKIM keys that are published, each at a selector of its own.
    pub keys: Vec<Key>,
    /// Selectors about which nobody could tell whether they have a key.
    pub unknown_selectors: BTreeSet<String>,
    /// Whether every other selector says that its key is revoked (`*._domainkey`).
    pub has_revoked_wildcard: bool,
    /// Whether it receives mail; none when that could not be told.
    pub receives: Option<bool>,
    /// Whether it says that it does not (RFC 7505).
    pub has_null_mx: bool,
    /// Its MTA-STS record as it was found.
    pub mta_sts: Option<String>,
    /// The mode of its MTA-STS policy: `none`, `testing` or `enforce`; nothing when there is none.
    pub mta_sts_mode: Option<String>,
    /// How long senders may remember that policy; seconds.
    pub mta_sts_max_age: Option<u64>,
    /// The hosts that receive its mail, without the final dot; the domain itself where it has no MX.
    pub mail_hosts: Vec<String>,
    /// Whether it asks for TLS reports.
    pub has_tls_rpt: bool,
    /// The TLS-RPT record as it was found.
    pub tls_rpt: Option<String>,
    /// Whether it has a logo.
    pub has_bimi: bool,
}

/// A term of an SPF record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// As it is written.
    pub term: String,
    /// The name it asks about: that of an include, mostly.
    pub domain: Option<String>,
    /// The networks that match it, with all below it.
    pub networks: Vec<Network>,
    /// Whether these are all it can match. What depends on the message (`exists`, macros, `ptr`) cannot be judged.
    pub is_complete: bool,
    /// DNS lookups it costs.
    pub lookups: u32,
}

/// A published key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// Its selector.
    pub selector: String,
    /// Its fingerprint; none when it is revoked or cannot be read.
    pub fingerprint: Option<String>,
    /// Its type.
    pub kind: Kind,
    /// Its size.
    pub bits: u32,
    /// The name it is an alias of, when the service that signs keeps the key.
    pub alias: Option<String>,
    /// How long it has been in use, as far as is known; days.
    pub age_days: Option<u32>,
    /// The text of its record.
    pub text: String,
}

impl Posture {
    /// A domain without any record, about which everything was answered.
    pub fn empty(domain: &str, checked_at: u64) -> Self {
        Self {
            domain: domain.to_owned(),
            checked_at,
            unknown: BTreeSet::new(),
            findings: Vec::new(),
            score: None,
            dmarc: None,
            policies: None,
            organization: None,
            unauthorized: Vec::new(),
            reports_to_us: None,
            spf: None,
            spf_all: None,
            entries: Vec::new(),
            keys: Vec::new(),
            unknown_selectors: BTreeSet::new(),
            has_revoked_wildcard: false,
            receives: None,
            has_null_mx: false,
            mta_sts: None,
            mta_sts_mode: None,
            mta_sts_max_age: None,
            mail_hosts: Vec::new(),
            has_tls_rpt: false,
            tls_rpt: None,
            has_bimi: false,
        }
    }

    /// The record at the domain's own `_dmarc` name, when that is the one that applies.
    pub fn own_record(&self) -> Option<&dmarc::Record> {
        self.dmarc.as_ref().filter(|(at, _)| *at == self.domain).map(|(_, record)| record)
    }

    /// Whether its SPF record is exactly `v=spf1 -all`, in whatever writing: it sends no mail.
    pub fn allows_nobody(&self) -> bool {
        let Some(record) = self.spf.as_deref().and_then(spf::Record::parse) else { return false };
        let only =
            |meaning: &Meaning| matches!(meaning, Meaning::Directive(Qualifier::Fail, spf::Mechanism::All));
        record.terms.len() == 1 && record.terms.iter().all(|term| only(&term.meaning))
    }

    /// The findings of one kind.
    pub fn found(&self, code: Code) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.code == code)
    }

    /// Whether everything about a mechanism was answered.
    pub fn knows(&self, mechanism: Mechanism) -> bool {
        !self.unknown.contains(&mechanism)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_allows_nobody() {
        for (text, is_so) in [
            ("v=spf1 -all", true),
            ("V=SPF1  -ALL", true),
            ("v=spf1 ~all", false),
            ("v=spf1", false),
            ("v=spf1 a -all", false),
        ] {
            let posture = Posture { spf: Some(text.to_owned()), ..Posture::empty("a.example", 0) };
            assert_eq!(posture.allows_nobody(), is_so, "{text}");
        }
    }
}
