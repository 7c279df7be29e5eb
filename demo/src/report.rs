//! What a receiver tells about one domain and one day: the content of an aggregate report, before it is
//! written down the way its reporter does.

use std::net::IpAddr;

use crate::day::{Day, Moment};
use crate::mail::Reporter;
use crate::random::Random;

/// One aggregate report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who sends it.
    pub reporter: &'static Reporter,
    /// The policy domain.
    pub domain: &'static str,
    /// The policy that was published on that day.
    pub policy: Policy,
    /// The day reported on.
    pub day: Day,
    /// The reporter's identifier for it.
    pub id: String,
    /// Its rows.
    pub records: Vec<Record>,
    /// When the mail leaves the reporter.
    pub sent: Moment,
    /// The address published in the domain's `rua`.
    pub recipient: String,
}

impl Report {
    /// End of the period as this reporter writes it: the last second of the day, or the next midnight.
    pub fn end(&self) -> i64 {
        self.day.plus(1).begin() - i64::from(!self.reporter.ends_at_midnight)
    }

    /// `google.com!meridian.example!1777507200!1777593599`, by RFC 9990 section 3.5.2; without an extension.
    pub fn file_stem(&self) -> String {
        format!("{}!{}!{}!{}", self.reporter.submitter, self.domain, self.day.begin(), self.end())
    }
}

/// One row: messages of one address with one outcome.
#[derive(Clone, Debug)]
pub struct Record {
    /// The sending address.
    pub source: IpAddr,
    /// How many messages.
    pub count: u64,
    /// What the receiver did with them.
    pub disposition: Disposition,
    /// Why it did not do what the policy says.
    pub reason: Option<Reason>,
    /// Whether an aligned DKIM signature verified.
    pub dkim_aligned: bool,
    /// Whether SPF passed for an aligned domain.
    pub spf_aligned: bool,
    /// Domain of the From header.
    pub header_from: String,
    /// Domain of the envelope's sender.
    pub envelope_from: String,
    /// Domain of the recipient, for reporters that tell it.
    pub envelope_to: Option<&'static str>,
    /// Signatures that were verified.
    pub signatures: Vec<Signature>,
    /// The SPF result for `envelope_from`.
    pub spf: &'static str,
}

impl Record {
    /// DMARC's verdict: one of the two is enough.
    pub fn aligned(&self) -> bool {
        self.dkim_aligned || self.spf_aligned
    }
}

/// A DKIM signature as its verifier saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// `d=`
    pub domain: String,
    /// `s=`
    pub selector: String,
    /// `pass`, `fail`, ...
    pub result: &'static str,
}

/// Why a policy was not applied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reason {
    /// The type, from the list of RFC 7489 or RFC 9990.
    pub kind: &'static str,
    /// A comment.
    pub comment: Option<&'static str>,
}

/// What was done with a message.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Disposition {
    /// Nothing, because of DMARC.
    None,
    /// Aligned under an enforcing policy; a word of RFC 9990 only.
    Pass,
    /// Put aside.
    Quarantine,
    /// Refused.
    Reject,
}

impl Disposition {
    /// The word in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// One step less strict.
    fn lowered(self) -> Self {
        match self {
            Self::Reject => Self::Quarantine,
            _ => Self::None,
        }
    }
}

/// A published DMARC policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// `p`
    pub p: Disposition,
    /// `sp`
    pub sp: Option<Disposition>,
    /// `np`
    pub np: Option<Disposition>,
    /// `adkim=s`
    pub strict_dkim: bool,
    /// `aspf=s`
    pub strict_spf: bool,
    /// `pct`, which RFC 9989 has removed.
    pub pct: u8,
    /// `t=y`, which RFC 9989 has brought.
    pub testing: bool,
}

impl Policy {
    /// Policy `p` with everything else left out of the record.
    pub const fn of(p: Disposition) -> Self {
        Self { p, sp: None, np: None, strict_dkim: false, strict_spf: false, pct: 100, testing: false }
    }

    /// With a policy for subdomains.
    pub const fn subdomains(self, sp: Disposition) -> Self {
        Self { sp: Some(sp), ..self }
    }

    /// What applies to subdomains.
    pub fn effective_sp(&self) -> Disposition {
        self.sp.unwrap_or(self.p)
    }

    /// What `reporter` does with a message, and why if it is not what the policy says.
    pub fn apply(
        &self,
        case: Case,
        reporter: &Reporter,
        random: &mut Random,
    ) -> (Disposition, Option<Reason>) {
        let asked = if case.subdomain { self.effective_sp() } else { self.p };
        let reason = |kind| Some(Reason { kind, comment: None });
        if case.aligned {
            let enforcing = asked != Disposition::None && reporter.says_pass;
            let told = if case.forwarded { reporter.forward_reason } else { None };
            return (if enforcing { Disposition::Pass } else { Disposition::None }, told);
        }
        if asked == Disposition::None {
            return (asked, None);
        }
        if case.list && reporter.list_reason.is_some() {
            return (Disposition::None, reporter.list_reason);
        }
        if reporter.rfc9990 {
            return if self.testing { (asked.lowered(), reason("policy_test_mode")) } else { (asked, None) };
        }
        if random.below(100) >= u64::from(self.pct) {
            return (asked.lowered(), reason("sampled_out"));
        }
        (asked, None)
    }
}

/// What decides about a message besides the policy.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// DMARC passes.
    pub aligned: bool,
    /// The From domain lies below the policy domain.
    pub subdomain: bool,
    /// It came through a mailing list.
    pub list: bool,
    /// It came through a forwarder.
    pub forwarded: bool,
}
