//! Terms that could go, because others allow the same addresses.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    super::Check,
    check::{DUPLICATE_TERM, OVERLAPPING_NETWORKS},
    network::Network,
    record::Qualifier,
    tree::{Branch, Kind, Node},
};

/// Finds the terms of the domain's own record all of whose addresses other terms of the tree have.
pub(super) fn report(check: &mut Check, domain: &str, tree: &Branch) {
    let mut allowed = Vec::new();
    let mut index = 0;
    collect(tree, &mut allowed, &mut index);
    if allowed.len() > MAX_NETWORKS {
        return;
    }
    let own = tree.terms.iter().take(MAX_TERMS).filter(|node| {
        node.is_reached
            && node.qualifier == Some(Qualifier::Pass)
            && matches!(node.kind, Kind::A | Kind::Mx | Kind::Ip4 | Kind::Ip6)
            && !node.networks.is_empty()
            && node.trouble.is_empty()
    });
    let allowed = Index::of(&allowed);
    let said: HashSet<_> = check
        .findings
        .iter()
        .filter(|it| it.code == DUPLICATE_TERM)
        .filter_map(|it| it.evidence.position.as_ref().map(|at| at.start))
        .collect();
    let mut found = 0;
    for node in own {
        if found == MAX_FOUND {
            return;
        }
        if said.contains(&node.position.start) {
            continue;
        }
        let covering: Option<Vec<_>> =
            node.networks.iter().map(|network| allowed.other(node, network)).collect();
        if let Some(others) = covering.as_deref().and_then(|others| others.first()) {
            let detail = format!("Every address of `{}` is also one of `{}`.", node.term, others.term);
            let finding = OVERLAPPING_NETWORKS.at(domain, Some(&tree.record), detail);
            check.find(finding.with_position(node.position.clone()));
            found += 1;
        }
    }
}

/// A network that passes, and the term it is of.
struct Allowed<'a> {
    network: Network,
    node: &'a Node,
    index: usize,
}

/// In the order of evaluation.
fn collect<'a>(branch: &'a Branch, allowed: &mut Vec<Allowed<'a>>, index: &mut usize) {
    for node in branch.terms.iter().filter(|node| node.is_reached) {
        if !matches!(node.qualifier, Some(Qualifier::Pass) | None) || allowed.len() > MAX_NETWORKS {
            continue;
        }
        *index += 1;
        let here = *index;
        allowed.extend(node.networks.iter().map(|network| Allowed { network: *network, node, index: here }));
        if let Some(inner) = &node.branch {
            collect(inner, allowed, index);
        }
    }
}

/// The networks that pass, by what they are.
struct Index<'a> {
    /// The first two terms that allow a network.
    terms: HashMap<Network, [Option<&'a Allowed<'a>>; 2]>,
    /// The prefix lengths there are, of either family.
    prefixes: BTreeSet<u8>,
    order: HashMap<*const Node, usize>,
}

impl<'a> Index<'a> {
    fn of(allowed: &'a [Allowed<'a>]) -> Self {
        let mut index = Self { terms: HashMap::new(), prefixes: BTreeSet::new(), order: HashMap::new() };
        for one in allowed {
            index.prefixes.insert(one.network.prefix());
            index.order.entry(std::ptr::from_ref(one.node)).or_insert(one.index);
            match index.terms.entry(one.network).or_default() {
                [first @ None, _] => *first = Some(one),
                [Some(first), second @ None] if first.index != one.index => *second = Some(one),
                _ => {}
            }
        }
        index
    }

    /// Another term that allows all of `network`: the first of them. Of two that allow the same it is the first.
    fn other(&self, node: &Node, network: &Network) -> Option<&'a Node> {
        let own = *self.order.get(&std::ptr::from_ref(node))?;
        let wider = self.prefixes.range(..=network.prefix()).filter_map(|prefix| {
            let wider = Network::new(network.address(), *prefix);
            let others = self.terms.get(&wider)?.iter().flatten();
            others
                .filter(|it| it.index != own && (wider != *network || it.index < own))
                .min_by_key(|it| it.index)
        });
        wider.min_by_key(|it| it.index).map(|it| it.node)
    }
}

/// More than that is not compared.
const MAX_NETWORKS: usize = 4_000;
const MAX_TERMS: usize = 500;
/// Superfluous terms that are said.
const MAX_FOUND: usize = 20;
