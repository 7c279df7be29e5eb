//! A domain without keys: when that is worth saying.

use super::{ABSENT, Looked, NO_KEY_FOUND, Outcome};
use crate::{
    dns::{Answer, Mx, Resolver, Text},
    domains::parents,
};

/// Says that no key was found where one would be expected: for a domain that sends mail, and whose parent domain has
/// no keys either (mail of a subdomain may be signed as the parent, RFC 9989 section 4.10.2).
pub(super) async fn examine(resolver: &Resolver, domain: &str, looked: &Looked, outcome: &mut Outcome) {
    // Whoever sets up a wildcard, or names selectors that are then missing, has been answered already.
    let is_quiet = outcome.keys.is_empty()
        && outcome.wildcard.is_none()
        && outcome.check.unknown.is_empty()
        && outcome.check.findings.is_empty();
    if !is_quiet || !sends(resolver, domain, outcome).await {
        return;
    }
    for parent in parents(domain).skip(1).take(MOST_PARENTS).filter(|parent| parent.contains('.')) {
        if resolver.txt(&format!("_domainkey.{parent}")).await != Answer::NoName {
            return;
        }
    }
    let name = looked.domainkey_name();
    let finding = if looked.domainkey_exists() == Some(false) {
        let detail = format!("{domain} sends mail, but {name} does not exist: it has no DKIM keys.");
        ABSENT.at(&name, None, detail)
    } else {
        let detail = format!(
            "{domain} sends mail, but there is no key under any of the {} selectors that were tried.",
            looked.selectors.len()
        );
        NO_KEY_FOUND.at(&name, None, detail)
    };
    outcome.check.find(finding);
}

/// Whether the domain sends mail, by its own records: its SPF record allows it, or it has none and receives mail.
async fn sends(resolver: &Resolver, domain: &str, outcome: &mut Outcome) -> bool {
    let texts = resolver.txt(domain).await;
    if let Some(trouble) = texts.trouble() {
        outcome.check.unanswered(domain, trouble);
        return false;
    }
    if let Some(spf) = texts.records().iter().map(Text::joined).find(|text| is_spf(text)) {
        return spf.split_ascii_whitespace().skip(1).any(|term| !term.eq_ignore_ascii_case("-all"));
    }
    let mx = resolver.mx(domain).await;
    if let Some(trouble) = mx.trouble() {
        outcome.check.unanswered(domain, trouble);
    }
    mx.records().iter().any(|Mx { exchange, .. }| !exchange.is_empty())
}

fn is_spf(text: &str) -> bool {
    text.split(' ').next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"))
}

const MOST_PARENTS: usize = 4;
