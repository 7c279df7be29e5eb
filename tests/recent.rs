//! What ClickHouse holds of the last days, as metrics of a process that has just started.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests share their tools")]

#[path = "support/engine.rs"]
mod engine;

use engine::Engine;
use ruad::{recent::Recent, store::Store};

async fn run(store: &Store, statement: &str) {
    store.client().query_raw(statement).execute().await.unwrap();
}

#[tokio::test]
async fn steady_reporters_and_the_events_of_a_week() {
    let store = Engine::shared().store().await;
    // One writes every day but the last three, one did until twenty days ago, one has begun lately, one is forged, and one nobody knows.
    for (reporter, verdict, from, to) in [
        ("steady.example", "genuine", 3, 30),
        ("steady.example", "forged", 0, 2),
        ("stopped.example", "genuine", 20, 30),
        ("new.example", "genuine", 0, 5),
        ("forged.example", "forged", 0, 30),
        ("unknown.example", "unknown", 0, 30),
    ] {
        run(
            &store,
            &format!(
                "INSERT INTO aggregate_reports (policy_domain, day, reporter, verdict, report_key, content_hash, received_at, messages) \
                 SELECT 'a.example', today() - number, '{reporter}', '{verdict}', generateUUIDv4(), generateUUIDv4(), \
                    toDateTime64(today() - number, 3, 'UTC') + 3600, 10 \
                 FROM numbers({from}, {to} - {from})"
            ),
        )
        .await;
    }
    run(
        &store,
        "INSERT INTO domain_events (domain, id, seen_at, confirmed_at, group_name, check, kind, severity, subject, text) \
         SELECT domain, generateUUIDv4(), at, at, 'before', 'dmarc', kind, 'info', subject, 'x' FROM VALUES( \
            'domain String, kind String, subject String, at DateTime(''UTC'')', \
            ('a.example', 'sender.new', 'net:AS64500', now() - 600), \
            ('a.example', 'sender.new', 'net:AS64500', now() - 86400), \
            ('a.example', 'score.fell', '', now() - 8 * 86400), \
            ('b.example', 'score.fell', '', now() - 600))",
    )
    .await;
    let many = "INSERT INTO domain_events (domain, id, seen_at, confirmed_at, kind, subject) \
                SELECT 'c.example', generateUUIDv4(), now() - 10 - number, now(), 'dkim.key_gone', toString(number) FROM numbers(90)";
    run(&store, many).await;

    let text = "[[group]]\nname = \"acme\"\ndomains = [\"a.example\", \"c.example\"]\n";
    let registry = ruad_registry::Registry::parse(text, "domains.toml").unwrap();
    let recent = Recent::new(ruad_registry::Shared::fixed(registry));
    recent.refresh(&store).await.unwrap();
    let page: String = recent.metrics().collect();
    let series = |start: &str| page.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();

    let last = engine::number(&store, "SELECT toUnixTimestamp(toDateTime(today() - 3, 'UTC') + 3600)").await;
    assert_eq!(
        series("ruad_reporter_last_report_timestamp_seconds{"),
        [format!("ruad_reporter_last_report_timestamp_seconds{{reporter=\"steady.example\"}} {last}")]
    );
    let newest = "SELECT toUnixTimestamp(max(seen_at)) FROM domain_events WHERE domain = 'a.example'";
    let newest = engine::number(&store, newest).await;
    let a = "ruad_domain_event_timestamp_seconds{domain=\"a.example\",group=\"acme\",kind=\"sender.new\",subject=\"net:AS64500\"}";
    assert_eq!(series("ruad_domain_event_timestamp_seconds{domain=\"a.example\""), [format!("{a} {newest}")]);
    assert!(!page.contains("b.example"), "{page}");
    let shown = series("ruad_domain_event_timestamp_seconds{domain=\"c.example\"");
    assert_eq!(shown.len(), 50);
    assert!(shown[0].contains("subject=\"0\"") && shown[49].contains("subject=\"49\""), "{shown:?}");
}
