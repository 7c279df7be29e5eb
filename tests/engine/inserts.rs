//! Data on its way in: formats, packing, atomicity, memory, deduplication.

use std::io::Write;

use crate::engine::Engine;
use crate::wait::until;

#[test]
fn data_may_stand_anywhere() {
    let engine = Engine::shared();
    engine.database("anywhere");
    engine.run("CREATE TABLE anywhere.t (a UInt32, b String DEFAULT 'none') ENGINE = MergeTree ORDER BY a");
    let query = |query: &str| engine.request().with("query", query).with("database", "anywhere");
    query("INSERT INTO t FORMAT TSV").body("1\tone\n").send().assert_ok();
    query("INSERT INTO t (a) FORMAT CSV").body("2\n3\n").send().assert_ok();
    query("INSERT INTO t VALUES").body("(4, 'four'), (2 + 3, upper('five'))").send().assert_ok();
    query("INSERT INTO t FORMAT JSONEachRow {\"a\": 6}").body("{\"a\": 7}").send().assert_ok();
    query("INSERT INTO t FORMAT RowBinary").body(b"\x08\0\0\0\x05eight\x09\0\0\0\x00").send().assert_ok();
    query("INSERT INTO t SELECT 10, 'ten'").send().assert_ok();
    query("INSERT INTO t FORMAT TSV").send().assert_ok();
    let whole = "-- a comment\nINSERT INTO anywhere.t FORMAT TSV \
                 SETTINGS input_format_tsv_empty_as_default = 1\n11\t\n";
    let reply = engine.request().body(whole).send();
    reply.assert_ok();
    assert!(reply.header("x-clickhouse-summary").unwrap().contains("\"written_rows\":\"1\""));
    // 0x20 and 0x0a as first bytes of binary data are data.
    query("INSERT INTO t FORMAT RowBinary").body(b"\x20\0\0\0\x01a\x0a\0\0\0\x01b").send().assert_ok();
    assert_eq!(
        engine.run(
            "SELECT arrayStringConcat(groupArray(toString(a) || b), ' ') \
             FROM (SELECT a, b FROM anywhere.t ORDER BY a, b)"
        ),
        "1one 2none 3none 4four 5FIVE 6none 7none 8eight 9 10b 10ten 11none 32a"
    );
}

#[test]
fn packed_data_is_unpacked() {
    let engine = Engine::shared();
    engine.database("packed");
    engine.run("CREATE TABLE packed.t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let rows: String = (0..50_000).map(|row| format!("{row}\n")).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(rows.as_bytes()).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    deflate.write_all(rows.as_bytes()).unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(rows.as_bytes()).unwrap();
    let zstd =
        ruzstd::encoding::compress_to_vec(rows.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let insert = |encoding: &str, body: Vec<u8>| {
        let request = engine.request().with("query", "INSERT INTO packed.t FORMAT TSV");
        request.header("Content-Encoding", encoding).body(body).send()
    };
    let gzip = gzip.finish().unwrap();
    insert("gzip", gzip.clone()).assert_ok();
    insert("deflate", deflate.finish().unwrap()).assert_ok();
    insert("lz4", lz4.finish().unwrap()).assert_ok();
    insert("zstd", zstd).assert_ok();
    let sums = "SELECT count(), sum(a) FROM packed.t";
    assert_eq!(engine.run(sums), "200000\t4999900000");
    // Cut off: nothing of it is stored.
    let cut = gzip[..gzip.len() / 2].to_vec();
    insert("gzip", cut).assert_exception(500, 210, "NETWORK_ERROR");
    insert("gzip", b"no gzip at all".to_vec()).assert_exception(500, 210, "NETWORK_ERROR");
    assert_eq!(engine.run(sums), "200000\t4999900000");
    // A statement may be packed as well.
    let mut statement = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    statement.write_all(b"SELECT 'unpacked'").unwrap();
    let request = engine.request().header("Content-Encoding", "gzip").body(statement.finish().unwrap());
    assert_eq!(request.send().assert_ok(), "unpacked\n");
}

#[test]
fn a_broken_upload_leaves_nothing() {
    let engine = Engine::shared();
    engine.database("broken");
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
    reply.assert_exception(400, 27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED");
    assert_eq!(engine.run("SELECT count() FROM broken.t"), "0");
    assert_eq!(engine.run("SELECT count() FROM system.parts WHERE database = 'broken' AND active"), "0");
}

#[test]
fn a_refusal_reaches_a_client_that_still_sends() {
    let engine = Engine::shared();
    engine.database("refusal");
    engine.run("CREATE TABLE refusal.t (a UInt64) ENGINE = MergeTree ORDER BY a");
    // Much more than the sockets' buffers hold.
    let rows = format!("x\n{}", "1\n".repeat(20_000_000));
    let request = engine.request().with("query", "INSERT INTO refusal.t FORMAT TSV").body(rows);
    request.send().assert_exception(400, 27, "");
    let request = engine.request().with("query", "INSERT INTO refusal.nope FORMAT TSV");
    request.body("1\n".repeat(20_000_000)).send().assert_exception(404, 60, "");
}

#[test]
fn a_large_insert_takes_little_memory() {
    let folder = tempfile::TempDir::new().unwrap();
    let engine = Engine::start(folder.path(), &[]);
    engine.run("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    let chunk: String = (0..20_000).map(|row| format!("{row}\t{}\n", "x".repeat(100))).collect();
    let mut upload = engine.request().with("query", "INSERT INTO t FORMAT TSV").chunked();
    // 1.3 GB.
    for _ in 0..600 {
        upload.chunk(chunk.as_bytes()).unwrap();
    }
    upload.finish().assert_ok();
    assert_eq!(engine.run("SELECT count() FROM t"), "12000000");
    let peak = engine.memory("VmHWM");
    assert!(peak < 1_200_000, "{peak} KiB");
}

#[test]
fn a_token_makes_an_insert_happen_once() {
    let engine = Engine::shared();
    engine.database("once");
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
