//! A domain's record with all it includes, and what every part of it costs and gives.

use std::{net::IpAddr, ops::Range};

use serde::Serialize;

use super::{
    super::Trouble,
    network::{Addresses, Network},
    record::{Meaning, Mechanism, Qualifier},
};

/// A record.
#[derive(Clone, Debug, Serialize)]
pub struct Branch {
    /// The domain that publishes it.
    pub domain: String,
    /// The record as it was found.
    pub record: String,
    /// The `all` in force: its own, or that of the record it redirects to.
    pub all: Option<Qualifier>,
    /// What it costs to evaluate all of it.
    #[serde(flatten)]
    pub cost: Cost,
    /// The addresses that pass it, `all` left aside; those that an earlier term refuses are not taken off.
    pub addresses: Addresses,
    /// Its terms.
    pub terms: Vec<Node>,
}

/// A term.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// As it is written.
    pub term: String,
    /// Which bytes of the record.
    pub position: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// What a match means; nothing for a modifier.
    pub qualifier: Option<Qualifier>,
    /// The domain it asks about; nothing when it asks nobody, or when that depends on the message.
    pub domain: Option<String>,
    /// What it costs, with all below it.
    #[serde(flatten)]
    pub cost: Cost,
    /// The addresses it matches, with all below it.
    pub addresses: Addresses,
    /// The networks it matches by itself.
    pub networks: Vec<Network>,
    /// Whether it can have an effect: what stands behind `all` has none.
    pub is_reached: bool,
    /// What is wrong with it.
    pub trouble: Vec<TermTrouble>,
    /// The record it includes or redirects to.
    pub branch: Option<Box<Branch>>,
}

/// What a term is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the term of that name")]
pub enum Kind {
    All,
    Include,
    A,
    Mx,
    Ptr,
    Ip4,
    Ip6,
    Exists,
    Redirect,
    Exp,
    /// A modifier that is to be ignored.
    Modifier,
    /// Nothing that can be understood.
    Broken,
}

/// What an evaluation costs (RFC 7208 section 4.6.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Cost {
    /// Terms that ask; ten are allowed.
    pub lookups: u32,
    /// Terms that ask for what is not there when an IPv4 address sends; two are allowed.
    pub voids_ipv4: u32,
    /// The same when an IPv6 address sends.
    pub voids_ipv6: u32,
}

/// What is wrong with a term.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
#[non_exhaustive]
pub enum TermTrouble {
    /// It cannot be understood.
    Syntax,
    /// The domain has no record.
    NoRecord {
        /// Whether the domain does not exist at all.
        is_name_missing: bool,
    },
    /// The domain has several records.
    SeveralRecords,
    /// The record includes itself, over these domains.
    Loop {
        /// From the domain to itself.
        path: Vec<String>,
    },
    /// The name has no address.
    NoAddress,
    /// Nobody receives mail for the domain.
    NoHosts,
    /// More than ten hosts receive mail for the domain.
    TooManyHosts {
        /// How many.
        count: usize,
    },
    /// Some of the hosts that receive mail have no address.
    HostsWithoutAddress {
        /// Their names.
        hosts: Vec<String>,
    },
    /// It matches every sender.
    MatchesAll,
    /// It depends on the message, so what it matches is not known.
    Macro,
    /// A question was not answered.
    Unanswered {
        /// The name that was asked for.
        name: String,
        /// Why.
        trouble: Trouble,
    },
    /// The tree is too large to follow it.
    TooLarge,
}

impl Branch {
    /// The terms that decide about `address`, from the top to the bottom; none when no network that is known holds it.
    /// The last one is the mechanism that matches. A term whose matches depend on the message never does here.
    pub fn matching(&self, address: IpAddr) -> Vec<&Node> {
        let address = address.to_canonical();
        // A redirect comes last, wherever it stands (RFC 7208 section 6.1).
        let (redirects, mechanisms): (Vec<_>, Vec<_>) =
            self.terms.iter().filter(|node| node.is_reached).partition(|node| node.kind == Kind::Redirect);
        for node in mechanisms.into_iter().chain(redirects) {
            let is_all = node.kind == Kind::All || node.trouble.contains(&TermTrouble::MatchesAll);
            if is_all || node.networks.iter().any(|network| network.contains(address)) {
                return vec![node];
            }
            let Some(branch) = &node.branch else { continue };
            let inner = branch.matching(address);
            // Of an included record only a pass counts (RFC 7208 section 5.2).
            let is_pass = || inner.last().is_some_and(|last| last.qualifier == Some(Qualifier::Pass));
            if node.kind == Kind::Redirect || (node.kind == Kind::Include && is_pass()) {
                return std::iter::once(node).chain(inner).collect();
            }
        }
        Vec::new()
    }

    /// The networks whose addresses pass, with those of included records.
    pub fn networks(&self) -> Vec<Network> {
        let mut networks = Vec::new();
        for node in self.terms.iter().filter(|node| node.is_reached) {
            if matches!(node.qualifier, Some(Qualifier::Pass) | None) {
                networks.extend(node.all_networks());
            }
        }
        networks
    }
}

impl Node {
    /// The networks it matches, with those of the record it includes.
    pub fn all_networks(&self) -> Vec<Network> {
        let mut networks = self.networks.clone();
        networks.extend(self.branch.iter().flat_map(|branch| branch.networks()));
        networks
    }
}

impl Cost {
    pub(super) fn add(&mut self, other: Self) {
        self.lookups = self.lookups.saturating_add(other.lookups);
        self.voids_ipv4 = self.voids_ipv4.saturating_add(other.voids_ipv4);
        self.voids_ipv6 = self.voids_ipv6.saturating_add(other.voids_ipv6);
    }

    pub(super) fn add_void(&mut self) {
        self.add(Self { lookups: 0, voids_ipv4: 1, voids_ipv6: 1 });
    }
}

impl Node {
    pub(super) fn unanswered(&mut self, name: &str, trouble: Trouble) {
        self.trouble.push(TermTrouble::Unanswered { name: name.to_owned(), trouble });
    }
}

impl Kind {
    pub(super) fn of(meaning: &Meaning) -> Self {
        match meaning {
            Meaning::Broken => Self::Broken,
            Meaning::Modifier { .. } => Self::Modifier,
            Meaning::Explanation(_) => Self::Exp,
            Meaning::Redirect(_) => Self::Redirect,
            Meaning::Directive(_, mechanism) => match mechanism {
                Mechanism::All => Self::All,
                Mechanism::Include(_) => Self::Include,
                Mechanism::A(..) => Self::A,
                Mechanism::Mx(..) => Self::Mx,
                Mechanism::Ptr(_) => Self::Ptr,
                Mechanism::Ip4(_) => Self::Ip4,
                Mechanism::Ip6(_) => Self::Ip6,
                Mechanism::Exists(_) => Self::Exists,
            },
        }
    }
}
