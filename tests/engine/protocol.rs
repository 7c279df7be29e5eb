//! What is around a statement: paths, headers, sessions, credentials.

use std::io::Read;

use tempfile::TempDir;

use crate::engine::Engine;
use crate::wait::until;

#[test]
fn answers_without_a_statement() {
    let engine = Engine::shared();
    for path in ["/", "/ping", "/ping?x=1"] {
        assert_eq!(engine.request().get().path(path).send().assert_ok(), "Ok.\n");
    }
    let reply = engine.request().get().path("/nowhere").send();
    assert_eq!((reply.status, reply.text()), (404, "There is no handle /nowhere\n"));
}

#[test]
fn says_what_clients_look_for() {
    let engine = Engine::shared();
    let reply = engine.request().with("query_id", "the-id").body("SELECT 1 AS a FORMAT JSON").send();
    assert!(reply.assert_ok().contains("\"a\": 1"));
    assert_eq!(reply.header("x-clickhouse-query-id"), Some("the-id"));
    assert_eq!(reply.header("x-clickhouse-format"), Some("JSON"));
    assert_eq!(reply.header("x-clickhouse-timezone"), Some("UTC"));
    assert_eq!(reply.header("content-type"), Some("application/json; charset=UTF-8"));
    assert!(reply.header("x-clickhouse-server-display-name").is_some());
    let summary: serde_json::Value =
        serde_json::from_str(reply.header("x-clickhouse-summary").unwrap()).unwrap();
    assert_eq!(summary["result_rows"], "1");
    assert!(summary["elapsed_ns"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    let generated = engine.request().body("SELECT 1").send();
    assert_eq!(generated.header("x-clickhouse-query-id").unwrap().len(), 36);
}

#[test]
fn takes_the_format_from_where_clients_say_it() {
    let engine = Engine::shared();
    let select = || engine.request().body("SELECT 1 AS a");
    assert_eq!(select().send().assert_ok(), "1\n");
    assert_eq!(select().with("default_format", "CSVWithNames").send().assert_ok(), "\"a\"\n1\n");
    let reply = select().header("X-ClickHouse-Format", "JSONEachRow").send();
    assert_eq!(reply.assert_ok(), "{\"a\":1}\n");
    assert_eq!(reply.header("x-clickhouse-format"), Some("JSONEachRow"));
    let reply =
        engine.request().body("SHOW DATABASES LIKE 'system'").with("default_format", "JSONEachRow").send();
    assert_eq!(reply.assert_ok(), "{\"name\":\"system\"}\n");
    assert_eq!(reply.header("x-clickhouse-format"), Some("JSONEachRow"));
}

#[test]
fn joins_the_query_parameter_and_the_body() {
    let engine = Engine::shared();
    let reply = engine.request().with("query", "SELECT 1 -- a comment").body("+ 1").send();
    assert_eq!(reply.assert_ok(), "2\n");
    let reply = engine.request().get().with("query", "SELECT 'é'").send();
    assert_eq!(reply.assert_ok(), "é\n");
}

#[test]
fn uses_the_database_that_is_named() {
    let engine = Engine::shared();
    engine.database("`odd ``name\\\\`");
    let current = || engine.request().body("SELECT currentDatabase()");
    assert_eq!(current().send().assert_ok(), "default\n");
    assert_eq!(current().with("database", "system").send().assert_ok(), "system\n");
    assert_eq!(current().header("X-ClickHouse-Database", "system").send().assert_ok(), "system\n");
    let odd = current().with("database", "odd `name\\").with("default_format", "TSVRaw").send();
    assert_eq!(odd.assert_ok(), "odd `name\\\n");
    assert_eq!(current().send().assert_ok(), "default\n");
    current().with("database", "x`; DROP DATABASE system").send().assert_exception(
        404,
        81,
        "UNKNOWN_DATABASE",
    );
}

#[test]
fn keeps_nothing_between_requests() {
    let engine = Engine::shared();
    let threads = "SELECT value FROM system.settings WHERE name = 'max_threads'";
    let before = engine.run(threads);
    let reply = engine.request().with("max_threads", "7").body("SELECT getSetting('max_threads')").send();
    assert_eq!(reply.assert_ok(), "7\n");
    engine.run("SET max_threads = 9");
    engine.run("USE system");
    engine.run("CREATE TEMPORARY TABLE kept_nothing (a Int8)");
    // More than there are places for statements, so that each is used again.
    for _ in 0..40 {
        assert_eq!(engine.run(threads), before);
        assert_eq!(engine.run("SELECT currentDatabase()"), "default");
        assert_eq!(engine.run("EXISTS TEMPORARY TABLE kept_nothing"), "0");
    }
}

#[test]
fn tolerates_sessions_but_has_none() {
    let engine = Engine::shared();
    let session = || engine.request().with("session_id", "s").with("session_timeout", "60").body("SELECT 1");
    session().send().assert_ok();
    session().with("session_check", "0").send().assert_ok();
    session().with("session_check", "1").send().assert_exception(500, 372, "SESSION_NOT_FOUND");
}

#[test]
fn a_get_changes_nothing() {
    let engine = Engine::shared();
    engine.database("a_get");
    let create = "CREATE TABLE a_get.t (a Int8) ENGINE = Memory";
    let get = |statement: &str| engine.request().get().with("query", statement).send();
    get(create).assert_exception(500, 164, "READONLY");
    get("SET max_threads = 1").assert_ok();
    engine.run(create);
    get("INSERT INTO a_get.t VALUES (1)").assert_exception(500, 164, "READONLY");
    assert_eq!(get("SELECT count() FROM a_get.t").assert_ok(), "0\n");
}

#[test]
fn read_only_is_honoured() {
    let engine = Engine::shared();
    engine.database("read_only");
    engine.run("CREATE TABLE read_only.t (a Int8) ENGINE = Memory");
    for level in ["1", "2"] {
        let request = || engine.request().with("readonly", level);
        request()
            .body("INSERT INTO read_only.t FORMAT TSV\n1\n")
            .send()
            .assert_exception(500, 164, "READONLY");
        request().body("DROP TABLE read_only.t").send().assert_exception(500, 164, "READONLY");
        request().body("SET readonly = 0").send().assert_exception(500, 164, "READONLY");
        // A setting beside it in the same request is the client's to choose, as with a server.
        let threads = request().with("max_threads", "3").body("SELECT getSetting('max_threads')").send();
        assert_eq!(threads.assert_ok(), "3\n");
    }
    let set = "SELECT 1 SETTINGS max_threads = 1";
    engine.request().with("readonly", "1").body(set).send().assert_exception(500, 164, "READONLY");
    engine.request().with("readonly", "2").body(set).send().assert_ok();
}

#[test]
fn packs_answers_as_the_client_likes() {
    let engine = Engine::shared();
    let statement = "SELECT number FROM numbers(200000)";
    let plain = engine.run(statement);
    let packed = |offer: &str| engine.request().header("Accept-Encoding", offer).body(statement);
    let reply = packed("deflate, gzip").send();
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut unpacked = String::new();
    #[expect(clippy::disallowed_types, reason = "what the engine sent")]
    flate2::read::GzDecoder::new(reply.body.as_slice()).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked.trim_end() == plain);
    let reply = packed("lz4").send();
    assert_eq!(reply.header("content-encoding"), Some("lz4"));
    let mut unpacked = String::new();
    lz4_flex::frame::FrameDecoder::new(reply.body.as_slice()).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked.trim_end() == plain);
    for request in [packed("br, zstd"), packed("gzip").with("enable_http_compression", "0")] {
        let reply = request.send();
        assert_eq!(reply.header("content-encoding"), None);
        assert!(reply.assert_ok().trim_end() == plain);
    }
}

#[test]
fn refuses_what_it_does_not_speak() {
    let engine = Engine::shared();
    for parameter in ["compress", "decompress"] {
        let reply = engine.request().with(parameter, "1").body("SELECT 1").send();
        reply.assert_exception(501, 48, parameter);
    }
    let reply = engine.request().header("Content-Encoding", "br").body("SELECT 1").send();
    reply.assert_exception(415, 779, "'br'");
    let reply = engine.request().with("role", "admin").body("SELECT 1").send();
    reply.assert_exception(404, 511, "roles");
}

#[test]
fn keeps_web_pages_out() {
    let engine = Engine::shared();
    let select = || engine.request().body("SELECT 1");
    select().header("Origin", "http://evil.example").send().assert_exception(403, 497, "password");
    select().header("Host", "evil.example").send().assert_exception(403, 497, "password");
    select().header("Host", "evil.example:8123").send().assert_exception(403, 497, "password");
    for host in ["localhost", "localhost:8123", "127.0.0.1", "[::1]:8123", "[::1]"] {
        select().header("Host", host).send().assert_ok();
    }
}

#[test]
fn asks_for_the_password() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "geheim \u{e4}\n").unwrap();
    let engine = Engine::start(
        &folder.path().join("data"),
        &["--password-file", file.to_str().unwrap(), "--user", "me"],
    );
    let select = || engine.request().body("SELECT 1");
    let refused = select().send();
    refused.assert_exception(401, 516, "Authentication failed");
    assert!(refused.header("www-authenticate").unwrap().starts_with("Basic"));
    for request in [
        select().with("user", "me").with("password", "falsch"),
        select().with("user", "me").with("password", "geheim"),
        select().with("user", "you").with("password", "geheim \u{e4}"),
        select().with("password", "geheim \u{e4}"),
        select().header("Authorization", "Bearer x"),
        select().header("Authorization", "Basic !"),
        select().header("X-ClickHouse-User", "me"),
    ] {
        request.send().assert_exception(401, 516, "AUTHENTICATION_FAILED");
    }
    for request in [
        select().with("user", "me").with("password", "geheim \u{e4}"),
        // base64 of "me:geheim ä"
        select().header("Authorization", "Basic bWU6Z2VoZWltIMOk"),
        // Pages may come when they know the password.
        select()
            .with("user", "me")
            .with("password", "geheim \u{e4}")
            .header("Origin", "http://grafana.example"),
    ] {
        assert_eq!(request.send().assert_ok(), "1\n");
    }
    assert_eq!(engine.request().get().path("/ping").send().assert_ok(), "Ok.\n");
}

#[test]
fn one_query_id_runs_once() {
    let engine = Engine::shared();
    let long =
        engine.request().with("query_id", "twice").body("SELECT count() FROM numbers(1000000000000)").start();
    until("the statement to run", || {
        engine.run(
            "SELECT count() FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers(10000000%'",
        ) == "1"
    });
    let second = || engine.request().with("query_id", "twice").body("SELECT 1").send();
    second().assert_exception(500, 216, "twice");
    drop(long);
    until("the id to be free", || second().status == 200);
}
