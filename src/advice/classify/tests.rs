use super::*;
use crate::advice::Counts;

const AROUND: Surroundings = Surroundings { sender_share: 0.95, crowd: 0 };
const IN_A_CROWD: Surroundings = Surroundings { crowd: 40, ..AROUND };

/// A network that sent a handful of messages from one address on one day, all of which failed.
fn unknown() -> Evidence {
    Evidence {
        counts: Counts { messages: 4, ..Counts::default() },
        share: 0.001,
        addresses: 1,
        addresses_ever: 1,
        active_days: 1,
        first_day: 20_000,
        last_day: 20_000,
        ..Evidence::default()
    }
}

fn counts(messages: u64, passed: u64) -> Counts {
    Counts { messages, passed, spf_aligned: passed, ..Counts::default() }
}

fn service(category: Category) -> Evidence {
    Evidence { is_service: true, category: Some(category), active_days: 5, ..unknown() }
}

#[test]
fn each_rule_has_a_case() {
    let forwarded = Counts { messages: 8, passed: 8, dkim_aligned: 8, foreign_spf: 8, ..Counts::default() };
    let scattered = Evidence { addresses: 9, addresses_ever: 9, counts: counts(30, 0), ..unknown() };
    let cases = [
        (
            Evidence { decision: Some(Decision::Approved), ..unknown() },
            AROUND,
            Class::NeedsWork,
            OWNER_APPROVED,
        ),
        (
            Evidence { decision: Some(Decision::Approved), counts: counts(100, 95), ..unknown() },
            AROUND,
            Class::Aligned,
            OWNER_APPROVED,
        ),
        (
            Evidence { decision: Some(Decision::Rejected), counts: counts(9, 9), ..unknown() },
            AROUND,
            Class::Threat,
            OWNER_REJECTED,
        ),
        (Evidence { counts: counts(100, 95), ..unknown() }, AROUND, Class::Aligned, PASSES),
        (
            Evidence { counts: counts(9, 9), ..service(Category::List) },
            AROUND,
            Class::Forwarder,
            KNOWN_FORWARDER,
        ),
        (service(Category::Forwarder), AROUND, Class::Forwarder, KNOWN_FORWARDER),
        (service(Category::SecurityGateway), AROUND, Class::Forwarder, RECIPIENTS_FILTER),
        (
            Evidence { counts: Counts { forwarded: 2, ..counts(8, 0) }, ..unknown() },
            AROUND,
            Class::Forwarder,
            FORWARD_MARKS,
        ),
        (Evidence { counts: forwarded, ..unknown() }, AROUND, Class::Forwarder, DKIM_SURVIVES),
        (
            Evidence { counts: Counts { messages: 16, ..forwarded }, ..unknown() },
            AROUND,
            Class::Forwarder,
            DKIM_SURVIVES,
        ),
        (Evidence { own_names: 1, ..unknown() }, IN_A_CROWD, Class::NeedsWork, OWN_NAME),
        (
            Evidence { is_used: true, active_days: 1, ..service(Category::Marketing) },
            AROUND,
            Class::NeedsWork,
            USED_SERVICE,
        ),
        (
            Evidence { is_used: true, ..service(Category::SecurityGateway) },
            AROUND,
            Class::NeedsWork,
            USED_SERVICE,
        ),
        (Evidence { is_in_spf: true, ..unknown() }, IN_A_CROWD, Class::NeedsWork, IN_SPF),
        (Evidence { counts: counts(20, 1), ..unknown() }, IN_A_CROWD, Class::NeedsWork, PARTLY_PASSES),
        (service(Category::Helpdesk), AROUND, Class::NeedsWork, KNOWN_SENDER),
        (Evidence { share: 0.3, ..service(Category::Mailbox) }, AROUND, Class::NeedsWork, KNOWN_SENDER),
        (scattered.clone(), AROUND, Class::Threat, SCATTERED),
        (
            Evidence { is_others: true, addresses: 500, counts: counts(700, 0), ..unknown() },
            AROUND,
            Class::Threat,
            SCATTERED,
        ),
        (unknown(), IN_A_CROWD, Class::Threat, ONE_OF_MANY),
        (
            Evidence { addresses: 4, addresses_ever: 4, counts: counts(4000, 0), ..unknown() },
            AROUND,
            Class::Threat,
            BURST,
        ),
        (Evidence { counts: counts(21, 1), ..scattered.clone() }, AROUND, Class::Undecided, RARELY_PASSES),
        (service(Category::Mailbox), IN_A_CROWD, Class::Undecided, SHARED_SERVICE),
        (
            Evidence { active_days: 1, ..service(Category::Transactional) },
            IN_A_CROWD,
            Class::Undecided,
            SHARED_SERVICE,
        ),
        (Evidence { active_days: 3, ..unknown() }, IN_A_CROWD, Class::Undecided, STEADY),
        (Evidence { first_day: 19_986, ..unknown() }, IN_A_CROWD, Class::Undecided, STEADY),
        (Evidence { mail_servers: 1, ..unknown() }, IN_A_CROWD, Class::Undecided, MAIL_SERVER),
        (
            Evidence { category: Some(Category::University), ..scattered.clone() },
            IN_A_CROWD,
            Class::Undecided,
            MAIL_SERVER,
        ),
        (unknown(), AROUND, Class::Undecided, NOTHING_KNOWN),
    ];
    for rule in RULES {
        assert!(cases.iter().any(|case| case.3 == rule), "{} has no case", rule.0);
    }
    for (sender, around, class, rule) in cases {
        assert_eq!(classify(&sender, &around), (class, rule), "{sender:?}");
    }
}

#[test]
fn whoever_passes_once_is_no_threat() {
    let forger = Evidence { addresses: 50, addresses_ever: 50, counts: counts(60, 0), ..unknown() };
    assert_eq!(classify(&forger, &IN_A_CROWD).0, Class::Threat);
    for counts in [
        Counts { passed: 1, ..forger.counts },
        Counts { forwarded: 1, ..forger.counts },
        Counts { foreign_spf: 1, ..forger.counts },
    ] {
        let sender = Evidence { counts, ..forger.clone() };
        assert_ne!(classify(&sender, &IN_A_CROWD).0, Class::Threat, "{counts:?}");
    }
}

#[test]
fn a_service_with_a_signature_of_its_customer_is_no_forwarder() {
    let signed = Counts { messages: 9, passed: 9, dkim_aligned: 9, foreign_spf: 9, ..Counts::default() };
    let sender = Evidence { counts: signed, ..service(Category::Transactional) };
    assert_eq!(classify(&sender, &AROUND), (Class::Aligned, PASSES));
    let large = Evidence { counts: signed, share: 0.2, ..unknown() };
    assert_eq!(classify(&large, &AROUND), (Class::Aligned, PASSES));
}

#[test]
fn a_run_of_bills_is_not_taken_for_a_campaign() {
    let bills = Evidence { counts: counts(400, 0), first_day: 19_970, ..unknown() };
    assert_eq!(classify(&bills, &IN_A_CROWD), (Class::Undecided, STEADY));
    let first_time = Evidence { first_day: 20_000, ..bills };
    assert_eq!(classify(&first_time, &IN_A_CROWD), (Class::Undecided, NOTHING_KNOWN));
}

#[test]
fn a_crowd_is_made_of_those_who_are_nobodys() {
    let crowd = |senders: &[Evidence]| Surroundings::of(senders, 0.95).crowd;
    assert_eq!(crowd(&vec![unknown(); 9]), 9);
    assert_eq!(crowd(&vec![Evidence { active_days: 3, ..unknown() }; 9]), 0, "steady ones");
    assert_eq!(crowd(&vec![Evidence { counts: counts(21, 0), ..unknown() }; 9]), 0, "those with much mail");
    assert_eq!(crowd(&vec![service(Category::Marketing); 9]), 0, "services");
    assert!(crowd(&[Evidence { is_others: true, ..unknown() }]) >= CROWD);
}

#[test]
fn names_are_different() {
    let names: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.0).collect();
    assert_eq!(names.len(), RULES.len());
}
