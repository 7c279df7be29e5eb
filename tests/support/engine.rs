//! One engine for all tests of a binary; each takes a database of its own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use ruad::store::{Settings, Store};

/// A running engine. It stops when this process ends and takes its end of the pipe with it.
pub struct Engine {
    /// Address of its HTTP interface.
    pub url: String,
    /// The process.
    pub process: Child,
    _folder: tempfile::TempDir,
}

impl Engine {
    /// Starts one with an empty folder.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_ruad"))
            .args(["engine", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--path"])
            .arg(folder.path())
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("listening on ").expect("the engine starts; is libchdb installed?");
        Self { url: format!("http://{address}"), process, _folder: folder }
    }

    /// The one that the tests of this binary share.
    pub fn shared() -> &'static Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(Self::start)
    }

    /// Settings for a database that no other test uses.
    pub fn settings(&self) -> Settings {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let database = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Settings { url: Some(self.url.clone()), database, ..Settings::default() }
    }

    /// A store in a database of its own, with the schema.
    pub async fn store(&self) -> Store {
        let store = Store::connect(&self.settings()).unwrap();
        store.migrate().await.unwrap();
        store
    }
}

/// The answer to a query, a single value.
pub async fn number(store: &Store, query: &str) -> i64 {
    let query = format!("SELECT assumeNotNull(toInt64(({query})))");
    store.client().query_raw(&query).fetch_one().await.unwrap()
}
