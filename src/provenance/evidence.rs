use serde::{Deserialize, Serialize};

use super::{
    organizations::{Named, Organizations},
    results::{Dkim, DmarcResult, Doubt, Spf},
};
use ruad_common::domain_name::normalize;

/// What was found out about the message a report came in. One per message, written down before the first row
/// is stored and never worked out again, so that a retry says the same.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Evidence {
    /// The domain of the From field, normalized; none when there is no usable one or more than one.
    pub from_domain: Option<String>,
    /// The organizational domain of `from_domain`, as its DMARC records show it (RFC 9989 section 4.10.2).
    pub organization: Option<String>,
    /// Whether the From address is one that no customer of a mailbox provider can have: postmaster or abuse
    /// (RFC 2142).
    pub from_operator: bool,
    /// What SPF says of the client.
    pub spf: Spf,
    /// Every signature that was looked at, those that could align first.
    pub dkim: Vec<Dkim>,
    /// Signatures that were not looked at: malformed ones, and those beyond the limit.
    pub dkim_skipped: u32,
    /// What DMARC says of `from_domain`.
    pub dmarc: DmarcResult,
    /// Whether an aligned signature passes that covers the whole body and whose key allows the service
    /// `tlsrpt` (RFC 8460 section 3).
    pub tls_rpt_signed: bool,
    /// Why no verdict can be reached, if so.
    pub doubt: Option<Doubt>,
}

impl Evidence {
    /// Evidence of nothing.
    pub fn unknown(doubt: Doubt) -> Self {
        Self { doubt: Some(doubt), ..Self::default() }
    }

    /// What the evidence says of a report in the message that claims to be from `claim`. The rules are those
    /// of [`Verdict`].
    pub fn verdict(&self, claim: &Claim<'_>) -> Verdict {
        match self.dmarc {
            DmarcResult::Fail if self.doubt.is_none() => Verdict::Forged,
            DmarcResult::Pass if claim.kind == Kind::Tls && !self.tls_rpt_signed => Verdict::Unknown,
            DmarcResult::Pass if self.is_from(claim) => Verdict::Genuine,
            DmarcResult::Pass => Verdict::Authenticated,
            _ => Verdict::Unknown,
        }
    }

    /// The organizational domain of the From domain, when DMARC passes.
    pub fn proven_organization(&self) -> Option<&str> {
        self.organization.as_deref().filter(|_| self.dmarc == DmarcResult::Pass)
    }

    /// Whether the From domain is that of an organisation of the table `organizations.toml`, proven or not.
    pub fn names_known_organization(&self) -> bool {
        self.from_domain.as_deref().is_some_and(|domain| Organizations::known().is_known(domain))
    }

    /// SPF in few words, for storing: `pass mfrom=example.com`.
    pub fn spf_summary(&self) -> String {
        match &self.spf.domain {
            Some(domain) => format!("{} {}={domain}", self.spf.result.as_str(), self.spf.scope.as_str()),
            None => self.spf.result.as_str().to_owned(),
        }
    }

    /// DKIM in few words, for storing: `pass example.com/2026; neutral other.example/s1 (expired)`.
    pub fn dkim_summary(&self) -> String {
        let signatures: Vec<_> = self.dkim.iter().map(Dkim::summary).collect();
        signatures.join("; ")
    }

    /// DMARC in few words, for storing: `pass`, or `fail (weak_signature)`.
    pub fn dmarc_summary(&self) -> String {
        match self.doubt {
            Some(doubt) => format!("{} ({})", self.dmarc.as_str(), doubt.as_str()),
            None => self.dmarc.as_str().to_owned(),
        }
    }

    /// Whether everything the report says about its origin names the organisation of the From domain, and at
    /// least one thing does.
    fn is_from(&self, claim: &Claim<'_>) -> bool {
        let (Some(author), Some(organization)) = (&self.from_domain, &self.organization) else {
            return false;
        };
        let known = Organizations::known();
        if known.is_shared(author, self.from_operator) {
            return false;
        }
        let email = claim.email.and_then(domain_of).map(Named::Domain);
        let name = claim.org_name.and_then(|name| known.of_name(name));
        let mut named = email.iter().chain(&name).peekable();
        // A failure report says nowhere who it is from, but in its From field.
        if named.peek().is_none() {
            return claim.kind == Kind::Failure;
        }
        named.all(|named| known.belongs(author, organization, named))
    }
}

/// What a message that carries a report proves about who sent the report.
///
/// | verdict | when |
/// |---|---|
/// | `genuine` | DMARC passes, and everything in the report that names its origin names the organisation of the From domain |
/// | `authenticated` | DMARC passes, but the report names another organisation, or none that can be compared |
/// | `forged` | DMARC fails: the From domain has a policy record and nothing aligned passes |
/// | `unknown` | neither can be said; [`Evidence::doubt`] has the reason |
///
/// A report names its origin by `email` (TLS: `contact-info`) and by `org_name` (TLS: `organization-name`),
/// the latter when it is a domain or a name of the table `organizations.toml`. The domain of either belongs
/// to the organisation of the From domain when it lies within the From domain's organizational domain, or
/// when the table gives both to one organisation. A report that names two organisations is not genuine.
///
/// Where a mailbox provider's customers have addresses (`outlook.com`, `mail.ru`) a pass proves no more than
/// that one of them wrote: from there a message is `authenticated`, unless its From address is postmaster or
/// abuse. Below `fastmail.com`, where customers have subdomains, that is no exception.
///
/// A failure report says nothing about its origin but in its From field: a pass is enough for `genuine`.
///
/// A TLS report whose message passes DMARC is `unknown` unless [`Evidence::tls_rpt_signed`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// From the organisation it says it is from.
    Genuine,
    /// From whom the mail says, which is not whom the report says.
    Authenticated,
    /// Not from whom the mail says.
    Forged,
    /// It could not be told.
    Unknown,
}

impl Verdict {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::Authenticated => "authenticated",
            Self::Forged => "forged",
            Self::Unknown => "unknown",
        }
    }

    /// The verdict of a stored word; [`Verdict::Forged`], which proves nothing, for any other.
    pub fn of_word(word: &str) -> Self {
        let all = [Self::Genuine, Self::Authenticated, Self::Unknown];
        all.into_iter().find(|verdict| verdict.as_str() == word).unwrap_or(Self::Forged)
    }

    /// How much is proven: of two copies of a report, the one with more counts.
    pub fn proof(self) -> u8 {
        match self {
            Self::Genuine => 3,
            Self::Authenticated => 2,
            Self::Unknown => 1,
            Self::Forged => 0,
        }
    }
}

/// Who a report says it is from.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// What kind of report it is.
    pub kind: Kind,
    /// `org_name`, or `organization-name` of a TLS report.
    pub org_name: Option<&'a str>,
    /// `email`, or `contact-info` of a TLS report.
    pub email: Option<&'a str>,
}

/// The kinds of reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// DMARC aggregate report.
    Aggregate,
    /// DMARC failure report.
    Failure,
    /// SMTP TLS report.
    Tls,
}

/// The domain of what a reporter gives as its address: `a@b.c`, `<a@b.c>`, `Name <a@b.c>`, `mailto:a@b.c`.
fn domain_of(email: &str) -> Option<String> {
    let (_, domain) = email.rsplit_once('@')?;
    normalize(domain.split(['>', '?', ',', ';', ' ']).next().unwrap_or(domain))
}
