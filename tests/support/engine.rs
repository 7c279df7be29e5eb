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

use ruad::{
    engine::READY,
    store::{Settings, Store},
};

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
        let (process, address) = launch(folder.path(), "127.0.0.1:0", None);
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
        self.process = launch(self.folder.path(), &self.address, None).0;
    }

    /// The one that the tests of this binary share.
    pub(crate) fn shared() -> &'static Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(Self::start)
    }

    /// Settings for a database that no other test uses.
    pub(crate) fn settings(&self) -> Settings {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let database = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Settings { url: Some(self.url.clone()), database, ..Settings::default() }
    }

    /// A store in a database of its own, with the schema.
    pub(crate) async fn store(&self) -> Store {
        let store = Store::connect(&self.settings()).unwrap();
        store.migrate().await.unwrap();
        store
    }
}

/// Starts one over a folder, in a working folder if it matters which, and waits for its address. It stops when its standard
/// input ends.
pub(crate) fn launch(folder: &Path, listen: &str, work: Option<&Path>) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    if let Some(work) = work {
        command.current_dir(work);
    }
    let mut process = command
        .args(["engine", "--stop-with-stdin", "--listen", listen, "--path"])
        .arg(folder)
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

/// The answer to a query, a single value.
pub(crate) async fn number(store: &Store, query: &str) -> i64 {
    let query = format!("SELECT assumeNotNull(toInt64(({query})))");
    store.client().query_raw(&query).fetch_one().await.unwrap()
}
