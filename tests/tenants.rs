//! What a customer's user sees: the statements on an engine, and their policies, grants and limits in force. The embedded engine does
//! not make users by statements, but it is started with users; so a customer's user gets what the statements would give it, and what
//! it then may do is ClickHouse's own answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should fail")]

#[path = "support/engine.rs"]
#[allow(dead_code, reason = "shared by several tests, each of which needs a part of it")]
mod engine;

use std::{fs, path::Path, process::Child};

use engine::launch;
use ruad::{
    engine::{Bound, OWNER, Policy, Quota, Setting, User},
    store::{Password, Settings, Store},
    tenants::{Access, LIMITS, Secret, TABLES},
};

const ACCESS: fn() -> Access<'static> = || Access::new("ruad", "ruad");

#[tokio::test]
async fn a_customer_sees_its_own_rows() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(folder.path(), None);
    let store = engine.store();
    store.migrate().await.unwrap();
    let statements = [
        ACCESS().shared(),
        ACCESS().of("acme", Secret::First("correct horse battery")),
        ACCESS().of("globex", Secret::Kept),
    ]
    .concat();
    for statement in &statements {
        let explained = format!("EXPLAIN AST {statement}");
        let outcome = store.client().query_raw(&explained).execute().await;
        outcome.unwrap_or_else(|error| unreachable!("{statement}: {error}"));
    }
    // Twice, as on a later day.
    for _ in 0..2 {
        for statement in statements.iter().take_while(|one| !one.starts_with("CREATE SETTINGS PROFILE")) {
            run(&store, statement).await;
        }
    }
    fill(&store).await;
    run(&store, "SYSTEM REFRESH VIEW ruad.tenant_domains_feed").await;
    run(&store, "SYSTEM WAIT VIEW ruad.tenant_domains_feed").await;
    let whose = "SELECT concat(domain, ' ', group_name) FROM tenant_domains ORDER BY domain";
    assert_eq!(
        texts(&store, whose).await.unwrap(),
        [
            "acme.example acme",
            "eu.acme.example globex",
            "globex.example globex",
            "mail.acme.example acme",
            // Listed under globex until yesterday, and its subdomain was never listed.
            "moved.example acme",
            "sub.moved.example acme",
            "www.eu.acme.example globex",
        ]
    );
    engine.stop();

    let acme = ["acme.example", "mail.acme.example", "moved.example", "sub.moved.example"];
    let globex = ["eu.acme.example", "globex.example", "www.eu.acme.example"];
    for (group, own, addresses) in
        [("acme", &acme[..], ["192.0.2.1", "192.0.2.2"]), ("globex", &globex, ["192.0.2.2", "192.0.2.3"])]
    {
        let engine = Engine::start(folder.path(), Some(group));
        let store = engine.store();
        for (table, column) in [
            ("daily_domains", "policy_domain"),
            ("daily_sources", "policy_domain"),
            ("tenant_domains", "domain"),
        ] {
            let seen = format!("SELECT DISTINCT toString({column}) AS d FROM {table} ORDER BY d");
            assert_eq!(texts(&store, &seen).await.unwrap(), own, "{group}: {table}");
        }
        for table in ["domain_stages", "domain_steps", "domain_senders", "domain_events"] {
            let seen = format!("SELECT DISTINCT toString(domain) AS d FROM {table} FINAL ORDER BY d");
            let listed: Vec<_> = own.iter().filter(|name| LISTED.contains(name)).collect();
            let seen = texts(&store, &seen).await.unwrap();
            assert_eq!(seen.iter().collect::<Vec<_>>(), listed, "{group}: {table}");
        }
        let seen = "SELECT replaceOne(toString(source_ip), '::ffff:', '') AS a FROM sources FINAL ORDER BY a";
        assert_eq!(texts(&store, seen).await.unwrap(), addresses, "{group}");

        for refused in [
            "SELECT toString(count()) FROM messages",
            "SELECT toString(count()) FROM deliveries",
            "SELECT toString(count()) FROM failure_reports",
            "SELECT toString(count()) FROM aggregate_records",
            "SELECT toString(digest) FROM domain_stages",
            "SELECT decision FROM domain_senders",
            "SELECT * FROM file('/etc/hostname', 'TSV', 'a String')",
            "INSERT INTO tenant_domains VALUES ('globex.example', 'acme')",
            "CREATE TABLE mine (a String) ENGINE = Memory",
            "SELECT '' SETTINGS max_rows_to_read = 0",
            "SELECT '' SETTINGS max_memory_usage = 0",
            "SELECT '' SETTINGS max_execution_time = 0",
            "SELECT '' SETTINGS max_execution_time = 61",
            "SELECT '' SETTINGS readonly = 0",
        ] {
            let answer = texts(&store, refused).await;
            assert!(answer.is_err(), "{group}: {refused} gave {answer:?}");
        }
        // As the data source does.
        assert_eq!(texts(&store, "SELECT 'x' SETTINGS max_execution_time = 30").await.unwrap(), ["x"]);
        customer_dashboard(&store, own).await;
        engine.stop();
    }
}

/// Every query of the dashboard "Customer", with its own words in place of the variables and macros.
async fn customer_dashboard(store: &Store, own: &[&str]) {
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/dashboards/grafana/customer.json")).unwrap();
    let mut queries = Vec::new();
    collect(&serde_json::from_str(&text).unwrap(), &mut queries);
    assert!(queries.len() > 12, "{}", queries.len());
    for query in queries {
        let sql = expand(&query);
        let rows = texts(store, &format!("SELECT toString(tuple(*)) FROM ({sql})")).await;
        let rows = rows.unwrap_or_else(|error| unreachable!("{sql}: {error}"));
        assert!(!rows.is_empty(), "{sql}");
        for name in LISTED.iter().filter(|name| !own.contains(name)) {
            let quoted = format!("'{name}'");
            assert!(!rows.iter().any(|row| row.contains(&quoted)), "{name} in {rows:?} of {sql}");
        }
    }
}

fn collect(value: &serde_json::Value, queries: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            let is_query = |text: &str| text.contains("SELECT ") && text.contains("FROM ");
            for (key, value) in object {
                match value.as_str() {
                    Some(text) if (key == "rawSql" || key == "query") && is_query(text) => {
                        queries.push(text.to_owned())
                    }
                    _ => collect(value, queries),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, queries)),
        _ => {}
    }
}

fn expand(query: &str) -> String {
    let mut sql = query.to_owned();
    for (name, dates) in [("$__dateFilter", true), ("$__timeFilter", false)] {
        while let Some((before, rest)) = sql.clone().split_once(name) {
            let (column, rest) = rest.strip_prefix('(').unwrap().split_once(')').unwrap();
            let (from, to) = if dates { ("today() - 30", "today()") } else { ("now() - 2592000", "now()") };
            sql = format!("{before}{column} BETWEEN {from} AND {to}{rest}");
        }
    }
    for variable in ["group", "domain", "reporter"] {
        sql = sql.replace(&format!("${{{variable}:singlequote}}"), "''");
    }
    sql = sql
        .replace("$__fromTime", "(now() - 2592000)")
        .replace("$__toTime", "now()")
        .replace("${genuine}", "all");
    assert!(!sql.contains('$'), "{sql}");
    sql
}

const LISTED: [&str; 4] = ["acme.example", "eu.acme.example", "globex.example", "moved.example"];

async fn fill(store: &Store) {
    let stages = [
        ("acme.example", "acme", 1),
        ("eu.acme.example", "globex", 1),
        ("globex.example", "globex", 1),
        ("moved.example", "globex", 2),
        ("moved.example", "acme", 1),
    ];
    for (domain, group, ago) in stages {
        run(
            store,
            &format!(
                "INSERT INTO domain_stages (domain, day, computed_at, group_name, stage, policy, messages, legitimate, threats) \
                 VALUES ('{domain}', today() - {ago}, now() - {ago} * 86400, '{group}', 'reject', 'reject', 9, 8, 1)"
            ),
        )
        .await;
    }
    for domain in LISTED {
        for statement in [
            format!(
                "INSERT INTO domain_steps (domain, code, computed_at, state, title, who) VALUES ('{domain}', 'x', now(), 'open', 'Do x', 'dns')"
            ),
            format!(
                "INSERT INTO domain_senders (domain, sender, computed_at, name, class, messages) \
                 VALUES ('{domain}', 'net:x', now(), 'X', 'aligned', 5)"
            ),
            format!(
                "INSERT INTO domain_events (domain, id, seen_at, confirmed_at, kind, severity, text) \
                 VALUES ('{domain}', generateUUIDv4(), now() - 60, now(), 'score.fell', 'warning', 'It fell.')"
            ),
        ] {
            run(store, &statement).await;
        }
    }
    for (domain, address) in [
        ("acme.example", 1),
        ("mail.acme.example", 2),
        ("eu.acme.example", 2),
        ("www.eu.acme.example", 3),
        ("globex.example", 3),
        ("moved.example", 1),
        ("sub.moved.example", 1),
        ("stranger.example", 4),
    ] {
        // All of it arrived for another customer.
        let of = format!("'{domain}', today() - 1, toStartOfMonth(today()), 'before'");
        run(
            store,
            &format!(
                "INSERT INTO daily_domains (policy_domain, day, received_month, group_name, reporter, verdict, disposition, messages, records) \
                 VALUES ({of}, 'google.com', 'genuine', 'reject', 7, 1)"
            ),
        )
        .await;
        run(
            store,
            &format!(
                "INSERT INTO daily_sources (policy_domain, day, received_month, group_name, source_ip, verdict, messages, records) \
                 VALUES ({of}, '192.0.2.{address}', 'genuine', 7, 1)"
            ),
        )
        .await;
    }
    run(store, "INSERT INTO sources (source_ip, reverse_name) SELECT concat('192.0.2.', toString(number + 1)), 'mail.globex.example' FROM numbers(4)").await;
    run(store, "INSERT INTO messages (day, received_at, group_name) VALUES (today(), now(), 'acme')").await;
}

async fn run(store: &Store, statement: &str) {
    let outcome = store.client().query_raw(statement).execute().await;
    outcome.unwrap_or_else(|error| unreachable!("{statement}: {error}"));
}

async fn texts(store: &Store, query: &str) -> Result<Vec<String>, clickhouse::error::Error> {
    store.client().query_raw(query).fetch_all().await
}

/// An engine; for a group, one that has its user too, which the store is.
struct Engine {
    process: Child,
    url: String,
    user: String,
    password: Password,
}

impl Engine {
    fn start(data: &Path, group: Option<&str>) -> Self {
        let file = data.with_extension("users");
        let users: Vec<_> = group.map(user).into_iter().collect();
        fs::write(&file, serde_json::to_string(&users).unwrap()).unwrap();
        let (process, address) = launch(data, "127.0.0.1:0", &["--users", file.to_str().unwrap()]);
        fs::remove_file(&file).unwrap();
        let url = format!("http://{address}");
        let password = group.map_or_else(|| engine::password(data, OWNER), |_| PASSWORD.to_owned().into());
        Self { process, url, user: group.map_or_else(|| OWNER.to_owned(), ruad::tenants::user), password }
    }

    fn store(&self) -> Store {
        let (user, password) = (Some(self.user.clone()), Some(self.password.clone()));
        Store::connect(&Settings { url: Some(self.url.clone()), user, password, ..Settings::default() })
            .unwrap()
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

/// A group's user with its policies, grants and limits.
fn user(group: &str) -> User {
    let policy = |table: &ruad::tenants::Table| Policy {
        database: "ruad".to_owned(),
        table: table.name.to_owned(),
        condition: table.condition("ruad", group),
    };
    let setting = |limit: &str| {
        let words: Vec<_> = limit.split_whitespace().map(str::to_owned).collect();
        let bound = match &words[3..] {
            [constant] if constant == "CONST" => Bound::Fixed,
            [_, least, _, most] => Bound::Between(least.clone(), most.clone()),
            _ => unreachable!("{limit}"),
        };
        Setting { name: words[0].clone(), value: words[2].clone(), bound }
    };
    let hash = ring::digest::digest(&ring::digest::SHA256, PASSWORD.as_bytes());
    User {
        name: ruad::tenants::user(group),
        password_sha256: Some(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()),
        grants: ACCESS().grants(),
        policies: TABLES.iter().map(policy).collect(),
        settings: LIMITS.split(',').map(setting).collect(),
        quota: Quota::default(),
    }
}

const PASSWORD: &str = "correct horse battery";
