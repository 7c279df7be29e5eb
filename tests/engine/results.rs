//! Data on its way out: streaming, memory, concurrency.

use std::io::Read;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::http;

#[test]
fn a_large_result_takes_little_memory() {
    let engine = Engine::shared();
    engine.run("SELECT number, toString(number) FROM numbers(100000)");
    let before = engine.memory("RssAnon");
    // 1.2 GB, which the client does not take at first.
    let select = "SELECT number, repeat('x', 100) FROM numbers(10000000) FORMAT RowBinary";
    let mut stream = engine.request().header("Connection", "close").body(select).start();
    let mut first = [0; 1000];
    stream.read_exact(&mut first).unwrap();
    engine.wait_until_stuck("repeat(_x_, 100)");
    let waiting = engine.memory("RssAnon");
    assert!(waiting < before + 200_000, "from {before} to {waiting} KiB");
    let mut bytes = first.len();
    let mut buffer = vec![0; 1 << 20];
    let mut most = waiting;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => bytes += count,
        }
        if bytes % 97 == 0 {
            most = most.max(engine.memory("RssAnon"));
        }
    }
    assert!(bytes > 10_000_000 * 109, "{bytes}");
    assert!(most < before + 200_000, "from {before} to {most} KiB");
}

#[test]
fn results_come_while_they_are_made() {
    let engine = Engine::shared();
    let select =
        "SELECT number, sleepEachRow(0.2) FROM numbers(20) SETTINGS max_block_size = 1, max_threads = 1";
    let begun = Instant::now();
    let mut stream = engine.request().body(select).start();
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(4).any(|window| window == b"0\t0\n") {
        let count = stream.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..count]);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn statements_run_beside_each_other() {
    let engine = Engine::shared();
    let begun = Instant::now();
    let sleep = "SELECT sleep(1) FORMAT Null";
    let sleepers: Vec<_> = (0..8)
        .map(|_| {
            let engine = Arc::clone(&engine);
            thread::spawn(move || engine.run(sleep))
        })
        .collect();
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let workers: Vec<_> = (0..40_u64)
        .map(|worker| {
            let engine = Arc::clone(&engine);
            thread::spawn(move || {
                let expected: String = (0..20_000).map(|row| format!("{}\n", row * 100 + worker)).collect();
                let select = format!("SELECT number * 100 + {worker} FROM numbers(20000) ORDER BY 1");
                for _ in 0..3 {
                    assert!(engine.request().body(select.clone()).send().assert_ok() == expected);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn a_connection_serves_request_after_request() {
    let engine = Engine::shared();
    for _ in 0..3 {
        let select = engine.request().body("SELECT 1").send();
        select.assert_ok();
    }
    let stream = engine.request().body("SELECT 1").start();
    assert_eq!(http::read(stream.try_clone().unwrap()).assert_ok(), "1\n");
    let again = engine.request().body("SELECT 2").header("Connection", "close");
    assert_eq!(again.send().assert_ok(), "2\n");
    drop(stream);
}

#[test]
fn totals_and_extremes_are_whole() {
    let engine = Engine::shared();
    let select = "SELECT number % 3 AS a, count() AS c FROM numbers(100) GROUP BY a WITH TOTALS ORDER BY a \
                  FORMAT JSON";
    let reply = engine.request().body(select).send();
    let json: serde_json::Value = serde_json::from_str(reply.assert_ok()).unwrap();
    assert_eq!(json["data"].as_array().unwrap().len(), 3);
    assert_eq!(
        json["totals"]["c"].as_str().map_or_else(|| json["totals"]["c"].to_string(), str::to_owned),
        "100"
    );
    let select = "SELECT number FROM numbers(10) FORMAT JSON";
    let reply = engine.request().with("extremes", "1").body(select).send();
    let json: serde_json::Value = serde_json::from_str(reply.assert_ok()).unwrap();
    assert_eq!(json["rows"], 10);
    assert!(json["extremes"]["max"]["number"].to_string().contains('9'));
}

#[test]
fn every_format_is_whole() {
    let engine = Engine::shared();
    let count = 200_000;
    let select = format!("SELECT number, toString(number) AS text FROM numbers({count})");
    let json = engine.request().with("default_format", "JSON").body(select.clone()).send();
    let json: serde_json::Value = serde_json::from_str(json.assert_ok()).unwrap();
    assert_eq!(json["data"].as_array().unwrap().len(), count);
    assert_eq!(json["rows"], count);
    let array = engine
        .request()
        .with("default_format", "JSONEachRow")
        .with("output_format_json_array_of_rows", "1")
        .body(select.clone())
        .send();
    let json: serde_json::Value = serde_json::from_str(array.assert_ok()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), count);
    // What one format writes, the same format reads.
    engine.database("formats");
    for format in [
        "Native",
        "RowBinaryWithNamesAndTypes",
        "Parquet",
        "ArrowStream",
        "CSVWithNames",
        "TSVWithNamesAndTypes",
        "JSONCompactEachRowWithNamesAndTypes",
        "JSONEachRow",
        "Avro",
        "Values",
    ] {
        engine.run("CREATE OR REPLACE TABLE formats.t (number UInt64, text String) ENGINE = Memory");
        let written = engine.request().with("default_format", format).body(select.clone()).send();
        assert!(written.status == 200 && written.complete, "{format}");
        let insert = engine.request().with("query", &format!("INSERT INTO formats.t FORMAT {format}"));
        insert.body(written.body).send().assert_ok();
        assert_eq!(
            engine.run("SELECT count(), sum(number) FROM formats.t"),
            "200000\t19999900000",
            "{format}"
        );
    }
}

#[test]
fn native_blocks_suit_the_clients_version() {
    let engine = Engine::shared();
    let columns = [
        "number AS a",
        "toString(number) AS b",
        "toLowCardinality(toString(number % 3)) AS c",
        "toLowCardinality(if(number % 2 = 0, NULL, 'x')) AS d",
        "if(number % 2 = 0, NULL, number) AS e",
        "CAST([], 'Array(LowCardinality(String))') AS f",
        "arrayMap(x -> toLowCardinality(toString(x)), range(number % 3)) AS g",
        "map('k', [number]) AS h",
        "(number, toLowCardinality('t'), 'u') AS i",
        "toIPv6('::1') AS j",
        "toDateTime64(number, 3, 'UTC') AS k",
        "toDecimal128(number, 2) AS l",
        "CAST('a', 'Enum8(\\'a\\' = 1, \\'b, (\\' = 2)') AS m",
        "toFixedString('abc', 3) AS n",
        "[[number], []] AS o",
        "generateUUIDv4(number) != generateUUIDv4() AS p",
        "INTERVAL 1 DAY AS q",
        "CAST((1, ['s', NULL]), 'Tuple(`x y` UInt8, z Array(Nullable(String)))') AS r",
    ];
    for rows in [1, 5000] {
        let select = format!("SELECT {} FROM numbers({rows}) FORMAT Native", columns.join(", "));
        let get = |version: &str| {
            let reply = engine.request().with("client_protocol_version", version).body(select.clone()).send();
            assert!(reply.status == 200 && reply.complete, "{}", String::from_utf8_lossy(&reply.body));
            reply.body
        };
        let plain = get("0");
        let information = b"\x01\x00\x02\xff\xff\xff\xff\x00";
        assert!(get("54405") == [information, plain.as_slice()].concat(), "{rows}");
        let marked = get("54460");
        assert!(marked.starts_with(information));
        assert_eq!(marked.len(), plain.len() + information.len() + columns.len(), "{rows}");
    }
    let reply =
        engine.request().with("client_protocol_version", "54460").body("SHOW DATABASES FORMAT Native").send();
    assert!(reply.body.starts_with(b"\x01\x00\x02\xff\xff\xff\xff\x00\x01"));
    let nothing = "SELECT 1 AS a WHERE 0 FORMAT Native";
    let reply = engine.request().with("client_protocol_version", "54460").body(nothing).send();
    assert_eq!(reply.assert_ok(), "");
    let json = "SELECT '{}'::JSON AS a FORMAT Native";
    let reply = engine.request().with("client_protocol_version", "54460").body(json).send();
    reply.assert_exception(501, 48, "client_protocol_version");
}
