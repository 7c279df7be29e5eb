//! The engine as a process of its own: a fault in half a gigabyte of C++ must not take the receiver with it.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Access, Error, OWNER, Passwords, Settings, access, library};
use crate::telemetry as events;
use ruad_common::log;
use ruad_common::password::Password;

/// A supervised `ruad engine`: started again when it dies, and ended with this process, however this one
/// ends.
///
/// Dropping it without [`Child::stop`] kills the process; the engine recovers from that when it starts again.
#[derive(Debug)]
pub struct Child {
    address: SocketAddr,
    password: Password,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

/// How the process is started, each time.
struct Launch {
    program: PathBuf,
    settings: Settings,
    access: Access,
    log: log::Settings,
}

/// One run of the process.
struct Process {
    child: tokio::process::Child,
    /// Its standard input, held apart because waiting for the process would close it.
    stdin: Option<ChildStdin>,
    address: SocketAddr,
    begun: Instant,
}

impl Child {
    /// Starts this very program as `ruad engine` and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When the library is missing, the process cannot be started, or it ends or stays silent instead of
    /// becoming ready.
    pub async fn start(settings: &Settings, access: &Access, log: &log::Settings) -> Result<Self, Error> {
        let program = env::current_exe().map_err(Error::Spawn)?;
        Self::start_program(program, settings, access, log).await
    }

    /// Starts `program engine …`, which logs as `log` says, to this process's standard error.
    ///
    /// # Errors
    ///
    /// As [`Child::start`].
    pub async fn start_program(
        program: PathBuf,
        settings: &Settings,
        access: &Access,
        log: &log::Settings,
    ) -> Result<Self, Error> {
        // Said here, because the process could only say it in its log.
        library::find(settings.library.as_deref())?;
        let mut launch =
            Launch { program, settings: settings.clone(), access: access.clone(), log: log.clone() };
        let process = Process::start(&launch).await?;
        let address = process.address;
        let password = Passwords::of(settings).read(OWNER)?.into();
        // A port that the system chose must stay the same after a restart.
        launch.settings.listen = address;
        let (stop, stopped) = oneshot::channel();
        let supervisor = tokio::spawn(supervise(launch, process, stopped));
        Ok(Self { address, password, stop, supervisor })
    }

    /// Where ClickHouse clients find it, such as `http://127.0.0.1:8123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The password of [`OWNER`].
    pub fn password(&self) -> Password {
        self.password.clone()
    }

    /// Lets running statements finish, ends the process and waits for it.
    pub async fn stop(self) {
        drop(self.stop);
        // A panic in the supervisor has ended the process as well.
        drop(self.supervisor.await);
    }
}

async fn supervise(launch: Launch, mut process: Process, mut stop: oneshot::Receiver<()>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let status = tokio::select! {
            status = process.child.wait() => status,
            _ = &mut stop => return process.stop(launch.settings.stop_timeout).await,
        };
        if process.begun.elapsed() > LONGEST_PAUSE * 2 {
            pause = SHORTEST_PAUSE;
        }
        events::died(&describe(&status), pause);
        process = loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = &mut stop => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            let starting = Process::start(&launch);
            tokio::pin!(starting);
            let started = tokio::select! {
                started = &mut starting => started,
                _ = &mut stop => {
                    // It may be about to be ready, and answer already: it ends in order then, and otherwise is killed.
                    if let Ok(Ok(process)) = tokio::time::timeout(KILL_AFTER, starting).await {
                        process.stop(launch.settings.stop_timeout).await;
                    }
                    return;
                }
            };
            match started {
                Ok(process) => break process,
                Err(error) => events::start_failed(&error, pause),
            }
        };
    }
}

impl Process {
    async fn start(launch: &Launch) -> Result<Self, Error> {
        let begun = Instant::now();
        let users = users_file(launch)?;
        let mut command = Command::new(&launch.program);
        command
            .arg("engine")
            .args(arguments(&launch.settings, &launch.access))
            .args(users.iter().flat_map(|file| ["--users".as_ref(), file.as_os_str()]))
            .env("TZ", "UTC")
            // It reads no configuration file.
            .env("RUAD__LOG__FORMAT", launch.log.format.as_str())
            .env("RUAD__LOG__LEVEL", &launch.log.level)
            // The engine ends when its standard input does: then this process is gone.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal is for this process, which then stops the engine in its turn.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(Error::Spawn)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| Error::Spawn(io::ErrorKind::BrokenPipe.into()))?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let first = (&mut stdout).take(LONGEST_LINE);
        let read = tokio::time::timeout(READY_TIMEOUT, BufReader::new(first).read_line(&mut line)).await;
        let not_ready = |reason: String| Error::NotReady { reason };
        match read {
            Err(_) => return Err(not_ready(format!("silent for {} s", READY_TIMEOUT.as_secs()))),
            Ok(Err(error)) => return Err(not_ready(error.to_string())),
            Ok(Ok(0)) => {
                let status = describe(&child.wait().await);
                return Err(not_ready(format!("it ended ({status}); its log has the reason")));
            }
            Ok(Ok(_)) => {}
        }
        let address = line
            .trim()
            .strip_prefix(super::READY)
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| not_ready(format!("it said {line:?}")))?;
        events::ready(address, child.id(), begun.elapsed());
        Ok(Self { child, stdin, address, begun })
    }

    /// Closes its standard input, which asks it to stop.
    async fn stop(mut self, timeout: Duration) {
        drop(self.stdin.take());
        match tokio::time::timeout(timeout + KILL_AFTER, self.child.wait()).await {
            Ok(status) => events::stopped(&describe(&status)),
            Err(_) => {
                events::killed();
                // It may have ended in this moment.
                drop(self.child.kill().await);
            }
        }
    }
}

/// Writes the users that are not the engine's own, if any, where the process reads them.
fn users_file(launch: &Launch) -> Result<Option<PathBuf>, Error> {
    if launch.access.users.is_empty() {
        return Ok(None);
    }
    let folder = access::folder(&launch.settings.path);
    access::make_folder(&folder)?;
    let file = folder.join("users.json");
    let failed = |source: serde_json::Error| Error::Folder { path: file.clone(), source: source.into() };
    access::write(&file, &serde_json::to_string(&launch.access.users).map_err(failed)?)?;
    Ok(Some(file))
}

/// The settings as arguments of `ruad engine`.
fn arguments(settings: &Settings, access: &Access) -> Vec<std::ffi::OsString> {
    let Settings {
        listen,
        path,
        library,
        password_file,
        statements,
        time_limit,
        peer_timeout,
        stop_timeout,
        // Handed over as users.
        tenants: _,
        memory_bytes,
    } = settings;
    let mut arguments = vec!["--stop-with-stdin".into(), "--path".into(), path.into()];
    let mut add = |name: &str, value: std::ffi::OsString| arguments.extend([name.into(), value]);
    add("--listen", listen.to_string().into());
    for database in &access.databases {
        add("--database", database.into());
    }
    add("--statements", statements.to_string().into());
    add("--time-limit", time_limit.as_secs_f64().to_string().into());
    add("--peer-timeout", peer_timeout.as_secs_f64().to_string().into());
    add("--stop-timeout", stop_timeout.as_secs_f64().to_string().into());
    if let Some(library) = library {
        add("--lib", library.into());
    }
    if let Some(file) = password_file {
        add("--password-file", file.into());
    }
    if let Some(bytes) = memory_bytes {
        add("--memory-bytes", bytes.to_string().into());
    }
    arguments
}

fn describe(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Reading the folder of a large store takes a while.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// How much longer than its own deadline the process is waited for.
const KILL_AFTER: Duration = Duration::from_secs(10);
const LONGEST_LINE: u64 = 200;
