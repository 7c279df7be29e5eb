//! Terms that could go, because others allow the same addresses.

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
    let mut found = 0;
    for node in own {
        if found == MAX_FOUND {
            return;
        }
        let is_said = check
            .findings
            .iter()
            .any(|it| it.code == DUPLICATE_TERM && it.evidence.position.as_ref() == Some(&node.position));
        if is_said {
            continue;
        }
        let covering: Option<Vec<_>> =
            node.networks.iter().map(|network| other(&allowed, node, network)).collect();
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

/// Another term that allows all of `network`. Of two that allow the same it is the first.
fn other<'a>(allowed: &[Allowed<'a>], node: &Node, network: &Network) -> Option<&'a Node> {
    let own = allowed.iter().find(|it| std::ptr::eq(it.node, node))?.index;
    let covers = |it: &&Allowed<'_>| {
        it.index != own && it.network.covers(network) && (it.network != *network || it.index < own)
    };
    allowed.iter().find(covers).map(|it| it.node)
}

/// More than that is not compared: the work grows with the product.
const MAX_NETWORKS: usize = 4_000;
const MAX_TERMS: usize = 500;
/// Superfluous terms that are said.
const MAX_FOUND: usize = 20;
