//! `ruad engine` as a process of its own, shared by the tests that need nothing special of it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Weak};

use tempfile::TempDir;

use crate::http::{Reply, Request};
use crate::wait::until;

/// A running engine; ended and removed when the last test that uses it is done.
pub(crate) struct Engine {
    child: Child,
    address: SocketAddr,
    /// Dropped after the process has ended.
    folder: Option<TempDir>,
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
        engine.folder = Some(folder);
        let engine = Arc::new(engine);
        *shared = Arc::downgrade(&engine);
        engine
    }

    /// An engine of one's own.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command(folder, arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix(ruad::engine::READY) else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("the engine does not start (`make engine` installs its library): {stderr}");
        };
        // Nobody reads on: the pipe must not fill up.
        let mut stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let address = address.parse().unwrap();
        Self { child, address, folder: None }
    }

    /// An engine that is expected not to start: its status and its words.
    pub(crate) fn fail(folder: &Path, arguments: &[&str]) -> (ExitStatus, String) {
        let output = command(folder, arguments).output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn request(&self) -> Request {
        Request::new(self.address)
    }

    /// Runs a statement that must succeed and returns its result without the last line break.
    #[track_caller]
    pub(crate) fn run(&self, statement: &str) -> String {
        let reply = self.request().body(statement).send();
        reply.assert_ok().trim_end_matches('\n').to_owned()
    }

    /// Runs a statement that must fail.
    #[track_caller]
    pub(crate) fn fails(&self, statement: &str) -> Reply {
        let reply = self.request().body(statement).send();
        assert_ne!(reply.status, 200, "{statement}");
        reply
    }

    /// Waits until the statement with this mark in it has begun to read and reads no more, because nobody takes its result.
    #[track_caller]
    pub(crate) fn wait_until_stuck(&self, mark: &str) {
        let read = || {
            self.run(&format!(
                "SELECT max(read_rows) FROM system.processes WHERE query LIKE '%{mark}%' AND query NOT LIKE '%system%'"
            ))
        };
        let (mut last, mut unchanged) = (String::from("0"), 0);
        until("the statement to stand still", || {
            let now = read();
            unchanged = if now == last && now != "0" { unchanged + 1 } else { 0 };
            last = now;
            unchanged == 20
        });
    }

    /// An empty database of this name.
    #[track_caller]
    pub(crate) fn database(&self, name: &str) {
        self.run(&format!("CREATE DATABASE {name}"));
    }

    /// A value of `/proc/…/status` in KiB.
    pub(crate) fn memory(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_matches([':', ' ', '\t']).split(' ').next().unwrap().parse().unwrap()
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
        drop(self.folder.take());
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    command
        .args(["engine", "--stop-with-stdin", "--path"])
        .arg(folder)
        .args(arguments)
        .args(if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());
