//! What is known about a domain, and what of it has changed.
//!
//! A fact counts once two examinations in a row agree on it whose answers cannot be copies of one: a resolver that lies
//! once, or a record that flips between two values, changes nothing. A resolver remembers a lie as long as the truth, an
//! answer that there is nothing for the negative TTL of the zone; until that is over, agreement proves nothing. What could
//! not be told keeps the last known state.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ruad_dns::{Check, Copies, Mechanism};

/// The fact that says what was found: the codes that can cost points.
pub const FINDINGS: &str = "findings";

/// What is known about one domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    known: BTreeMap<Mechanism, Known>,
}

/// A fact that two examinations agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fact {
    /// What it is; none when it is certain that there is none.
    pub value: Option<String>,
    /// When the first of the two saw it; seconds since 1970.
    pub since: u64,
}

/// A fact that is another now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What was examined.
    pub mechanism: Mechanism,
    /// The fact.
    pub name: String,
    /// What it was.
    pub old: Fact,
    /// What it is.
    pub new: Fact,
}

impl State {
    /// Takes in what an examination at `at` found, and gives what has changed for certain. `asked` names facts that
    /// were asked for on purpose, such as `key:` with a selector that reports told of: that one was found only now says
    /// nothing about when it was published.
    pub fn observe<'a>(
        &mut self,
        checks: impl IntoIterator<Item = &'a Check>,
        asked: &BTreeSet<String>,
        at: u64,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for check in checks {
            let none = BTreeSet::new();
            let asked = if check.mechanism == Mechanism::Dkim { asked } else { &none };
            self.known.entry(check.mechanism).or_default().observe(check, asked, at, &mut changes);
        }
        changes
    }

    /// Takes in what an earlier run of the program knew. What this run has seen meanwhile has yet to be confirmed.
    pub fn restore(&mut self, mechanism: Mechanism, settled: bool, facts: BTreeMap<String, Fact>) {
        let newer = self.known.insert(mechanism, Known::restored(settled, facts)).unwrap_or_default();
        let Some(known) = self.known.get_mut(&mechanism) else { return };
        for (name, held) in newer.facts {
            let confirmed = || held.confirmed.map(|fact| Pending { fact, until: 0 });
            let Some(latest) = held.pending.or_else(confirmed) else { continue };
            let entry = known.facts.entry(name).or_insert_with(|| Held::absent(settled));
            if entry.confirmed.as_ref().is_none_or(|confirmed| confirmed.value != latest.fact.value) {
                entry.pending = Some(latest);
            }
        }
    }

    /// Forgets facts as if they had never been asked for.
    pub fn forget(&mut self, mechanism: Mechanism, is_meant: impl Fn(&str) -> bool) {
        if let Some(known) = self.known.get_mut(&mechanism) {
            known.facts.retain(|name, _| !is_meant(name));
        }
    }

    /// Whether a mechanism was ever examined.
    pub fn knows(&self, mechanism: Mechanism) -> bool {
        self.known.contains_key(&mechanism)
    }

    /// Whether something was seen once that has yet to be confirmed.
    pub fn is_pending(&self) -> bool {
        self.pending().next().is_some()
    }

    /// When the next of what was seen once can be confirmed; seconds since 1970.
    pub fn confirmable_at(&self) -> Option<u64> {
        let pending = self.known.values().flat_map(|known| known.facts.values());
        pending.filter_map(|held| held.pending.as_ref()).map(|pending| pending.until).min()
    }

    /// The mechanisms with facts that have yet to be confirmed.
    pub fn pending(&self) -> impl Iterator<Item = Mechanism> {
        let pending = |known: &Known| known.facts.values().any(|held| held.pending.is_some());
        self.known.iter().filter(move |(_, known)| pending(known)).map(|(mechanism, _)| *mechanism)
    }

    /// A fact that is certain.
    pub fn confirmed(&self, mechanism: Mechanism, name: &str) -> Option<&Fact> {
        self.known.get(&mechanism)?.facts.get(name)?.confirmed.as_ref()
    }

    /// What a fact is as far as anybody knows: what is certain, else what was seen once.
    pub fn value(&self, mechanism: Mechanism, name: &str) -> Option<&str> {
        self.values(mechanism).find(|(known, _)| *known == name).and_then(|(_, fact)| fact.value.as_deref())
    }

    /// All facts of a mechanism as far as anybody knows.
    pub fn values(&self, mechanism: Mechanism) -> impl Iterator<Item = (&str, &Fact)> {
        let facts = self.known.get(&mechanism).into_iter().flat_map(|known| &known.facts);
        facts.filter_map(|(name, held)| {
            let pending = || held.pending.as_ref().map(|pending| &pending.fact);
            Some((name.as_str(), held.confirmed.as_ref().or_else(pending)?))
        })
    }

    /// All certain facts of a mechanism: what [`State::restore`] wants back.
    pub fn certain(&self, mechanism: Mechanism) -> impl Iterator<Item = (&str, &Fact)> {
        let facts = self.known.get(&mechanism).into_iter().flat_map(|known| &known.facts);
        facts.filter_map(|(name, held)| Some((name.as_str(), held.confirmed.as_ref()?)))
    }

    /// Whether it is certain that facts which are not listed are not there.
    pub fn is_settled(&self, mechanism: Mechanism) -> bool {
        self.known.get(&mechanism).is_some_and(Known::is_settled)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    facts: BTreeMap<String, Held>,
    /// How many examinations left no question open, up to the number that is enough.
    complete: u8,
    /// Until when the answers of the last that was counted may come again; seconds since 1970.
    copies_until: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Held {
    confirmed: Option<Fact>,
    pending: Option<Pending>,
}

/// What was seen once.
#[derive(Clone, Debug, PartialEq)]
struct Pending {
    fact: Fact,
    /// Until when the same answer may be a copy of this one; seconds since 1970.
    until: u64,
}

impl Known {
    fn restored(settled: bool, facts: BTreeMap<String, Fact>) -> Self {
        let held = |fact| Held { confirmed: Some(fact), pending: None };
        let facts = facts.into_iter().map(|(name, fact)| (name, held(fact))).collect();
        Self { facts, complete: if settled { ENOUGH } else { 0 }, copies_until: 0 }
    }

    fn observe(&mut self, check: &Check, asked: &BTreeSet<String>, at: u64, changes: &mut Vec<Change>) {
        let settled = self.is_settled();
        let names: BTreeSet<String> =
            self.facts.keys().chain(check.facts.keys()).chain(asked).cloned().collect();
        for name in names {
            let value = match check.facts.get(&name) {
                Some(Some(value)) => Some(value.clone()),
                Some(None) => continue,
                None if is_undecided(check, &name) => continue,
                None => None,
            };
            let unseen = || Held::absent(settled && !asked.contains(&name));
            let held = self.facts.entry(name.clone()).or_insert_with(unseen);
            let new = Fact { value, since: at };
            let until = at.saturating_add(held.patience(check.copies).as_secs());
            if let Some((old, new)) = held.see(new, until, is_telling(check.mechanism, &name)) {
                changes.push(Change { mechanism: check.mechanism, name, old, new });
            }
        }
        // That something is not there need not be said of every name there could be.
        self.facts.retain(|name, held| asked.contains(name) || !held.is_absent());
        if check.is_told() && !self.is_settled() && (self.complete == 0 || at >= self.copies_until) {
            self.complete = self.complete.saturating_add(1);
            self.copies_until = at.saturating_add(first(check.copies).as_secs());
        }
    }

    fn is_settled(&self) -> bool {
        self.complete >= ENOUGH
    }
}

impl Held {
    /// A fact that has not been seen before.
    fn absent(is_certain: bool) -> Self {
        Self { confirmed: is_certain.then_some(Fact { value: None, since: 0 }), pending: None }
    }

    /// How long what is seen now has to be waited with.
    fn patience(&self, copies: Copies) -> Duration {
        if self.confirmed.is_none() { first(copies) } else { copies.absent.max(copies.present) }
    }

    /// Takes in what was seen, of which copies may come until then; gives what it was and is when it is another for
    /// certain.
    fn see(&mut self, new: Fact, until: u64, is_telling: bool) -> Option<(Fact, Fact)> {
        if self.confirmed.as_ref().is_some_and(|confirmed| confirmed.value == new.value) {
            self.pending = None;
            return None;
        }
        if !is_telling {
            self.confirmed = Some(new);
            return None;
        }
        match self.pending.take() {
            Some(seen) if seen.fact.value == new.value && new.since >= seen.until => {
                let old = self.confirmed.replace(seen.fact.clone());
                old.map(|old| (old, seen.fact))
            }
            Some(seen) if seen.fact.value == new.value => {
                self.pending = Some(seen);
                None
            }
            _ => {
                self.pending = Some(Pending { fact: new, until });
                None
            }
        }
    }

    fn is_absent(&self) -> bool {
        self.pending.is_none() && self.confirmed.as_ref().is_some_and(|confirmed| confirmed.value.is_none())
    }
}

/// How long the first look at something has to be waited with: nothing is compared with it, so a record that was found is
/// believed sooner.
fn first(copies: Copies) -> Duration {
    copies.absent.max(copies.present.min(FIRST))
}

/// Whether a change of this fact is an event, or counts for the score. The others follow what was seen last.
fn is_telling(mechanism: Mechanism, name: &str) -> bool {
    name == FINDINGS || mechanism != Mechanism::Reverse && (mechanism, name) != (Mechanism::Spf, "lookups")
}

/// Whether a fact that is not among the check's is so because a question was not answered. A selector or a block list
/// that never answers must not keep the others from being believed; everywhere else one answer depends on another.
fn is_undecided(check: &Check, name: &str) -> bool {
    let mut parts = name.split(':').skip(1);
    let Some(subject) = parts.next().map(str::to_ascii_lowercase) else { return !check.is_told() };
    check.unknown.iter().any(|question| {
        let asked = question.name.to_ascii_lowercase();
        match check.mechanism {
            Mechanism::Dkim => {
                asked.split_once("._domainkey").is_none_or(|(selector, _)| selector == subject)
            }
            Mechanism::Dnsbl => ruad_common::domain_name::is_within(&asked, &subject),
            _ => true,
        }
    })
}

/// Examinations in a row that have to agree.
const ENOUGH: u8 = 2;
/// How long a new domain waits at most for its first state to be believed. What contradicts that state afterwards is waited
/// out like any change.
const FIRST: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests;
