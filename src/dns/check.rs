//! What the examination of one mechanism gave.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Copies, Finding, Severity, Trouble};

/// What is examined. The names are stable: tables, metrics and JSON use them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mechanism {
    /// The policy, and who gets its reports.
    Dmarc,
    /// Who may send.
    Spf,
    /// Signing keys.
    Dkim,
    /// Who receives.
    Mx,
    /// TLS to the receiver, by policy over HTTPS.
    MtaSts,
    /// Who gets reports about TLS.
    TlsRpt,
    /// Whether answers are signed.
    Dnssec,
    /// TLS to the receiver, by records.
    Dane,
    /// The name servers.
    Ns,
    /// Block lists.
    Dnsbl,
    /// Reverse names of own sending addresses.
    Reverse,
    /// The logo.
    Bimi,
    /// Who may issue certificates.
    Caa,
    /// Whether the routes to the servers are authorised.
    Rpki,
}

/// How a mechanism stands.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing to say.
    Ok,
    /// Something worth knowing.
    Info,
    /// Weak or fragile.
    Warning,
    /// Broken, or not in force.
    Error,
    /// Could not be told; the last known state holds.
    Unknown,
}

/// The result of examining one mechanism.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was examined.
    pub mechanism: Mechanism,
    /// What is wrong, worst first once finished.
    pub findings: Vec<Finding>,
    /// The records as they were found.
    pub records: Vec<Observed>,
    /// Questions that were not answered.
    pub unknown: Vec<Unanswered>,
    /// What is compared with the next run to see a change: small texts under stable names, such as `policy` =
    /// `reject` or `key:s1` = a fingerprint. A fact that could not be told this time is `None`; one that is not there is
    /// left out.
    pub facts: BTreeMap<String, Option<String>>,
    /// For how long the same answers may come again from a cache.
    pub copies: Copies,
}

/// A record as it was found.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Observed {
    /// The name that was asked for.
    pub name: String,
    /// `TXT`, `MX`, `TLSA`…
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The record's data, the strings of a TXT record joined.
    pub text: String,
}

/// A question that was not answered.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Unanswered {
    /// The name that was asked for.
    pub name: String,
    /// What kept it from being answered.
    pub trouble: Trouble,
}

impl Check {
    /// A check that found nothing yet.
    pub fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            findings: Vec::new(),
            records: Vec::new(),
            unknown: Vec::new(),
            facts: BTreeMap::new(),
            copies: Copies::default(),
        }
    }

    /// Adds a finding.
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds a record that was found.
    pub fn observe(&mut self, name: &str, kind: &'static str, text: impl Into<String>) {
        self.records.push(Observed { name: name.to_owned(), kind, text: text.into() });
    }

    /// Adds a question that was not answered.
    pub fn unanswered(&mut self, name: &str, trouble: Trouble) {
        self.unknown.push(Unanswered { name: name.to_owned(), trouble });
    }

    /// Adds a fact.
    pub fn fact(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.facts.insert(name.into(), Some(value.into()));
    }

    /// Says that a fact could not be told.
    pub fn unknown_fact(&mut self, name: impl Into<String>) {
        self.facts.insert(name.into(), None);
    }

    /// Whether everything was answered that was asked of anybody else: what this installation has no data for is unknown, but
    /// keeps nothing else from being told.
    pub fn is_told(&self) -> bool {
        self.unknown.iter().all(|question| question.trouble.is_ours())
    }

    /// How the mechanism stands: an error is certain even when other questions were not answered; anything less is
    /// not known then.
    pub fn status(&self) -> Status {
        match self.findings.iter().map(|finding| finding.code.severity).max() {
            Some(Severity::Error) => Status::Error,
            _ if !self.unknown.is_empty() => Status::Unknown,
            Some(Severity::Warning) => Status::Warning,
            Some(Severity::Info) => Status::Info,
            None => Status::Ok,
        }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut check = serializer.serialize_struct("Check", 4)?;
        check.serialize_field("status", &self.status())?;
        check.serialize_field("findings", &self.findings)?;
        check.serialize_field("records", &self.records)?;
        check.serialize_field("unknown", &self.unknown)?;
        check.end()
    }
}

impl Mechanism {
    /// All of them, in the order people read them.
    pub const ALL: [Self; 14] = [
        Self::Dmarc,
        Self::Spf,
        Self::Dkim,
        Self::Mx,
        Self::MtaSts,
        Self::TlsRpt,
        Self::Dnssec,
        Self::Dane,
        Self::Ns,
        Self::Dnsbl,
        Self::Reverse,
        Self::Bimi,
        Self::Caa,
        Self::Rpki,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dmarc => "dmarc",
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Mx => "mx",
            Self::MtaSts => "mta_sts",
            Self::TlsRpt => "tls_rpt",
            Self::Dnssec => "dnssec",
            Self::Dane => "dane",
            Self::Ns => "ns",
            Self::Dnsbl => "dnsbl",
            Self::Reverse => "reverse",
            Self::Bimi => "bimi",
            Self::Caa => "caa",
            Self::Rpki => "rpki",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Dmarc => "DMARC",
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Mx => "MX",
            Self::MtaSts => "MTA-STS",
            Self::TlsRpt => "TLS-RPT",
            Self::Dnssec => "DNSSEC",
            Self::Dane => "DANE",
            Self::Ns => "Name servers",
            Self::Dnsbl => "Block lists",
            Self::Reverse => "Reverse DNS",
            Self::Bimi => "BIMI",
            Self::Caa => "CAA",
            Self::Rpki => "RPKI",
        }
    }
}

impl Status {
    /// All, the best first.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Info, Self::Warning, Self::Error, Self::Unknown];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Code;

    const WEAK: Code = Code { name: "test.weak", severity: Severity::Warning };
    const BROKEN: Code = Code { name: "test.broken", severity: Severity::Error };

    #[test]
    fn an_unanswered_question_hides_all_but_an_error() {
        let mut check = Check::new(Mechanism::Spf);
        assert_eq!(check.status(), Status::Ok);
        check.find(WEAK.at("a.example", None, "weak"));
        assert_eq!(check.status(), Status::Warning);
        check.unanswered("b.example", Trouble::Timeout);
        assert_eq!(check.status(), Status::Unknown);
        check.find(BROKEN.at("a.example", None, "broken"));
        assert_eq!(check.status(), Status::Error);
    }
}
