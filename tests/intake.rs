//! From a closed segment to rows, against the real engine.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking, and shares its tools with others"
)]

#[path = "intake/bench.rs"]
mod bench;
#[path = "support/dns.rs"]
mod dns;
#[path = "support/engine.rs"]
mod engine;
#[path = "intake/outage.rs"]
mod outage;
#[path = "intake/proxy.rs"]
mod proxy;
#[path = "intake/standing.rs"]
mod standing;
#[path = "intake/untrusted.rs"]
mod untrusted;
#[path = "intake/verdicts.rs"]
mod verdicts;
#[path = "support/wait.rs"]
mod wait;

use bench::{Bench, eml, failure_report, report, tls_report};
use engine::{Engine, number};
use proxy::{Proxy, Trouble};
use ruad::{intake::Require, store::Store};
use wait::until_async;

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_report_gets_its_rows() {
    let bench = Bench::new(Engine::shared()).await;
    bench
        .send(&[report("r1", 3), tls_report(), failure_report(), eml("no report", "text/plain", "hello")])
        .await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(tables(store).await, [1, 3, 1, 1, 1]);
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains").await, 6);
    assert_eq!(number(store, "SELECT count() FROM deliveries WHERE decision = 'stored'").await, 3);
    assert_eq!(
        number(store, "SELECT count() FROM messages WHERE outcome = 'stored' AND group_name = 'acme'").await,
        3
    );
    let rejected = "SELECT count() FROM messages WHERE outcome = 'rejected' AND code = 'not_a_report'";
    assert_eq!(number(store, rejected).await, 1);
    assert_eq!(bench.backlog().quarantined, 1, "what was not understood is kept");
    let local_parts = "SELECT countIf(original_mail_from LIKE 'alice@%' OR header_from LIKE '%alice%') FROM failure_reports";
    assert_eq!(number(store, local_parts).await, 0, "nobody's name is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_counts_once_however_often_it_comes() {
    let bench = Bench::new(Engine::shared()).await;
    // In one segment, and in later ones.
    bench.send(&[report("r1", 3), report("r1", 3)]).await;
    bench.run_until_empty().await;
    bench.send(&[report("r1", 3), report("r2", 2)]).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(tables(store).await, [2, 5, 0, 0, 0]);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_sources").await, 5);
    assert_eq!(decisions(store).await, [2, 2, 0]);
    assert_eq!(number(store, "SELECT count() FROM messages WHERE outcome = 'duplicate'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_at_the_same_time_agree_about_duplicates() {
    let bench = Bench::new(Engine::shared()).await;
    for _ in 0..8 {
        bench.send(&[report("r1", 3), report("r2", 3)]).await;
    }
    bench.run_until_empty().await;
    assert_eq!(tables(&bench.store).await, [2, 6, 0, 0, 0]);
    assert_eq!(number(&bench.store, "SELECT sum(records) FROM daily_domains").await, 6);
    assert_eq!(decisions(&bench.store).await, [2, 14, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_kept_and_flagged() {
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&[report("r1", 3)]).await;
    bench.run_until_empty().await;
    bench.send(&[report("r1", 2), report("r1", 2)]).await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(tables(store).await, [2, 5, 0, 0, 0]);
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports WHERE conflict").await, 1);
    assert_eq!(decisions(store).await, [1, 1, 1]);
}

/// The worst crash: after the last row and before the segment goes, with the decisions lost or kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_done_again_changes_nothing() {
    for keeps_decisions in [false, true] {
        let mut bench = Bench::new(Engine::shared()).await;
        bench.send(&[report("r1", 3), report("r1", 3), tls_report(), failure_report()]).await;
        let copy = bench.copy_of_spool();
        if keeps_decisions {
            // Decided, and then the daemon died: the store was away all the time after.
            bench.take_away("aggregate_reports").await;
            bench.run_until(|bench| bench.has_decisions()).await;
            bench.bring_back("aggregate_reports").await;
        }
        bench.run_until_empty().await;
        let before = everything(&bench.store).await;
        bench.restore(&copy).await;
        bench.run_until_empty().await;
        assert_eq!(everything(&bench.store).await, before);
        assert_eq!(tables(&bench.store).await, [1, 3, 1, 1, 1]);
        assert_eq!(number(&bench.store, "SELECT sum(records) FROM daily_domains").await, 3);
        assert_eq!(decisions(&bench.store).await, [3, 1, 0]);
    }
}

/// The daemon stops while each of the tables in turn does not take its rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_can_stop_at_any_table() {
    for table in
        ["aggregate_records", "daily_sources", "tls_policies", "failure_reports", "deliveries", "messages"]
    {
        let engine = Engine::shared();
        let proxy = Proxy::start(&engine.url).await;
        let bench = Bench::over(proxy.store(engine.settings()).await);
        bench.send(&[report("r1", 3), tls_report(), failure_report()]).await;
        bench.take_away(table).await;
        proxy.make(Trouble::No);
        bench.run_until(|_| proxy.troubled() >= 2).await;
        assert_eq!(bench.backlog().segments, 1, "{table}: the segment waits");
        bench.bring_back(table).await;
        bench.run_until_empty().await;
        assert_eq!(tables(&bench.store).await, [1, 3, 1, 1, 1], "{table}");
        assert_eq!(number(&bench.store, "SELECT sum(records) FROM daily_domains").await, 3, "{table}");
        assert_eq!(number(&bench.store, "SELECT sum(records) FROM daily_sources").await, 3, "{table}");
        assert_eq!(number(&bench.store, "SELECT count() FROM messages FINAL").await, 3, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_message_that_clickhouse_refuses_goes_to_quarantine() {
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&(0..20).map(|n| report(&format!("r{n}"), 3)).collect::<Vec<_>>()).await;
    // As if the data of one report could not be stored: by its reporter's id, in one table of two.
    bench.query("ALTER TABLE aggregate_reports ADD CONSTRAINT c CHECK report_id != 'r13'").await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(tables(store).await, [19, 57, 0, 0, 0], "nothing of it is left anywhere");
    assert_eq!(number(store, "SELECT sum(records) FROM daily_domains").await, 57);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_sources").await, 57);
    assert_eq!(decisions(store).await, [19, 0, 0]);
    let told = "SELECT count() FROM messages WHERE outcome = 'quarantined' AND reason LIKE '%469%'";
    assert_eq!(number(store, told).await, 1, "with the server's words");
    assert_eq!(bench.backlog().quarantined, 1);
    // Mended, it comes again and is new.
    bench.query("ALTER TABLE aggregate_reports DROP CONSTRAINT c").await;
    bench.requeue().await;
    assert_eq!(tables(store).await, [20, 60, 0, 0, 0]);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_domains").await, 60);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_sources").await, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requeued_mail_has_one_row_of_messages() {
    let bench = Bench::new(Engine::shared()).await;
    let store = &bench.store;
    bench.send(&["Subject: a song\r\n\r\nla la la\r\n".to_owned(), report("r1", 3)]).await;
    bench.run_until_empty().await;
    let rows = "SELECT count() FROM messages";
    assert_eq!(number(store, rows).await, 2);
    // It is still a song the second and the third time.
    for _ in 0..2 {
        bench.requeue_and(|bench| bench.backlog().segments == 0 && bench.backlog().quarantined == 1).await;
        assert_eq!(number(store, rows).await, 2, "its row is that of its last time through");
        assert_eq!(number(store, "SELECT count() FROM messages WHERE outcome = 'rejected'").await, 1);
        assert_eq!(number(store, "SELECT uniqExact(segment) FROM messages").await, 2);
    }
    assert_eq!(tables(store).await, [1, 3, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_column_does_not_block_the_queue() {
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&[report("r1", 3), tls_report()]).await;
    bench.query("ALTER TABLE aggregate_reports DROP COLUMN generator").await;
    bench.run_until_empty().await;
    let store = &bench.store;
    assert_eq!(tables(store).await, [0, 0, 1, 1, 0]);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_domains").await, 0);
    assert_eq!(bench.backlog().quarantined, 1);
    bench.query("ALTER TABLE aggregate_reports ADD COLUMN generator LowCardinality(Nullable(String))").await;
    bench.requeue().await;
    assert_eq!(tables(store).await, [1, 3, 1, 1, 0]);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_domains").await, 3);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_sources").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_proves_too_little_can_be_held_back() {
    let mut bench = Bench::new(Engine::shared()).await;
    bench.require = Require::Authenticated;
    bench.send(&[report("r1", 3)]).await;
    bench.run_until_empty().await;
    assert_eq!(tables(&bench.store).await, [0, 0, 0, 0, 0]);
    let told = "SELECT count() FROM messages WHERE outcome = 'quarantined' AND code = 'not_authenticated'";
    assert_eq!(number(&bench.store, told).await, 1);
    assert_eq!(number(&bench.store, "SELECT count() FROM deliveries").await, 0);
    assert_eq!(bench.backlog().quarantined, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_store_so_much_a_day_and_the_rest_waits() {
    let mut bench = Bench::new(Engine::shared()).await;
    // Senders without any record: without DNS nothing is verified, and everybody is believed.
    let dns = dns::Dns::serve("").await;
    bench.dns = Some(dns.settings());
    bench.stranger_rows = 10;
    // Four rows each: three records, and the report itself.
    bench.send(&[report("r1", 3), report("r2", 3), report("r3", 3), report("r1", 3)]).await;
    bench.run_until_empty().await;
    assert_eq!(tables(&bench.store).await[..2], [2, 6]);
    let told = "SELECT count() FROM messages WHERE outcome = 'quarantined' AND code = 'stranger_quota' AND records = 0";
    let kept = number(&bench.store, told).await;
    assert_eq!(bench.backlog().quarantined, u64::try_from(kept).unwrap(), "kept, with the reason");
    let clients = bench.store.reporting_clients(uuid::Uuid::nil()).await.unwrap();
    assert_eq!(clients.len(), 1);
    assert_eq!(
        (clients[0].client.to_canonical().to_string().as_str(), clients[0].records),
        ("192.0.2.25", 6)
    );
    assert!(!clients[0].is_believed);

    // Another start of the program does not begin anew.
    bench.send(&[report("r4", 8)]).await;
    bench.run_until_empty().await;
    assert_eq!(tables(&bench.store).await[..2], [2, 6]);
    assert_eq!(number(&bench.store, told).await, kept + 1);

    // One mail of many rows is withheld whole, TLS reports by their failures too.
    let failures = r#"{"result-type":"certificate-expired","failed-session-count":1},"#.repeat(20);
    let tls = tls_report().replace(r#"{"result-type""#, &format!(r#"{failures}{{"result-type""#));
    bench.send(&[report("r5", 5000), tls]).await;
    bench.run_until_empty().await;
    assert_eq!(tables(&bench.store).await, [2, 6, 0, 0, 0]);

    // With another setting all of it is stored, once.
    bench.stranger_rows = 100_000;
    bench.requeue().await;
    assert_eq!(tables(&bench.store).await, [5, 3 * 3 + 8 + 5000, 1, 21, 0]);
    assert_eq!(number(&bench.store, "SELECT sum(records) FROM daily_domains").await, 3 * 3 + 8 + 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn networks_of_genuine_reports_are_known_after_a_start() {
    let bench = Bench::new(Engine::shared()).await;
    bench
        .query(
            "INSERT INTO messages (day, received_at, segment, number, verdict, client_ip, records) VALUES \
             (today() - 1, now(), toUUID('00000000-0000-7000-8000-000000000001'), 0, 'genuine', '::ffff:198.51.100.1', 5), \
             (today() - 1, now(), toUUID('00000000-0000-7000-8000-000000000002'), 0, 'genuine', '::ffff:203.0.113.1', 5), \
             (today() - 9, now(), toUUID('00000000-0000-7000-8000-000000000003'), 0, 'genuine', '2001:db8::1', 5)",
        )
        .await;
    // A domain of one's own passes DMARC too: what counts is that the reporter is believed.
    bench
        .query(
            "INSERT INTO deliveries (report_key, segment, number, verdict, standing, received_at) VALUES \
             (generateUUIDv4(), toUUID('00000000-0000-7000-8000-000000000001'), 0, 'genuine', 'known', now()), \
             (generateUUIDv4(), toUUID('00000000-0000-7000-8000-000000000002'), 0, 'genuine', 'stranger', now()), \
             (generateUUIDv4(), toUUID('00000000-0000-7000-8000-000000000003'), 0, 'genuine', 'known', now() - INTERVAL 9 DAY)",
        )
        .await;
    bench.run_until(|bench| bench.known.contains("198.51.100.200".parse().unwrap())).await;
    assert!(!bench.known.contains("203.0.113.1".parse().unwrap()), "a stranger");
    assert!(!bench.known.contains("2001:db8::1".parse().unwrap()), "too long ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_nothing_but_time() {
    let mut engine = Engine::start();
    let bench = Bench::new(&engine).await;
    bench.send(&[report("r1", 3)]).await;
    bench.run_until_empty().await;
    engine.kill();
    for n in 2..6 {
        bench.send(&[report(&format!("r{n}"), 3), report("r1", 3)]).await;
    }
    let running = bench.start();
    engine.refuse_connections(3).await;
    assert_eq!(bench.backlog().segments, 4, "everything waits");
    engine.restart();
    bench.wait_until_empty().await;
    running.stop().await;
    assert_eq!(tables(&bench.store).await, [5, 15, 0, 0, 0]);
    assert_eq!(number(&bench.store, "SELECT sum(records) FROM daily_domains").await, 15);
    assert_eq!(decisions(&bench.store).await, [5, 4, 0]);
}

/// Many blocks, under an engine that is killed again and again.
#[tokio::test(flavor = "multi_thread")]
async fn kills_of_the_engine_lose_and_double_nothing() {
    let mut engine = Engine::start();
    let bench = Bench::new(&engine).await;
    for n in 0..12 {
        bench.send(&[report(&format!("a{n}"), 8000), report(&format!("b{n}"), 10)]).await;
    }
    let running = bench.start();
    let rows = "SELECT count() FROM aggregate_records";
    let mut seen = 0;
    for kill in 0..6 {
        // In the midst of an insert and right behind one, in turn.
        until_async("the moment to kill", async || match kill % 2 {
            _ if bench.backlog().segments == 0 => true,
            0 => number(&bench.store, INSERTS_UNDER_WAY).await > 0,
            _ => number(&bench.store, rows).await > seen,
        })
        .await;
        seen = number(&bench.store, rows).await;
        engine.kill();
        engine.restart();
    }
    bench.wait_until_empty().await;
    running.stop().await;
    let store = &bench.store;
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports FINAL").await, 24);
    assert_eq!(number(store, "SELECT count() FROM aggregate_records FINAL").await, 12 * 8010);
    assert_eq!(
        number(store, "SELECT count() FROM aggregate_records").await,
        12 * 8010,
        "nor was a block sent twice"
    );
    assert_eq!(number(store, "SELECT sum(records) FROM daily_domains").await, 12 * 8010);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_sources").await, 12 * 8010);
    assert_eq!(decisions(store).await, [24, 0, 0]);
}

const INSERTS_UNDER_WAY: &str =
    "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO aggregate%'";

/// Rows of the five tables of reports.
async fn tables(store: &Store) -> [i64; 5] {
    let mut counts = [0; 5];
    let tables =
        ["aggregate_reports", "aggregate_records", "tls_policies", "tls_failures", "failure_reports"];
    for (count, table) in counts.iter_mut().zip(tables) {
        *count = number(store, &format!("SELECT count() FROM {table}")).await;
    }
    counts
}

/// Deliveries that were stored, duplicates and conflicts.
async fn decisions(store: &Store) -> [i64; 3] {
    let mut counts = [0; 3];
    for (count, decision) in counts.iter_mut().zip(["stored", "duplicate", "conflict"]) {
        *count =
            number(store, &format!("SELECT count() FROM deliveries WHERE decision = '{decision}'")).await;
    }
    counts
}

/// A number that changes with any row of any table.
async fn everything(store: &Store) -> Vec<i64> {
    let mut sums = Vec::new();
    let tables = [
        "aggregate_reports",
        "aggregate_records",
        "tls_policies",
        "tls_failures",
        "failure_reports",
        "deliveries",
        "messages",
    ];
    for table in tables {
        sums.push(
            number(store, &format!("SELECT reinterpretAsInt64(sum(cityHash64(*))) FROM {table}")).await,
        );
    }
    for rollup in ["daily_domains", "daily_sources"] {
        sums.push(number(store, &format!("SELECT sum(messages * 1000 + records) FROM {rollup}")).await);
    }
    sums
}
