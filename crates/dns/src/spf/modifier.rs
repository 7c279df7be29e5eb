//! Modifiers, which are ignored when nobody knows them: that hides mistakes.

use super::{
    super::{Check, Code},
    check::{MECHANISM_AS_MODIFIER, REPORTING_MODIFIER, UNKNOWN_MODIFIER},
    record::{Meaning, Record},
    tree::{Branch, Node},
};

/// Looks at the modifiers of one record. `is_first` says that nothing includes it.
pub(super) fn report(check: &mut Check, branch: &Branch, record: &Record, is_own: bool, is_first: bool) {
    let modifiers = || {
        branch.terms.iter().zip(&record.terms).filter_map(|(node, term)| match &term.meaning {
            Meaning::Modifier { name, value } => Some((node, name.to_ascii_lowercase(), value.as_str())),
            _ => None,
        })
    };
    let has_address = modifiers().any(|(_, name, _)| name == "ra");
    let mut seen = Vec::new();
    for (node, name, value) in modifiers().take(MAX_MODIFIERS) {
        let written = &node.term;
        let is_repeated = seen.contains(&name);
        match name.as_str() {
            // A second record behind the first, which is said elsewhere.
            "v" if is_own => {}
            "ra" | "rp" | "rr" => {
                let fault = match (name.as_str(), value) {
                    _ if is_repeated => Some("stands there already"),
                    ("ra", value) if !is_local_part(value) => {
                        Some("is not the part of an address before the @")
                    }
                    ("ra", _) if !is_first => Some("has no effect in a record that is included"),
                    ("rp", value) if !is_percentage(value) => Some("is not a number from 0 to 100"),
                    ("rr", value) if !is_list(value) => Some("is not a list of all, e, f, s and n"),
                    ("rp" | "rr", _) if !has_address => Some("has no effect without ra="),
                    _ => None,
                };
                if let Some(fault) = fault {
                    find(check, REPORTING_MODIFIER, branch, node, format!("`{written}` {fault}."));
                }
            }
            _ if is_own && MECHANISMS.contains(&name.as_str()) => {
                let detail =
                    format!("`{written}` is ignored; a mechanism is written with a colon: `{name}:{value}`.");
                find(check, MECHANISM_AS_MODIFIER, branch, node, detail);
            }
            _ => {
                let detail = format!("`{written}` in the record of {} is ignored.", branch.domain);
                find(check, UNKNOWN_MODIFIER, branch, node, detail);
            }
        }
        seen.push(name);
    }
}

fn find(check: &mut Check, code: Code, branch: &Branch, node: &Node, detail: String) {
    check.find(code.at(&branch.domain, Some(&branch.record), detail).with_position(node.position.clone()));
}

/// RFC 5322 section 3.4.1, without quotation marks.
fn is_local_part(text: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    text.split('.').all(is_atom)
}

/// RFC 6652 section 3, with erratum 6579.
fn is_percentage(text: &str) -> bool {
    text.len() <= 3
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u8>().is_ok_and(|it| it <= 100)
}

/// RFC 6652 section 3.
fn is_list(text: &str) -> bool {
    text.split(':')
        .all(|item| ["all", "e", "f", "s", "n"].iter().any(|known| item.eq_ignore_ascii_case(known)))
}

/// With the names that are written in their place.
const MECHANISMS: [&str; 12] =
    ["all", "include", "includes", "a", "mx", "ptr", "ip4", "ip6", "ip", "ipv4", "ipv6", "exists"];
/// Modifiers of one record that are looked at.
const MAX_MODIFIERS: usize = 20;
