//! `ruad serve` with a folder of its own, measured from outside.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use clickhouse::Client;

use crate::client;

/// Sends one set and prints its line.
pub(crate) fn measure(ruad: &Path, set: &Path, connections: usize) -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(set)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    files.sort();
    let daemon = Daemon::start(ruad)?;
    let (serve, engine) = (daemon.process.id(), daemon.engine()?);
    let before = [cpu(serve)?, cpu(engine)?, cpu(std::process::id())?];
    let began = Instant::now();
    client::send(daemon.smtp, &files, connections)?;
    let acknowledged = began.elapsed();
    let records = daemon.wait_stored(files.len() as u64)?;
    let took = began.elapsed().as_secs_f64();
    let millions = records as f64 / 1e6;
    let [ruad, chdb, client] = [
        (cpu(serve)? - before[0]) / millions,
        (cpu(engine)? - before[1]) / millions,
        (cpu(std::process::id())? - before[2]) / millions,
    ];
    daemon
        .wait("the last merge", || daemon.count("SELECT count() FROM system.merges").is_ok_and(|n| n == 0))?;
    let merged = (cpu(engine)? - before[1]) / millions;
    println!(
        "{:<12} {records:>9} {took:>7.2} {:>9.0} {:>8.0} {client:>9.1} {ruad:>9.1} {chdb:>9.1} {merged:>9.1} {:>6} MB \
         {:>6} MB",
        set.file_name().unwrap_or_default().to_string_lossy(),
        records as f64 / took,
        files.len() as f64 / acknowledged.as_secs_f64(),
        peak(serve)?,
        peak(engine)?,
    );
    Ok(())
}

/// The line above those of [`measure`]. Processor time is in seconds for a million records.
pub(crate) fn heading() {
    println!(
        "{:<12} {:>9} {:>7} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "set",
        "records",
        "s",
        "records/s",
        "250s/s",
        "client",
        "ruad",
        "engine",
        "+merges",
        "ruad RSS",
        "engine"
    );
}

struct Daemon {
    process: Child,
    smtp: SocketAddr,
    clickhouse: Client,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Daemon {
    fn start(ruad: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ruad-bench-flow").tempdir_in(disk())?;
        let [smtp, http, engine] = free_ports()?;
        let path = folder.path().display();
        let config = format!(
            "[smtp]\nlisten = [\"{smtp}\"]\nrecipients = [\"@reports.example\"]\nmessage_bytes = 500000000\n\
             [http]\nlisten = \"{http}\"\n[engine]\nlisten = \"{engine}\"\npath = \"{path}/engine\"\n\
             [spool]\npath = \"{path}/spool\"\n[intake]\nstranger_rows = 0\n[intake.limits.mail]\nunpacked_bytes = 4000000000\n\
             [dns]\nservers = [\"127.0.0.1:1\"]\n[provenance]\nenabled = false\n[sources]\nreverse_names = false\n\
             [log]\nlevel = \"warn\"\n"
        );
        fs::write(folder.path().join("ruad.toml"), config)?;
        let log = fs::File::create(folder.path().join("log"))?;
        let process = Command::new(fs::canonicalize(ruad).with_context(|| format!("no {}", ruad.display()))?)
            .args(["serve", "--config"])
            .arg(folder.path().join("ruad.toml"))
            // As systemd/ruad.service has it.
            .env("MALLOC_ARENA_MAX", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let clickhouse = Client::default().with_url(format!("http://{engine}")).with_database("ruad");
        let mut daemon = Self { process, smtp, clickhouse, runtime, folder };
        let password = daemon.folder.path().join("engine/access/ruad.password");
        daemon.wait("the engine's password", || password.exists())?;
        let password = fs::read_to_string(password)?;
        daemon.clickhouse = daemon.clickhouse.clone().with_user("ruad").with_password(password.trim());
        daemon.wait("the daemon", || {
            TcpStream::connect(smtp).is_ok() && daemon.count("SELECT count() FROM schema_migrations").is_ok()
        })?;
        Ok(daemon)
    }

    /// Waits until all reports and their records can be queried; gives the records.
    fn wait_stored(&self, reports: u64) -> anyhow::Result<u64> {
        self.wait("the last message", || {
            self.count("SELECT count() FROM messages").is_ok_and(|messages| messages >= reports)
        })?;
        let stored = self.count("SELECT count() FROM aggregate_reports")?;
        ensure!(stored == reports, "{stored} of {reports} reports stored; {}", self.log());
        let records = self.count("SELECT count() FROM aggregate_records")?;
        let said = self.count("SELECT sum(records) FROM aggregate_reports")?;
        ensure!(records == said, "{records} of {said} records stored");
        Ok(records)
    }

    fn count(&self, sql: &str) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(self.clickhouse.query(sql).fetch_one())?)
    }

    fn wait(&self, what: &str, condition: impl Fn() -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            if Instant::now() > deadline {
                bail!("waited {PATIENCE:?} for {what}; {}", self.log());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    fn engine(&self) -> anyhow::Result<u32> {
        let pid = self.process.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let of_threads = fs::read_dir(format!("/proc/{pid}/task"))?
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
            .collect::<String>();
        let child = children.split_whitespace().chain(of_threads.split_whitespace()).next();
        Ok(child.context("the daemon has no engine")?.parse()?)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // SIGKILL: the folder goes anyway, and the engine goes with its parent.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Processor time that a process has taken, in seconds.
fn cpu(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything.
    let fields = stat.rsplit_once(") ").context("no name in stat")?.1;
    let ticks = fields.split(' ').skip(UTIME).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / TICKS_A_SECOND)
}

/// Peak of resident memory in MB (10^6 bytes).
fn peak(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024 / 1_000_000)
}

fn free_ports<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let listeners: Vec<_> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<_> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
    ports.try_into().map_err(|_| anyhow::anyhow!("a port is missing"))
}

/// A folder on a disk, not in memory: the spool's fsync is part of what is measured.
fn disk() -> PathBuf {
    std::env::var_os("RUAD_BENCH_DIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// utime's place behind the name, see proc(5); stime follows.
const UTIME: usize = 11;
/// As Linux has it on every machine that runs this.
const TICKS_A_SECOND: f64 = 100.0;

const PATIENCE: Duration = Duration::from_secs(300);
