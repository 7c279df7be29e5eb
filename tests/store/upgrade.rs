//! A database that was made before reports could be taken out and reporters had a standing (migrations 1 to 9), with rows in
//! it: after the migration it is one like any other, and its rows say what they said.

use super::{agreement::differences, *};

/// The statements of that time for one server, with the retention of the settings' default.
const BEFORE: &str = include_str!("../fixtures/schema/9.sql");

#[tokio::test]
async fn a_database_of_nine_migrations_is_brought_up_to_date() {
    let settings = Engine::shared().settings();
    let store = Store::connect(&settings).unwrap();
    let run = async |statement: &str| {
        let outcome = store.client().query_raw(statement).execute().await;
        outcome.unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    for statement in BEFORE.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        run(&statement.replace("{database}", &settings.database)).await;
    }
    run("INSERT INTO schema_migrations (version, name, applied_at, program) SELECT number + 1, 'x', now(), '0.1.0' FROM numbers(9)")
        .await;
    let common = "'a.example' AS policy_domain, toDate(now()) - 1 AS day, 'acme' AS group_name, 'google.com' AS reporter, \
                  if(number = 3, 'unknown', 'genuine') AS verdict, toUUID('00000000-0000-0000-0000-000000000007') AS report_key, \
                  report_key AS content_hash, now() AS received_at, 9 AS precedence";
    for statement in [
        format!(
            "INSERT INTO aggregate_records ({COMMON}, record, source_ip, count, disposition, dkim_aligned, spf_aligned, dmarc_pass, \
             header_from) SELECT {common}, number, toIPv6(concat('192.0.2.', toString(number))), 10 + number, 'none', \
             number % 2, 0, number % 2, ['a.example', 'Mail.A.example', 'b.example'][number % 3 + 1] FROM numbers(4)"
        ),
        format!(
            "INSERT INTO aggregate_reports ({COMMON}, records, messages, p) SELECT {common}, 4, 46, 'none' FROM numbers(1)"
        ),
        format!(
            "INSERT INTO tls_policies ({COMMON}, policy, policy_type, successful, failed) SELECT {common}, 0, 'sts', 8, 1 FROM numbers(1)"
        ),
        format!(
            "INSERT INTO tls_failures ({COMMON}, policy, failure) SELECT {common}, 0, 0 FROM numbers(1)"
        ),
        format!(
            "INSERT INTO failure_reports ({COMMON}, source_ip) SELECT {common}, toIPv6('192.0.2.1') FROM numbers(1)"
        ),
        "INSERT INTO deliveries (report_key, content_hash, segment, decision, kind, received_at, policy_domain, day, group_name, reporter, verdict, \
         records, messages) SELECT toUUID('00000000-0000-0000-0000-000000000007') AS k, k, k, 'stored', 'aggregate', now(), 'a.example', \
         toDate(now()) - 1, 'acme', 'google.com', 'genuine', 4, 46"
            .to_owned(),
        "INSERT INTO messages (day, received_at, group_name) VALUES (today(), now(), 'acme')".to_owned(),
        "INSERT INTO dns_checks (domain, check, checked_at, status) VALUES ('a.example', 'spf', now(), 'ok')".to_owned(),
        "INSERT INTO domain_stages (domain, day, computed_at, stage) VALUES ('a.example', today(), now(), 'none')".to_owned(),
        "INSERT INTO certificates (domain) VALUES ('a.example')".to_owned(),
        "INSERT INTO domain_steps (domain, code, computed_at, state) SELECT 'a.example', state, now(), state FROM \
         (SELECT arrayJoin(['open', 'later', 'undone', 'done', 'moot']) AS state)"
            .to_owned(),
        "INSERT INTO domain_senders (domain, sender, computed_at, rule) SELECT 'a.example', rule, now(), rule FROM \
         (SELECT arrayJoin(['drizzle_of_many', 'recipients_filter', 'approved']) AS rule)"
            .to_owned(),
        "INSERT INTO messages (day, segment, number, received_at, code, refused.code, refused.path, refused.message) \
         SELECT today(), generateUUIDv4(), 7, now(), 'deadly', ['deadly', 'dtd'], ['a', 'b'], ['', '']"
            .to_owned(),
    ] {
        run(&statement).await;
    }
    let rows = async || {
        let mut counts = Vec::new();
        for table in KEPT {
            counts.push((table, number(&store, &format!("SELECT count() FROM {table}")).await));
        }
        counts
    };
    let before = rows().await;
    assert!(before.iter().all(|(_, count)| *count > 0), "{before:?}");

    let applied: Vec<_> = store.migrate().await.unwrap().iter().map(|applied| applied.version).collect();
    assert_eq!(applied, [10, 11, 12, 13]);
    assert!(store.migrate().await.unwrap().is_empty());
    assert_eq!(rows().await, before);
    assert_eq!(differences(&store).await, [0, 0], "the rollups say what the records say");
    for (table, sum) in
        [("daily_domains", "messages"), ("daily_sources", "messages"), ("aggregate_records", "count")]
    {
        assert_eq!(number(&store, &format!("SELECT sum({sum}) FROM {table}")).await, 46, "{table}");
        let believed = format!("SELECT sum({sum}) FROM {table} WHERE believed");
        assert_eq!(number(&store, &believed).await, 33, "{table}: what is genuine is believed");
    }
    // What daily_sources_feed found then: 'Mail.A.example' is below the domain.
    assert_eq!(number(&store, "SELECT sum(subdomain) FROM daily_sources").await, 11);
    assert_eq!(number(&store, "SELECT sum(count) FROM aggregate_records WHERE subdomain").await, 11);

    let words = async |statement: &str| {
        let words: Vec<String> = store.client().query_raw(statement).fetch_all().await.unwrap();
        words.join(" ")
    };
    let states = "SELECT concat(code, '=', state) FROM domain_steps ORDER BY code";
    assert_eq!(words(states).await, "done=done later=blocked moot=obsolete open=open undone=regressed");
    let rules = "SELECT toString(rule) FROM domain_senders ORDER BY rule";
    assert_eq!(words(rules).await, "approved low_volume_scatter recipient_side_filter");
    let codes =
        "SELECT concat(code, ' ', arrayStringConcat(refused.code, ' ')) FROM messages WHERE number = 7";
    assert_eq!(words(codes).await, "parser_crash parser_crash dtd");

    // It is like one that this program made, so that the next migration has one schema to think of.
    let new = Engine::shared().store().await;
    assert_eq!(described(&store).await, described(&new).await);

    // And it goes on: a report comes in, and an old one is taken out again.
    insert(&store, &records(&Report { key: 8, content: 80, ..Report::default() }), "new").await.unwrap();
    assert_eq!(differences(&store).await, [0, 0]);
    assert_eq!(number(&store, "SELECT sum(messages) FROM daily_domains").await, 46 + 16);
}

/// Tables, views and columns, with all that ClickHouse says of them.
async fn described(store: &Store) -> Vec<String> {
    let query = "SELECT concat(table, '.', name, ' ', toString(position), ' ', type, ' ', default_kind, ' ', default_expression, ' ', \
                 comment, ' ', compression_codec, ' ', toString(is_in_sorting_key)) FROM system.columns WHERE database = currentDatabase() \
                 UNION ALL SELECT replaceAll(concat(name, ' ', engine_full, ' ', sorting_key, ' ', as_select, ' ', comment), \
                 currentDatabase(), 'ruad') FROM system.tables WHERE database = currentDatabase()";
    let mut rows: Vec<String> = store.client().query_raw(query).fetch_all().await.unwrap();
    rows.sort_unstable();
    rows
}

const COMMON: &str =
    "policy_domain, day, group_name, reporter, verdict, report_key, content_hash, received_at, precedence";

const KEPT: [&str; 12] = [
    "aggregate_records",
    "aggregate_reports",
    "tls_policies",
    "tls_failures",
    "failure_reports",
    "deliveries",
    "messages",
    "daily_domains",
    "daily_sources",
    "dns_checks",
    "domain_stages",
    "certificates",
];
