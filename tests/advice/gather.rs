//! What comes out of ClickHouse, number by number.

use std::collections::BTreeMap;

use ruad::{
    advice::{
        Class, PolicyDays, Settings, Traffic,
        gather::{Subject, gather},
        store::senders::Said,
        unusual::Kind,
    },
    sources::Catalog,
    store::Store,
};
use ruad_dns::dmarc::Policy;
use ruad_registry::{Decision, Preferences, SenderId};

use crate::{
    engine::Engine,
    reported::{Mail, Rows, Who, entry, posture},
};

const TODAY: u32 = 20_770;

async fn traffic(store: &Store, domain: &str, wishes: &Preferences) -> Traffic {
    let entries = vec![
        entry("ip4:192.0.2.0/24", &[("192.0.2.0", 24)]),
        entry("include:servers.mcsv.net", &[("198.51.100.0", 24)]),
    ];
    // Others with no reports before and behind it in the order of names.
    let postures = ["zzz.example", domain, "aaa.example"].map(|name| posture(name, entries.clone()));
    let subjects: Vec<_> = postures.iter().map(|posture| Subject { posture, wishes }).collect();
    let catalog = Catalog::built_in().unwrap();
    let mut found = gather(store, &catalog, &subjects, TODAY, &Settings::default()).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!((&found[0], &found[2]), (&Traffic::default(), &Traffic::default()));
    found.swap_remove(1)
}

fn passing(messages: u64) -> Mail {
    Mail { messages, spf: messages, passed: messages, ..Mail::default() }
}

#[tokio::test]
async fn everything_that_reports_tell_of_a_domain() {
    let store = Engine::shared().store().await;
    let mut rows = Rows::default();
    let domain = "acme.example";
    for ago in 0..200 {
        let day = TODAY - ago;
        rows.report(domain, day, if ago < 20 { "quarantine" } else { "none" }, 10, "genuine");
        // Two addresses of one network, the second one only long ago.
        rows.mail(domain, day, if ago < 100 { "192.0.2.1" } else { "192.0.2.2" }, passing(6), "genuine");
        rows.mail(
            domain,
            day,
            "203.0.113.9",
            Mail { messages: 4, dkim: 3, passed: 3, foreign_spf: 2, forwarded: 1, ..Mail::default() },
            "genuine",
        );
    }
    // Forged reports, another domain's, and tomorrow's.
    rows.report(domain, TODAY, "reject", 1000, "forged");
    rows.mail(domain, TODAY, "192.0.2.1", passing(1000), "forged");
    rows.mail("other.example", TODAY, "192.0.2.1", passing(1000), "genuine");
    rows.report(domain, TODAY + 1, "reject", 1000, "genuine");
    rows.mail(domain, TODAY + 1, "192.0.2.1", passing(1000), "genuine");
    // Mailchimp, from an address that the record includes and one it does not; last seen before a term is superfluous.
    rows.mail(domain, TODAY - 5, "205.201.128.1", Mail { messages: 9, ..Mail::default() }, "genuine");
    rows.mail(domain, TODAY - 95, "198.51.100.7", Mail { messages: 9, ..Mail::default() }, "genuine");
    let mailchimp = Who { service: "mailchimp", category: "marketing", ..Who::default() };
    rows.source("205.201.128.1", &mailchimp);
    rows.source("198.51.100.7", &mailchimp);
    let own = |name: &str| Who { reverse: name.to_owned(), asn: 64_500, ..Who::default() };
    rows.source("192.0.2.1", &own("mail.acme.example"));
    rows.source("192.0.2.2", &own("old.acme.example"));
    rows.store(&store).await;
    let selectors = format!(
        "INSERT INTO dkim_selectors (domain, selector, received_at, group_name, first_day, last_day, messages, failed, \
         computed_at) VALUES ('{domain}','s1',{TODAY},'acme',{TODAY} - 9,{TODAY} - 1,5,0,now()), \
         ('{domain}','s1',{TODAY} - 1,'acme',{TODAY} - 9,{TODAY} - 3,5,0,now()), \
         ('{domain}','forged',{TODAY},'acme',0,{TODAY},0,5,now())"
    );
    store.client().query_raw(&selectors).execute().await.unwrap();

    let found = traffic(&store, domain, &Preferences::default()).await;
    assert_eq!(found.reported, Some((TODAY - 199, TODAY)));
    let window = found.window;
    assert_eq!((window.from, window.to, window.days, window.is_grown), (TODAY - 29, TODAY, 30, false));
    assert_eq!(window.messages, 30 * 10 + 9);
    assert_eq!(
        found.policies,
        [
            PolicyDays { policy: Policy::Quarantine, days: 20, first: TODAY - 19, last: TODAY },
            PolicyDays { policy: Policy::None, days: 180, first: TODAY - 199, last: TODAY - 20 },
        ]
    );
    assert_eq!(
        found.entries,
        [("ip4:192.0.2.0/24".to_owned(), Some(TODAY)), ("include:servers.mcsv.net".to_owned(), None)]
    );
    assert_eq!(found.selectors, [("s1".to_owned(), TODAY - 1)]);

    let ids: Vec<_> = found.senders.iter().map(|sender| sender.id.as_str()).collect();
    assert_eq!(ids, ["net:AS64500/acme.example", "net:203.0.113.0/24", "service:mailchimp"]);
    let [own, other, mailchimp] = &found.senders[..] else { panic!("{ids:?}") };
    assert_eq!(own.name, "acme.example (Network 64500)");
    assert_eq!((own.counts.messages, own.counts.passed, own.counts.spf_aligned), (180, 180, 180));
    assert_eq!((own.addresses, own.active_days, own.first_day, own.last_day), (1, 30, TODAY - 199, TODAY));
    assert!((own.share - 180.0 / 309.0).abs() < 1e-9);
    assert_eq!((own.class, own.rule.0), (Class::Aligned, "passes"));
    let counts = other.counts;
    assert_eq!(
        (counts.messages, counts.dkim_aligned, counts.foreign_spf, counts.forwarded),
        (120, 90, 60, 30)
    );
    let recent = other.recent;
    assert_eq!((recent.messages, recent.passed, recent.dkim_aligned, recent.foreign_spf), (40, 30, 30, 20));
    assert_eq!((other.name.as_str(), other.first_day), ("203.0.113.0/24", TODAY - 199));
    assert_eq!(
        (mailchimp.name.as_str(), mailchimp.first_day, mailchimp.addresses),
        ("Mailchimp", TODAY - 95, 1)
    );
    // The record includes it.
    assert_eq!((mailchimp.class, mailchimp.rule.0), (Class::NeedsWork, "used_service"));
}

#[tokio::test]
async fn more_senders_than_lines_are_told_together() {
    let store = Engine::shared().store().await;
    let mut rows = Rows::default();
    let domain = "attacked.example";
    for ago in 0..40 {
        rows.report(domain, TODAY - ago, "none", 100, "genuine");
        rows.mail(domain, TODAY - ago, "192.0.2.1", passing(50), "genuine");
    }
    for network in 0..150 {
        let mail = Mail { messages: if network < 120 { 9 } else { 1 }, ..Mail::default() };
        rows.mail(domain, TODAY - network % 20, &format!("10.{network}.0.1"), mail, "genuine");
    }
    // More than all others, but on one day; the others have two each.
    for network in 0..150 {
        let mail = Mail { messages: 1, ..Mail::default() };
        rows.mail(domain, TODAY - 25, &format!("10.{network}.0.1"), mail, "genuine");
    }
    rows.mail(domain, TODAY - 2, "172.16.0.1", Mail { messages: 900, ..Mail::default() }, "genuine");
    // Of the least, one that its owner named.
    let named = SenderId::parse("net:10.149.0.0/24").unwrap();
    let wishes = Preferences {
        decisions: BTreeMap::from([(named.clone(), Decision::Approved)]),
        ..Preferences::default()
    };
    rows.store(&store).await;
    let found = traffic(&store, domain, &wishes).await;
    assert_eq!(found.senders.len(), 100);
    let of = |id: &str| found.senders.iter().find(|sender| sender.id.as_str() == id).unwrap();
    assert_eq!(of("net:192.0.2.0/24").class, Class::Aligned);
    assert_eq!((of(named.as_str()).class, of(named.as_str()).rule.0), (Class::NeedsWork, "owner_approved"));
    assert_eq!(of("net:172.16.0.0/24").class, Class::Undecided);
    let others = of("net:others");
    assert_eq!((others.addresses, others.class, others.rule.0), (53, Class::Threat, "scattered"));
    assert_eq!(others.counts.messages, 24 * 10 + 29 * 2);
    assert_eq!(found.senders.iter().map(|sender| sender.counts.messages).sum::<u64>(), found.window.messages);
}

#[tokio::test]
async fn the_unusual_is_noticed() {
    let store = Engine::shared().store().await;
    let mut rows = Rows::default();
    let domain = "usual.example";
    for ago in 0..60 {
        let day = TODAY - ago;
        rows.report(domain, day, "none", 60, "genuine");
        rows.mail(
            domain,
            day,
            "192.0.2.1",
            passing(if ago == 1 { 400 } else { 50 + u64::from(day % 7) }),
            "genuine",
        );
    }
    for ago in 0..3 {
        rows.mail(domain, TODAY - ago, "10.9.9.9", Mail { messages: 30, ..Mail::default() }, "genuine");
    }
    rows.store(&store).await;
    let found = traffic(&store, domain, &Preferences::default()).await;
    let unusual: Vec<_> =
        found.unusual.iter().map(|one| (one.kind, one.sender.as_str(), one.day, one.messages)).collect();
    assert_eq!(
        unusual,
        [(Kind::Spike, "net:192.0.2.0/24", TODAY - 1, 400), (Kind::New, "net:10.9.9.0/24", TODAY - 2, 90),]
    );
}

#[tokio::test]
async fn decisions_are_kept_and_taken_back() {
    let store = Engine::shared().store().await;
    let sender = SenderId::service("google");
    let said = |at| Said { by: "tester", note: "it's \\ours\\ 'now'", at };
    store.decide("acme.example", &sender, Some(Decision::Approved), &said(10)).await.unwrap();
    store.decide("other.example", &sender, Some(Decision::Rejected), &said(10)).await.unwrap();
    let decisions = store.decisions(&["acme.example", "none.example"]).await.unwrap();
    assert_eq!(
        decisions,
        BTreeMap::from([("acme.example".to_owned(), BTreeMap::from([(sender.clone(), Decision::Approved)]))])
    );
    store.decide("acme.example", &sender, Some(Decision::Rejected), &said(11)).await.unwrap();
    assert_eq!(
        store.decisions(&["acme.example"]).await.unwrap()["acme.example"][&sender],
        Decision::Rejected
    );
    store.decide("acme.example", &sender, None, &said(12)).await.unwrap();
    assert!(store.decisions(&["acme.example"]).await.unwrap().is_empty());
    let note: String =
        store.client().query("SELECT any(note) FROM sender_decisions").fetch_one().await.unwrap();
    assert_eq!(note, "it's \\ours\\ 'now'");
}

/// Counts that wrap a sum, days that never were, and a policy that is not: nothing of it is seen in any number.
#[tokio::test]
async fn what_strangers_say_moves_nothing() {
    let store = Engine::shared().store().await;
    let domain = "acme.example";
    let mut rows = Rows::default();
    for ago in 0..40 {
        rows.report(domain, TODAY - ago, "none", 10, "genuine");
        rows.mail(domain, TODAY - ago, "192.0.2.1", passing(6), "genuine");
        rows.mail(domain, TODAY - ago, "203.0.113.9", Mail { messages: 4, ..Mail::default() }, "genuine");
    }
    rows.store(&store).await;
    let before = traffic(&store, domain, &Preferences::default()).await;
    for (standing, verdict) in [
        ("stranger", "genuine"),
        ("stranger", "unknown"),
        ("stranger", "authenticated"),
        ("suspect", "genuine"),
    ] {
        for (day, count) in
            [("toDate(0)", 9_u64), ("TODAY - 1", u64::MAX - 8_699), ("TODAY - 2", i64::MAX as u64)]
        {
            let day = day.replace("TODAY", &format!("toDate({TODAY})"));
            for address in ["192.0.2.1", "203.0.113.9", "198.51.100.99"] {
                let record = format!(
                    "INSERT INTO aggregate_records (policy_domain, day, group_name, reporter, verdict, standing, report_key, \
                        received_at, source_ip, count, dkim_aligned, dmarc_pass, dkim_results.domain, \
                        dkim_results.selector, dkim_results.result) \
                     SELECT '{domain}', {day}, 'acme', 'google.com', '{verdict}', '{standing}', generateUUIDv4(), \
                        toDateTime64(toDate({TODAY}), 3, 'UTC'), toIPv6('{address}'), {count}, true, true, \
                        ['{domain}'], ['x'], ['pass']"
                );
                store.client().query_raw(&record).execute().await.unwrap();
            }
            let report = format!(
                "INSERT INTO aggregate_reports (policy_domain, day, group_name, reporter, verdict, standing, report_key, \
                    received_at, p, messages) SELECT '{domain}', {day}, 'acme', 'google.com', '{verdict}', '{standing}', \
                    generateUUIDv4(), toDateTime64(toDate({TODAY}), 3, 'UTC'), 'reject', {count}"
            );
            for _ in 0..3 {
                store.client().query_raw(&report).execute().await.unwrap();
            }
        }
    }
    for day in store.days_to_add_up().await.unwrap() {
        store.add_up_selectors(day).await.unwrap();
    }
    assert_eq!(traffic(&store, domain, &Preferences::default()).await, before);
}
