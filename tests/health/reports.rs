//! What reports tell about a domain.

use std::net::IpAddr;

use ruad::{
    health::rows::{CheckRow, KeyRow},
    store::Store,
};
use uuid::Uuid;

use crate::{
    engine::{Engine, number},
    world::texts,
};

/// A record of a report that arrived so many days ago about a day so many days ago.
async fn report(store: &Store, arrived: u32, day: u32, signatures: &str, address: &str, spf: bool) {
    let signatures: Vec<Vec<&str>> =
        signatures.split_whitespace().map(|signature| signature.split('/').collect()).collect();
    let column = |index: usize| {
        let values: Vec<_> = signatures.iter().map(|signature| format!("'{}'", signature[index])).collect();
        format!("[{}]", values.join(","))
    };
    let insert = format!(
        "INSERT INTO aggregate_records (policy_domain, day, group_name, verdict, report_key, received_at, source_ip, count, \
            spf_aligned, dkim_aligned, dmarc_pass, dkim_results.domain, dkim_results.selector, dkim_results.result) \
         SELECT 'a.example', today() - {day}, 'acme', 'genuine', generateUUIDv4(), now() - toIntervalDay({arrived}), \
            '{address}', 10, {spf}, true, true, {}, {}, {}",
        column(0),
        column(1),
        column(2)
    );
    store.client().query_raw(&insert).execute().await.unwrap();
    let report = format!(
        "INSERT INTO aggregate_reports (policy_domain, day, report_key, received_at) \
         SELECT 'a.example', today() - {day}, generateUUIDv4(), now() - toIntervalDay({arrived})"
    );
    store.client().query_raw(&report).execute().await.unwrap();
}

async fn add_up(store: &Store) {
    for day in store.days_to_add_up().await.unwrap() {
        store.add_up_selectors(day).await.unwrap();
    }
}

#[tokio::test]
async fn selectors_are_learned_from_what_verified() {
    let store = Engine::shared().store().await;
    report(&store, 40, 41, "A.example./S1/pass mail.a.example/s2/pass", "::ffff:192.0.2.1", true).await;
    report(
        &store,
        1,
        2,
        "a.example/s1/PASS a.example/made-up/fail else.example/s9/pass",
        "::ffff:192.0.2.2",
        false,
    )
    .await;
    report(&store, 0, 400, "a.example/late/pass a.example/not(one)/pass", "2001:db8::1", true).await;
    for _ in 0..2 {
        // The same days again change nothing.
        add_up(&store).await;
        let uses = store.selector_uses(50).await.unwrap();
        let today = number(&store, "SELECT toUInt16(today())").await;
        let invented = uses.iter().filter(|used| used.messages == 0).map(|used| used.selector.as_str());
        assert_eq!(invented.collect::<Vec<_>>(), ["made-up"]);
        let told: Vec<_> = uses
            .iter()
            .filter(|used| used.messages > 0)
            .map(|used| {
                let ago = |day: u16| today - i64::from(day);
                format!(
                    "{} {} {}..{} {}",
                    used.domain,
                    used.selector,
                    ago(used.first),
                    ago(used.last),
                    used.messages
                )
            })
            .collect();
        assert_eq!(
            told,
            ["a.example s1 41..2 20", "a.example late 35..35 10", "mail.a.example s2 41..41 10"]
                .map(str::to_owned)
        );
    }
    // What arrives later is found without looking at everything again.
    report(&store, 0, 1, "a.example/s3/pass", "2001:db8::1", true).await;
    assert!(store.days_to_add_up().await.unwrap().len() <= 2);
    add_up(&store).await;
    assert_eq!(store.selector_uses(50).await.unwrap().len(), 5);
    assert_eq!(store.selector_uses(1).await.unwrap().len(), 2, "one of each domain");

    let senders = store.senders(&["a.example", "b.example"], 20).await.unwrap();
    let senders: Vec<_> = senders.iter().map(|sender| sender.address.parse::<IpAddr>().unwrap()).collect();
    // The one of 40 days ago is too old, and one that passes DKIM alone may be a forwarder's.
    assert_eq!(senders, ["2001:db8::1".parse::<IpAddr>().unwrap()]);
    let days = store.reported_days(&["a.example"]).await.unwrap();
    assert_eq!(days.len(), 1);
}

#[tokio::test]
async fn what_is_no_domain_signs_nothing() {
    let store = Engine::shared().store().await;
    let odd = r"x\\.a.example/s2/pass x\'.a.example/s3/pass a.example/s1/pass";
    report(&store, 1, 2, odd, "::ffff:192.0.2.1", true).await;
    add_up(&store).await;
    let uses = store.selector_uses(50).await.unwrap();
    assert_eq!(uses.iter().map(|used| used.selector.as_str()).collect::<Vec<_>>(), ["s1"]);
}

#[tokio::test]
async fn keys_and_their_use_stand_in_one_view() {
    let store = Engine::shared().store().await;
    report(&store, 1, 2, "a.example/s1/pass a.example/s2/pass", "::ffff:192.0.2.1", true).await;
    add_up(&store).await;
    let key = |fingerprint: &str, first_seen, last_seen| KeyRow {
        domain: "a.example".into(),
        group: "acme".into(),
        selector: "s1".to_owned(),
        fingerprint: fingerprint.to_owned(),
        kind: ruad_dns::dkim::Kind::Rsa,
        bits: 2048,
        first_seen,
        last_seen,
    };
    let (day, now) = (86_400, 1_800_000_000);
    let token = Uuid::from_u128(1);
    for _ in 0..2 {
        store.keep_keys(&[key("aa", now, now)], token).await.unwrap();
    }
    store
        .keep_keys(&[key("aa", now + day, now + day), key("bb", now, now)], Uuid::from_u128(2))
        .await
        .unwrap();
    let keys = "SELECT concat(selector, ' ', fingerprint, ' ', type, ' ', toString(bits), ' ', \
         toString(ifNull(dateDiff('day', first_seen, last_seen), -1)), ' ', toString(messages), ' ', group_name) \
         FROM dkim_keys WHERE domain = 'a.example' ORDER BY selector, fingerprint";
    assert_eq!(
        texts(&store, keys).await,
        ["s1 aa rsa 2048 1 10 acme", "s1 bb rsa 2048 0 10 acme", "s2   0 -1 10 acme"]
    );
    let seen = store.seen_keys().await.unwrap();
    let seen: Vec<_> = seen.iter().map(|key| (key.fingerprint.as_str(), u64::from(key.last))).collect();
    assert_eq!(seen, [("aa", now + day), ("bb", now)]);
}

#[tokio::test]
async fn a_state_is_read_back_as_it_was_stored() {
    use ruad::health::state::Fact;
    use ruad_dns::{Mechanism, Status, Trouble, check::Unanswered};
    let store = Engine::shared().store().await;
    let now = number(&store, "SELECT toUnixTimestamp(now())").await as u64;
    let fact = |value: Option<&str>, since| Fact { value: value.map(str::to_owned), since };
    let row = |checked_at, facts: Vec<(&str, Fact)>| CheckRow {
        domain: "a.example".into(),
        group: "acme".into(),
        mechanism: Mechanism::Dkim,
        checked_at,
        status: Status::Unknown,
        findings: Vec::new(),
        unknown: vec![Unanswered { name: "s1._domainkey.a.example".to_owned(), trouble: Trouble::Timeout }],
        settled: true,
        facts: facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect(),
        spf_lookups: None,
        score: Some(4.5),
    };
    let newest = vec![("key:s1", fact(Some("bb"), 7)), ("key:s2", fact(None, 9))];
    let rows = [
        row(now - 10, newest),
        row(now - 20, vec![("key:s1", fact(Some("aa"), 5))]),
        // Of a clock that was wrong.
        row(now + 300_000, vec![("key:s1", fact(Some("zz"), 8))]),
    ];
    store.keep_checks(&rows, Uuid::from_u128(1)).await.unwrap();
    let [check] = &store.last_checks().await.unwrap()[..] else { panic!("there is one") };
    assert_eq!((check.domain.as_str(), check.check.as_str()), ("a.example", "dkim"));
    assert_eq!((u64::from(check.last), check.settled), (now - 10, true));
    assert_eq!(
        (&check.names[..], &check.values[..]),
        (&["key:s1", "key:s2"].map(str::to_owned)[..], &["bb", ""].map(str::to_owned)[..])
    );
    assert_eq!((&check.absent[..], &check.since[..]), (&[false, true][..], &[7, 9][..]));
    let text = "SELECT concat(status, ' ', unknown.name[1], ' ', unknown.trouble[1], ' ', toString(assumeNotNull(score))) FROM dns_checks LIMIT 1";
    assert_eq!(texts(&store, text).await, ["unknown s1._domainkey.a.example timeout 4.5"]);
}

/// A record about yesterday with these signatures, by a reporter of this standing.
async fn told(store: &Store, standing: &str, day: &str, signatures: &[(&str, &str)], count: u64) {
    let array = |values: Vec<String>| format!("[{}]", values.join(","));
    let (selectors, results): (Vec<_>, Vec<_>) =
        signatures.iter().map(|(selector, result)| (format!("'{selector}'"), format!("'{result}'"))).unzip();
    let domains = vec!["'a.example'".to_owned(); signatures.len()];
    let (domains, selectors, results) = (array(domains), array(selectors), array(results));
    for insert in [
        format!(
            "INSERT INTO aggregate_records (policy_domain, day, group_name, verdict, standing, report_key, received_at, \
                source_ip, count, spf_aligned, dkim_results.domain, dkim_results.selector, dkim_results.result) \
             SELECT 'a.example', {day}, 'acme', 'genuine', '{standing}', generateUUIDv4(), now(), '::ffff:203.0.113.9', \
                {count}, true, {domains}, {selectors}, {results}"
        ),
        format!(
            "INSERT INTO aggregate_reports (policy_domain, day, standing, report_key, received_at) \
             SELECT 'a.example', {day}, '{standing}', generateUUIDv4(), now()"
        ),
    ] {
        store.client().query_raw(&insert).execute().await.unwrap();
    }
}

#[tokio::test]
async fn invented_selectors_push_out_no_real_one() {
    let store = Engine::shared().store().await;
    told(&store, "known", "today() - 1", &[("real", "pass"), ("rejected", "fail")], 5).await;
    for number in 0..60 {
        told(&store, "stranger", "today()", &[(&format!("x{number}"), "pass")], 1_000).await;
    }
    // Only a stranger names the one that DNS has.
    told(&store, "stranger", "today() - 3", &[("seen", "fail")], 1).await;
    let key = "INSERT INTO dkim_sightings (domain, selector, fingerprint, first_seen, last_seen) \
               SELECT 'a.example', 'seen', 'aa', now(), now()";
    store.client().query_raw(key).execute().await.unwrap();
    add_up(&store).await;
    let uses = store.selector_uses(50).await.unwrap();
    let first: Vec<_> = uses.iter().take(3).map(|used| used.selector.as_str()).collect();
    assert_eq!((uses.len(), &first[..]), (50, &["seen", "real", "rejected"][..]));
    // What a stranger says is not when a key was used.
    for used in &uses {
        let expected = if used.selector == "real" { 5 } else { 0 };
        let is_told = matches!(used.selector.as_str(), "real" | "rejected");
        assert_eq!((used.messages, used.last > 0), (expected, is_told), "{used:?}");
    }
    let signed = store.signed_with(&["a.example"], u16::MAX, 10).await.unwrap();
    assert_eq!(signed.iter().map(|signed| signed.selector.as_str()).collect::<Vec<_>>(), ["real"]);
    let used = texts(&store, "SELECT selector FROM dkim_keys WHERE first_day IS NOT NULL").await;
    assert_eq!(used, ["real"]);
    let claims = "SELECT sum(claimed) FROM dkim_selectors FINAL";
    assert_eq!(number(&store, claims).await, 60_001, "they are kept apart");
}

#[tokio::test]
async fn a_suspect_date_makes_no_key_old_or_unused() {
    let store = Engine::shared().store().await;
    for day in ["today() - 1", "today() - 2"] {
        told(&store, "known", day, &[("s1", "pass")], 5).await;
    }
    told(&store, "suspect", "toDate(0)", &[("s1", "pass"), ("s2", "pass")], u64::MAX).await;
    add_up(&store).await;
    let days = store.reported_days(&["a.example"]).await.unwrap();
    let uses = store.selector_uses(50).await.unwrap();
    let today = number(&store, "SELECT toUInt16(today())").await;
    let ago = |day: u16| today - i64::from(day);
    assert_eq!((days.len(), ago(days[0].first), ago(days[0].last)), (1, 2, 1));
    let told: Vec<_> =
        uses.iter().map(|used| (used.selector.as_str(), used.messages, used.last > 0)).collect();
    assert_eq!(told, [("s1", 10, true), ("s2", 0, false)]);
    assert_eq!((ago(uses[0].first), ago(uses[0].last)), (2, 1));
}

#[tokio::test]
async fn a_selector_that_signed_twice_counts_its_messages_once() {
    let store = Engine::shared().store().await;
    told(
        &store,
        "known",
        "today() - 1",
        &[("s1", "pass"), ("S1", "pass"), ("s1", "fail"), ("s2", "fail")],
        10,
    )
    .await;
    add_up(&store).await;
    let sums = "SELECT concat(selector, ' ', toString(messages), ' ', toString(failed)) \
                FROM dkim_selectors FINAL ORDER BY selector";
    assert_eq!(texts(&store, sums).await, ["s1 10 0", "s2 0 10"]);
}

#[tokio::test]
async fn senders_are_those_that_believed_reporters_saw() {
    let store = Engine::shared().store().await;
    told(&store, "stranger", "today() - 1", &[], 10).await;
    assert!(store.senders(&["a.example"], 20).await.unwrap().is_empty());
    assert!(store.reported_days(&["a.example"]).await.unwrap().is_empty());
    told(&store, "established", "today() - 1", &[], 10).await;
    assert_eq!(store.senders(&["a.example"], 20).await.unwrap().len(), 1);
}
