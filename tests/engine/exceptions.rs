//! How failures look.

use crate::engine::Engine;
use crate::wait::until;

/// Fails when most of its result has left.
const LATE: &str = "SELECT throwIf(number = 900000) FROM numbers(1000000) \
                    SETTINGS max_block_size = 1000, max_threads = 1";

#[test]
fn codes_have_the_status_that_a_server_gives_them() {
    let engine = Engine::shared();
    engine.database("codes");
    engine.run("CREATE TABLE codes.t (a UInt8) ENGINE = Memory");
    for (statement, status, code, words) in [
        ("SELECT * FROM codes.nope", 404, 60, "UNKNOWN_TABLE"),
        ("DROP TABLE codes.nope", 404, 60, "UNKNOWN_TABLE"),
        ("INSERT INTO codes.nope FORMAT TSV\n1\n", 404, 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM nope.t", 404, 81, "UNKNOWN_DATABASE"),
        ("SELECT nope FROM codes.t", 404, 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT nope(1)", 404, 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 FORMAT Nope", 404, 73, "UNKNOWN_FORMAT"),
        ("SELECT 1 SETTINGS nope = 1", 404, 115, "UNKNOWN_SETTING"),
        ("SELECT FROM WHERE", 400, 62, "SYNTAX_ERROR"),
        ("1 + 1", 400, 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 400, 62, "Multi-statements are not allowed"),
        ("DROP TABLE codes.t; DROP TABLE codes.t", 400, 62, "Multi-statements are not allowed"),
        ("SELECT a FROM codes.t GROUP BY a WITH TOTALS; DROP TABLE codes.t", 400, 62, "Multi-statements"),
        ("", 400, 62, "SYNTAX_ERROR"),
        ("exit", 400, 62, "SYNTAX_ERROR"),
        ("SELECT toUInt8('x')", 400, 6, "CANNOT_PARSE_TEXT"),
        ("INSERT INTO codes.t FORMAT TSV\nx\n", 400, 27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED"),
        ("INSERT INTO codes.t VALUES ('x')", 400, 6, ""),
        ("SELECT throwIf(1)", 500, 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("CREATE USER x", 403, 497, "ACCESS_DENIED"),
        ("SYSTEM SHUTDOWN", 403, 497, "ruad engine"),
        ("system /* now */ kill", 403, 497, "ruad engine"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 500, 358, "INTO_OUTFILE_NOT_ALLOWED"),
        ("INSERT INTO codes.t FROM INFILE '/etc/passwd' FORMAT TSV", 400, 36, "FROM INFILE"),
        ("SELECT {x:Int8}", 500, 456, "UNKNOWN_QUERY_PARAMETER"),
    ] {
        engine.fails(statement).assert_exception(status, code, words);
    }
    assert_eq!(engine.run("SELECT count() FROM codes.t"), "0");
}

#[test]
fn a_failure_after_the_beginning_is_marked_and_breaks_the_transfer() {
    let engine = Engine::shared();
    let statement = LATE;
    let reply = engine.request().body(statement).send();
    assert_eq!(reply.status, 200);
    assert!(!reply.complete, "the body must not end as if all were well");
    let tag = reply.header("x-clickhouse-exception-tag").unwrap();
    assert_eq!(tag.len(), 16);
    let (rows, rest) = reply.text().split_once(&format!("\r\n__exception__\r\n{tag}\r\n")).unwrap();
    assert!(rows.lines().count() > 100_000 && rows.lines().all(|row| row == "0"));
    let rest = rest.strip_suffix("\r\n__exception__\r\n").unwrap();
    let (message, end) = rest.rsplit_once('\n').unwrap();
    assert!(message.starts_with("Code: 395. DB::Exception: "), "{message}");
    assert_eq!(end, format!("{} {tag}", message.len() + 1));
}

#[test]
fn a_slow_client_hears_of_a_late_failure() {
    let engine = Engine::shared();
    let statement = "SELECT throwIf(number = 3000000, repeat('x', 10)), repeat('y', 100) FROM numbers(4000000) \
                     SETTINGS max_block_size = 10000, max_threads = 1";
    let stream = engine.request().header("Connection", "close").body(statement).start();
    engine.wait_until_stuck("number = 3000000");
    let reply = crate::http::read(stream);
    assert!(!reply.complete && reply.text().ends_with("__exception__\r\n"));
}

#[test]
fn wait_end_of_query_tells_it_at_once() {
    let engine = Engine::shared();
    let statement = LATE;
    let reply = engine.request().with("wait_end_of_query", "1").body(statement).send();
    reply.assert_exception(500, 395, "");
    let reply =
        engine.request().with("wait_end_of_query", "1").body("SELECT number FROM numbers(1000000)").send();
    assert_eq!(reply.assert_ok().lines().count(), 1_000_000);
    assert!(reply.header("x-clickhouse-summary").unwrap().contains("\"result_rows\":\"1000000\""));
}

#[test]
fn time_is_limited() {
    let engine = Engine::shared();
    let endless = "SELECT count() FROM numbers(1000000000000)";
    let reply = engine.request().with("max_execution_time", "0.3").body(endless).send();
    reply.assert_exception(408, 159, "TIMEOUT_EXCEEDED");
    let folder = tempfile::TempDir::new().unwrap();
    let limited = Engine::start(folder.path(), &["--time-limit", "0.3"]);
    limited.fails(endless).assert_exception(408, 159, "TIMEOUT_EXCEEDED");
}

#[test]
fn a_client_that_goes_away_takes_its_statement_along() {
    let engine = Engine::shared();
    let running = |mark: &str| {
        engine.run(&format!(
            "SELECT count() FROM system.processes WHERE query LIKE '%{mark}%' AND query NOT LIKE '%system.processes%'"
        ))
    };
    for (mark, statement) in [
        ("gone-early", "SELECT count(), 'gone-early' FROM numbers(1000000000000)"),
        ("gone-midway", "SELECT number, 'gone-midway' FROM numbers(1000000000000)"),
        (
            "gone-collected",
            "CREATE TABLE gone ENGINE = Memory AS SELECT 'gone-collected', number % 2 AS n, count() FROM \
                            numbers(1000000000000) GROUP BY n",
        ),
    ] {
        let stream = engine.request().body(statement).start();
        until("the statement to run", || running(mark) == "1");
        drop(stream);
        until("the statement to be killed", || running(mark) == "0");
    }
}
