use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use super::{Resolver, Trouble, Validator, bounds::Budget};
use ruad_common::domain_name;

/// The same resolver and validator for the examination of one domain. Whether its servers answer at all is tried with one
/// question: a silent domain's others would each wait for their time-out, and keep those about other domains waiting.
pub async fn patient(resolver: &Resolver, validator: &Validator, domain: &str) -> (Resolver, Validator) {
    let patience = Patience::with(domain);
    let resolver = resolver.patient(&patience);
    let validator = validator.patient(&patience, &resolver);
    let servers = resolver.ns(domain).await;
    match servers.trouble() {
        Some(Trouble::Timeout) => patience.give_up(),
        _ => validator.look_for_signatures(domain, !servers.records().is_empty()).await,
    }
    (resolver, validator)
}

/// How often a silent domain is still asked during one examination. Cheap to clone; clones share the count.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<Silence>);

#[derive(Debug)]
struct Silence {
    domain: String,
    /// Time-outs in a row about the domain's own names.
    within: AtomicU32,
    /// Time-outs in a row about any name: the resolver itself may be away.
    anywhere: AtomicU32,
    budget: Budget,
}

impl Patience {
    pub(super) fn with(domain: &str) -> Self {
        Self(Arc::new(Silence {
            domain: domain.to_owned(),
            within: AtomicU32::new(0),
            anywhere: AtomicU32::new(0),
            budget: Budget::default(),
        }))
    }

    /// What the examination may still ask and hold.
    pub(super) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// Whether there is no sense in asking for `name` any more.
    pub(super) fn is_over(&self, name: &str) -> bool {
        self.0.anywhere.load(Ordering::Relaxed) >= ANYWHERE
            || self.0.within.load(Ordering::Relaxed) >= WITHIN && domain_name::is_within(name, &self.0.domain)
    }

    /// Takes note of what came of asking for `name`.
    pub(super) fn note(&self, name: &str, trouble: Option<Trouble>) {
        let is_within = domain_name::is_within(name, &self.0.domain);
        let counts = [(true, &self.0.anywhere), (is_within, &self.0.within)];
        for (_, count) in counts.into_iter().filter(|(is_meant, _)| *is_meant) {
            match trouble {
                Some(Trouble::Timeout) => count.fetch_add(1, Ordering::Relaxed),
                _ => count.swap(0, Ordering::Relaxed),
            };
        }
    }

    /// The domain's servers did not answer the first question: that is enough.
    pub(super) fn give_up(&self) {
        self.0.within.store(WITHIN, Ordering::Relaxed);
    }
}

const WITHIN: u32 = 3;
const ANYWHERE: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_domain_does_not_silence_others() {
        let patience = Patience::with("a.example");
        for _ in 0..WITHIN {
            assert!(!patience.is_over("x.a.example"));
            patience.note("_dmarc.a.example", Some(Trouble::Timeout));
        }
        assert!(patience.is_over("a.example") && patience.is_over("x.a.example"));
        assert!(!patience.is_over("example") && !patience.is_over("notaa.example"));
        patience.note("a.example", None);
        assert!(!patience.is_over("a.example"));
        patience.give_up();
        assert!(patience.is_over("a.example"));
    }

    #[test]
    fn when_nobody_answers_nobody_is_asked() {
        let patience = Patience::with("a.example");
        for _ in 0..ANYWHERE {
            assert!(!patience.is_over("b.example"));
            patience.note("b.example", Some(Trouble::Timeout));
        }
        assert!(patience.is_over("c.example"));
        patience.note("c.example", Some(Trouble::ServerFailure));
        assert!(!patience.is_over("c.example"));
    }
}
