//! `ruad engine` as a process of its own, shared by the tests that need nothing special of it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Weak};

use tempfile::TempDir;

use ruad_engine::{OWNER, Passwords, Settings};

use crate::http::Request;
use crate::wait::until;

/// A running engine; ended and removed when the last test that uses it is done.
pub(crate) struct Engine {
    child: Child,
    address: SocketAddr,
    /// Of the user [`OWNER`].
    password: String,
    folder: PathBuf,
    /// Dropped after the process has ended.
    temporary: Option<TempDir>,
}

impl Engine {
    /// The engine that tests share: each uses a database of its own.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        if let Some(engine) = shared.upgrade() {
            return engine;
        }
        let folder = TempDir::new().unwrap();
        let mut engine = Self::start(folder.path(), &[]);
        engine.temporary = Some(folder);
        let engine = Arc::new(engine);
        *shared = Arc::downgrade(&engine);
        engine
    }

    /// An engine of one's own.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command(folder, arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix(ruad_engine::READY) else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("the engine does not start (`make engine` installs its library): {stderr}");
        };
        // Nobody reads on: the pipe must not fill up.
        let mut stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let address = address.parse().unwrap();
        let password = password(folder, OWNER);
        Self { child, address, password, folder: folder.to_owned(), temporary: None }
    }

    /// An engine that is expected not to start: its status and its words.
    pub(crate) fn fail(folder: &Path, arguments: &[&str]) -> (ExitStatus, String) {
        let output = command(folder, arguments).output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request of the user that owns the databases.
    pub(crate) fn request(&self) -> Request {
        self.request_of(OWNER)
    }

    /// A request of a user.
    pub(crate) fn request_of(&self, user: &str) -> Request {
        let request = Request::new(self.address).header("X-ClickHouse-User", user);
        request.header("X-ClickHouse-Key", &self.password(user)).header("X-ClickHouse-Database", "ruad")
    }

    /// A client of the user that owns the databases.
    pub(crate) fn client(&self, database: &str) -> clickhouse::Client {
        clickhouse::Client::default()
            .with_url(format!("http://{}", self.address))
            .with_user(OWNER)
            .with_password(&self.password)
            .with_database(database)
    }

    /// The password of a user.
    pub(crate) fn password(&self, user: &str) -> String {
        if user == OWNER { self.password.clone() } else { password(&self.folder, user) }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement that must succeed and returns its result without the last line break.
    #[track_caller]
    pub(crate) fn run(&self, statement: &str) -> String {
        let reply = self.request().body(statement).send();
        reply.assert_ok().trim_end_matches('\n').to_owned()
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for the process's end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the engine to end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Closes the process's standard input.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(self.temporary.take());
    }
}

fn password(folder: &Path, user: &str) -> String {
    Passwords::of(&Settings { path: folder.to_owned(), ..Settings::default() }).read(user).unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    command
        .args(["engine", "--stop-with-stdin", "--path"])
        .arg(folder)
        .args(DATABASES.map(|name| format!("--database={name}")))
        .args(arguments)
        .args(if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Each test that needs one has its own.
const DATABASES: [&str; 9] =
    ["ruad", "broken", "crate_bytes", "crate_dropped", "crate_rows", "expiry", "once", "peers", "times"];

static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());
