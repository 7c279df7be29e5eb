//! Copies of reports that are taken out and brought back: nothing counts twice, nothing is lost, whatever stops in between.

use ruad::store::{Action, Change, CopyFilter, CopySums};

use super::{
    agreement::differences,
    proxy::{Proxy, Trouble},
    *,
};

#[tokio::test]
async fn a_better_proven_copy_takes_the_place_of_a_worse_one() {
    let store = Engine::shared().store().await;
    let cases = [
        ("forged", "genuine"),
        ("unknown", "genuine"),
        ("authenticated", "genuine"),
        ("forged", "authenticated"),
        ("forged", "unknown"),
    ];
    let mut best = Vec::new();
    // Whichever was there first, and whoever looks.
    for (key, (first, (worse, better))) in
        (1..).zip([0, 1].into_iter().flat_map(|first| cases.map(|case| (first, case))))
    {
        let [worse, better] = [(worse, first), (better, 1 - first)].map(|(verdict, place)| Report {
            key,
            content: key * 10,
            segment: Uuid::from_u128(u128::from(1 + place as u8) << 64),
            verdict,
            month: 1 - place,
            ..Report::default()
        });
        for report in [&worse, &better] {
            store_report(&store, report).await;
        }
        best.push(better.verdict);
    }
    store.client().query_raw("OPTIMIZE TABLE aggregate_records FINAL").execute().await.unwrap();
    let keys: Vec<u128> = (1..=10).collect();
    assert_eq!(store.settle(&keys).await.unwrap(), 10);
    assert_eq!(store.settle(&keys).await.unwrap(), 0);
    for verdict in ["genuine", "authenticated", "unknown", "forged"] {
        let reports = best.iter().filter(|best| **best == verdict).count() as i64;
        counts_only(&store, verdict, reports, 10).await;
    }
}

#[tokio::test]
async fn a_genuine_report_takes_the_place_of_other_content_under_its_identity() {
    let store = Engine::shared().store().await;
    let genuine = Report { segment: Uuid::from_u128(9 << 64), ..Report::default() };
    let strangers = ["unknown", "forged", "authenticated"];
    for (content, verdict) in (1_u32..).zip(strangers) {
        let segment = Uuid::from_u128(u128::from(content) << 64);
        let report = Report { segment, verdict, content: 1000 + u128::from(content), ..genuine };
        store_report(&store, &report).await;
    }
    assert_eq!(store.settle(&[7]).await.unwrap(), 0, "none of them is better");
    assert_eq!(counts(&store).await, (9, 9, 9));
    store_report(&store, &genuine).await;
    assert_eq!(store.settle(&[7]).await.unwrap(), 3);
    counts_only(&store, "genuine", 1, 1).await;
    let told = "SELECT count() FROM report_corrections FINAL \
                WHERE action = 'superseded' AND state = 2 AND changed_by = 'ruad' AND reason LIKE '%genuine copy%'";
    assert_eq!(number(&store, told).await, 3);
}

/// After every request that the store makes, the engine dies; what is left is done later.
#[tokio::test(flavor = "multi_thread")]
async fn taking_a_worse_copy_out_can_stop_anywhere() {
    let (store, proxy) = behind_proxy().await;
    let mut reports = 0;
    for other_content in [false, true] {
        for requests in 1.. {
            reports += 1;
            let key = u128::from(reports as u32);
            let better = Report { key, content: key * 10, ..Report::default() };
            let worse = Report {
                segment: Uuid::from_u128(1 << 64),
                verdict: "forged",
                month: 1,
                content: if other_content { key * 10 + 1 } else { key * 10 },
                ..better
            };
            for report in [&worse, &better] {
                store_report(&store, report).await;
            }
            proxy.make(Trouble::DiesAfter(requests));
            let is_done = store.settle(&[key]).await.is_ok();
            proxy.make(Trouble::No);
            store.settle(&[key]).await.unwrap();
            counts_only(&store, "genuine", reports, reports).await;
            if is_done {
                assert!(requests > 6, "{requests}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_withdrawn_report_is_in_no_sum_and_comes_back_once() {
    let store = Engine::shared().store().await;
    let (report, other) = (Report::default(), Report { key: 8, content: 80, ..Report::default() });
    for report in [&report, &other] {
        store_report(&store, report).await;
    }
    for round in 1..=3 {
        let withdrawn = store.copies(&counted(), 10).await.unwrap();
        assert_eq!(store.change(&withdrawn, &change(Action::Withdrawn)).await.unwrap(), 1);
        assert_eq!(counts(&store).await, (3, 3, 3), "round {round}");
        assert_eq!(differences(&store).await, [0, 0]);
        assert!(store.copies(&counted(), 10).await.unwrap().is_empty());
        let known = store.known(&[7], Uuid::nil()).await.unwrap();
        assert!(known.len() == 1 && !known[0].counts, "it is known, and does not count");

        let filter = CopyFilter { place: Some(Place::Withdrawn), ..CopyFilter::default() };
        let copies = store.copies(&filter, 10).await.unwrap();
        assert_eq!((copies.len(), copies[0].report_key, copies[0].step), (1, 7, round * 2 - 1));
        assert_eq!((copies[0].changed_by.as_str(), copies[0].reason.as_str()), ("alice", "it lies"));
        assert_eq!(store.change(&copies, &change(Action::Restored)).await.unwrap(), 1);
        assert_eq!(counts(&store).await, (6, 6, 6), "round {round}");
        assert_eq!(differences(&store).await, [0, 0]);
        assert_eq!(number(&store, "SELECT count() FROM withdrawn_aggregate_records").await, 0);
    }
    assert_eq!(number(&store, "SELECT count() FROM report_corrections FINAL WHERE state = 2").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawing_and_restoring_can_stop_anywhere() {
    let (store, proxy) = behind_proxy().await;
    for key in [7, 8, 9] {
        store_report(&store, &Report { key, content: key * 10, ..Report::default() }).await;
    }
    for (action, other, before, after) in
        [(Action::Withdrawn, Action::Restored, 9, 0), (Action::Restored, Action::Withdrawn, 0, 9)]
    {
        for requests in 1.. {
            let copies = store.copies(&CopyFilter::default(), 10).await.unwrap();
            proxy.make(Trouble::DiesAfter(requests));
            let is_done = store.change(&copies, &change(action)).await.is_ok();
            proxy.make(Trouble::No);
            // The next command finishes it; if nothing was written down, nothing had begun.
            let finished = store.finish_changes().await.unwrap();
            assert!(!is_done || finished == 0);
            let copies = store.copies(&CopyFilter::default(), 10).await.unwrap();
            assert!(copies.iter().all(|copy| copy.pending.is_none() && copy.place == copies[0].place));
            let expected = if copies[0].place == Place::Counted { 9 } else { 0 };
            assert!([before, after].contains(&expected));
            assert!(expected == after || (!is_done && finished == 0), "{action:?} {requests}");
            assert_eq!(counts(&store).await, (expected, expected, expected), "{action:?} {requests}");
            assert_eq!(differences(&store).await, [0, 0], "{action:?} {requests}");
            if is_done {
                assert!(requests > 5, "{requests}");
                break;
            }
            if expected == after {
                store.change(&copies, &change(other)).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_withdraw_the_same_report_take_it_out_once() {
    let store = Engine::shared().store().await;
    for key in 1..=20 {
        store_report(&store, &Report { key, content: key * 10, ..Report::default() }).await;
    }
    let copies = store.copies(&CopyFilter::default(), 100).await.unwrap();
    let change = change(Action::Withdrawn);
    let (first, second) = tokio::join!(store.change(&copies, &change), store.change(&copies, &change));
    assert!(first.unwrap() + second.unwrap() <= 20, "never both");
    assert_eq!(differences(&store).await, [0, 0]);
    // What neither did for the sake of the other is left to do.
    let left = CopyFilter { place: Some(Place::Counted), ..CopyFilter::default() };
    let copies = store.copies(&left, 100).await.unwrap();
    store.change(&copies, &change).await.unwrap();
    assert_eq!(counts(&store).await, (0, 0, 0));
    assert_eq!(differences(&store).await, [0, 0]);
}

#[tokio::test]
async fn reports_are_found_by_what_is_known_of_them() {
    let store = Engine::shared().store().await;
    let report = Report::default();
    let old = Report {
        key: 8,
        content: 80,
        month: 2,
        verdict: "forged",
        segment: Uuid::from_u128(2 << 64),
        ..report
    };
    for report in [&report, &old] {
        store_report(&store, report).await;
    }
    let month_ago = Some(now() - 31 * 86_400_000);
    let text = |text: &str| Some(text.to_owned());
    for (filter, found) in [
        (CopyFilter::default(), vec![7, 8]),
        (CopyFilter { reporter: text("google.com"), ..CopyFilter::default() }, vec![7, 8]),
        (CopyFilter { reporter: text("' OR 1 = 1 --"), ..CopyFilter::default() }, vec![]),
        (CopyFilter { domain: text("example.com"), id: text("1"), ..CopyFilter::default() }, vec![7, 8]),
        (CopyFilter { id: text("2"), ..CopyFilter::default() }, vec![]),
        (CopyFilter { verdict: Some(Verdict::Forged), ..CopyFilter::default() }, vec![8]),
        (CopyFilter { segment: Some(report.segment), ..CopyFilter::default() }, vec![7]),
        (CopyFilter { since: month_ago, ..CopyFilter::default() }, vec![7]),
        (CopyFilter { before: month_ago, ..CopyFilter::default() }, vec![8]),
        (CopyFilter { keys: vec![8, 9], ..CopyFilter::default() }, vec![8]),
    ] {
        let copies = store.copies(&filter, 10).await.unwrap();
        let keys: Vec<_> = copies.iter().map(|copy| copy.report_key).collect();
        assert_eq!(keys, found, "{filter:?}");
        let sums = store.copy_sums(&filter).await.unwrap();
        let count = found.len() as u64;
        assert_eq!(sums, CopySums { copies: count, records: 3 * count, messages: 16 * count });
    }
}

/// A store of before counts had a bound: its sums wrapped, and are right again once it is migrated.
#[tokio::test]
async fn sums_that_wrapped_are_right_after_the_migration() {
    let store = Engine::shared().store().await;
    store_report(&store, &Report::default()).await;
    let poison = Report { key: 8, content: 80, segment: Uuid::from_u128(6 << 64), ..Report::default() };
    let [key, content] = [poison.key, poison.content].map(Uuid::from_u128);
    let copy = format!(
        "INSERT INTO aggregate_records SELECT * REPLACE ('{key}' AS report_key, '{content}' AS content_hash, \
         precedence - 1 AS precedence, 18446744073709542916 - record AS count) FROM aggregate_records"
    );
    store.client().query_raw(&copy).execute().await.unwrap();
    deliver(&store, &poison, "stored").await;
    assert!(number(&store, "SELECT sum(messages) FROM daily_domains").await < 0, "it wrapped");
    let back = "ALTER TABLE schema_migrations DELETE WHERE version > 9 SETTINGS mutations_sync = 2";
    store.client().query_raw(back).execute().await.unwrap();
    store.migrate().await.unwrap();
    for rollup in ["daily_domains", "daily_sources"] {
        assert_eq!(number(&store, &format!("SELECT sum(messages) FROM {rollup}")).await, 16, "{rollup}");
    }
    assert_eq!(counts(&store).await, (3, 3, 3));
    let filter = CopyFilter { place: Some(Place::Withdrawn), ..CopyFilter::default() };
    let copies = store.copies(&filter, 10).await.unwrap();
    assert_eq!((copies.len(), copies[0].report_key, copies[0].changed_by.as_str()), (1, 8, "ruad"));
    assert!(store.restorable(&copies).await.unwrap().is_empty(), "it cannot be brought back");
}

/// However it is read, no count goes in that could make a sum wrap.
#[tokio::test]
async fn counts_are_stored_within_their_bound() {
    let store = Engine::shared().store().await;
    let report = Report::default();
    let huge = XML.replace("<count>10<", "<count>18446744073709542916<");
    let mut filling = Filling::<AggregateRecords>::default();
    let limits = Limits::default();
    let read = aggregate::read(huge.as_bytes(), &limits, |record| {
        assert!(filling.add(0, |rows| rows.add(&report.context(), 0, record)).is_none());
    });
    // A reader that knows the bound refuses it.
    if let (Ok(_), Some(batch)) = (read, filling.cut()) {
        insert(&store, &batch, "s/0").await.unwrap();
    }
    let most = "SELECT max(count) FROM aggregate_records";
    assert!(number(&store, most).await <= 1_000_000_000);
    assert!(number(&store, "SELECT sum(messages) FROM daily_domains").await >= 0);
}

fn counted() -> CopyFilter {
    CopyFilter { keys: vec![7], place: Some(Place::Counted), ..CopyFilter::default() }
}

fn change(action: Action) -> Change<'static> {
    Change { action, by: "alice", reason: "it lies", at: now() / 1000 }
}

async fn behind_proxy() -> (Store, Proxy) {
    let engine = Engine::shared();
    let proxy = Proxy::start(&engine.url).await;
    (proxy.store(engine.settings()).await, proxy)
}

/// All that the intake stores of a report.
async fn store_report(store: &Store, report: &Report) {
    let token = format!("{}/{}/{}", report.segment, report.key, report.content);
    insert(store, &records(report), &token).await.unwrap();
    deliver(store, report, "stored").await;
}

/// Of so many reports of three records and 16 messages that count, so many have this verdict.
async fn counts_only(store: &Store, verdict: &str, reports: i64, all: i64) {
    assert_eq!(counts(store).await, (3 * all, 3 * all, 3 * all), "{verdict}");
    assert_eq!(differences(store).await, [0, 0], "{verdict}");
    for table in ["aggregate_records", "daily_domains", "daily_sources"] {
        let sum = if table == "aggregate_records" { "count" } else { "messages" };
        let query = format!("SELECT sum({sum}) FROM {table} WHERE verdict = '{verdict}'");
        assert_eq!(number(store, &query).await, 16 * reports, "{table} {verdict}");
    }
}
