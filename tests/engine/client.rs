//! The client that the daemon uses.

use bytes::Bytes;
use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

use crate::engine::Engine;

#[derive(Clone, Debug, Deserialize, PartialEq, Row, Serialize)]
struct Sample {
    id: u64,
    name: String,
    note: Option<String>,
    tags: Vec<String>,
}

fn sample(id: u64) -> Sample {
    let note = id.is_multiple_of(2).then(|| format!("note ' {id}"));
    Sample { id, name: format!("name\t{id}"), note, tags: vec!["a".to_owned(); (id % 3) as usize] }
}

async fn table(engine: &Engine, database: &str) -> Client {
    let client = engine.client(database);
    let create = "CREATE TABLE samples (id UInt64, name String, note Nullable(String), tags Array(String)) \
                  ENGINE = MergeTree ORDER BY id";
    client.query(create).execute().await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn inserts_and_fetches_rows() {
    let engine = Engine::shared();
    let client = table(&engine, "crate_rows").await;
    let mut insert = client.insert::<Sample>("samples").await.unwrap();
    for id in 0..10_000 {
        insert.write(&sample(id)).await.unwrap();
    }
    insert.end().await.unwrap();
    let rows: Vec<Sample> =
        client.query("SELECT ?fields FROM samples ORDER BY id").fetch_all().await.unwrap();
    assert!(rows == (0..10_000).map(sample).collect::<Vec<_>>());
    let mut cursor = client
        .query("SELECT ?fields FROM samples WHERE id < ? ORDER BY id")
        .bind(3)
        .fetch::<Sample>()
        .unwrap();
    let mut seen = 0;
    while let Some(row) = cursor.next().await.unwrap() {
        assert_eq!(row, sample(seen));
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn inserts_bytes_with_a_token() {
    let engine = Engine::shared();
    let client = table(&engine, "crate_bytes").await;
    client
        .query("ALTER TABLE samples MODIFY SETTING non_replicated_deduplication_window = 10")
        .execute()
        .await
        .unwrap();
    for _ in 0..2 {
        let mut insert = client
            .insert_formatted_with("INSERT INTO samples (id, name) FORMAT RowBinary")
            .with_setting("insert_deduplication_token", "segment/samples/0")
            .with_setting("fsync_metadata", "1");
        insert.send(Bytes::from_static(b"\x07\0\0\0\0\0\0\0\x05seven")).await.unwrap();
        insert.end().await.unwrap();
    }
    let rows: Vec<(u64, String)> = client.query("SELECT id, name FROM samples").fetch_all().await.unwrap();
    assert_eq!(rows, [(7, "seven".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_that_is_dropped_stores_nothing() {
    let engine = Engine::shared();
    let client = table(&engine, "crate_dropped").await;
    let mut insert = client.insert::<Sample>("samples").await.unwrap();
    for id in 0..100_000 {
        insert.write(&sample(id)).await.unwrap();
    }
    drop(insert);
    let running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO%samples%'";
    crate::wait::until("the insert to end", || engine.run(running) == "0");
    assert_eq!(client.query("SELECT count() FROM samples").fetch_one::<u64>().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_exceptions() {
    let engine = Engine::shared();
    let client = engine.client("ruad");
    let error = client.query("SELECT 1 FROM nowhere").fetch_one::<u8>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 60.") && error.contains("UNKNOWN_TABLE"), "{error}");
    let late = "SELECT throwIf(number = 900000) FROM numbers(1000000) \
                SETTINGS max_block_size = 1000, max_threads = 1";
    let error = client.query(late).fetch_all::<u8>().await.unwrap_err().to_string();
    assert!(error.contains("Code: 395."), "{error}");
    let wrong = client.clone().with_password("y").query("SELECT 1").fetch_one::<u8>().await;
    assert!(wrong.unwrap_err().to_string().contains("Code: 516."));
}
