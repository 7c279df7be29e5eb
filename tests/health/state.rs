//! A record that flips, and a resolver that lies: real answers, one examination after the other.

use std::collections::BTreeSet;

use ruad::health::{Examiner, Subject, events, state::State};

use crate::{
    dns::Dns,
    world::{ONE_HOST, OTHER_HOST},
};

/// The events when the zone is this one at each examination in turn.
async fn seen(zones: &[&str]) -> Vec<String> {
    let dns = Dns::serve("").await;
    let examiner = Examiner::new(dns.resolver(), dns.validator());
    let subject = Subject { domain: "domain.example".to_owned(), ..Subject::default() };
    let mut state = State::default();
    let mut kinds = Vec::new();
    for (at, zone) in (1..).zip(zones) {
        dns.replace(zone);
        let snapshot = examiner.examine(&subject, at).await;
        let changes = state.observe(snapshot.checks(), &BTreeSet::new(), at);
        let events = events::events("domain.example", &changes, &state);
        kinds.extend(
            events.iter().filter(|event| event.check() == "mx").map(|event| format!("{at} {}", event.kind)),
        );
    }
    kinds
}

#[tokio::test]
async fn only_what_stays_is_an_event() {
    let (a, b, silent) = (ONE_HOST, OTHER_HOST, "; servfail: domain.example\n");
    assert_eq!(seen(&[a, a, b, b, b, a, a]).await, ["4 mx.changed", "7 mx.changed"]);
    assert_eq!(seen(&[a, a, b, a, b, a, b, a]).await, [""; 0], "it flips");
    assert_eq!(seen(&[a, a, "", a, a, silent, silent, a]).await, [""; 0], "one lie, and two times no answer");
    assert_eq!(seen(&[b, a, a, a]).await, [""; 0], "a lie at first");
    assert_eq!(seen(&[a, a, b, silent, b]).await, ["5 mx.changed"]);
}
