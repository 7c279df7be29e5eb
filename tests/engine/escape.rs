//! Nobody makes the engine run a program, touch a file outside its folder or open a connection, by any statement.
//!
//! The lists of what there is to try come from the engine, so that an upgrade's new functions, engines, sources and
//! settings are tried as well. Whether one got out is not told from the answers: a folder is watched, a socket listens.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use ruad_engine::{OWNER, READER};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::http::Request;

#[test]
fn table_functions_reach_nothing() {
    let engine = Engine::shared();
    let outside = Outside::new();
    let functions = list(&engine, "SELECT name FROM system.table_functions");
    assert!(functions.len() > 80 && functions.iter().any(|name| name == "executable"), "{functions:?}");
    for function in &functions {
        for arguments in outside.arguments() {
            outside.try_all(&engine, &format!("SELECT * FROM {function}({arguments})"));
            outside.try_all(&engine, &format!("DESCRIBE TABLE {function}({arguments})"));
            let insert = format!("INSERT INTO FUNCTION {function}({arguments}) SELECT 'x'");
            outside.try_as(&engine, OWNER, &insert);
            let create = format!("CREATE TABLE ruad.f_{function} AS {function}({arguments})");
            outside.try_as(&engine, OWNER, &create);
        }
    }
    outside.assert_untouched("table functions");
}

#[test]
fn functions_reach_nothing() {
    let engine = Engine::shared();
    let outside = Outside::new();
    let functions = list(&engine, "SELECT name FROM system.functions WHERE NOT is_aggregate");
    assert!(functions.len() > 1_000 && functions.iter().any(|name| name == "file"), "{}", functions.len());
    let (secret, url) = (outside.secret.display(), format!("http://{}/", outside.tcp));
    // With the path or the address as each of one to three arguments.
    for chunk in functions.chunks(40) {
        for function in chunk {
            outside.try_as(&engine, READER, &format!("SELECT {function}('{secret}')"));
        }
    }
    for function in
        functions.iter().filter(|name| NAMES.iter().any(|part| name.to_lowercase().contains(part)))
    {
        for arguments in [
            format!("'{url}'"),
            format!("'{secret}', 'x'"),
            format!("'{secret}', NULL"),
            format!("'{url}', 'x'"),
            format!("'x', '{secret}', 1"),
            format!("'x', '{url}', 'y'"),
        ] {
            outside.try_all(&engine, &format!("SELECT {function}({arguments})"));
        }
    }
    for statement in [
        format!("SELECT file('{secret}')"),
        format!("SELECT file('{secret}', 'none')"),
        format!("SELECT arrayMap(path -> file(path), ['{secret}'])"),
        "SELECT file('access/ruad.password')".to_owned(),
        format!("SELECT file('{}/access/ruad.password')", engine.folder().display()),
    ] {
        let reply = engine.request_of(READER).body(statement.clone()).send();
        assert!(reply.status >= 400, "{statement}: {}", reply.text());
    }
    outside.assert_untouched("functions");
}

#[test]
fn table_engines_reach_nothing() {
    let engine = Engine::shared();
    let outside = Outside::new();
    let engines = list(&engine, "SELECT name FROM system.table_engines");
    assert!(engines.len() > 60 && engines.iter().any(|name| name == "Executable"), "{engines:?}");
    for name in &engines {
        for arguments in outside.arguments() {
            for verb in ["CREATE TABLE", "ATTACH TABLE", "CREATE TEMPORARY TABLE"] {
                let table =
                    if verb.contains("TEMPORARY") { "e".to_owned() } else { format!("ruad.e_{name}") };
                let statement = format!("{verb} {table} (line String) ENGINE = {name}({arguments})");
                outside.try_as(&engine, OWNER, &statement);
                outside.try_as(&engine, OWNER, &format!("SELECT * FROM {table}"));
            }
            outside.try_as(
                &engine,
                READER,
                &format!("CREATE TEMPORARY TABLE e (line String) ENGINE = {name}({arguments})"),
            );
        }
    }
    for name in list(&engine, "SELECT name FROM system.database_engines") {
        for arguments in outside.arguments() {
            for verb in ["CREATE", "ATTACH"] {
                let statement = format!("{verb} DATABASE d_{name} ENGINE = {name}({arguments})");
                let reply = outside.try_as(&engine, OWNER, &statement);
                assert!(!reply, "{statement} was run");
            }
        }
    }
    outside.assert_untouched("engines");
}

#[test]
fn dictionaries_reach_nothing() {
    let engine = Engine::shared();
    let outside = Outside::new();
    let (secret, marker) = (outside.secret.display(), outside.marker.display());
    let sources = sources();
    let layouts = list(&engine, "SELECT name FROM system.dictionary_layouts");
    assert!(sources.len() > 5 && layouts.len() > 5, "{sources:?} {layouts:?}");
    let (host, port) = (outside.tcp.ip(), outside.tcp.port());
    for source in &sources {
        for (parameters, layout) in [
            format!("COMMAND 'touch {marker}' FORMAT TabSeparated"),
            format!("URL 'http://{}/' FORMAT TabSeparated", outside.tcp),
            format!("PATH '{secret}' FORMAT TabSeparated"),
            format!("HOST '{host}' PORT {port} USER 'x' PASSWORD 'y' DB 'd' TABLE 't'"),
        ]
        .iter()
        .zip(layouts.iter().cycle())
        {
            for verb in ["CREATE DICTIONARY", "CREATE OR REPLACE DICTIONARY", "ATTACH DICTIONARY"] {
                let statement = format!(
                    "{verb} ruad.dict (k String, v String) PRIMARY KEY k SOURCE({source}({parameters})) \
                     LAYOUT({layout}()) LIFETIME(0)"
                );
                for user in [OWNER, READER] {
                    assert!(!outside.try_as(&engine, user, &statement), "{user}: {statement} was run");
                }
            }
            outside.try_all(&engine, "SELECT * FROM ruad.dict");
        }
    }
    outside.assert_untouched("dictionaries");
}

#[test]
fn statements_reach_nothing() {
    let engine = Engine::shared();
    let outside = Outside::new();
    engine.run("CREATE TABLE IF NOT EXISTS ruad.esc (line String) ENGINE = MergeTree ORDER BY line");
    let (secret, marker, folder) =
        (outside.secret.display(), outside.marker.display(), outside.folder.path().display());
    let url = format!("http://{}/", outside.tcp);
    let mut statements: Vec<String> = [
        "CREATE FUNCTION run AS () -> executable('touch {marker}')",
        "CREATE FUNCTION run LANGUAGE WASM FROM '{secret}'",
        "CREATE NAMED COLLECTION c AS url = '{url}'",
        "CREATE WORKLOAD w", "CREATE RESOURCE r (READ DISK d)",
        "BACKUP DATABASE ruad TO File('{marker}')", "BACKUP TABLE ruad.esc TO Disk('default', '{marker}')",
        "BACKUP TABLE ruad.esc TO S3('{url}', 'a', 'b')", "BACKUP TABLE ruad.esc TO Memory('x')",
        "RESTORE DATABASE ruad FROM File('{folder}')", "RESTORE TABLE ruad.esc FROM S3('{url}', 'a', 'b')",
        "SELECT 1 INTO OUTFILE '{marker}'", "SELECT 1 INTO OUTFILE '{marker}' APPEND", "SELECT 1 INTO OUTFILE '{marker}' TRUNCATE FORMAT TSV",
        "INSERT INTO ruad.esc FROM INFILE '{secret}' FORMAT LineAsString",
        "INSERT INTO ruad.esc FROM INFILE '{secret}' COMPRESSION 'none' FORMAT LineAsString",
        "ATTACH TABLE ruad.att FROM '{folder}' (line String) ENGINE = File(LineAsString)",
        "ATTACH TABLE ruad.att FROM '{folder}' (line String) ENGINE = MergeTree ORDER BY line",
        "ATTACH TABLE ruad.att UUID '00000000-0000-0000-0000-000000000001' (line String) ENGINE = File(LineAsString, '{secret}')",
        "ALTER TABLE ruad.esc FREEZE WITH NAME '../../../../../../{marker}'",
        "ALTER TABLE ruad.esc FETCH PARTITION tuple() FROM '{url}'",
        "ALTER TABLE ruad.esc MOVE PARTITION tuple() TO DISK 'x'",
        "ALTER TABLE ruad.esc ATTACH PART '../../../../../../{folder}'",
        "ALTER TABLE ruad.esc DROP DETACHED PART '../../../../../../{folder}' SETTINGS allow_drop_detached = 1",
        "SELECT * FROM default.`{secret}`", "SELECT * FROM `{secret}`", "SELECT * FROM '{secret}'", "SELECT * FROM default.`{url}`",
        "DESCRIBE TABLE '{secret}'", "SHOW TABLES FROM default",
        "SET format_schema = '{secret}:m'", "EXPLAIN SELECT * FROM file('{secret}', LineAsString)",
        "CREATE VIEW ruad.v AS SELECT * FROM file('{secret}', LineAsString)",
        "CREATE VIEW ruad.v2 DEFINER = ruad_host SQL SECURITY DEFINER AS SELECT * FROM file('{secret}', LineAsString)",
        "CREATE VIEW ruad.v3 DEFINER = default SQL SECURITY DEFINER AS SELECT * FROM file('{secret}', LineAsString)",
        "CREATE VIEW ruad.v4 SQL SECURITY NONE AS SELECT * FROM file('{secret}', LineAsString)",
        "SELECT * FROM ruad.v", "SELECT * FROM ruad.v2", "SELECT * FROM ruad.v3", "SELECT * FROM ruad.v4",
        "CREATE MATERIALIZED VIEW ruad.mv REFRESH EVERY 1 SECOND (line String) ENGINE = Memory AS SELECT * FROM url('{url}', LineAsString)",
        "CREATE MATERIALIZED VIEW ruad.mv2 DEFINER = default SQL SECURITY DEFINER (line String) ENGINE = Memory AS SELECT file('{secret}') AS line",
        "CREATE TABLE ruad.def (a UInt8, line String DEFAULT file('{secret}')) ENGINE = Memory", "INSERT INTO ruad.def (a) VALUES (1)",
        "SELECT line FROM ruad.def", "SELECT addressToLine(1)", "SELECT demangle('x')", "SELECT catboostEvaluate('{secret}', 1)",
        "SELECT * FROM system.zookeeper WHERE path = '/'", "SELECT * FROM system.stack_trace", "SELECT * FROM system.dns_cache",
        "USE default", "EXECUTE AS default SELECT * FROM file('{secret}', LineAsString)",
        "SYSTEM RESTART REPLICAS", "SELECT * FROM cluster('default', system.one)", "SELECT * FROM clusterAllReplicas('x', system.one)",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .collect();
    for disk in [
        "type = local, path = '{folder}/'",
        "type = web, endpoint = '{url}'",
        "type = s3, endpoint = '{url}b/', access_key_id = 'a', secret_access_key = 'b'",
        "type = s3_plain, endpoint = '{url}b/', access_key_id = 'a', secret_access_key = 'b'",
        "type = local_blob_storage, path = '{folder}/'",
        "type = object_storage, object_storage_type = local, metadata_type = local, path = '{folder}/'",
        "type = hdfs, endpoint = 'hdfs://{host}/x/'",
        "type = azure_blob_storage, storage_account_url = '{url}', container_name = 'c', account_name = 'a', account_key = 'YQ=='",
        "type = cache, disk = 'default', path = '{folder}/', max_size = 1000",
        "type = encrypted, disk = 'default', path = '../../../', key = '1234567812345678'",
    ] {
        for setting in [
            format!("disk = disk({disk})"),
            format!("disk = disk(name = 'd', {disk})"),
            format!("table_disk = 1, disk = disk({disk})"),
        ] {
            statements.push(format!(
                "CREATE TABLE ruad.disk (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS {setting}"
            ));
            statements.push(format!("ALTER TABLE ruad.esc MODIFY SETTING {setting}"));
            statements.push(format!(
                "CREATE TEMPORARY TABLE disk (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS {setting}"
            ));
        }
    }
    let fill = |text: &str| {
        text.replace("{secret}", &secret.to_string())
            .replace("{marker}", &marker.to_string())
            .replace("{folder}", &folder.to_string())
            .replace("{url}", &url)
            .replace("{host}", &outside.tcp.to_string())
    };
    for statement in &statements {
        outside.try_all(&engine, &fill(statement));
    }
    // By what the engine names: each privilege of SYSTEM is the beginning of a statement.
    for privilege in [
        "SHUTDOWN",
        "KILL",
        "START LISTEN TCP",
        "STOP LISTEN HTTP",
        "START LISTEN MYSQL",
        "RELOAD CONFIG",
        "RELOAD USERS",
        "RELOAD FUNCTIONS",
        "RELOAD DICTIONARIES",
        "DROP DNS CACHE",
        "FLUSH LOGS",
        "UNFREEZE WITH NAME 'x'",
        "ENABLE FAILPOINT x",
        "JEMALLOC FLUSH PROFILE",
        "JEMALLOC ENABLE PROFILE",
        "START THREAD FUZZER",
        "SYNC FILE CACHE",
        "LOAD PRIMARY KEY ruad.esc",
    ] {
        for user in [OWNER, READER] {
            let statement = format!("SYSTEM {privilege}");
            assert!(!outside.try_as(&engine, user, &statement), "{user}: {statement} was run");
        }
    }
    outside.assert_untouched("statements");
}

#[test]
fn settings_reach_nothing() {
    let engine = Engine::shared();
    let outside = Outside::new();
    engine.run("CREATE TABLE IF NOT EXISTS ruad.set (line String) ENGINE = MergeTree ORDER BY line");
    let settings = list(
        &engine,
        "SELECT name FROM system.settings WHERE type IN ('String', 'URI') OR name LIKE '%path%' OR name LIKE '%file%' OR name LIKE '%url%'",
    );
    assert!(settings.len() > 50 && settings.iter().any(|name| name == "format_schema"), "{settings:?}");
    let values = [
        outside.secret.display().to_string(),
        outside.marker.display().to_string(),
        format!("http://{}/", outside.tcp),
    ];
    for setting in &settings {
        for value in &values {
            for statement in [
                "SELECT 'a' AS line FORMAT Protobuf",
                "SELECT 'a' AS line FORMAT Template",
                "SELECT 'a' AS line FORMAT AvroConfluent",
                "INSERT INTO ruad.set FORMAT CSV \"a",
                "SELECT * FROM ruad.set",
            ] {
                let request = engine.request().with(setting, value);
                outside.look(&request.body(statement).send().body, statement);
            }
        }
    }
    let formats = list(&engine, "SELECT name FROM system.formats");
    assert!(formats.len() > 60, "{formats:?}");
    let secret = outside.secret.display();
    for format in &formats {
        for settings in [
            format!("format_schema = '{secret}:m'"),
            format!("format_schema = '{secret}:m', format_schema_source = 'file'"),
            format!(
                "format_schema = 'access/users.xml', format_template_row = '{secret}', format_template_resultset = '{secret}'"
            ),
            format!("output_format_schema = '{}'", outside.marker.display()),
            format!(
                "input_format_record_errors_file_path = '{}', input_format_allow_errors_num = 9",
                outside.marker.display()
            ),
            format!("format_avro_schema_registry_url = 'http://{}/'", outside.tcp),
            "local_filesystem_read_method = 'io_uring'".to_owned(),
        ] {
            for user in [OWNER, READER] {
                outside.try_as(
                    &engine,
                    user,
                    &format!("SELECT 'a' AS line FORMAT {format} SETTINGS {settings}"),
                );
                outside.try_as(
                    &engine,
                    user,
                    &format!("SELECT * FROM format({format}, 'line String', 'a') SETTINGS {settings}"),
                );
            }
            outside.try_as(
                &engine,
                OWNER,
                &format!("INSERT INTO ruad.set SETTINGS {settings} FORMAT {format} a\nb"),
            );
        }
    }
    outside.assert_untouched("settings");
}

/// The kernel keeps it too: this is what holds when a grant is missing or ClickHouse has a fault.
#[cfg(target_os = "linux")]
#[test]
fn the_kernel_confines_it() {
    let engine = Engine::shared();
    let status = |thread: &Path| fs::read_to_string(thread.join("status")).unwrap_or_default();
    let threads: Vec<PathBuf> = fs::read_dir(format!("/proc/{}/task", engine.id()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let filtered = threads.iter().filter(|thread| status(thread).contains("Seccomp:\t2")).count();
    // But for those of this program.
    assert!(filtered + 4 >= threads.len() && filtered > 10, "{filtered} of {}", threads.len());
}

fn list(engine: &Engine, query: &str) -> Vec<String> {
    // What everybody may read, but for what an engine shows to those that it is granted to.
    let reply = engine.request().body(format!("{query} FORMAT TSV")).send();
    reply.assert_ok().lines().map(str::to_owned).collect()
}

/// The list of sources is not for everybody.
fn sources() -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let looks = r#"[{"name":"looks","password_sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "grants":["GRANT SELECT ON system.dictionary_sources"],"policies":[],"settings":[],"quota":[]}]"#;
    let users = folder.path().join("users.json");
    fs::write(&users, looks).unwrap();
    let engine = Engine::start(&folder.path().join("data"), &["--users", users.to_str().unwrap()]);
    let request =
        Request::new(engine.address()).header("X-ClickHouse-User", "looks").header("X-ClickHouse-Key", "abc");
    let reply = request.body("SELECT name FROM system.dictionary_sources").send();
    reply.assert_ok().lines().map(str::to_owned).collect()
}

/// What must not be touched: a folder with a secret in it, and sockets.
struct Outside {
    folder: TempDir,
    secret: PathBuf,
    marker: PathBuf,
    tcp: SocketAddr,
    listener: TcpListener,
    udp: UdpSocket,
    watch: std::os::fd::OwnedFd,
}

impl Outside {
    fn new() -> Self {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let folder = TempDir::new().unwrap();
        let (secret, marker) = (folder.path().join("secret"), folder.path().join("marker"));
        fs::write(&secret, SECRET).unwrap();
        let (listener, udp) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            // Names would be asked for here, were it a name server.
            if let Ok(udp) = UdpSocket::bind(listener.local_addr().unwrap()) {
                break (listener, udp);
            }
        };
        let tcp = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        let watch = init(CreateFlags::NONBLOCK).unwrap();
        let events = WatchFlags::OPEN
            | WatchFlags::ACCESS
            | WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_TO;
        add_watch(&watch, &secret, events).unwrap();
        add_watch(&watch, folder.path(), WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::MOVED_TO)
            .unwrap();
        Self { folder, secret, marker, tcp, listener, udp, watch }
    }

    /// Arguments such as functions and engines take that read files, run programs or open connections.
    fn arguments(&self) -> Vec<String> {
        let (secret, marker, folder) =
            (self.secret.display(), self.marker.display(), self.folder.path().display());
        let (tcp, port) = (self.tcp, self.tcp.port());
        vec![
            format!("'{secret}', 'LineAsString'"),
            format!("'{secret}'"),
            format!("'LineAsString', '{secret}'"),
            format!("'{folder}/', 'secret'"),
            format!("'touch {marker}', 'LineAsString', 'line String'"),
            format!("'http://{tcp}/x', 'LineAsString', 'line String'"),
            format!("'http://{tcp}/x'"),
            format!("'{tcp}', 'd', 't', 'u', 'p'"),
            format!("'{tcp}', system.one"),
            format!("'127.0.0.1:{port}', 'k', 'line String'"),
            format!("'mongodb://u:p@{tcp}/d', 'c'"),
            format!("'hdfs://{tcp}/x', 'LineAsString'"),
            format!("'DSN=x;Server={tcp}', 'd', 't'"),
        ]
    }

    /// Runs a statement as every user.
    fn try_all(&self, engine: &Engine, statement: &str) {
        for user in [OWNER, READER] {
            self.try_as(engine, user, statement);
        }
    }

    /// Runs a statement as a user; whether it was run.
    fn try_as(&self, engine: &Engine, user: &str, statement: &str) -> bool {
        let request = engine.request_of(user).with("max_execution_time", "2").with("max_result_rows", "1000");
        let request = request.with("result_overflow_mode", "break").with("max_rows_to_read", "100000");
        let reply = request.body(statement).send();
        self.look(&reply.body, statement);
        reply.status == 200
    }

    fn look(&self, answer: &[u8], statement: &str) {
        let found = answer.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret was told by {statement}");
        assert!(!self.marker.exists(), "a file was made by {statement}");
        assert!(self.listener.accept().is_err(), "a connection was opened by {statement}");
        assert!(self.udp.recv_from(&mut [0]).is_err(), "a datagram was sent by {statement}");
        if let Some(events) = self.events() {
            panic!("{events} bytes of events in the folder after {statement}");
        }
    }

    fn assert_untouched(&self, what: &str) {
        self.look(&[], what);
        let names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"], "{what}");
    }

    fn events(&self) -> Option<usize> {
        let mut events = fs::File::from(self.watch.try_clone().unwrap());
        events.read(&mut [0; 4096]).ok().filter(|count| *count > 0)
    }
}

const SECRET: &str = "what lies outside";

/// Parts of names of functions that could reach out.
const NAMES: [&str; 14] = [
    "ai",
    "catboost",
    "connect",
    "dict",
    "dns",
    "exec",
    "file",
    "http",
    "load",
    "model",
    "remote",
    "url",
    "wasm",
    "zookeeper",
];
