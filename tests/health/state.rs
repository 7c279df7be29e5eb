//! A record that flips, and a resolver that lies: real answers, one examination after the other.

use std::collections::BTreeSet;

use ruad::health::{Examiner, Subject, events, state::State};

use crate::{
    dns::Dns,
    world::{NOTHING, ONE_HOST, OTHER_HOST},
};

/// The events when the zone is this one at each examination in turn.
async fn seen(zones: &[&str]) -> Vec<String> {
    let looks = (1..).zip(zones.iter().copied()).collect::<Vec<_>>();
    seen_at(&looks, "mx").await
}

/// The events of a mechanism when the zone is this one at each moment.
async fn seen_at(looks: &[(u64, &str)], mechanism: &str) -> Vec<String> {
    let dns = Dns::serve("").await;
    let examiner = Examiner::new(dns.resolver(), dns.validator());
    let subject = Subject { domain: "domain.example".to_owned(), ..Subject::default() };
    let mut state = State::default();
    let mut kinds = Vec::new();
    for &(at, zone) in looks {
        dns.replace(zone);
        let snapshot = examiner.examine(&subject, at).await;
        let changes = state.observe(snapshot.checks(), &BTreeSet::new(), at);
        let events = events::events("domain.example", &changes, &state);
        kinds.extend(
            events
                .iter()
                .filter(|event| event.check() == mechanism)
                .map(|event| format!("{at} {}", event.kind)),
        );
    }
    kinds
}

#[tokio::test]
async fn only_what_stays_is_an_event() {
    let (a, b, nothing, silent) = (ONE_HOST, OTHER_HOST, NOTHING, "; servfail: domain.example\n");
    assert_eq!(seen(&[a, a, b, b, b, a, a]).await, ["4 mx.changed", "7 mx.changed"]);
    assert_eq!(seen(&[a, a, b, a, b, a, b, a]).await, [""; 0], "it flips");
    assert_eq!(
        seen(&[a, a, nothing, a, a, silent, silent, a]).await,
        [""; 0],
        "one lie, and two times no answer"
    );
    assert_eq!(seen(&[b, a, a, a]).await, [""; 0], "a lie at first");
    assert_eq!(seen(&[a, a, b, silent, b]).await, ["5 mx.changed"]);
}

/// A resolver keeps an answer, and above all the answer that there is none (RFC 2308), and gives copies of it.
#[tokio::test]
async fn what_may_be_a_copy_confirms_nothing() {
    let with = "; ttl: 300\n_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:rua@domain.example\"\n";
    let lie = "; ttl: 300\n";
    let gone = |looks: &[u64]| {
        let looks = looks.iter().map(|at| (*at, lie));
        [(1, with), (400, with)].into_iter().chain(looks).collect::<Vec<_>>()
    };
    // The resolver says it again and again within the negative TTL.
    let copies =
        seen_at(&[gone(&[500, 531, 700, 799]), vec![(801, with), (1_200, with)]].concat(), "dmarc").await;
    assert_eq!(copies, [""; 0]);
    // After it the same answer is another one.
    let after = seen_at(&gone(&[500, 531, 801]), "dmarc").await;
    assert_eq!(after, ["801 dmarc.record_gone"]);
}
