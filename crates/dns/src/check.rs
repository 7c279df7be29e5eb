//! What the examination of one mechanism gave.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    Code, Copies, Finding, Severity, Trouble,
    bounds::{
        EVIDENCE_BYTES, LONGEST_RECORD, MOST_FINDINGS, MOST_OF_A_CODE, MOST_RECORDS, MOST_UNANSWERED,
        RECORDS_BYTES, clipped, fingerprinted,
    },
    finding::codes,
};

/// What is examined. The names are stable: tables, metrics and JSON use them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
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

    /// Adds a finding. Of what is too many the worst findings stay, and one says that others were left out.
    pub fn find(&mut self, finding: Finding) {
        let same = self.findings.iter().filter(|other| other.code == finding.code).count();
        if same < MOST_OF_A_CODE && self.findings.len() < MOST_FINDINGS {
            let finding = finding.bounded();
            let shown = self.findings.iter().filter_map(|other| other.evidence.record.as_ref());
            let has_room = shown.map(String::len).sum::<usize>() < EVIDENCE_BYTES;
            return self.findings.push(if has_room { finding } else { finding.without_record() });
        }
        let name = finding.evidence.name.clone();
        if same < MOST_OF_A_CODE {
            let cut = self.mechanism.cut();
            let others = self.findings.iter_mut().filter(|other| other.code != cut);
            let least = others.min_by_key(|other| other.code.severity);
            if let Some(least) = least.filter(|least| least.code.severity < finding.code.severity) {
                *least = finding.bounded().without_record();
            }
        }
        self.cut(&name, format!("More is wrong at {name} than is listed here."));
    }

    /// Adds one finding about all `texts` of a name that do not belong there, however many they are. `one` words it for
    /// a single text.
    pub(super) fn find_texts<'a>(
        &mut self,
        code: Code,
        name: &str,
        texts: impl IntoIterator<Item = &'a str>,
        one: impl FnOnce(&str) -> String,
    ) {
        let texts: Vec<_> = texts.into_iter().collect();
        let Some(first) = texts.first() else { return };
        let detail = one(first);
        let detail = match texts.len() - 1 {
            0 => detail,
            1 => format!("{detail} One more text there is of the same kind."),
            more => format!("{detail} {more} more texts there are of the same kind."),
        };
        self.find(code.at(name, Some(&texts.join("\n")), detail));
    }

    /// Says that something about `name` was left out because there is too much of it.
    pub(super) fn cut(&mut self, name: &str, detail: impl Into<String>) {
        let code = self.mechanism.cut();
        if self.findings.iter().all(|finding| finding.code != code) {
            self.findings.push(code.at(name, None, detail).bounded());
        }
    }

    /// Adds a record that was found.
    pub fn observe(&mut self, name: &str, kind: &'static str, text: impl Into<String>) {
        let bytes: usize = self.records.iter().map(|record| record.text.len()).sum();
        if self.records.len() >= MOST_RECORDS || bytes >= RECORDS_BYTES {
            let kept = self.records.len();
            return self.cut(name, format!("{kept} records are kept; there are more of them."));
        }
        self.records.push(Observed {
            name: name.to_owned(),
            kind,
            text: clipped(text.into(), LONGEST_RECORD),
        });
    }

    /// Adds a question that was not answered.
    pub fn unanswered(&mut self, name: &str, trouble: Trouble) {
        if trouble == Trouble::TooMuch {
            self.cut(name, format!("{name} was not asked for: {trouble}."));
        }
        if self.unknown.len() < MOST_UNANSWERED {
            self.unknown.push(Unanswered { name: name.to_owned(), trouble });
        }
    }

    /// Adds a fact.
    pub fn fact(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.facts.insert(name.into(), Some(fingerprinted(value.into(), LONGEST_RECORD)));
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

impl Mechanism {
    /// The code of what is said when something is left out because there is too much of it.
    fn cut(self) -> Code {
        match self {
            Self::Dmarc => DMARC_CUT,
            Self::Spf => SPF_CUT,
            Self::Dkim => DKIM_CUT,
            Self::Mx => MX_CUT,
            Self::MtaSts => MTA_STS_CUT,
            Self::TlsRpt => TLS_RPT_CUT,
            Self::Dnssec => DNSSEC_CUT,
            Self::Dane => DANE_CUT,
            Self::Ns => NS_CUT,
            Self::Dnsbl => DNSBL_CUT,
            Self::Reverse => REVERSE_CUT,
            Self::Bimi => BIMI_CUT,
            Self::Caa => CAA_CUT,
            Self::Rpki => RPKI_CUT,
        }
    }
}

codes! {
    /// Too much to examine all of it.
    DMARC_CUT = "dmarc.cut", Warning;
    /// The same.
    SPF_CUT = "spf.cut", Warning;
    /// The same.
    DKIM_CUT = "dkim.cut", Warning;
    /// The same.
    MX_CUT = "mx.cut", Warning;
    /// The same.
    MTA_STS_CUT = "mta_sts.cut", Warning;
    /// The same.
    TLS_RPT_CUT = "tls_rpt.cut", Warning;
    /// The same.
    DNSSEC_CUT = "dnssec.cut", Warning;
    /// The same.
    DANE_CUT = "dane.cut", Warning;
    /// The same.
    NS_CUT = "ns.cut", Warning;
    /// The same.
    DNSBL_CUT = "dnsbl.cut", Warning;
    /// The same.
    REVERSE_CUT = "reverse.cut", Warning;
    /// The same.
    BIMI_CUT = "bimi.cut", Warning;
    /// The same.
    CAA_CUT = "caa.cut", Warning;
    /// The same.
    RPKI_CUT = "rpki.cut", Warning;
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

    #[test]
    fn what_is_cut_is_said() {
        for mechanism in Mechanism::ALL {
            let mut check = Check::new(mechanism);
            let text = "ä".repeat(40_000);
            for _ in 0..30_000 {
                check.find(WEAK.at("a.example", Some(&text), &*text).with_position(0..80_000));
                check.observe("a.example", "TXT", &*text);
                check.unanswered("a.example", Trouble::Timeout);
            }
            for code in 0..200_u32 {
                let name = Box::leak(format!("test.{code}").into_boxed_str());
                check.find(Code { name, severity: Severity::Info }.at("a.example", None, "x"));
            }
            check.find(BROKEN.at("a.example", None, "the worst comes last"));
            assert_eq!(check.status(), Status::Error, "an error is never left out");
            let cut = check.findings.iter().filter(|finding| finding.code == mechanism.cut()).count();
            assert_eq!(cut, 1);
            assert!(check.findings.len() <= MOST_FINDINGS + 1, "{}", check.findings.len());
            let bytes = serde_json::to_vec(&check).unwrap().len();
            assert!(bytes < 2_000_000, "{bytes}");
        }
    }

    #[test]
    fn a_change_behind_the_end_of_a_fact_is_one() {
        let mut check = Check::new(Mechanism::Spf);
        let value = |check: &mut Check, end: &str| {
            check.fact("record", format!("{}{end}", "a".repeat(60_000)));
            check.facts.get("record").cloned().flatten().unwrap()
        };
        let (one, other) = (value(&mut check, "x"), value(&mut check, "y"));
        assert!(one != other && one.len() < LONGEST_RECORD + 50);
    }

    #[test]
    fn texts_of_one_kind_are_one_finding() {
        let mut check = Check::new(Mechanism::Spf);
        let texts: Vec<_> = (0..60).map(|number| format!("text {number}")).collect();
        check.find_texts(WEAK, "a.example", texts.iter().map(String::as_str), |text| format!("`{text}`."));
        let [finding] = check.findings.as_slice() else { panic!("{check:?}") };
        assert_eq!(finding.detail, "`text 0`. 59 more texts there are of the same kind.");
    }
}
