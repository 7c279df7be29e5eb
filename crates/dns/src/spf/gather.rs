//! Asks all that a domain's tree of records needs to know, each name once.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;

use super::{
    super::{Answer, Mx, Resolver, Trouble},
    network::Network,
    record::{Meaning, Mechanism, Record},
    select::{Selection, Source},
};

/// The answers a tree is made of.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What names publish.
    pub(super) selections: HashMap<String, Selection>,
    /// Addresses of names.
    pub(super) hosts: HashMap<String, Host>,
    /// Who receives a name's mail.
    pub(super) exchanges: HashMap<String, Lookup<Mx>>,
    /// How many texts are where the domain's explanation is said to be, by name.
    pub(super) explanations: HashMap<String, Lookup<()>>,
}

/// What was asked of a name's addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) ipv4: Lookup<Network>,
    pub(super) ipv6: Lookup<Network>,
}

/// The records of a name: none when there are none, or when the name is none.
#[derive(Clone, Debug)]
pub(super) enum Lookup<T> {
    /// The answer.
    Known(Vec<T>),
    /// Nobody could tell.
    Unknown(Trouble),
}

impl Gathered {
    /// Asks what the tree of `domain` needs.
    pub(super) async fn ask(resolver: &Resolver, domain: &str) -> Self {
        let mut gathered = Self::default();
        // Level by level, so that what a bound cuts off is always the same.
        let mut level = vec![domain.to_owned()];
        let mut terms = 0;
        while !level.is_empty() {
            let room = MAX_RECORDS.saturating_sub(gathered.selections.len());
            level.truncate(room);
            let answers = join_all(level.iter().map(|name| resolver.txt(name))).await;
            let mut next = Vec::new();
            for (name, answer) in std::mem::take(&mut level).into_iter().zip(&answers) {
                if terms > MAX_TERMS {
                    break;
                }
                let selection = Selection::of(answer);
                if let Source::Record { record, .. } = &selection.source {
                    terms += record.terms.len();
                    next.extend(targets(record));
                }
                gathered.selections.insert(name, selection);
            }
            let mut seen = BTreeSet::new();
            next.retain(|name| !gathered.selections.contains_key(name) && seen.insert(name.clone()));
            level = next;
        }
        gathered.ask_hosts(resolver, domain).await;
        gathered
    }

    async fn ask_hosts(&mut self, resolver: &Resolver, domain: &str) {
        let mut hosts = BTreeSet::new();
        let mut exchanges = BTreeSet::new();
        let mut explanations = BTreeSet::new();
        for (name, selection) in &self.selections {
            let Source::Record { record, .. } = &selection.source else { continue };
            for (_, mechanism) in reached(record) {
                match mechanism {
                    Mechanism::A(..) | Mechanism::Exists(_) => hosts.extend(target(mechanism, name)),
                    Mechanism::Mx(..) => exchanges.extend(target(mechanism, name)),
                    _ => {}
                }
            }
            // Explanations of included records are never used (RFC 7208 section 6.2).
            if name == domain {
                explanations.extend(record.explanation().and_then(|at| at.fixed()).map(|at| normal(&at)));
            }
        }
        let exchanges: Vec<_> = exchanges.into_iter().take(MAX_HOSTS).collect();
        let answers = join_all(exchanges.iter().map(|name| resolver.mx(name))).await;
        for (name, answer) in exchanges.into_iter().zip(answers) {
            // Every term that names it goes through them.
            let exchange = Lookup::from(answer).first(MAX_EXCHANGES);
            // More are too many, so nobody looks at them.
            let first = exchange.records().iter().take(super::evaluate::MAX_HOSTS);
            hosts.extend(first.map(|mx| mx.exchange.clone()).filter(|name| !name.is_empty()));
            self.exchanges.insert(name, exchange);
        }
        let hosts: Vec<_> = hosts.into_iter().take(MAX_HOSTS).collect();
        let answers = join_all(hosts.iter().map(|name| async move {
            let (ipv4, ipv6) = tokio::join!(resolver.a(name), resolver.aaaa(name));
            Host {
                ipv4: Lookup::from(ipv4).map(|address| Network::new((*address).into(), 32)),
                ipv6: Lookup::from(ipv6).map(|address| Network::new((*address).into(), 128)),
            }
        }))
        .await;
        self.hosts.extend(hosts.into_iter().zip(answers));
        for name in explanations {
            let answer = Lookup::from(resolver.txt(&name).await).map(|_| ());
            self.explanations.insert(name, answer);
        }
    }
}

impl<T> Lookup<T> {
    /// The records, if any are known.
    pub(super) fn records(&self) -> &[T] {
        match self {
            Self::Known(records) => records,
            Self::Unknown(_) => &[],
        }
    }

    /// Whether it is certain that there are none.
    pub(super) fn is_void(&self) -> bool {
        matches!(self, Self::Known(records) if records.is_empty())
    }

    /// Why nobody could tell.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(trouble) => Some(*trouble),
        }
    }

    fn first(mut self, most: usize) -> Self {
        if let Self::Known(records) = &mut self {
            records.truncate(most);
        }
        self
    }

    fn map<U>(&self, change: impl Fn(&T) -> U) -> Lookup<U> {
        match self {
            Self::Known(records) => Lookup::Known(records.iter().map(change).collect()),
            Self::Unknown(trouble) => Lookup::Unknown(*trouble),
        }
    }
}

impl<T> Default for Lookup<T> {
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

impl<T> From<Answer<T>> for Lookup<T> {
    fn from(answer: Answer<T>) -> Self {
        match answer {
            Answer::Found(found) => Self::Known(found.records),
            // RFC 7208 section 4.8: such a name has no records.
            Answer::NoData | Answer::NoName | Answer::Unknown(Trouble::BadName) => Self::default(),
            Answer::Unknown(trouble) => Self::Unknown(trouble),
        }
    }
}

/// The domain a mechanism asks about in the record of `domain`; nothing when it depends on the message.
pub(super) fn target(mechanism: &Mechanism, domain: &str) -> Option<String> {
    match mechanism.domain() {
        Some(written) => written.fixed().map(|name| normal(&name)),
        None => Some(domain.to_owned()),
    }
}

/// The form of a name that is compared.
pub(super) fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The mechanisms of a record that can have an effect.
fn reached(record: &Record) -> impl Iterator<Item = (usize, &Mechanism)> {
    record.terms.iter().enumerate().filter(|(index, _)| record.is_reached(*index)).filter_map(
        |(index, term)| match &term.meaning {
            Meaning::Directive(_, mechanism) => Some((index, mechanism)),
            _ => None,
        },
    )
}

/// The domains whose records a record needs, in their order.
fn targets(record: &Record) -> impl Iterator<Item = String> {
    let included = reached(record).filter_map(|(_, mechanism)| match mechanism {
        Mechanism::Include(domain) => domain.fixed(),
        _ => None,
    });
    included.chain(record.redirect().and_then(|domain| domain.fixed())).map(|name| normal(&name))
}

/// Nobody needs more than ten, and a hostile record could name any number.
const MAX_RECORDS: usize = 64;
/// Terms of all records, after which no further record is read.
pub(super) const MAX_TERMS: usize = 4_000;
/// Names whose addresses or mail hosts are asked for.
const MAX_HOSTS: usize = 128;
/// Mail hosts of one name, of which ten are allowed.
pub(super) const MAX_EXCHANGES: usize = 32;
