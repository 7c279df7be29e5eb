//! `ruad serve` as a process, with a folder and ports of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use clickhouse::Client;
use tempfile::TempDir;

use crate::{ports, wait::comes_true};

pub(crate) struct Daemon {
    pub(crate) smtp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) engine: SocketAddr,
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
    process: Option<Child>,
    runtime: tokio::runtime::Runtime,
}

impl Daemon {
    /// Writes a configuration, `extra` settings included; nothing runs yet.
    pub(crate) fn new(extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [smtp, http, engine] = [(); 3].map(|()| ports::free());
        let path = folder.path().display();
        let config = format!(
            "[smtp]\nlisten = [\"{smtp}\"]\nrecipients = [\"@reports.example\"]\n\
             [http]\nlisten = \"{http}\"\n[engine]\nlisten = \"{engine}\"\npath = \"{path}/engine\"\n\
             [spool]\npath = \"{path}/spool\"\nsegment_age = 0.2\n\
             [provenance]\nenabled = false\n[sources]\nreverse_names = false\n{extra}"
        );
        fs::write(folder.path().join("ruad.toml"), config).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { smtp, http, engine, folder, environment: Vec::new(), process: None, runtime }
    }

    pub(crate) fn start(&mut self) {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_ruad"))
            .args(["serve", "--config"])
            .arg(self.folder.path().join("ruad.toml"))
            .current_dir(self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// Sets a variable for the processes to come.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.environment.push((name, value));
    }

    /// Makes it use a ClickHouse server, which is not there until [`Self::start_server`].
    pub(crate) fn use_a_server(&mut self) {
        self.set("RUAD__CLICKHOUSE__URL", format!("http://{}", self.engine));
        // As an operator hands it over: the server's password is known before it has started.
        self.write("password", "the password of a server\n");
        self.set("RUAD__CLICKHOUSE__USER", "ruad".to_owned());
        self.set("RUAD__CLICKHOUSE__PASSWORD", "the password of a server".to_owned());
    }

    /// Starts the server; it ends when what is returned is dropped.
    pub(crate) fn start_server(&self) -> Server {
        let mut server = Command::new(env!("CARGO_BIN_EXE_ruad"))
            .args(["engine", "--stop-with-stdin", "--listen", &self.engine.to_string(), "--path"])
            .arg(self.folder.path().join("engine"))
            .arg("--password-file")
            .arg(self.folder.path().join("password"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on"), "{line}");
        Server(server)
    }

    /// What another command of `ruad` prints with the same configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let config = self.folder.path().join("ruad.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
        command.args(arguments).arg("--config").arg(config).current_dir(self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What another command of `ruad` says on standard error when it fails.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let config = self.folder.path().join("ruad.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
        let output =
            command.args(arguments).arg("--config").arg(config).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Writes a file into the daemon's folder, where relative paths of its configuration lead.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A metric, by its name and labels as `/metrics` shows them.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let page = self.page("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map(|value| value.parse().unwrap())
    }

    /// A page of its web server, head and body.
    pub(crate) fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        std::io::read_to_string(stream).unwrap()
    }

    /// Waits until mail is taken.
    pub(crate) fn wait_ready(&self) {
        let ready = || TcpStream::connect_timeout(&self.http, Duration::from_secs(1)).is_ok();
        self.wait("the daemon to be ready", Duration::from_secs(60), ready);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// `kill -9` for the engine alone; whether there was one.
    pub(crate) fn kill_engine(&self) -> bool {
        let Some(process) = &self.process else { return false };
        let parent = process.id().to_string();
        Command::new("pkill").args(["-KILL", "-P", &parent]).status().unwrap().success()
    }

    /// The process that runs.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        let process = self.process.as_ref().unwrap();
        let status = Command::new("kill").args(["-HUP", &process.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// SIGTERM; waits for the end and checks that it was a clean one.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
        let status = process.wait().unwrap();
        assert!(status.success(), "{status}; {}", self.log());
    }

    /// Waits until everything that was acknowledged is stored.
    pub(crate) fn wait_stored(&self) {
        let spool = self.folder.path().join("spool");
        let is_empty = || {
            let mut names = fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap().file_name());
            !names.any(|name| {
                name.to_string_lossy().contains(".seg") || name.to_string_lossy().contains(".open")
            })
        };
        // A folder that is listed while a segment is renamed may show it under neither name: what the first list misses is
        // in the second. Once in some twenty runs the sums were read while a segment was still on its way.
        self.wait("the spool to be empty", Duration::from_secs(600), || is_empty() && is_empty());
    }

    /// The rows of a query.
    pub(crate) fn query<T>(&self, sql: &str) -> Vec<T>
    where
        T: clickhouse::RowOwned + clickhouse::RowRead,
    {
        let rows = self.runtime.block_on(self.client().query(sql).fetch_all());
        rows.unwrap_or_else(|error| panic!("{sql}: {error}; {}", self.log()))
    }

    /// A client of its ClickHouse, with its own rights.
    pub(crate) fn client(&self) -> Client {
        let own = self.folder.path().join("engine/access/ruad.password");
        let file = if own.exists() { own } else { self.folder.path().join("password") };
        let password = fs::read_to_string(file).unwrap();
        Client::default()
            .with_url(format!("http://{}", self.engine))
            .with_user("ruad")
            .with_password(password.trim())
            .with_database("ruad")
    }

    /// What it logged last.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(60).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn wait(&self, what: &str, patience: Duration, condition: impl Fn() -> bool) {
        assert!(comes_true(patience, condition), "waited {patience:?} for {what}; {}", self.log());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A ClickHouse server; dropping it ends it in good order.
pub(crate) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
