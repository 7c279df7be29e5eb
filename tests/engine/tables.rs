//! What the store relies on works in the library too.

use crate::engine::Engine;

#[test]
fn rows_expire() {
    let engine = Engine::shared();
    engine.run(
        "CREATE TABLE expiry.t (at DateTime, n UInt8) ENGINE = MergeTree ORDER BY n TTL at + INTERVAL 25 MONTH",
    );
    engine.run("INSERT INTO expiry.t VALUES (1, 1), (now(), 2)");
    engine.run("OPTIMIZE TABLE expiry.t FINAL");
    assert_eq!(engine.run("SELECT n FROM expiry.t"), "2");
}

#[test]
fn times_are_utc() {
    let engine = Engine::shared();
    let times = "SELECT timezone(), toDateTime(1700000000), toDate(toDateTime(1700000000))";
    assert_eq!(engine.run(times).split_once('\t').unwrap().1, "2023-11-14 22:13:20\t2023-11-14");
    engine.run("CREATE TABLE times.t (at DateTime) ENGINE = MergeTree ORDER BY at PARTITION BY toYYYYMM(at)");
    engine.run("INSERT INTO times.t VALUES ('2026-01-01 00:00:00')");
    assert_eq!(
        engine.run("SELECT partition FROM system.parts WHERE database = 'times' AND active"),
        "202601"
    );
    assert_eq!(engine.run("SELECT toUnixTimestamp(at) FROM times.t"), "1767225600");
}
