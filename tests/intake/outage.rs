//! ClickHouse as it is on bad days: slow, read-only, failing after it has stored. A dead one is in the other tests.

use std::time::Duration;

use ruad::store::Settings;

use crate::{
    bench::{Bench, report},
    decisions,
    engine::{Engine, number},
    proxy::{Proxy, Trouble},
    tables,
    wait::until_async,
};

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_never_come_cost_nothing_but_time() {
    goes_on_after(Trouble::Silence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_is_waited_for() {
    goes_on_after(Trouble::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_rows_went_in_doubles_nothing() {
    let (bench, proxy) = behind_proxy().await;
    proxy.make(Trouble::LostAnswers);
    bench.run_until_empty().await;
    // Five reports, their records, the ledger and the messages, each at least once in vain.
    assert!(proxy.troubled() >= 8, "{}", proxy.troubled());
    holds_everything_once(&bench).await;
}

async fn goes_on_after(trouble: Trouble) {
    let (bench, proxy) = behind_proxy().await;
    proxy.make(trouble);
    let running = bench.start();
    until_async("some attempts", async || proxy.troubled() >= 3).await;
    let backlog = bench.backlog();
    assert_eq!((backlog.segments, backlog.quarantined), (3, 0), "everything waits, nobody is blamed");
    assert!(backlog.bytes > 0 && backlog.oldest.is_some());
    proxy.make(Trouble::No);
    bench.wait_until_empty().await;
    running.stop().await;
    holds_everything_once(&bench).await;
}

async fn holds_everything_once(bench: &Bench) {
    let store = &bench.store;
    assert_eq!(tables(store).await, [5, 5 * 40, 0, 0, 0]);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_domains").await, 5 * 40);
    assert_eq!(number(store, "SELECT sum(records) FROM daily_sources").await, 5 * 40);
    assert_eq!(decisions(store).await, [5, 1, 0]);
    assert_eq!(number(store, "SELECT count() FROM messages").await, 6);
    assert_eq!(bench.backlog().quarantined, 0);
}

/// Three segments with five reports, one of them twice, that nobody has begun to store.
async fn behind_proxy() -> (Bench, Proxy) {
    let engine = Engine::shared();
    let proxy = Proxy::start(&engine.url).await;
    let settings = Settings { insert_timeout: Duration::from_secs(1), ..engine.settings() };
    let bench = Bench::over(proxy.store(settings).await);
    bench.send(&[report("r1", 40), report("r2", 40)]).await;
    bench.send(&[report("r3", 40), report("r1", 40)]).await;
    bench.send(&[report("r4", 40), report("r5", 40)]).await;
    (bench, proxy)
}
