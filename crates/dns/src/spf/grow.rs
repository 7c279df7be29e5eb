//! Makes a tree out of the answers.

use super::{
    gather::{Gathered, Host, Lookup, MAX_TERMS, normal, target},
    network::{Addresses, Network},
    record::{Meaning, Mechanism, Prefixes, Record},
    select::Source,
    tree::{Branch, Cost, Kind, Node, TermTrouble},
};

/// The tree of `domain`; nothing when it has no record, or several.
pub(super) fn grow(gathered: &Gathered, domain: &str) -> Option<Branch> {
    let Source::Record { record, .. } = &gathered.selections.get(domain)?.source else { return None };
    let path = vec![domain.to_owned()];
    let mut grower = Grower { gathered, path, terms: MAX_TERMS, text: MAX_TEXT, networks: MAX_NETWORKS };
    Some(grower.branch(domain, record))
}

struct Grower<'a> {
    gathered: &'a Gathered,
    /// The domains from the top to here.
    path: Vec<String>,
    /// How many terms may still be added.
    terms: usize,
    /// How many bytes of records.
    text: usize,
    /// How many networks of hosts.
    networks: usize,
}

impl Grower<'_> {
    fn branch(&mut self, domain: &str, record: &Record) -> Branch {
        let mut terms: Vec<Node> = Vec::new();
        let mut cost = Cost::default();
        self.text = self.text.saturating_sub(record.text.len());
        for (index, term) in record.terms.iter().enumerate() {
            if self.terms == 0 {
                terms.last_mut().into_iter().for_each(|last| last.trouble.push(TermTrouble::TooLarge));
                break;
            }
            self.terms -= 1;
            let mut node = Node {
                term: record.written(&term.at).to_owned(),
                position: term.at.clone(),
                kind: Kind::of(&term.meaning),
                qualifier: None,
                domain: None,
                cost: Cost::default(),
                addresses: Addresses::default(),
                networks: Vec::new(),
                is_reached: record.is_reached(index),
                trouble: Vec::new(),
                branch: None,
            };
            self.fill(&mut node, &term.meaning, domain);
            node.addresses = Addresses::of(&node.all_networks());
            cost.add(node.cost);
            terms.push(node);
        }
        if record.left_out > 0 {
            terms.last_mut().into_iter().for_each(|last| last.trouble.push(TermTrouble::TooLarge));
        }
        let redirected = || terms.iter().find(|node| node.kind == Kind::Redirect)?.branch.as_ref()?.all;
        let all = record.all().map(|(_, qualifier)| qualifier).or_else(redirected);
        let addresses = Addresses::default();
        let mut branch =
            Branch { domain: domain.to_owned(), record: record.text.clone(), all, cost, addresses, terms };
        branch.addresses = Addresses::of(&branch.networks());
        branch
    }

    fn fill(&mut self, node: &mut Node, meaning: &Meaning, domain: &str) {
        let written = match meaning {
            Meaning::Broken => return node.trouble.push(TermTrouble::Syntax),
            Meaning::Modifier { .. } => return,
            Meaning::Explanation(at) => {
                node.domain = at.fixed().map(|name| normal(&name));
                return;
            }
            Meaning::Redirect(to) => to.fixed().map(|name| normal(&name)),
            Meaning::Directive(qualifier, mechanism) => {
                node.qualifier = Some(*qualifier);
                match mechanism {
                    Mechanism::All => return,
                    Mechanism::Ip4(network) | Mechanism::Ip6(network) => return node.networks.push(*network),
                    _ => target(mechanism, domain),
                }
            }
        };
        node.domain.clone_from(&written);
        if !node.is_reached {
            return;
        }
        node.cost.lookups = 1;
        let Some(name) = written else { return node.trouble.push(TermTrouble::Macro) };
        match meaning {
            Meaning::Redirect(_) | Meaning::Directive(_, Mechanism::Include(_)) => self.follow(node, &name),
            Meaning::Directive(_, Mechanism::A(_, prefixes)) => self.a(node, &name, *prefixes),
            Meaning::Directive(_, Mechanism::Mx(_, prefixes)) => self.mx(node, &name, *prefixes),
            Meaning::Directive(_, Mechanism::Exists(_)) => self.exists(node, &name),
            _ => {}
        }
    }

    fn follow(&mut self, node: &mut Node, name: &str) {
        if let Some(start) = self.path.iter().position(|earlier| earlier == name) {
            let earlier = self.path.get(start..).unwrap_or_default().iter();
            let path = earlier.cloned().chain([name.to_owned()]).collect();
            return node.trouble.push(TermTrouble::Loop { path });
        }
        let Some(selection) = self.gathered.selections.get(name).filter(|_| self.path.len() < MAX_DEPTH)
        else {
            return node.trouble.push(TermTrouble::TooLarge);
        };
        match &selection.source {
            Source::Record { record, .. } if record.text.len() > self.text => {
                node.trouble.push(TermTrouble::TooLarge);
            }
            Source::Record { record, .. } => {
                self.path.push(name.to_owned());
                let branch = self.branch(name, record);
                self.path.pop();
                node.cost.add(branch.cost);
                node.branch = Some(Box::new(branch));
            }
            Source::Several(_) => node.trouble.push(TermTrouble::SeveralRecords),
            Source::None | Source::BadName => {
                node.trouble.push(TermTrouble::NoRecord { is_name_missing: false });
            }
            Source::Void { is_name_missing } => {
                node.cost.add_void();
                node.trouble.push(TermTrouble::NoRecord { is_name_missing: *is_name_missing });
            }
            Source::Unknown(trouble) => node.unanswered(name, *trouble),
        }
    }

    fn a(&mut self, node: &mut Node, name: &str, prefixes: Prefixes) {
        let Some(host) = self.gathered.hosts.get(name) else {
            return node.trouble.push(TermTrouble::TooLarge);
        };
        node.cost.voids_ipv4 += u32::from(host.ipv4.is_void());
        node.cost.voids_ipv6 += u32::from(host.ipv6.is_void());
        if host.is_void() {
            node.trouble.push(TermTrouble::NoAddress);
        }
        self.add_host(node, name, host, prefixes);
    }

    fn mx(&mut self, node: &mut Node, name: &str, prefixes: Prefixes) {
        let Some(exchanges) = self.gathered.exchanges.get(name) else {
            return node.trouble.push(TermTrouble::TooLarge);
        };
        if let Lookup::Unknown(trouble) = exchanges {
            return node.unanswered(name, *trouble);
        }
        if exchanges.is_void() {
            node.cost.add_void();
        }
        let mut names: Vec<_> = exchanges.records().iter().map(|mx| mx.exchange.as_str()).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        if names.is_empty() {
            return node.trouble.push(TermTrouble::NoHosts);
        }
        if names.len() > super::evaluate::MAX_HOSTS {
            node.trouble.push(TermTrouble::TooManyHosts { count: names.len() });
        }
        let mut without = Vec::new();
        for name in &names {
            match self.gathered.hosts.get(*name) {
                Some(host) if host.is_void() => without.push((*name).to_owned()),
                Some(host) => self.add_host(node, name, host, prefixes),
                None => {}
            }
        }
        if without.len() == names.len() {
            node.trouble.push(TermTrouble::NoAddress);
        } else if !without.is_empty() {
            node.trouble.push(TermTrouble::HostsWithoutAddress { hosts: without });
        }
    }

    fn exists(&self, node: &mut Node, name: &str) {
        match self.gathered.hosts.get(name).map(|host| &host.ipv4) {
            None => node.trouble.push(TermTrouble::TooLarge),
            Some(Lookup::Unknown(trouble)) => node.unanswered(name, *trouble),
            Some(Lookup::Known(addresses)) if addresses.is_empty() => {
                node.cost.add_void();
                node.trouble.push(TermTrouble::NoAddress);
            }
            Some(Lookup::Known(_)) => node.trouble.push(TermTrouble::MatchesAll),
        }
    }

    fn add_host(&mut self, node: &mut Node, name: &str, host: &Host, prefixes: Prefixes) {
        for (lookup, prefix) in [(&host.ipv4, prefixes.ipv4), (&host.ipv6, prefixes.ipv6)] {
            let records = lookup.records();
            let fitting = records.get(..self.networks).unwrap_or(records);
            if fitting.len() < records.len() {
                node.trouble.push(TermTrouble::TooLarge);
            }
            self.networks -= fitting.len();
            node.networks.extend(fitting.iter().map(|it| Network::new(it.address(), prefix)));
        }
        node.networks.sort_unstable();
        node.networks.dedup();
        if let Some(trouble) = host.ipv4.trouble().or(host.ipv6.trouble()) {
            node.unanswered(name, trouble);
        }
    }
}

impl Host {
    fn is_void(&self) -> bool {
        self.ipv4.is_void() && self.ipv6.is_void()
    }
}

/// Each level costs a lookup, of which ten are allowed: below this nothing is ever evaluated.
const MAX_DEPTH: usize = 16;
/// All records of a tree, in bytes.
const MAX_TEXT: usize = 128 * 1_024;
/// All networks that come from hosts: an answer holds thousands, and terms may ask for it again and again.
const MAX_NETWORKS: usize = 4_000;
