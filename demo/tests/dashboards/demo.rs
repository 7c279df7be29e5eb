//! The demo as a visitor runs it, on ports of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ruad_engine::{Passwords, READER, Settings};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

pub(crate) struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    place: Option<Place>,
    folder: TempDir,
}

/// Where it can be reached.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) http: SocketAddr,
    pub(crate) clickhouse: SocketAddr,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_ruad-demo"));
        let mut child = Command::new(program)
            .args(["run", "--free-ports", "--pace", PACE, "--ruad"])
            .arg(program.with_file_name("ruad"))
            .arg("--data")
            .arg(folder.path().join("data"))
            // The configuration names files from there.
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, place: None, folder }
    }

    /// Waits until it takes mail.
    pub(crate) async fn ready(&mut self) -> Place {
        let line = self.line("ruad is ready: ").await;
        let address = |name: &str| {
            let (_, rest) = line.split_once(name).unwrap();
            rest.trim_start().split(',').next().unwrap().parse().unwrap()
        };
        *self.place.insert(Place { http: address("HTTP"), clickhouse: address("ClickHouse") })
    }

    /// Waits until all mail has come to its end.
    pub(crate) async fn delivered(&mut self) {
        self.line("everything agrees").await;
    }

    /// Waits until it has shown everything and only stays up.
    pub(crate) async fn shown(&mut self) {
        self.line("ruad stays up").await;
    }

    /// The password of the readers of its ClickHouse.
    pub(crate) fn password(&self) -> String {
        let path = self.folder.path().join("data/clickhouse");
        Passwords::of(&Settings { path, ..Settings::default() }).read(READER).unwrap()
    }

    pub(crate) fn place(&self) -> Place {
        self.place.unwrap()
    }

    pub(crate) async fn stop(mut self) {
        let id = self.child.id().and_then(|id| Pid::from_raw(id as i32)).unwrap();
        kill_process(id, Signal::TERM).unwrap();
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Waits for a line that has `text` in it, and prints what comes before it.
    async fn line(&mut self, text: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            match line.unwrap_or_else(|_| panic!("the demo does not say {text:?}")).unwrap() {
                Some(line) if line.contains(text) => return line,
                Some(line) => println!("{line}"),
                None => panic!("the demo ended before it said {text:?}; {}", self.log()),
            }
        }
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("data/ruad.log")).unwrap_or_default();
        log.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }
}

/// Mails a second: enough time for Prometheus to look at it while it works.
const PACE: &str = "110";
const PATIENCE: Duration = Duration::from_secs(180);
