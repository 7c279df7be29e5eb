//! A domain without keys that mail can be signed with: when that is worth saying.

use super::{ABSENT, Content, Looked, NO_KEY_FOUND, Outcome, Published};
use crate::{Answer, Mx, Resolver, Text, check::Unanswered};
use ruad_common::domain_name::parents;

/// Says that no key was found where one would be expected: for a domain that sends mail, and whose parent domain has
/// no keys either (mail of a subdomain may be signed as the parent, RFC 9989 section 4.10.2).
pub(super) async fn examine(resolver: &Resolver, domain: &str, looked: &Looked, outcome: &mut Outcome) {
    let found = || outcome.keys.iter().chain(&outcome.wildcard);
    // Keys that sign no mail are as good as none, whatever else is wrong: withdrawn, broken, or for TLS reports alone. Without
    // any key, a selector that is missing is an error already, and one that was not answered may have a key.
    let has_none = found().next().is_none();
    let may_have_one = has_none && !outcome.check.unknown.is_empty();
    let is_said = has_none && !outcome.check.findings.is_empty();
    if may_have_one || is_said || found().any(can_sign) {
        return;
    }
    match sends(resolver, domain).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(unanswered) => return outcome.check.unknown.push(unanswered),
    }
    for parent in parents(domain).skip(1).take(MOST_PARENTS).filter(|parent| parent.contains('.')) {
        if resolver.txt(&format!("_domainkey.{parent}")).await != Answer::NoName {
            return;
        }
    }
    let name = looked.domainkey_name();
    let tried = looked.selectors.len();
    let useless: Vec<_> = found().map(|published| published.selector.as_str()).collect();
    let finding = if !useless.is_empty() {
        let detail = format!(
            "{domain} sends mail, but none of the keys found there can sign it: {}; {tried} selectors were tried.",
            useless.join(", ")
        );
        NO_KEY_FOUND.at(&name, None, detail)
    } else if looked.domainkey_exists() == Some(false) {
        let detail = format!("{domain} sends mail, but {name} does not exist: it has no DKIM keys.");
        ABSENT.at(&name, None, detail)
    } else {
        let detail = format!(
            "{domain} sends mail, but there is no key under any of the {tried} selectors that were tried."
        );
        NO_KEY_FOUND.at(&name, None, detail)
    };
    outcome.check.find(finding);
}

/// Whether mail that is signed with the key can pass: it is not withdrawn, nor for TLS reports alone (RFC 8460 section 3).
fn can_sign(published: &Published) -> bool {
    matches!(published.record.content, Content::Key(_)) && published.record.for_mail
}

/// Whether the domain sends mail, by its own records: its SPF record allows it, or it has none and receives mail.
///
/// # Errors
///
/// The question that was not answered.
pub(super) async fn sends(resolver: &Resolver, domain: &str) -> Result<bool, Unanswered> {
    let unanswered = |trouble| Unanswered { name: domain.to_owned(), trouble };
    let texts = resolver.txt(domain).await;
    if let Some(trouble) = texts.trouble() {
        return Err(unanswered(trouble));
    }
    if let Some(spf) = texts.records().iter().map(Text::joined).find(|text| is_spf(text)) {
        return Ok(spf.split_ascii_whitespace().skip(1).any(|term| !term.eq_ignore_ascii_case("-all")));
    }
    let mx = resolver.mx(domain).await;
    match mx.trouble() {
        Some(trouble) => Err(unanswered(trouble)),
        None => Ok(mx.records().iter().any(|Mx { exchange, .. }| !exchange.is_empty())),
    }
}

fn is_spf(text: &str) -> bool {
    text.split(' ').next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"))
}

const MOST_PARENTS: usize = 4;
