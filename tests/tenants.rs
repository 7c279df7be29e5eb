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
    store::{Settings, Store},
    tenants::{Access, Secret},
};
use ruad_common::password::Password;
use ruad_engine::{OWNER, password_hash};

const ACCESS: fn() -> Access<'static> = || Access::new("ruad", "ruad");

#[tokio::test]
async fn a_customer_sees_its_own_rows() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(folder.path());
    let store = engine.owner();
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
        for statement in ACCESS().domains_statements().iter().chain(&ACCESS().view_statements()) {
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

    let acme = ["acme.example", "mail.acme.example", "moved.example", "sub.moved.example"];
    let globex = ["eu.acme.example", "globex.example", "www.eu.acme.example"];
    for (group, own, addresses) in
        [("acme", &acme[..], ["192.0.2.1", "192.0.2.2"]), ("globex", &globex, ["192.0.2.2", "192.0.2.3"])]
    {
        let store = engine.tenant(group);
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
            "SELECT '' SETTINGS readonly = 2",
            "SELECT '' SETTINGS max_untracked_memory = 1000000000000",
            "SELECT '' SETTINGS max_memory_usage_for_user = 0",
            "SELECT '' SETTINGS max_threads = 3",
            "SELECT '' SETTINGS function_sleep_max_microseconds_per_block = 3000000000",
        ] {
            let answer = texts(&store, refused).await;
            assert!(answer.is_err(), "{group}: {refused} gave {answer:?}");
        }
        // As the data source does.
        assert_eq!(texts(&store, "SELECT 'x' SETTINGS max_execution_time = 30").await.unwrap(), ["x"]);
        customer_dashboard(&store, own).await;
    }
    engine.stop();
}

/// Whatever ClickHouse has to read with: no answer and no error has a name of another customer in it. The lists are the engine's
/// own, so that what a new version brings is tried too.
#[tokio::test]
async fn no_statement_tells_of_another_customer() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(folder.path());
    let owner = engine.owner();
    owner.migrate().await.unwrap();
    for statement in ACCESS().domains_statements().iter().chain(&ACCESS().view_statements()) {
        run(&owner, statement).await;
    }
    fill(&owner).await;
    run(&owner, "TRUNCATE TABLE sources").await;
    run(&owner, "INSERT INTO sources (source_ip, reverse_name) VALUES ('192.0.2.1', 'host.example'), ('192.0.2.3', 'mail.globex.example')").await;
    run(&owner, "INSERT INTO daily_domains (policy_domain, day, received_month, group_name, reporter, verdict, messages) \
                 VALUES ('globex.example', today(), toStartOfMonth(today()), 'globex', 'secret-reporter', 'genuine', 918273645546)").await;
    run(&owner, "SYSTEM REFRESH VIEW ruad.tenant_domains_feed").await;
    run(&owner, "SYSTEM WAIT VIEW ruad.tenant_domains_feed").await;
    let tables = "daily_domains daily_sources domain_stages domain_steps domain_senders domain_events sources tenant_domains deliveries messages";
    let functions = texts(&owner, "SELECT name FROM system.table_functions ORDER BY name").await.unwrap();
    assert!(functions.len() > 60 && functions.iter().any(|name| name == "mergeTreeIndex"), "{functions:?}");
    let acme = engine.tenant("acme");
    let mut statements = Vec::new();
    for function in &functions {
        for table in ["daily_domains", "domain_steps", "tenant_domains"] {
            for database in ["ruad", "ruad_tenants"] {
                let arguments = [
                    format!("{database}, {table}"),
                    format!("'{database}', '{table}'"),
                    format!("{database}.{table}"),
                    format!("'{database}', '^{table}$'"),
                    format!("(SELECT * FROM {database}.{table})"),
                    format!("SELECT * FROM {database}.{table}"),
                    format!("'default', '{database}', '{table}'"),
                    format!("'127.0.0.1', '{database}', '{table}'"),
                    format!("'{database}.{table}'"),
                    format!("{database}, {table}, 'primary'"),
                    format!("{database}, {table}, with_marks = 1"),
                ];
                statements.extend(arguments.iter().map(|one| format!("SELECT * FROM {function}({one})")));
            }
        }
    }
    let system = "SELECT concat(database, '.`', name, '`') FROM system.tables \
                  WHERE database IN ('system', 'information_schema', 'INFORMATION_SCHEMA') ORDER BY name";
    // The owner sees the names of those that it may read; every name is tried all the same.
    let mut system = texts(&owner, system).await.unwrap();
    system.extend(SYSTEM_TABLES.split_whitespace().map(|name| format!("system.{name}")));
    assert!(system.len() > 80, "{}", system.len());
    statements.extend(system.iter().map(|table| format!("SELECT * FROM {table}")));
    for table in tables.split(' ') {
        let view = format!("ruad_tenants.{table}");
        let column = if table.starts_with("daily") { "policy_domain" } else { "domain" };
        for explain in [
            "EXPLAIN",
            "EXPLAIN PLAN indexes = 1, actions = 1",
            "EXPLAIN PIPELINE",
            "EXPLAIN SYNTAX",
            "EXPLAIN QUERY TREE",
            "EXPLAIN AST",
            "EXPLAIN ESTIMATE",
        ] {
            statements.push(format!("{explain} SELECT * FROM {view}"));
            statements.push(format!("SELECT * FROM ({explain} SELECT * FROM {view})"));
        }
        statements.extend([
            format!("SELECT throwIf({column} = 'globex.example', {column}) FROM {view}"),
            format!("SELECT * FROM {view} WHERE throwIf({column} LIKE '%globex%', 'seen 918273645546') = 0"),
            format!("SELECT * FROM {view} PREWHERE throwIf({column} LIKE '%globex%', 'seen 918273645546') = 0"),
            format!("SELECT * FROM {view} WHERE toUInt64(if({column} LIKE '%globex%', {column}, '1')) = 1"),
            format!("SELECT * FROM {view} FINAL WHERE throwIf({column} LIKE '%globex%', 'seen 918273645546') = 0 SETTINGS optimize_move_to_prewhere = 1"),
            format!("SELECT * FROM {view} SETTINGS additional_table_filters = {{'ruad.{table}': 'throwIf({column} LIKE \\'%globex%\\', \\'seen 918273645546\\') = 0'}}"),
            format!("SELECT max({column}), min({column}), count() FROM {view}"),
            format!("SELECT * FROM {view} ORDER BY {column} DESC LIMIT 1 SETTINGS query_plan_execute_functions_after_sorting = 0"),
            format!("SELECT _part, _partition_id, _part_uuid FROM ruad.{table}"),
            format!("SELECT _part FROM {view}"),
            format!("SHOW CREATE TABLE ruad.{table}"),
            format!("SHOW CREATE VIEW {view}"),
            format!("DESCRIBE TABLE ruad.{table}"),
            format!("SELECT dictGet('ruad.{table}', '{column}', 1)"),
            format!("SELECT * FROM {view} AS a ASOF JOIN ruad.{table} AS b USING ({column})"),
            format!("SELECT joinGet('ruad.{table}', '{column}', 1)"),
            format!("CHECK TABLE ruad.{table}"),
            format!("EXISTS ruad.{table}"),
            format!("BACKUP TABLE {view} TO File('x')"),
            format!("SELECT * FROM {view} INTO OUTFILE 'x'"),
        ]);
    }
    for list in [
        "USERS",
        "GRANTS",
        "ROW POLICIES",
        "QUOTAS",
        "SETTINGS PROFILES",
        "PROCESSLIST",
        "DATABASES",
        "TABLES FROM ruad",
        "TABLES FROM ruad_tenants",
        "DICTIONARIES",
        "CLUSTERS",
        "ACCESS",
        "CURRENT QUOTA",
        "GRANTS FOR tenant_globex",
        "CREATE USER tenant_globex",
        "CREATE ROW POLICY ruad_tenants ON ruad.daily_domains",
    ] {
        statements.push(format!("SHOW {list}"));
    }
    let client = acme.client();
    let mut answered = 0;
    for statement in &statements {
        let told = match client.query_raw(statement).fetch_bytes("TSVRaw") {
            Ok(mut cursor) => cursor.collect().await,
            Err(error) => Err(error),
        };
        let text = match &told {
            Ok(bytes) => {
                answered += 1;
                String::from_utf8_lossy(bytes).into_owned()
            }
            Err(error) => error.to_string(),
        };
        // What the statement itself says may stand in the answer. (Rows of a domain that moved keep the old group's name.)
        let text = text.replace(statement.as_str(), "");
        for secret in [
            "globex.example",
            "tenant_globex",
            "eu.acme",
            "stranger.example",
            "secret-reporter",
            "918273645546",
        ] {
            let is_said = statement.contains(secret);
            assert!(is_said || !text.contains(secret), "{secret}: {statement} gave {text}");
        }
        // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: a condition saw a row of another customer.
        let was_raised = statement.contains("throwIf") && text.contains("Code: 395");
        assert!(!was_raised, "{statement} gave {text}");
    }
    // Own rows, and what everybody may know.
    assert!(answered > 30, "{answered} of {}", statements.len());
    engine.stop();
}

/// Whether there is a customer of that name cannot be found out by guessing either: an answer about one is that about none.
/// (`SHOW GRANTS FOR` is ClickHouse's exception, which docs/tenants.md names.)
#[tokio::test]
async fn no_answer_tells_whether_a_customer_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(folder.path());
    engine.owner().migrate().await.unwrap();
    let acme = engine.tenant("acme");
    for statement in [
        "SET profile = 'NAME'",
        "SELECT 1 SETTINGS profile = 'NAME'",
        "SHOW CREATE USER NAME",
        "SHOW CREATE PROFILE NAME",
        "SHOW CREATE QUOTA NAME",
        "SHOW CREATE ROLE NAME",
        "SHOW CREATE ROW POLICY NAME ON ruad.daily_domains",
        "EXECUTE AS NAME SELECT 1",
        "SET ROLE NAME",
        "GRANT NAME TO tenant_acme",
        "ALTER USER NAME IDENTIFIED BY 'x'",
        "DROP USER NAME",
        "CREATE USER NAME",
        "CREATE VIEW ruad_tenants.x DEFINER = NAME SQL SECURITY DEFINER AS SELECT 1",
        "SELECT * FROM ruad_tenants.daily_domains SETTINGS additional_table_filters = {'NAME': '1'}",
        "KILL QUERY WHERE user = 'NAME'",
    ] {
        let ask = async |name: &str| {
            let statement = statement.replace("NAME", name);
            let told = match acme.client().query_raw(&statement).fetch_bytes("TSVRaw") {
                Ok(mut cursor) => {
                    cursor.collect().await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                }
                Err(error) => Err(error),
            };
            told.unwrap_or_else(|error| error.to_string()).replace(name, "NAME")
        };
        assert_eq!(ask("tenant_globex").await, ask("tenant_nobody").await, "{statement}");
    }
    engine.stop();
}

/// What a customer can change is a list, so that a setting of a later version of ClickHouse cannot be changed either.
#[tokio::test]
async fn a_customer_changes_few_settings() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(folder.path());
    let customer = engine.tenant("acme");
    let free = texts(&customer, "SELECT name FROM system.settings WHERE NOT readonly ORDER BY name").await;
    assert_eq!(
        free.unwrap(),
        [
            "cancel_http_readonly_queries_on_client_close",
            "date_time_output_format",
            "enable_http_compression",
            "extremes",
            "http_headers_progress_interval_ms",
            "http_zlib_compression_level",
            "join_use_nulls",
            "log_comment",
            "max_execution_time",
            "max_result_rows",
            "max_rows_to_read",
            "max_threads",
            "output_format_json_quote_64bit_integers",
            "result_overflow_mode",
            "send_progress_in_http_headers",
            "session_timezone",
        ]
    );
    engine.stop();
}

/// Twenty statements at once of one customer: the daemon stores and another customer's page is drawn all the same, and each
/// of the twenty ends at a limit.
#[tokio::test(flavor = "multi_thread")]
async fn one_customer_leaves_room_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start_with(folder.path(), &["--memory-bytes", "4000000000"]);
    let owner = engine.owner();
    owner.migrate().await.unwrap();
    for statement in ACCESS().domains_statements().iter().chain(&ACCESS().view_statements()) {
        run(&owner, statement).await;
    }
    fill(&owner).await;
    run(&owner, "SYSTEM REFRESH VIEW ruad.tenant_domains_feed").await;
    run(&owner, "SYSTEM WAIT VIEW ruad.tenant_domains_feed").await;
    let heavy = [
        "SELECT toString(sum(sleepEachRow(0.00004))) FROM numbers(100000000)",
        "SELECT toString(count()) FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b WHERE a.number * b.number % 7 = 3",
        "SELECT toString(length(groupArray(number))) FROM numbers(400000000)",
        "SELECT toString(length(groupArray(repeat('x', 1000)))) FROM numbers(100000000)",
        "SELECT toString(count()) FROM numbers_mt(1000000000000) WHERE sipHash64(number) = 1",
        "SELECT toString(arraySum(arrayMap(x -> length(SHA512(toString(x))), range(10000000)))) FROM numbers(1000)",
        "SELECT toString(count()) FROM generateRandom('a String, b Array(Array(String))', 1, 100, 100)",
        "SELECT toString(uniqExact(x, y)) FROM (SELECT number AS x, arrayJoin(range(1000)) AS y FROM numbers(100000000))",
        "SELECT repeat('x', 1000000) FROM numbers(100000)",
        "SELECT toString(number) FROM (SELECT number, arrayJoin(range(1000)) AS x FROM numbers(10000000)) ORDER BY sipHash64(number, x)",
    ];
    let tasks: Vec<_> = (0..20)
        .zip(heavy.iter().cycle())
        .map(|(_, statement)| {
            let customer = engine.tenant("acme");
            // The limit itself, 60 s, would make a long test.
            let statement = format!("{statement} SETTINGS max_execution_time = 8");
            tokio::spawn(
                async move { (texts(&customer, &statement).await.map(|rows| rows.len()), statement) },
            )
        })
        .collect();
    let running = "SELECT toString(count()) FROM system.processes WHERE user = 'tenant_acme'";
    let mut stored = 0_u64;
    let mut drawn = 0;
    let other = engine.tenant("globex");
    let mut seen = 0;
    while tasks.iter().any(|task| !task.is_finished()) {
        let now: usize = texts(&owner, running).await.unwrap()[0].parse().unwrap();
        seen = seen.max(now);
        run(&owner, "INSERT INTO messages (day, received_at, group_name, segment, number) SELECT today(), now(), 'globex', generateUUIDv4(), number FROM numbers(1000)").await;
        stored += 1_000;
        let rows =
            texts(&other, "SELECT concat(toString(day), policy_domain) FROM daily_domains").await.unwrap();
        assert_eq!(rows.len(), 3);
        drawn += 1;
    }
    assert!(drawn > 2 && seen > 2, "{drawn} {seen}");
    for task in tasks {
        let (outcome, statement) = task.await.unwrap();
        let told = outcome.expect_err(&statement).to_string();
        // Too many rows or bytes, too slow, memory, sets and results, or statements at once.
        let limits = [
            "Code: 158.",
            "Code: 159.",
            "Code: 241.",
            "Code: 191.",
            "Code: 243.",
            "Code: 307.",
            "Code: 396.",
            "Code: 202.",
        ];
        assert!(limits.iter().any(|code| told.contains(code)), "{statement}: {told}");
    }
    let count =
        texts(&owner, "SELECT toString(count()) FROM messages WHERE group_name = 'globex'").await.unwrap();
    assert_eq!(count, [stored.to_string()]);
    // A quarter of what the engine has, what it needs by itself, and what is not given back at once.
    let status = fs::read_to_string(format!("/proc/{}/status", engine.process.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(peak < 2_500_000, "{peak} kB");
    engine.stop();
}

/// Tables of ClickHouse's database `system` that no user of the engine may list, but whose names are known.
const SYSTEM_TABLES: &str = "asynchronous_inserts asynchronous_metrics backups build_options certificates clusters columns data_skipping_indices \
    database_engines databases dashboards detached_parts detached_tables dictionaries disks distribution_queue dropped_tables enabled_roles errors events \
    filesystem_cache formats functions graphite_retentions grants jemalloc_bins licenses macros merges merge_tree_settings metrics moves mutations \
    named_collections one opentelemetry_span_log parts parts_columns part_log part_moves_between_shards processes processors_profile_log projection_parts \
    projections query_cache query_condition_cache query_log query_metric_log query_thread_log query_views_log quotas quotas_usage quota_limits quota_usage \
    remote_data_paths replicas replicated_fetches replication_queue resources role_grants roles row_policies s3_queue scheduler schema_inference_cache \
    server_settings session_log settings settings_changes settings_profile_elements settings_profiles stack_trace storage_policies tables \
    table_engines table_functions text_log time_zones trace_log user_directories user_processes users view_refreshes warnings workloads zookeeper";

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
        sql = sql.replace(&format!("${{{variable}:percentencode}}"), "*");
    }
    sql = sql
        .replace("$__fromTime", "(now() - 2592000)")
        .replace("$__toTime", "now()")
        .replace("${trust:percentencode}", "all");
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

/// An engine with a user for each of two customers.
struct Engine {
    process: Child,
    url: String,
    owner: Password,
}

impl Engine {
    fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    fn start_with(data: &Path, more: &[&str]) -> Self {
        let file = data.with_extension("users");
        let groups = ["acme", "globex"].map(|group| (group.to_owned(), password_hash(PASSWORD)));
        fs::write(&file, serde_json::to_string(&ACCESS().engine_users(&groups)).unwrap()).unwrap();
        let arguments = [&["--database", "ruad_tenants", "--users", file.to_str().unwrap()], more].concat();
        let (process, address) = launch(data, "127.0.0.1:0", &arguments);
        fs::remove_file(&file).unwrap();
        Self { process, url: format!("http://{address}"), owner: engine::password(data, OWNER) }
    }

    fn owner(&self) -> Store {
        self.store("ruad", OWNER, self.owner.clone())
    }

    /// As a customer's data source.
    fn tenant(&self, group: &str) -> Store {
        self.store("ruad_tenants", &ruad::tenants::user(group), PASSWORD.to_owned().into())
    }

    fn store(&self, database: &str, user: &str, password: Password) -> Store {
        let (url, user, password) = (Some(self.url.clone()), Some(user.to_owned()), Some(password));
        Store::connect(&Settings {
            url,
            user,
            password,
            database: database.to_owned(),
            ..Settings::default()
        })
        .unwrap()
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

const PASSWORD: &str = "correct horse battery";
