//! Starting, stopping, dying, coming back.

use std::io::{Read, Write};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

use ruad_engine::{Access, Child, OWNER, Quota, Settings, User};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::engine::Engine;
use crate::http::Request;
use crate::wait::until;

#[test]
fn ends_cleanly_on_sigterm_and_keeps_the_data() {
    let folder = TempDir::new().unwrap();
    for round in 0..4 {
        let mut engine = Engine::start(folder.path(), &[]);
        engine.run("CREATE TABLE IF NOT EXISTS t (a UInt64) ENGINE = MergeTree ORDER BY a");
        engine.run(&format!("INSERT INTO t VALUES ({round})"));
        assert_eq!(engine.run("SELECT count() FROM t"), (round + 1).to_string());
        engine.signal(if round % 2 == 0 { Signal::TERM } else { Signal::INT });
        let status = engine.wait();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

#[test]
fn ends_with_the_process_that_started_it() {
    let folder = TempDir::new().unwrap();
    let mut engine = Engine::start(folder.path(), &[]);
    engine.close_stdin();
    assert_eq!(engine.wait().code(), Some(0));
}

#[test]
fn lets_statements_finish() {
    let folder = TempDir::new().unwrap();
    let mut engine = Engine::start(folder.path(), &[]);
    let select = "SELECT sum(sleepEachRow(0.1) + 1) FROM numbers(40) SETTINGS max_block_size = 1";
    let stream = engine.request().header("Connection", "close").body(select).start();
    until("the statement to run", || engine.run(RUNNING) == "2");
    engine.signal(Signal::TERM);
    assert_eq!(crate::http::read(stream).assert_ok(), "40\n");
    assert_eq!(engine.wait().code(), Some(0));
}

#[test]
fn kills_statements_that_take_too_long() {
    let folder = TempDir::new().unwrap();
    let mut engine = Engine::start(folder.path(), &["--stop-timeout", "0.5"]);
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let endless = engine.request().body("SELECT count() FROM numbers(1000000000000)").start();
    let mut upload = engine.request().with("query", "INSERT INTO t FORMAT TSV").chunked();
    // A statement runs once ClickHouse has max_query_size (262,144 bytes) of it, data included.
    upload.chunk(&b"1\n".repeat(300_000)).unwrap();
    until("the statements to run", || engine.run(RUNNING) == "3");
    let begun = Instant::now();
    engine.signal(Signal::TERM);
    let status = engine.wait();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(0), "{status}");
    drop((endless, upload));
    let engine = Engine::start(folder.path(), &[]);
    assert_eq!(engine.run("SELECT count() FROM t"), "0");
}

/// ClickHouse's command line has to be a user without a password; whoever else tries that name is refused, at the end too.
#[test]
fn nobody_gets_in_without_a_password_while_it_ends() {
    let folder = TempDir::new().unwrap();
    let mut engine = Engine::start(folder.path(), &[]);
    let address = engine.address();
    let statement = "SELECT currentUser()";
    let request = format!(
        "POST /?user=default HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{statement}",
        statement.len()
    );
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let request = request.clone();
            std::thread::spawn(move || {
                let mut answers = 0;
                while let Ok(mut stream) = std::net::TcpStream::connect(address) {
                    let mut reply = String::new();
                    if stream.write_all(request.as_bytes()).is_ok()
                        && stream.read_to_string(&mut reply).is_ok()
                    {
                        assert!(!reply.starts_with("HTTP/1.1 200"), "{reply}");
                        answers += u32::from(!reply.is_empty());
                    }
                }
                answers
            })
        })
        .collect();
    until("some to be refused", || engine.run("SELECT 1") == "1");
    engine.signal(Signal::TERM);
    assert_eq!(engine.wait().code(), Some(0));
    let answers: u32 = tries.into_iter().map(|one| one.join().unwrap()).sum();
    assert!(answers > 0);
}

/// Statements of this user, this one included.
const RUNNING: &str = "SELECT count() FROM system.processes WHERE user = currentUser()";

#[test]
fn survives_being_killed_at_any_moment() {
    let folder = TempDir::new().unwrap();
    let mut stored = 0;
    for round in 0..5_u64 {
        let mut engine = Engine::start(folder.path(), &[]);
        engine.run(
            "CREATE TABLE IF NOT EXISTS t (id UInt64) ENGINE = MergeTree ORDER BY id \
             SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000",
        );
        assert_eq!(engine.run("SELECT count(), uniqExact(id) FROM t"), format!("{stored}\t{stored}"));
        let (address, password) = (engine.address(), engine.password(OWNER));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let heard = acknowledged.clone();
        let writer = std::thread::spawn(move || {
            loop {
                let id = stored + heard.load(Ordering::Relaxed);
                let insert = as_owner(address, &password).with("query", "INSERT INTO t FORMAT TSV");
                let insert = insert.body(format!("{id}\n"));
                let insert = insert.with("insert_deduplication_token", &id.to_string());
                match std::panic::catch_unwind(|| insert.send().status) {
                    Ok(200) => heard.fetch_add(1, Ordering::Relaxed),
                    _ => return,
                };
            }
        });
        until("some inserts", || acknowledged.load(Ordering::Relaxed) > 3 + 7 * round);
        engine.signal(Signal::KILL);
        engine.wait();
        writer.join().unwrap();
        stored += acknowledged.load(Ordering::Relaxed);
        // The one that was under way may have been stored without the writer hearing of it: send it again, as
        // the daemon does.
        let engine = Engine::start(folder.path(), &[]);
        let insert = engine.request().with("query", "INSERT INTO t FORMAT TSV").body(format!("{stored}\n"));
        insert.with("insert_deduplication_token", &stored.to_string()).send().assert_ok();
        stored += 1;
    }
}

/// The moment is after ClickHouse noted an insert down for deduplication and before it named its part: `SIGKILL` was seen
/// there with strace, and found by 200 kills of the daemon once in nine runs.
#[test]
fn stores_what_was_noted_down_and_not_stored() {
    let folder = TempDir::new().unwrap();
    let insert = |engine: &Engine, token: &str, rows: &str| {
        let insert = engine.request().with("query", "INSERT INTO t FORMAT TSV").body(rows);
        let insert = insert.with("deduplicate_blocks_in_dependent_materialized_views", "1");
        insert.with("insert_deduplication_token", token).send().assert_ok();
    };
    let window = "SETTINGS non_replicated_deduplication_window = 1000";
    for table in ["t", "sums"] {
        let mut engine = Engine::start(folder.path(), &[]);
        engine.run(&format!("CREATE OR REPLACE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a {window}"));
        engine.run(&format!(
            "CREATE OR REPLACE TABLE sums (k UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY k {window}"
        ));
        engine.run("DROP VIEW IF EXISTS v");
        engine.run("CREATE MATERIALIZED VIEW v TO sums AS SELECT 1 AS k, count() AS n FROM t GROUP BY k");
        engine.run("SYSTEM STOP MERGES t");
        engine.run("SYSTEM STOP MERGES sums");
        insert(&engine, "one", "1\n2\n");
        insert(&engine, "two", "3\n4\n5\n");
        let path = engine.run(&format!(
            "SELECT path FROM system.parts WHERE database = 'ruad' AND table = '{table}' AND active \
             ORDER BY max_block_number DESC LIMIT 1"
        ));
        engine.signal(Signal::KILL);
        engine.wait();
        let path = std::path::PathBuf::from(path.trim_end_matches('/'));
        std::fs::rename(&path, path.with_file_name("tmp_insert_all_9_9_0")).unwrap();
        let engine = Engine::start(folder.path(), &[]);
        insert(&engine, "one", "1\n2\n");
        insert(&engine, "two", "3\n4\n5\n");
        let counts = engine.run("SELECT (SELECT count() FROM t), (SELECT sum(n) FROM sums)");
        assert_eq!(counts, "5\t5", "interrupted in {table}");
    }
}

#[test]
fn two_engines_do_not_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let engine = Engine::start(folder.path(), &[]);
    let (status, words) = Engine::fail(folder.path(), &[]);
    assert_eq!(status.code(), Some(2));
    assert!(words.contains("another engine has the data folder") && words.contains("open"), "{words}");
    engine.run("SELECT 1");
}

#[test]
fn says_what_it_needs() {
    let folder = TempDir::new().unwrap();
    let (status, words) = Engine::fail(folder.path(), &["--lib", "/nowhere/libchdb.so"]);
    assert_eq!(status.code(), Some(2));
    assert!(words.contains("/nowhere/libchdb.so") && words.contains("make engine"), "{words}");
    let not_it = folder.path().join("not-it.so");
    std::fs::write(&not_it, "not a library").unwrap();
    let (_, words) = Engine::fail(folder.path(), &["--lib", not_it.to_str().unwrap()]);
    assert!(words.contains("cannot load the engine's library") && words.contains("not-it.so"), "{words}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, words) = Engine::fail(folder.path(), &["--listen", &address]);
    assert_eq!(status.code(), Some(2));
    assert!(words.contains(&format!("cannot listen on {address}")) && words.contains("in use"), "{words}");
    let (_, words) = Engine::fail(folder.path(), &["--password-file", "/nowhere/password"]);
    assert!(words.contains("/nowhere/password"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_started_again() {
    let folder = TempDir::new().unwrap();
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        path: folder.path().to_owned(),
        ..Settings::default()
    };
    let customer = User {
        name: "tenant_acme".to_owned(),
        // SHA-256 of "abc", FIPS 180-2 appendix B.1.
        password_sha256: Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned()),
        grants: Vec::new(),
        policies: Vec::new(),
        settings: Vec::new(),
        quota: Quota::default(),
    };
    let access = Access { users: vec![customer], ..Access::to("ruad") };
    let child =
        Child::start_program(env!("CARGO_BIN_EXE_ruad").into(), &settings, &access, &Default::default())
            .await
            .unwrap();
    let password = child.password();
    let address: std::net::SocketAddr = child.url().strip_prefix("http://").unwrap().parse().unwrap();
    let run = move |statement: &'static str| {
        let password = password.reveal().to_owned();
        let send = move || as_owner(address, &password).body(statement).send().text().to_owned();
        std::panic::catch_unwind(send).ok()
    };
    let again = run.clone();
    let blocking = move |statement| {
        let run = run.clone();
        async move { tokio::task::spawn_blocking(move || run(statement)).await.unwrap() }
    };
    blocking("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS fsync_after_insert = 1")
        .await
        .unwrap();
    blocking("INSERT INTO t VALUES (42)").await.unwrap();
    let process = process_of(folder.path());
    rustix::process::kill_process(process, Signal::KILL).unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = None;
        until("the engine to be back", || {
            answer = std::net::TcpStream::connect(address).ok().and_then(|_| again("SELECT a FROM t"));
            answer.is_some()
        });
        answer.unwrap()
    });
    assert_eq!(answer.await.unwrap(), "42\n");
    let asked = tokio::task::spawn_blocking(move || {
        let request = Request::new(address).header("X-ClickHouse-User", "tenant_acme");
        request.header("X-ClickHouse-Key", "abc").body("SELECT currentUser()").send().assert_ok().to_owned()
    });
    assert_eq!(asked.await.unwrap(), "tenant_acme\n", "users that were added are there after a restart, too");
    let process = process_of(folder.path());
    child.stop().await;
    // It may have answered before it said that it is ready, and is killed then; the runtime reaps it a moment later.
    let ended = move || rustix::process::test_kill_process(process).is_err();
    tokio::task::spawn_blocking(move || until("the process to end", ended)).await.unwrap();
}

#[tokio::test]
async fn a_child_says_why_it_does_not_start() {
    let folder = TempDir::new().unwrap();
    let settings = Settings { library: Some("/nowhere/libchdb.so".into()), ..Settings::default() };
    let error = Child::start_program(
        env!("CARGO_BIN_EXE_ruad").into(),
        &settings,
        &Access::to("ruad"),
        &Default::default(),
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("make engine"), "{error}");
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        path: folder.path().to_owned(),
        password_file: Some("/nowhere/password".into()),
        ..Settings::default()
    };
    let error = Child::start_program(
        env!("CARGO_BIN_EXE_ruad").into(),
        &settings,
        &Access::to("ruad"),
        &Default::default(),
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("exit status: 2"), "{error}");
}

fn as_owner(address: std::net::SocketAddr, password: &str) -> Request {
    let request =
        Request::new(address).header("X-ClickHouse-User", OWNER).header("X-ClickHouse-Key", password);
    request.header("X-ClickHouse-Database", "ruad")
}

/// The engine that has this folder open.
fn process_of(folder: &std::path::Path) -> rustix::process::Pid {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        (line.contains("engine") && line.contains(folder))
            .then(|| entry.file_name().into_string().ok())
            .flatten()
    });
    let id = processes.filter_map(|name| name.parse().ok()).next().unwrap();
    rustix::process::Pid::from_raw(id).unwrap()
}
