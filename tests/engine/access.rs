//! Who is let in, and how far.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use ruad_engine::{Bound, OWNER, Policy, READER, Setting, User};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::http::{Reply, Request};

#[test]
fn nobody_is_let_in_without_a_password() {
    let engine = Engine::shared();
    let request = || Request::new(engine.address());
    let basic =
        |login: &str| format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, login));
    let tries = [
        request().body("SELECT 1"),
        request().get().with("query", "SELECT 1"),
        request().with("session_id", "x").body("SELECT 1"),
        request().with("user", "default").body("SELECT 1"),
        request().with("user", "default").with("password", "").with("session_id", "x").body("SELECT 1"),
        request().header("X-ClickHouse-User", "default").body("SELECT 1"),
        request().header("Authorization", &basic("default:")).body("SELECT 1"),
        request().header("X-Forwarded-For", "127.0.0.1").with("user", "default").body("SELECT 1"),
        request().with("user", OWNER).body("SELECT 1"),
        request().with("user", READER).with("password", "password").body("SELECT 1"),
        request().with("user", "ruad_host").body("SELECT 1"),
        request().header("X-ClickHouse-User", "nobody").header("X-ClickHouse-Key", "x").body("SELECT 1"),
    ];
    for (number, request) in tries.into_iter().enumerate() {
        let reply = request.send();
        assert!(reply.status >= 400, "{number}: {}", reply.text());
        assert!(matches!(reply.exception(), Some(516 | 700)), "{number}: {}", reply.text());
    }
    for path in [
        "/play",
        "/dashboard",
        "/binary",
        "/merges",
        "/jemalloc",
        "/js/uplot.js",
        "/replicas_status",
        "/metrics",
    ] {
        assert_eq!(request().get().path(path).send().status, 404, "{path}");
    }
    assert_eq!(request().get().path("/ping").send().assert_ok(), "Ok.\n");
    assert_eq!(engine.request_of(READER).body("SELECT currentUser()").send().assert_ok(), "reader\n");
    let with_url = request().with("user", READER).with("password", &engine.password(READER));
    assert_eq!(with_url.body("SELECT 1").send().assert_ok(), "1\n");
}

/// Neither a password nor a whole request is needed to open a connection.
#[test]
fn connections_of_strangers_do_no_harm() {
    let folder = TempDir::new().unwrap();
    let mut engine = Engine::start(folder.path(), &[]);
    let open = |bytes: &[u8]| {
        let mut stream = std::net::TcpStream::connect(engine.address()).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let heads: [&[u8]; 9] = [
        b"",
        b"POST /",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\nGET /ping HT",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nSEL",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nnot a field\r\n\r\n",
        b"QUIT\r\n\r\n",
    ];
    for head in heads {
        for end in [std::net::Shutdown::Write, std::net::Shutdown::Both] {
            let mut stream = open(head);
            stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
            stream.shutdown(end).unwrap();
            // To the answer's end, if there is one.
            drop(stream.read_to_end(&mut Vec::new()));
        }
        assert_eq!(engine.run("SELECT 1"), "1", "{}", String::from_utf8_lossy(head));
    }
    // More than are held open at once.
    let half: Vec<_> = (0..700).map(|_| open(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")).collect();
    for _ in 0..5 {
        assert_eq!(engine.run("SELECT 1"), "1");
    }
    drop(half);
    assert_eq!(engine.run("SELECT 1"), "1");
    engine.signal(rustix::process::Signal::TERM);
    assert_eq!(engine.wait().code(), Some(0), "it was the same process all the time");
}

/// A browser may have been told the password once.
#[test]
fn pages_of_other_sites_get_nowhere() {
    let engine = Engine::shared();
    for (header, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("ORIGIN", "https://evil.example"),
        ("Origin", "http://127.0.0.1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "same-origin"),
        ("sec-fetch-site", "cross-site"),
        ("Sec-Fetch-Site", "CROSS-SITE"),
        ("Sec-Fetch-Site", "Same-Site"),
        ("Sec-Fetch-Site", "none, cross-site"),
        ("Sec-Fetch-Site", "cross-site, none"),
        ("Sec-Fetch-Site", "none,none"),
        ("Sec-Fetch-Site", "nonesuch"),
        ("Sec-Fetch-Site", "none;x"),
        ("Sec-Fetch-Site", "what comes next"),
    ] {
        let text = |request: Request| request.header("Content-Type", "text/plain");
        for request in [
            engine.request().body("SELECT 1"),
            text(engine.request()).body("SELECT 1"),
            engine.request().get().with("query", "SELECT 1"),
        ] {
            let reply = request.header(header, value).send();
            assert_eq!(reply.status, 403, "{header}: {value}: {}", reply.text());
            assert!(reply.header("access-control-allow-origin").is_none());
        }
    }
    for site in ["none", "None", "NONE"] {
        let request = engine.request().header("Sec-Fetch-Site", site).get();
        request.with("query", "SELECT 1").send().assert_ok();
    }
    engine.request().body("SELECT 1").send().assert_ok();
}

#[test]
fn get_only_reads() {
    let engine = Engine::shared();
    engine.run("CREATE TABLE IF NOT EXISTS ruad.kept (a UInt8) ENGINE = MergeTree ORDER BY a");
    for statement in [
        "DROP TABLE ruad.kept",
        "INSERT INTO ruad.kept VALUES (1)",
        "CREATE TABLE ruad.g (a Int8) ENGINE = Memory",
    ] {
        for readonly in [None, Some("0"), Some("1"), Some("2")] {
            let request = engine.request().get().with("query", statement);
            let request = match readonly {
                Some(level) => request.with("readonly", level),
                None => request,
            };
            assert_eq!(request.send().exception(), Some(164), "{statement} {readonly:?}");
        }
    }
    assert_eq!(engine.run("SELECT count() FROM ruad.kept"), "0");
}

#[test]
fn readers_read_and_change_nothing() {
    let engine = Engine::shared();
    engine.run("CREATE TABLE IF NOT EXISTS ruad.read (a UInt8) ENGINE = MergeTree ORDER BY a");
    let read = |statement: &str| engine.request_of(READER).body(statement).send();
    read("SELECT count() FROM ruad.read").assert_ok();
    // As Grafana's data source does.
    read("SELECT count() FROM ruad.read SETTINGS max_execution_time = 30, max_threads = 1").assert_ok();
    read("SELECT name FROM system.tables WHERE database = 'ruad'").assert_ok();
    read("SELECT name, type FROM system.columns WHERE database = 'ruad'").assert_ok();
    read("SELECT name, value FROM system.settings").assert_ok();
    for statement in [
        "INSERT INTO ruad.read VALUES (1)",
        "DROP TABLE ruad.read",
        "TRUNCATE TABLE ruad.read",
        "OPTIMIZE TABLE ruad.read",
        "ALTER TABLE ruad.read DELETE WHERE 1",
        "CREATE TABLE ruad.mine (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE mine (a UInt8)",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS readonly = 2",
        "SELECT * FROM system.processes",
        "SELECT * FROM system.users",
        "SELECT * FROM system.server_settings",
        "SHOW CREATE USER ruad",
        "EXECUTE AS ruad SELECT 1",
    ] {
        assert!(read(statement).status >= 400, "{statement}");
    }
    let reply = engine.request_of(READER).with("readonly", "0").body("SELECT 1").send();
    assert_eq!(reply.exception(), Some(164));
}

/// A person, or a page that knows the password, cannot take the engine from the daemon.
#[test]
fn readers_are_bounded() {
    let engine = Engine::shared();
    let value = |name: &str| {
        let statement = format!("SELECT value, readonly FROM system.settings WHERE name = '{name}'");
        engine.request_of(READER).body(statement).send().assert_ok().trim_end().to_owned()
    };
    for name in [
        "max_memory_usage",
        "max_memory_usage_for_user",
        "max_concurrent_queries_for_user",
        "max_concurrent_queries_for_all_users",
        "max_result_bytes",
        "max_temporary_data_on_disk_size_for_user",
        "max_sessions_for_user",
        "max_untracked_memory",
    ] {
        let found = value(name);
        assert!(!found.starts_with("0\t") && found.ends_with("\t1"), "{name}: {found}");
    }
    assert!(value("max_execution_time").ends_with("\t0"));
    for setting in [
        "max_execution_time = 0",
        "max_execution_time = 601",
        "max_threads = 9",
        "max_untracked_memory = 9",
        "use_query_cache = 1",
    ] {
        let reply = engine.request_of(READER).body(format!("SELECT 1 SETTINGS {setting}")).send();
        assert!(matches!(reply.exception(), Some(164 | 452)), "{setting}: {}", reply.text());
        let (name, value) = setting.split_once(" = ").unwrap();
        let reply = engine.request_of(READER).with(name, value).body("SELECT 1").send();
        assert!(matches!(reply.exception(), Some(164 | 452)), "{setting}: {}", reply.text());
    }
    let free = "SELECT count() FROM system.settings WHERE NOT readonly";
    assert_eq!(engine.request_of(READER).body(free).send().assert_ok(), "16\n");
}

#[test]
fn users_change_no_users() {
    let engine = Engine::shared();
    for user in [OWNER, READER] {
        for statement in [
            "CREATE USER x",
            "ALTER USER reader IDENTIFIED BY 'x'",
            "DROP USER reader",
            "GRANT ALL ON *.* TO reader",
            "CREATE ROLE x",
            "CREATE ROW POLICY x ON ruad.kept USING 1",
            "CREATE QUOTA x",
            "CREATE SETTINGS PROFILE x",
            "CREATE DATABASE other",
            "DROP DATABASE ruad",
        ] {
            let reply = engine.request_of(user).body(statement).send();
            assert!(reply.status >= 400, "{user}: {statement}: {}", reply.text());
        }
    }
}

#[test]
fn secrets_are_private_and_shown_on_request() {
    let engine = Engine::shared();
    let access = engine.folder().join("access");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(engine.folder()), mode(&access)), (0o700, 0o700));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&access).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let has = [OWNER, READER].iter().any(|user| text.contains(&engine.password(user)));
        assert_eq!(has, entry.path().extension().unwrap() == "password", "{}", entry.path().display());
    }
    names.sort_unstable();
    assert_eq!(names, ["config.xml", "reader.password", "ruad.password", "users.xml"]);
    for (arguments, user) in [(&["reader"][..], READER), (&[], READER), (&["ruad"], OWNER)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
        let output = command
            .args(["engine", "password", "--path"])
            .arg(engine.folder())
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), engine.password(user));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    let output = command.args(["engine", "password", "--path", "/nowhere"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("starts for the first time"), "{told}");
}

/// What a customer's user is made of.
#[test]
fn more_users_can_be_added() {
    let folder = TempDir::new().unwrap();
    let user = |name: &str, password: &str| User {
        name: name.to_owned(),
        password_sha256: (!password.is_empty()).then(|| {
            let hash = ring::digest::digest(&ring::digest::SHA256, password.as_bytes());
            hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        }),
        grants: vec!["GRANT SELECT ON ruad.t".to_owned()],
        policies: vec![Policy {
            database: "ruad".to_owned(),
            table: "t".to_owned(),
            condition: "a < 2 AND who = currentUser()".to_owned(),
        }],
        settings: vec![
            Setting::fixed("readonly", 2),
            Setting {
                name: "max_threads".to_owned(),
                value: "2".to_owned(),
                bound: Bound::Between("1".to_owned(), "4".to_owned()),
            },
        ],
        quota: ruad_engine::Quota(vec![ruad_engine::Interval {
            seconds: 3_600,
            most: vec![("queries".to_owned(), 4)],
        }]),
    };
    let file = folder.path().join("users.json");
    let users = [user("tenant_acme-1", "secret of acme"), user("nobody", "")];
    std::fs::write(&file, serde_json::to_string(&users).unwrap()).unwrap();
    let data = folder.path().join("data");
    let engine = Engine::start(&data, &["--users", file.to_str().unwrap()]);
    engine.run("CREATE TABLE t (a UInt8, who String) ENGINE = MergeTree ORDER BY a");
    engine.run("INSERT INTO t VALUES (1, 'tenant_acme-1'), (1, 'x'), (2, 'tenant_acme-1')");
    assert_eq!(engine.run("SELECT count() FROM t"), "3", "the owner sees all");
    let as_user = |user: &str, password: &str, statement: &str| -> Reply {
        let request = Request::new(engine.address()).header("X-ClickHouse-User", user);
        request.header("X-ClickHouse-Key", password).body(statement).send()
    };
    let acme = |statement: &str| as_user("tenant_acme-1", "secret of acme", statement);
    assert_eq!(acme("SELECT a, who FROM ruad.t").assert_ok(), "1\ttenant_acme-1\n");
    assert_eq!(acme("SELECT 1 SETTINGS max_threads = 5").exception(), Some(452));
    assert_eq!(acme("SELECT 1 SETTINGS readonly = 0").exception(), Some(164));
    assert_eq!(acme("INSERT INTO ruad.t VALUES (1, 'x')").exception(), Some(497));
    assert_eq!(as_user("nobody", "", "SELECT 1").exception(), Some(516));
}
