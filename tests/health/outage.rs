//! What is away comes back, and nothing is lost or made up meanwhile.

use std::time::Duration;

use crate::{
    engine::{Engine, number},
    world::{OFTEN, ONE_HOST, OTHER_HOST, World, wait},
};

#[tokio::test]
async fn clickhouse_may_be_away_for_a_while() {
    let mut engine = Engine::start();
    let store = engine.store().await;
    let world = World::new(ONE_HOST).await;
    let running = world.start(OFTEN, Some(&store));
    let settled = "SELECT count() FROM dns_checks WHERE check = 'mx' AND settled";
    wait("the first state", async || number(&store, settled).await > 0).await;
    engine.kill();
    world.dns.replace(OTHER_HOST);
    let looks = || world.dns.questions().len();
    let before = looks();
    wait("examinations all the same", async || looks() > before + 50).await;
    engine.restart();
    let events = "SELECT count() FROM domain_events WHERE kind = 'mx.changed'";
    wait("the event", async || number(&store, events).await == 1).await;
    running.stop().await;
    assert_eq!(number(&store, events).await, 1);
}

#[tokio::test]
async fn a_dead_resolver_is_not_stormed() {
    let world = World::new("; silent: \n").await;
    let names: Vec<_> = (0..40).map(|n| format!("d{n}.example")).collect();
    world.list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let store = Engine::shared().store().await;
    let running = world.start(Duration::from_secs(2), Some(&store));
    let answered = || running.metrics().matches("last_check_success_timestamp_seconds{").count();
    let unknown = "check=\"mx\",status=\"unknown\"} 1";
    wait("the first silence", async || running.metrics().matches(unknown).count() >= 12).await;
    // One at a time from here on, and each with the one question that tries whether anybody answers.
    let before = world.dns.questions().len();
    let count = |asked: &[String]| {
        asked
            .iter()
            .filter_map(|line| line.strip_suffix(".example NS"))
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    wait("a few more", async || count(&world.dns.questions()[before..]) >= 3).await;
    assert_eq!(answered(), 0);
    world.dns.replace("");
    wait("all of them", async || answered() == names.len()).await;
    running.stop().await;
}
