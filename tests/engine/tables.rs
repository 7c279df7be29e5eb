//! What the store relies on works in the library too.

use crate::engine::Engine;

#[test]
fn a_dictionary_joins_at_read_time() {
    let engine = Engine::shared();
    engine.database("dimension");
    engine.run(
        "CREATE TABLE dimension.sources (address IPv6, name String, updated DateTime) \
         ENGINE = ReplacingMergeTree(updated) ORDER BY address",
    );
    engine.run(
        "INSERT INTO dimension.sources VALUES ('::ffff:192.0.2.1', 'old', 1), ('2001:db8::1', 'six', 1)",
    );
    engine.run("INSERT INTO dimension.sources VALUES ('::ffff:192.0.2.1', 'new', 2)");
    assert_eq!(engine.run("SELECT name FROM dimension.sources FINAL ORDER BY address"), "new\nsix");
    for (name, source) in [
        ("by_table", "CLICKHOUSE(TABLE 'sources' DB 'dimension')"),
        ("by_query", "CLICKHOUSE(QUERY 'SELECT address, name FROM dimension.sources FINAL')"),
    ] {
        engine.run(&format!(
            "CREATE DICTIONARY dimension.{name} (address IPv6, name String DEFAULT '') PRIMARY KEY address \
             SOURCE({source}) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(MIN 0 MAX 300)"
        ));
        let get = |address: &str| {
            engine.run(&format!("SELECT dictGet('dimension.{name}', 'name', tuple(toIPv6('{address}')))"))
        };
        assert_eq!(get("192.0.2.1"), "new");
        assert_eq!(get("2001:db8::1"), "six");
        assert_eq!(get("2001:db8::2"), "");
        engine.run(&format!("SYSTEM RELOAD DICTIONARY dimension.{name}"));
    }
}

#[test]
fn rows_expire() {
    let engine = Engine::shared();
    engine.database("expiry");
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
    engine.database("times");
    engine.run("CREATE TABLE times.t (at DateTime) ENGINE = MergeTree ORDER BY at PARTITION BY toYYYYMM(at)");
    engine.run("INSERT INTO times.t VALUES ('2026-01-01 00:00:00')");
    assert_eq!(
        engine.run("SELECT partition FROM system.parts WHERE database = 'times' AND active"),
        "202601"
    );
    assert_eq!(engine.run("SELECT toUnixTimestamp(at) FROM times.t"), "1767225600");
}
