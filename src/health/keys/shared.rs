//! The same key in several places.

use std::collections::BTreeMap;

use super::KeyHistory;
use ruad_dns::{Finding, dkim};

/// One finding for every key of `domain` that also stands elsewhere.
pub(super) fn findings(domain: &str, own: &[&KeyHistory], all: &[KeyHistory]) -> Vec<Finding> {
    let mut copies: BTreeMap<&str, Vec<&KeyHistory>> = BTreeMap::new();
    for key in own.iter().filter(|key| key.is_live()) {
        copies.entry(&key.key.fingerprint).or_default();
    }
    for key in all.iter().filter(|key| key.is_live()) {
        if let Some(copies) = copies.get_mut(key.key.fingerprint.as_str()) {
            copies.push(key);
        }
    }
    copies.into_values().filter_map(|copies| finding(domain, &copies)).collect()
}

fn finding(domain: &str, copies: &[&KeyHistory]) -> Option<Finding> {
    let mut names: Vec<_> = copies.iter().map(|key| (key.key.domain != domain, key.name())).collect();
    names.sort();
    names.dedup();
    let (first, others) = names.split_first().filter(|(_, others)| !others.is_empty())?;
    let shown: Vec<_> = others.iter().take(MOST_SHOWN).map(|(_, name)| name.as_str()).collect();
    let more = match others.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let alias = copies.first().and_then(|key| key.key.alias.as_deref());
    let is_one_record = alias.is_some() && copies.iter().all(|key| key.key.alias.as_deref() == alias);
    let (code, why) = match (is_one_record, alias) {
        (true, Some(alias)) => (dkim::KEY_SHARED_BY_ALIAS, format!(", because all are aliases of {alias}")),
        _ => (dkim::KEY_SHARED, String::new()),
    };
    let detail = format!("The same key stands at {}{more}{why}.", shown.join(", "));
    Some(code.at(&first.1, None, detail))
}

const MOST_SHOWN: usize = 5;
