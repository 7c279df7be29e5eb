//! The watch, without a daemon around it.

use ruad::health::Asked;

use crate::{
    engine::{Engine, number},
    world::{OFTEN, ONE_HOST, OTHER_HOST, SELDOM, World, texts, wait},
};

const MX_STATUS: &str =
    "ruad_domain_check_status{domain=\"domain.example\",group=\"acme\",check=\"mx\",status=\"";
const SETTLED: &str = "SELECT count() FROM dns_checks WHERE check = 'mx' AND settled";
const EVENTS: &str = "SELECT concat(kind, ' ', ifNull(old, '-'), ' -> ', ifNull(new, '-'), ' ', group_name) \
     FROM domain_events FINAL WHERE check = 'mx' ORDER BY seen_at";

#[tokio::test]
async fn a_change_becomes_an_event_and_a_restart_loses_nothing() {
    let store = Engine::shared().store().await;
    let world = World::new(ONE_HOST).await;
    let running = world.start(OFTEN, Some(&store));
    wait("the first state", async || number(&store, SETTLED).await > 0).await;
    assert!(running.metrics().contains(MX_STATUS));
    let checks = number(&store, "SELECT uniqExact(check) FROM dns_checks").await;
    assert_eq!(checks, 14);
    assert_eq!(number(&store, "SELECT count() FROM domain_events").await, 0, "the first state is no event");

    world.dns.replace(OTHER_HOST);
    let happened = "mx.changed 10 mx1.domain.example -> 10 mx2.domain.example acme";
    wait("the event", async || texts(&store, EVENTS).await == [happened]).await;
    let records = "SELECT concat(text, ' ', toString(min(first_seen) <= max(last_seen))) FROM dns_records \
         WHERE type = 'MX' GROUP BY text ORDER BY text";
    wait("both records", async || {
        texts(&store, records).await == ["10 mx1.domain.example 1", "10 mx2.domain.example 1"]
    })
    .await;
    let known =
        "SELECT count() FROM dns_checks WHERE check = 'mx' AND has(facts.value, '10 mx2.domain.example')";
    wait("the new state", async || number(&store, known).await > 0).await;
    running.stop().await;

    // It changes back while nobody looks.
    world.dns.replace(ONE_HOST);
    let running = world.start(OFTEN, Some(&store));
    let back = "mx.changed 10 mx2.domain.example -> 10 mx1.domain.example acme";
    wait("the second event", async || texts(&store, EVENTS).await == [happened, back]).await;
    running.stop().await;
    let again = world.start(OFTEN, Some(&store));
    let before = number(&store, SETTLED).await;
    wait("more examinations", async || number(&store, SETTLED).await > before + 1).await;
    again.stop().await;
    assert_eq!(texts(&store, EVENTS).await, [happened, back]);
}

/// An alert about a mechanism must not end because ruad was started again.
#[tokio::test]
async fn a_restart_shows_how_things_stood_before_it_looks() {
    let store = Engine::shared().store().await;
    let world = World::new(ONE_HOST).await;
    let running = world.start(SELDOM, Some(&store));
    wait("the first state", async || number(&store, "SELECT count() FROM dns_checks").await >= 14).await;
    let of_checks = |page: String| {
        let mut lines: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("ruad_domain_check_status{"))
            .map(str::to_owned)
            .collect();
        lines.sort_unstable();
        lines
    };
    let before = of_checks(running.metrics());
    assert!(before.iter().any(|line| line.starts_with(MX_STATUS)), "{before:?}");
    running.stop().await;

    let asked = world.dns.questions().len();
    let running = world.start(SELDOM, Some(&store));
    wait("what was known", async || !of_checks(running.metrics()).is_empty()).await;
    assert_eq!(of_checks(running.metrics()), before);
    assert_eq!(world.dns.questions().len(), asked, "nobody looked");
    running.stop().await;
}

#[tokio::test]
async fn a_domain_that_is_gone_leaves_nothing_behind() {
    let world = World::new(ONE_HOST).await;
    world.list(&["domain.example", "other.example"]);
    let store = Engine::shared().store().await;
    let running = world.start(SELDOM, Some(&store));
    let shows = |domain: &str| running.metrics().contains(&format!("status{{domain=\"{domain}\""));
    wait("both domains", async || shows("domain.example") && shows("other.example")).await;
    world.list(&["other.example", "third.example"]);
    wait("the new domain", async || shows("third.example")).await;
    assert!(!running.metrics().contains("domain=\"domain.example\""));
    assert!(shows("other.example"));
    assert_eq!(running.watch.ask("domain.example"), Asked::Unknown);
    world.list(&["domain.example"]);
    wait("its return", async || shows("domain.example")).await;
    running.stop().await;
}

#[tokio::test]
async fn whoever_asks_gets_a_fresh_look() {
    let world = World::new(ONE_HOST).await;
    let store = Engine::shared().store().await;
    let running = world.start(SELDOM, Some(&store));
    let looks = || world.dns.questions().iter().filter(|asked| *asked == "domain.example MX").count();
    wait("the first examination", async || running.metrics().contains(MX_STATUS)).await;
    let before = looks();
    assert_eq!(running.watch.ask("DOMAIN.example."), Asked::Queued);
    wait("another", async || looks() > before).await;
    assert_eq!(running.watch.ask("domain.example"), Asked::Busy);
    assert_eq!(running.watch.ask("mx1.domain.example"), Asked::Unknown);
    assert_eq!(running.watch.ask("no domain"), Asked::Unknown);
    running.stop().await;
}

/// A resolver that says once that there is no record says so again as long as it keeps the answer.
#[tokio::test]
async fn an_answer_that_may_be_a_copy_moves_nothing() {
    let store = Engine::shared().store().await;
    let policy = "_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:rua@domain.example\"\n";
    let world = World::new(&format!("{ONE_HOST}{policy}")).await;
    let running = world.start(OFTEN, Some(&store));
    let settled =
        "SELECT count() FROM dns_checks WHERE check = 'dmarc' AND settled AND has(facts.name, 'findings')";
    wait("the first state", async || number(&store, settled).await > 0).await;
    let status = |status: &str| {
        running.metrics().contains(&format!("group=\"acme\",check=\"dmarc\",status=\"{status}\"}} 1"))
    };
    assert!(status("ok"));
    let looks = || world.dns.questions().iter().filter(|asked| *asked == "_dmarc.domain.example TXT").count();
    let asked = looks();
    world.dns.replace(&ONE_HOST.replace("; ttl: 0", "; ttl: 300"));
    wait("many looks", async || looks() > asked + 10).await;
    assert!(status("ok"));
    // The record was there all the time; later it is gone, and what cannot be a copy is believed.
    let asked = looks();
    world.dns.replace(&format!("{ONE_HOST}{policy}"));
    wait("the truth again", async || looks() > asked + 3).await;
    world.dns.replace(ONE_HOST);
    wait("the new state", async || status("error")).await;
    let gone = "SELECT count() FROM domain_events WHERE kind = 'dmarc.record_gone'";
    wait("one event", async || number(&store, gone).await == 1).await;
    running.stop().await;
    assert_eq!(number(&store, gone).await, 1);
}
