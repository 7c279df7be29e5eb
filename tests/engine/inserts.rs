//! Data on its way in: whole or not at all, and once.

use crate::engine::Engine;
use crate::wait::until;

#[test]
fn a_broken_upload_leaves_nothing() {
    let engine = Engine::shared();
    engine.run("CREATE TABLE broken.t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let running =
        || engine.run("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO broken.t%'");
    let rows = "1\n".repeat(200_000);
    for _ in 0..3 {
        let mut upload = engine.request().with("query", "INSERT INTO broken.t FORMAT TSV").chunked();
        upload.chunk(rows.as_bytes()).unwrap();
        upload.chunk(rows.as_bytes()).unwrap();
        until("the insert to run", || running() == "1");
        drop(upload);
        until("the insert to end", || running() == "0");
    }
    // Half a chunk, whose other half never comes.
    let reply = {
        let request = engine.request().with("query", "INSERT INTO broken.t FORMAT TSV");
        let mut stream = request.header("Expect-Nothing", "x").body("").chunked();
        stream.chunk(rows.as_bytes()).unwrap();
        stream.chunk(b"not a number\n").unwrap();
        stream.finish()
    };
    assert_eq!(reply.exception(), Some(27), "{}", reply.text());
    assert_eq!(engine.run("SELECT count() FROM broken.t"), "0");
    assert_eq!(engine.run("SELECT count() FROM system.parts WHERE database = 'broken' AND active"), "0");
}

#[test]
fn a_token_makes_an_insert_happen_once() {
    let engine = Engine::shared();
    let window = "SETTINGS non_replicated_deduplication_window = 1000";
    engine.run(&format!(
        "CREATE TABLE once.base (id UInt64, n UInt64) ENGINE = MergeTree ORDER BY id {window}, \
         fsync_after_insert = 1, fsync_part_directory = 1"
    ));
    engine.run(&format!(
        "CREATE TABLE once.sums (d UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY d {window}"
    ));
    engine.run(
        "CREATE MATERIALIZED VIEW once.view TO once.sums AS SELECT toUInt8(id % 2) AS d, sum(n) AS n FROM once.base \
         GROUP BY d",
    );
    for token in ["s/base/0", "s/base/0", "s/base/1", "s/base/0"] {
        let insert = engine.request().with("query", "INSERT INTO once.base FORMAT TSV");
        let insert = insert.with("insert_deduplication_token", token);
        // The same rows each time: only the token tells a new block from a repeated one.
        let insert =
            insert.with("deduplicate_blocks_in_dependent_materialized_views", "1").body("1\t10\n2\t20\n");
        insert.send().assert_ok();
    }
    assert_eq!(engine.run("SELECT count(), sum(n) FROM once.base"), "4\t60");
    assert_eq!(engine.run("SELECT d, sum(n) FROM once.sums GROUP BY d ORDER BY d"), "0\t40\n1\t20");
}
