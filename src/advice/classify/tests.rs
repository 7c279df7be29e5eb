use super::*;
use crate::advice::{Counts, Recent};

const AROUND: Surroundings =
    Surroundings { sender_share: 0.95, crowd: 0, drizzle: 0, sends_nothing: false, today: 20_020 };
const IN_A_CROWD: Surroundings = Surroundings { crowd: 40, ..AROUND };

/// A network that sent a handful of messages from one address on one day, all of which failed.
fn unknown() -> Evidence {
    Evidence {
        counts: Counts { messages: 4, ..Counts::default() },
        share: 0.001,
        addresses: 1,
        addresses_ever: 1,
        active_days: 1,
        days_ever: 1,
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
        (service(Category::SecurityGateway), AROUND, Class::Forwarder, RECIPIENT_SIDE_FILTER),
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
        (Evidence { days_ever: 3, ..unknown() }, IN_A_CROWD, Class::Undecided, STEADY),
        (Evidence { first_day: 19_986, days_ever: 2, ..unknown() }, IN_A_CROWD, Class::Undecided, STEADY),
        (Evidence { mail_servers: 1, ..unknown() }, IN_A_CROWD, Class::Undecided, MAIL_SERVER),
        (
            Evidence { category: Some(Category::University), ..scattered.clone() },
            IN_A_CROWD,
            Class::Undecided,
            MAIL_SERVER,
        ),
        (unknown(), AROUND, Class::Undecided, NOTHING_KNOWN),
        (unknown(), Surroundings { sends_nothing: true, ..AROUND }, Class::Threat, NOTHING_SENT),
        (
            Evidence { days_ever: 9, active_days: 5, ..unknown() },
            Surroundings { drizzle: DOZENS, ..AROUND },
            Class::Threat,
            LOW_VOLUME_SCATTER,
        ),
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
    let bills = Evidence { counts: counts(400, 0), first_day: 19_970, days_ever: 2, ..unknown() };
    assert_eq!(classify(&bills, &IN_A_CROWD), (Class::Undecided, STEADY));
    let first_time = Evidence { first_day: 20_000, days_ever: 1, ..bills };
    assert_eq!(classify(&first_time, &IN_A_CROWD), (Class::Undecided, NOTHING_KNOWN));
}

#[test]
fn a_new_tool_is_not_taken_for_a_burst() {
    let burst = Evidence { addresses: 8, addresses_ever: 8, counts: counts(4000, 0), ..unknown() };
    assert_eq!(classify(&burst, &AROUND), (Class::Threat, BURST));
    let so_far = Surroundings { today: 20_013, ..AROUND };
    assert_eq!(classify(&burst, &so_far), (Class::Undecided, NOTHING_KNOWN));
    let came_again = Evidence { last_day: 20_003, ..burst };
    assert_eq!(classify(&came_again, &AROUND), (Class::Undecided, NOTHING_KNOWN));
}

#[test]
fn three_addresses_on_three_days_are_not_steady() {
    let bots = Evidence { addresses: 3, addresses_ever: 3, days_ever: 3, ..unknown() };
    assert_eq!(classify(&bots, &IN_A_CROWD), (Class::Threat, ONE_OF_MANY));
    let came_back = Evidence { days_ever: 4, ..bots };
    assert_eq!(classify(&came_back, &IN_A_CROWD), (Class::Undecided, STEADY));
}

#[test]
fn a_crowd_is_made_of_those_who_are_nobodys() {
    let crowd = |senders: &[Evidence]| Surroundings::of(senders, 0.95, 20_020, false).crowd;
    assert_eq!(crowd(&vec![unknown(); 9]), 9);
    assert_eq!(crowd(&vec![Evidence { days_ever: 3, ..unknown() }; 9]), 0, "steady ones");
    assert_eq!(crowd(&vec![Evidence { counts: counts(11, 0), ..unknown() }; 9]), 0, "those with much mail");
    assert_eq!(crowd(&vec![service(Category::Marketing); 9]), 0, "services");
    assert!(crowd(&[Evidence { is_others: true, ..unknown() }]) >= CROWD);
}

#[test]
fn names_are_different() {
    let names: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.0).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn what_passes_since_the_domain_signs_makes_a_forwarder() {
    let before = Counts { messages: 180, passed: 40, dkim_aligned: 40, foreign_spf: 40, ..Counts::default() };
    let recent = Recent { messages: 42, passed: 40, dkim_aligned: 40, foreign_spf: 40 };
    let forwarder = Evidence { counts: before, recent, share: 0.03, ..unknown() };
    assert_eq!(classify(&forwarder, &AROUND), (Class::Forwarder, DKIM_SURVIVES));
    let large = Evidence { share: 0.2, ..forwarder.clone() };
    assert_eq!(classify(&large, &AROUND), (Class::NeedsWork, PARTLY_PASSES));
    let own = Evidence { counts: Counts { spf_aligned: 1, ..before }, ..forwarder };
    assert_eq!(classify(&own, &AROUND), (Class::NeedsWork, PARTLY_PASSES));
}

#[test]
fn one_of_dozens_that_drizzle_is_a_forgers_and_one_alone_is_not() {
    let drop = Evidence { days_ever: 9, active_days: 5, ..unknown() };
    let dozens = vec![drop.clone(); DOZENS as usize];
    let judge = |senders: &[Evidence]| classify(&drop, &Surroundings::of(senders, 0.95, 20_020, false)).0;
    assert_eq!(judge(&dozens), Class::Threat);
    assert_eq!(judge(&dozens[1..]), Class::Undecided);
    // A day with a run of bills is no drizzle, and neither is a part of the mail that would be missed.
    for other in [
        Evidence { counts: counts(100, 0), ..drop.clone() },
        Evidence { share: 0.02, ..drop.clone() },
        Evidence { mail_servers: 1, ..drop.clone() },
    ] {
        assert_eq!(
            classify(&other, &Surroundings { drizzle: 500, ..AROUND }).0,
            Class::Undecided,
            "{other:?}"
        );
    }
}
