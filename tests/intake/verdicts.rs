//! The best proven copy of a report counts, whichever comes first and whatever stops in between.

use ruad::store::{Settings, Store};

use crate::{
    bench::{Bench, failure_report, report, tls_report},
    dns::Dns,
    engine::{Engine, number},
    proxy::{Proxy, Trouble},
    tables,
    wait::until_async,
};

/// The reporter sends from one address; whoever sends in its name from another is a forger.
const ZONE: &str = "\
reporter.example. IN TXT \"v=spf1 ip4:192.0.2.25 -all\"
_dmarc.reporter.example. IN TXT \"v=DMARC1; p=reject\"
";

const REPORTER: &str = "192.0.2.25";
const FORGER: &str = "203.0.113.66";

async fn verifying(store: Store) -> (Bench, Dns) {
    let dns = Dns::serve(ZONE).await;
    let mut bench = Bench::over(store);
    bench.dns = Some(dns.settings());
    (bench, dns)
}

/// How copies come to be decided.
#[derive(Clone, Copy, Debug)]
enum Layout {
    OneSegment,
    SegmentsAtOnce,
    OneAfterTheOther,
}

async fn take(bench: &Bench, layout: Layout, copies: &[(&str, String)]) {
    match layout {
        Layout::OneSegment => bench.send_by(copies).await,
        Layout::SegmentsAtOnce => {
            for copy in copies {
                bench.send_by(std::slice::from_ref(copy)).await;
            }
        }
        Layout::OneAfterTheOther => {
            for copy in copies {
                bench.send_by(std::slice::from_ref(copy)).await;
                bench.run_until_empty().await;
            }
        }
    }
    bench.run_until_empty().await;
}

const LAYOUTS: [Layout; 3] = [Layout::OneSegment, Layout::SegmentsAtOnce, Layout::OneAfterTheOther];

#[tokio::test(flavor = "multi_thread")]
async fn the_best_copy_counts_whichever_comes_first() {
    let (bench, _dns) = verifying(Engine::shared().store().await).await;
    let mut reports = 0;
    for layout in LAYOUTS {
        for clients in [[FORGER, REPORTER], [REPORTER, FORGER]] {
            reports += 1;
            let mail = report(&format!("r{reports}"), 3);
            take(&bench, layout, &clients.map(|client| (client, mail.clone()))).await;
            assert_eq!(tables(&bench.store).await, [reports, 3 * reports, 0, 0, 0], "{layout:?} {clients:?}");
            only_the_best(&bench.store).await;
        }
    }
    for mail in [tls_report(), failure_report()] {
        take(&bench, Layout::OneAfterTheOther, &[FORGER, REPORTER].map(|client| (client, mail.clone())))
            .await;
    }
    assert_eq!(tables(&bench.store).await, [reports, 3 * reports, 1, 1, 1]);
    only_the_best(&bench.store).await;
    assert_eq!(bench.backlog().quarantined, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_content_stands_beside_a_genuine_report() {
    let (bench, _dns) = verifying(Engine::shared().store().await).await;
    let store = &bench.store;
    let mut reports = 0;
    for layout in LAYOUTS {
        for genuine_first in [false, true] {
            reports += 1;
            let id = format!("r{reports}");
            let mut copies = [(FORGER, report(&id, 9)), (REPORTER, report(&id, 3))];
            if genuine_first {
                copies.reverse();
            }
            take(&bench, layout, &copies).await;
            assert_eq!(tables(store).await, [reports, 3 * reports, 0, 0, 0], "{layout:?} {genuine_first}");
            only_the_best(store).await;
            // What came first and was forged is stored, and then taken out; else its mail is kept.
            let kept = "SELECT count() FROM messages WHERE code = 'outranked' AND outcome = 'quarantined'";
            let withdrawn = "SELECT count() FROM withdrawn_aggregate_reports";
            let (kept, withdrawn) = (number(store, kept).await, number(store, withdrawn).await);
            assert_eq!((kept + withdrawn, bench.backlog().quarantined), (reports, kept as u64), "{layout:?}");
        }
    }
}

/// Two receivers: what one has decided and not yet stored is worse than what the other stores meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_worse_copy_under_way_in_another_receiver_loses_its_place() {
    let engine = Engine::shared();
    let proxy = Proxy::start(&engine.url).await;
    let settings = engine.settings();
    let (slow, _dns) = verifying(proxy.store(settings.clone()).await).await;
    let (fast, _other) =
        verifying(Store::connect(&Settings { url: Some(engine.url.clone()), ..settings }).unwrap()).await;
    for other_content in [false, true] {
        let id = format!("r{other_content}");
        proxy.make(Trouble::ReadOnly);
        slow.send_by(&[(FORGER, report(&id, if other_content { 9 } else { 3 }))]).await;
        let running = slow.start();
        until_async("an attempt to store", async || proxy.troubled() >= 1).await;
        fast.send_by(&[(REPORTER, report(&id, 3))]).await;
        fast.run_until_empty().await;
        proxy.make(Trouble::No);
        slow.wait_until_empty().await;
        running.stop().await;
        only_the_best(&fast.store).await;
    }
    assert_eq!(tables(&fast.store).await, [2, 6, 0, 0, 0]);
}

/// An engine that is killed again and again while worse copies lose their places.
#[tokio::test(flavor = "multi_thread")]
async fn kills_of_the_engine_leave_the_best_copies() {
    let mut engine = Engine::start();
    let (bench, _dns) = verifying(engine.store().await).await;
    for n in 0..4 {
        let (id, other) = (format!("r{n}"), if n % 2 == 0 { 40 } else { 41 });
        bench.send_by(&[(FORGER, report(&id, other))]).await;
        bench.send_by(&[(REPORTER, report(&id, 40))]).await;
    }
    let running = bench.start();
    let changes = "SELECT count() FROM report_corrections";
    for _ in 0..3 {
        let before = number(&bench.store, changes).await;
        until_async("the moment to kill", async || {
            bench.backlog().segments == 0 || number(&bench.store, changes).await > before
        })
        .await;
        engine.kill();
        engine.restart();
    }
    bench.wait_until_empty().await;
    running.stop().await;
    assert_eq!(tables(&bench.store).await, [4, 4 * 40, 0, 0, 0]);
    only_the_best(&bench.store).await;
}

/// Every row has the best verdict that its mail can have, and the sums are those of the rows.
async fn only_the_best(store: &Store) {
    // SPF proves a TLS report no more than unknown.
    for (table, best) in [
        ("aggregate_reports", "genuine"),
        ("aggregate_records", "genuine"),
        ("tls_policies", "unknown"),
        ("tls_failures", "unknown"),
        ("failure_reports", "genuine"),
    ] {
        let others = format!("SELECT count() FROM {table} WHERE verdict != '{best}'");
        assert_eq!(number(store, &others).await, 0, "{table}");
    }
    let rows = number(store, "SELECT sum(count) FROM aggregate_records").await;
    for table in ["daily_domains", "daily_sources"] {
        let sum = format!("SELECT sum(messages) FROM {table} WHERE verdict = 'genuine'");
        assert_eq!(number(store, &sum).await, rows, "{table}");
        let others = format!(
            "SELECT count() FROM (SELECT verdict, day FROM {table} WHERE verdict != 'genuine' \
             GROUP BY verdict, day HAVING sum(messages) != 0 OR sum(records) != 0)"
        );
        assert_eq!(number(store, &others).await, 0, "{table}");
    }
}
