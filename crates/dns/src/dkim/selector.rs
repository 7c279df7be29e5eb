//! The names of keys.

use std::collections::BTreeMap;

use serde::Serialize;

use ruad_common::domain_name::normalize;

/// A selector and how it is known.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Selector {
    /// The name, in lower case; it may have several labels.
    pub name: String,
    /// How it is known.
    pub origin: Origin,
}

/// How a selector is known, which says what it means when there is no key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From a list of names that many use.
    Common,
    /// From reports about mail that was signed with it as this very domain. Anybody can sign mail that way, but
    /// not so that it verifies.
    Report {
        /// Whether a report says that a signature verified.
        passed: bool,
        /// Days between the last day that reports show it, and the newest day of all reports about the domain.
        quiet_days: u32,
    },
    /// Somebody configured it.
    Registry,
}

impl Selector {
    /// A selector.
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self { name: name.into(), origin }
    }
}

impl Origin {
    /// Whether mail is signed with it now, as far as is known. A selector is given up days before its key is taken
    /// away, because mail is on its way for that long.
    pub fn is_in_use(self) -> bool {
        match self {
            Self::Common => false,
            Self::Report { quiet_days, .. } => quiet_days <= IN_USE_DAYS,
            Self::Registry => true,
        }
    }
}

/// The selectors that can be asked for, each once, with what is known best; those that matter most first. Reports
/// are written by strangers, who must not make this ask for thousands of names.
pub(super) fn wanted(selectors: &[Selector]) -> Vec<Selector> {
    let mut best = BTreeMap::new();
    for selector in selectors {
        let Some(name) = normalize(&selector.name) else { continue };
        let origin = best.entry(name).or_insert(selector.origin);
        if rank(selector.origin) > rank(*origin) {
            *origin = selector.origin;
        }
    }
    let mut wanted: Vec<_> = best.into_iter().map(|(name, origin)| Selector { name, origin }).collect();
    wanted.sort_by_key(|selector| std::cmp::Reverse(rank(selector.origin)));
    let learned = wanted.iter().take_while(|selector| selector.origin != Origin::Common).count();
    wanted.drain(learned.min(MOST_LEARNED)..learned);
    wanted
}

/// Higher is surer: configured, seen to verify, seen lately.
fn rank(origin: Origin) -> (u8, bool, std::cmp::Reverse<u32>) {
    match origin {
        Origin::Common => (0, false, std::cmp::Reverse(0)),
        Origin::Report { passed, quiet_days } => (1, passed, std::cmp::Reverse(quiet_days)),
        Origin::Registry => (2, true, std::cmp::Reverse(0)),
    }
}

const IN_USE_DAYS: u32 = 7;
const MOST_LEARNED: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(passed: bool, quiet_days: u32) -> Origin {
        Origin::Report { passed, quiet_days }
    }

    #[test]
    fn each_once_with_what_is_known_best() {
        let given = [
            Selector::new("s1", Origin::Common),
            Selector::new("S1", report(false, 3)),
            Selector::new("s1", report(true, 30)),
            Selector::new("s2", Origin::Common),
            Selector::new("s2", Origin::Registry),
            Selector::new("a.b", report(true, 1)),
            Selector::new("not a name", Origin::Registry),
            Selector::new("", Origin::Registry),
        ];
        let wanted: Vec<_> =
            wanted(&given).into_iter().map(|selector| (selector.name, selector.origin)).collect();
        let expected = [("s2", Origin::Registry), ("a.b", report(true, 1)), ("s1", report(true, 30))];
        assert_eq!(wanted, expected.map(|(name, origin)| (name.to_owned(), origin)));
    }

    #[test]
    fn strangers_cannot_make_it_ask_without_end() {
        let mut given: Vec<_> =
            (0..5_000).map(|number| Selector::new(format!("x{number}"), report(false, 0))).collect();
        given.push(Selector::new("mine", Origin::Registry));
        given.push(Selector::new("verified", report(true, 400)));
        given.push(Selector::new("google", Origin::Common));
        let wanted = wanted(&given);
        assert_eq!(wanted.len(), MOST_LEARNED + 1);
        let names: Vec<_> = wanted.iter().map(|selector| selector.name.as_str()).collect();
        assert_eq!((names[0], names[1], names[MOST_LEARNED]), ("mine", "verified", "google"));
    }
}
