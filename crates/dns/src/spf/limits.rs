//! What is said of a record as a whole.

use super::{
    super::{Check, Code},
    check::*,
    evaluate::{MAX_LOOKUPS, MAX_VOIDS},
    gather::{Gathered, Lookup},
    record::Qualifier,
    tree::{Branch, Kind, Node, TermTrouble},
    walk::Walked,
};

/// What becomes of everyone who is not listed.
pub(super) fn all(check: &mut Check, tree: &Branch, walked: &Walked) {
    let last = last_record(tree);
    let redirect = last.terms.iter().find(|node| node.kind == Kind::Redirect && node.is_reached);
    let all = last.terms.iter().find(|node| node.kind == Kind::All && node.is_reached);
    let is_redirected = last.domain != tree.domain;
    match (all, redirect) {
        (Some(node), _) => match node.qualifier {
            // That of a record it redirects to was found as that of an included one.
            Some(Qualifier::Pass) if !is_redirected => {
                let is_bare = !node.term.starts_with('+');
                let code = if is_bare { BARE_ALL } else { PASS_ALL };
                let detail = format!("`{}` in the record of {} lets everyone pass.", node.term, last.domain);
                find(check, code, last, node, detail);
            }
            Some(Qualifier::Neutral) => {
                let detail =
                    format!("`{}` in the record of {} says nothing of all others.", node.term, last.domain);
                find(check, NEUTRAL_ALL, last, node, detail);
            }
            _ => {}
        },
        (None, Some(_)) => {}
        // What cannot be understood, or was not read, may be the `all`.
        (None, None) if walked.is_cut || last.terms.iter().any(|node| node.kind == Kind::Broken) => {}
        (None, None) => {
            let detail = format!("The record of {} ends without `all`.", last.domain);
            check.find(NO_ALL.at(&last.domain, Some(&last.record), detail));
        }
    }
}

/// Whether the networks together are as good as everyone, though none of them is.
pub(super) fn addresses(check: &mut Check, tree: &Branch) {
    let is_said = check.findings.iter().any(|finding| [PASS_ALL, BARE_ALL].contains(&finding.code));
    if tree.addresses.ipv4 >= HALF_OF_IPV4 && !is_said {
        let detail = format!("The record of {} allows {} IPv4 addresses.", tree.domain, tree.addresses.ipv4);
        check.find(PASS_ALL.at(&tree.domain, Some(&tree.record), detail));
    }
}

/// What it costs.
pub(super) fn lookups(check: &mut Check, tree: &Branch) {
    let lookups = tree.cost.lookups;
    let name = &tree.domain;
    let record = Some(tree.record.as_str());
    if lookups > count(MAX_LOOKUPS) {
        let detail = format!("The record of {name} costs {lookups} lookups; {MAX_LOOKUPS} are allowed.");
        check.find(TOO_MANY_LOOKUPS.at(name, record, detail));
    } else if lookups + 1 >= count(MAX_LOOKUPS) {
        let detail = format!("The record of {name} costs {lookups} of {MAX_LOOKUPS} lookups.");
        check.find(NEAR_LOOKUP_LIMIT.at(name, record, detail));
    }
    let (ipv4, ipv6) = (tree.cost.voids_ipv4, tree.cost.voids_ipv6);
    if ipv4 > count(MAX_VOIDS) {
        let detail = format!("{ipv4} terms ask for what does not exist; {MAX_VOIDS} are allowed.");
        check.find(TOO_MANY_VOID_LOOKUPS.at(name, record, detail));
    } else if ipv6 > count(MAX_VOIDS) && tree.addresses.ipv6 > 0 {
        // Without an IPv6 sender that may send nothing is lost.
        let detail =
            format!("{ipv6} terms find nothing when an IPv6 address sends; {MAX_VOIDS} are allowed.");
        check.find(TOO_MANY_VOID_LOOKUPS_IPV6.at(name, record, detail));
    }
}

/// Whether the explanation is there. It costs nothing, and nothing depends on it.
pub(super) fn explanation(check: &mut Check, gathered: &Gathered, tree: &Branch) {
    let Some(node) = tree.terms.iter().find(|node| node.kind == Kind::Exp) else { return };
    let found = node.domain.as_ref().and_then(|name| Some((name, gathered.explanations.get(name)?)));
    let Some((name, Lookup::Known(texts))) = found else { return };
    if texts.len() != 1 {
        let detail = format!("`{}`: {name} has {} texts; exactly one is needed.", node.term, texts.len());
        find(check, EXPLANATION_UNUSABLE, tree, node, detail);
    }
}

/// What a change is seen by.
pub(super) fn facts(check: &mut Check, tree: &Branch, walked: &Walked) {
    let is_broken = [TOO_MANY_LOOKUPS, TOO_MANY_VOID_LOOKUPS]
        .iter()
        .any(|code| check.findings.iter().any(|finding| finding.code == *code));
    if walked.is_record_unknown || walked.is_cut && tree.cost.lookups <= count(MAX_LOOKUPS) {
        check.unknown_fact("lookups");
    } else {
        check.fact("lookups", tree.cost.lookups.to_string());
    }
    match (walked.is_invalid || is_broken, walked.is_unknown || walked.is_cut) {
        (true, _) => check.fact("valid", "no"),
        (false, true) => check.unknown_fact("valid"),
        (false, false) => check.fact("valid", "yes"),
    }
    let last = last_record(tree);
    let redirect = last.terms.iter().find(|node| node.kind == Kind::Redirect && node.is_reached);
    let is_unanswered =
        |trouble: &TermTrouble| matches!(trouble, TermTrouble::Unanswered { .. } | TermTrouble::TooLarge);
    match (tree.all, redirect) {
        (Some(qualifier), _) => check.fact("all", qualifier.sign()),
        (None, Some(node)) if node.trouble.iter().any(is_unanswered) => check.unknown_fact("all"),
        (None, None) if walked.is_cut => check.unknown_fact("all"),
        (None, _) => check.fact("all", "none"),
    }
}

/// The record whose `all` counts, as far as it is known.
fn last_record(tree: &Branch) -> &Branch {
    let mut last = tree;
    let next = |branch: &'_ Branch| {
        branch
            .terms
            .iter()
            .position(|node| node.kind == Kind::Redirect && node.is_reached && node.branch.is_some())
    };
    while let Some(branch) = next(last).and_then(|index| last.terms.get(index)?.branch.as_deref()) {
        last = branch;
    }
    last
}

fn find(check: &mut Check, code: Code, branch: &Branch, node: &Node, detail: String) {
    check.find(code.at(&branch.domain, Some(&branch.record), detail).with_position(node.position.clone()));
}

fn count(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

const HALF_OF_IPV4: u64 = 1 << 31;
