use std::collections::BTreeSet;

use crate::{
    dns::{
        Code, Finding, Mechanism,
        dkim::Kind,
        dmarc::{self, Policies},
        spf::{self, Network},
    },
    health::{Score, Snapshot, keys::KeyHistory},
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
    /// Whether reports are sent to this installation; none when nobody said where it takes them.
    pub reports_to_us: Option<bool>,
    /// The SPF record as it was found.
    pub spf: Option<String>,
    /// Its `all`.
    pub spf_all: Option<spf::Qualifier>,
    /// Its terms that stand for addresses, in their order.
    pub entries: Vec<Entry>,
    /// The DKIM keys that are published.
    pub keys: Vec<Key>,
    /// Whether it receives mail; none when that could not be told.
    pub receives: Option<bool>,
    /// Whether it says that it does not (RFC 7505).
    pub has_null_mx: bool,
    /// The mode of its MTA-STS policy: `none`, `testing` or `enforce`; nothing when there is none.
    pub mta_sts_mode: Option<String>,
    /// The hosts that receive its mail, without the final dot.
    pub mail_hosts: Vec<String>,
    /// Whether it asks for TLS reports.
    pub has_tls_rpt: bool,
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
    /// Throw-away: stands here until the plan's branch brings the real one.
    pub fn of(snapshot: &Snapshot, _histories: &[KeyHistory], score: Option<Score>) -> Self {
        let unknown = snapshot.checks().into_iter().filter(|check| !check.unknown.is_empty());
        Self {
            domain: snapshot.domain.clone(),
            checked_at: snapshot.checked_at,
            unknown: unknown.map(|check| check.mechanism).collect(),
            findings: snapshot.checks().into_iter().flat_map(|check| check.findings.clone()).collect(),
            score,
            dmarc: snapshot.dmarc.policy_domain.clone().zip(snapshot.dmarc.record.clone()),
            policies: None,
            reports_to_us: None,
            spf: None,
            spf_all: None,
            entries: Vec::new(),
            keys: Vec::new(),
            receives: snapshot.mx.accepts_mail,
            has_null_mx: snapshot.mx.null,
            mta_sts_mode: None,
            mail_hosts: snapshot.mx.hosts.iter().map(|host| host.name.clone()).collect(),
            has_tls_rpt: snapshot.tls_rpt.record.is_some(),
            has_bimi: snapshot.bimi.record.is_some(),
        }
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
