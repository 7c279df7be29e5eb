//! One engine for all tests of a binary; each takes a database of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use ruad::store::{Settings, Store};
use ruad_common::password::Password;
use ruad_engine::{OWNER, Passwords, READY};

/// A running engine. It stops when this process ends and takes its end of the pipe with it.
pub(crate) struct Engine {
    /// Address of its HTTP interface.
    pub(crate) url: String,
    process: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Engine {
    /// Starts one with an empty folder.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (process, address) = launch(folder.path(), "127.0.0.1:0", &[]);
        Self { url: format!("http://{address}"), process, address, folder }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Takes its place while it is dead, and turns away so many connections.
    pub(crate) async fn refuse_connections(&self, count: usize) {
        let listener = tokio::net::TcpListener::bind(&self.address).await.unwrap();
        for _ in 0..count {
            drop(listener.accept().await.unwrap());
        }
    }

    /// Starts it again with the same folder and address.
    pub(crate) fn restart(&mut self) {
        self.process = launch(self.folder.path(), &self.address, &[]).0;
    }

    /// The one that the tests of this binary share.
    pub(crate) fn shared() -> &'static Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(Self::start)
    }

    /// Settings for a database that no other test uses.
    pub(crate) fn settings(&self) -> Settings {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < DATABASES, "the engine is started with {DATABASES} databases");
        self.settings_of(&format!("test_{next}"))
    }

    /// Settings for a database of the engine's, as its owner.
    pub(crate) fn settings_of(&self, database: &str) -> Settings {
        Settings {
            url: Some(self.url.clone()),
            user: Some(OWNER.to_owned()),
            password: Some(password(self.folder.path(), OWNER)),
            database: database.to_owned(),
            ..Settings::default()
        }
    }

    /// A store in a database of its own, with the schema.
    pub(crate) async fn store(&self) -> Store {
        let store = Store::connect(&self.settings()).unwrap();
        store.migrate().await.unwrap();
        store
    }
}

/// Starts one over a folder, with the databases of the tests and these arguments, and waits for its address. It stops when
/// its standard input ends.
pub(crate) fn launch(folder: &Path, listen: &str, arguments: &[&str]) -> (Child, String) {
    let databases = (0..DATABASES).map(|number| format!("--database=test_{number}"));
    let mut process = Command::new(env!("CARGO_BIN_EXE_ruad"))
        .args(["engine", "--stop-with-stdin", "--listen", listen, "--database", "ruad", "--path"])
        .arg(folder)
        .args(databases)
        .args(arguments)
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix(READY);
    let address = address.expect("the engine starts; is libchdb installed?").to_owned();
    (process, address)
}

/// What tells a command of `ruad` the user of these settings.
pub(crate) fn login(settings: &Settings) -> Vec<(&'static str, String)> {
    let user = settings.user.clone().map(|user| ("RUAD__CLICKHOUSE__USER", user));
    let password = settings.password.as_ref();
    let password = password.map(|password| ("RUAD__CLICKHOUSE__PASSWORD", password.reveal().to_owned()));
    user.into_iter().chain(password).collect()
}

/// The password of a user of the engine over this folder.
pub(crate) fn password(folder: &Path, user: &str) -> Password {
    let settings = ruad_engine::Settings { path: folder.to_owned(), ..Default::default() };
    Passwords::of(&settings).read(user).unwrap().into()
}

/// How many tests of a binary can have one of their own.
const DATABASES: u32 = 64;

/// The answer to a query, a single value.
pub(crate) async fn number(store: &Store, query: &str) -> i64 {
    let query = format!("SELECT assumeNotNull(toInt64(({query})))");
    store.client().query_raw(&query).fetch_one().await.unwrap()
}
