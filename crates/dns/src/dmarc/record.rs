//! The record (RFC 9989 sections 4.7 and 4.8).

use std::{fmt, ops::Range};

use serde::Serialize;

use super::{reader::Reader, uri::Uri};
use crate::{Code, versioned::Version};

/// A DMARC record. What is wrong in it counts as not said, as receivers take it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Record {
    /// As it was found.
    pub text: String,
    /// `p`: for the domain.
    pub policy: Option<Policy>,
    /// `sp`: for its subdomains.
    pub subdomain_policy: Option<Policy>,
    /// `np`: for those of its subdomains that do not exist.
    pub nonexistent_policy: Option<Policy>,
    /// `adkim`: how exactly the domain of a DKIM signature must match.
    pub dkim_alignment: Alignment,
    /// `aspf`: how exactly the domain of SPF must match.
    pub spf_alignment: Alignment,
    /// `fo`: which failures are reported; of `0`, `1`, `d` and `s`.
    pub failure_options: Vec<char>,
    /// `rua`: who gets aggregate reports.
    pub rua: Vec<Uri>,
    /// `ruf`: who gets failure reports.
    pub ruf: Vec<Uri>,
    /// `psd`: whether the domain is a public suffix.
    pub psd: PublicSuffix,
    /// `t=y`: receivers apply each policy one step lower.
    pub testing: bool,
    /// `pct`, which receivers of RFC 7489 still honour: the share of messages a policy is meant for.
    pub percentage: Option<u8>,
    /// Whether `sp` or `np` is there with a value that is none.
    #[serde(skip)]
    pub(super) has_bad_policy: bool,
    #[serde(skip)]
    pub(super) faults: Vec<Fault>,
    /// Whether there are more tags, addresses or faults than are kept.
    #[serde(skip)]
    pub(super) is_cut: bool,
}

/// What receivers are asked to do with a message that fails.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing.
    None,
    /// Treat it as suspicious.
    Quarantine,
    /// Refuse it.
    Reject,
}

/// The policies a record asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Policies {
    /// For the domain itself.
    pub domain: Policy,
    /// For its subdomains that exist.
    pub subdomains: Policy,
    /// For its subdomains that do not exist.
    pub nonexistent: Policy,
}

/// How exactly an authenticated domain must match the author's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Alignment {
    /// The same organisation.
    #[default]
    Relaxed,
    /// The same name.
    Strict,
}

/// What a domain says of being a public suffix.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicSuffix {
    /// `psd=y`.
    Yes,
    /// `psd=n`: it is the organizational domain of what is below it.
    No,
    /// `psd=u`, or nothing.
    #[default]
    Undetermined,
}

/// What is wrong with a record, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) code: Code,
    /// A sentence.
    pub(super) detail: String,
    pub(super) at: Range<usize>,
}

impl Record {
    /// Reads a record; `None` when it does not begin with `v=DMARC1` and so is none.
    pub fn parse(text: &str) -> Option<Self> {
        VERSION.begins(text).then(|| Reader::default().read(text))
    }

    /// What receivers go by: a record whose `p` is missing or wrong, or whose `sp` or `np` is wrong, counts as
    /// `p=none` when it asks for reports and as no record otherwise (RFC 9989 section 4.10.1).
    pub fn policies(&self) -> Option<Policies> {
        let Some(domain) = self.policy.filter(|_| !self.has_bad_policy) else {
            let nothing =
                Policies { domain: Policy::None, subdomains: Policy::None, nonexistent: Policy::None };
            return (!self.rua.is_empty()).then_some(nothing);
        };
        let subdomains = self.subdomain_policy.unwrap_or(domain);
        let nonexistent = self.nonexistent_policy.unwrap_or(subdomains);
        Some(Policies { domain, subdomains, nonexistent })
    }

    /// What is in force: the policies, one step lower with `t=y`.
    pub fn in_force(&self) -> Option<Policies> {
        let step = |policy: Policy| if self.testing { policy.lowered() } else { policy };
        self.policies().map(|policies| Policies {
            domain: step(policies.domain),
            subdomains: step(policies.subdomains),
            nonexistent: step(policies.nonexistent),
        })
    }
}

impl Policy {
    /// The policy of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        [Self::None, Self::Quarantine, Self::Reject]
            .into_iter()
            .find(|policy| policy.name().eq_ignore_ascii_case(name))
    }

    /// The policy one step lower.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Self::None | Self::Quarantine => Self::None,
            Self::Reject => Self::Quarantine,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a DMARC record begins.
pub(super) const VERSION: Version = Version { value: "DMARC1", blanks: true };
