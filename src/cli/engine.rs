//! `ruad engine`: the embedded ClickHouse as a process of its own.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, bail};
use ruad_engine as engine;
use ruad_engine::{Access, Passwords, READER, READY, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Run the embedded ClickHouse server (libchdb), HTTP interface only.
///
/// Prints `listening on ADDRESS` when it is ready. Users: ruad (read and write) and reader (read only); `ruad engine
/// password` shows their passwords.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Engine {
    #[command(subcommand)]
    command: Option<Sub>,
    /// The data folder, which also holds the passwords; created if missing.
    #[arg(long, value_name = "DIR", required = true)]
    path: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = Settings::default().listen)]
    listen: SocketAddr,
    /// A database for ruad and reader; created if missing. May be repeated.
    #[arg(long, value_name = "NAME", default_value = "ruad")]
    database: Vec<String>,
    /// A file whose first line is the password of the user ruad. By default, the first start generates one.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A JSON file with additional users; written by the daemon.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// The file of libchdb. By default: RUAD_ENGINE_LIB, the user's cache, system folders.
    #[arg(long, value_name = "FILE")]
    lib: Option<PathBuf>,
    /// Maximum number of concurrent statements.
    #[arg(long, value_name = "NUMBER", default_value_t = Settings::default().statements)]
    statements: usize,
    /// Time limit of a statement in seconds, unless the client sets max_execution_time.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_limit: Option<Duration>,
    /// Seconds a client may pause while sending data or reading a result.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    peer_timeout: Option<Duration>,
    /// Seconds running statements get to finish when the engine stops.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    stop_timeout: Option<Duration>,
    /// Memory limit of all statements together, in bytes.
    #[arg(long, value_name = "BYTES")]
    memory_bytes: Option<u64>,
    /// Stop at the end of standard input, so that the engine does not outlive its parent process.
    #[arg(long)]
    stop_with_stdin: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Sub {
    Password(Password),
}

/// Show the password of a user of the embedded engine.
///
/// The engine makes it when it starts for the first time, unless engine.password_file names one for ruad.
#[derive(Debug, clap::Args)]
struct Password {
    /// Whose: ruad, which writes; reader, which is for dashboards and people; or tenant_GROUP with engine.tenants.
    #[arg(default_value = READER)]
    user: String,
    /// The engine's folder, if it is not that of the configuration.
    #[arg(long = "path", value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    configuration: super::Configuration,
}

impl Engine {
    /// Runs until SIGTERM, SIGINT or, when asked for, the end of standard input.
    ///
    /// # Errors
    ///
    /// When the engine cannot be started, or ends by itself.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(Sub::Password(password)) = self.command {
            return password.run();
        }
        // The engine takes the zone of times that name none from the environment, once.
        if env::var_os("TZ").is_none_or(|zone| zone != "UTC") {
            let mut again = Command::new(env::current_exe().context("cannot find this program's file")?);
            let error = again.args(env::args_os().skip(1)).env("TZ", "UTC").exec();
            return Err(error).context("cannot start this program again with TZ=UTC");
        }
        let stop_with_stdin = self.stop_with_stdin;
        let (settings, access) = self.settings()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.block_on(serve(&settings, &access, stop_with_stdin))?;
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(ExitCode::SUCCESS)
    }

    fn settings(self) -> anyhow::Result<(Settings, Access)> {
        let default = Settings::default();
        let path = self.path.context("--path is missing")?;
        let users = match &self.users {
            Some(file) => {
                let read = || format!("cannot read the users in {}", file.display());
                serde_json::from_slice(&fs::read(file).with_context(read)?).with_context(read)?
            }
            None => Vec::new(),
        };
        let settings = Settings {
            listen: self.listen,
            path: std::path::absolute(&path).context("cannot tell where the data folder is")?,
            library: self.lib,
            password_file: self.password_file,
            statements: self.statements,
            time_limit: self.time_limit.unwrap_or(default.time_limit),
            peer_timeout: self.peer_timeout.unwrap_or(default.peer_timeout),
            stop_timeout: self.stop_timeout.unwrap_or(default.stop_timeout),
            tenants: false,
            memory_bytes: self.memory_bytes,
        };
        Ok((settings, Access { databases: self.database, users }))
    }
}

impl Password {
    fn run(self) -> anyhow::Result<ExitCode> {
        let mut settings = self.configuration.load()?;
        if let Some(folder) = self.folder {
            settings.engine.path = folder;
        } else if let Some(url) = settings.clickhouse.url {
            bail!("clickhouse.url is {url}: there is no embedded engine, and its server has the passwords");
        }
        writeln!(io::stdout(), "{}", Passwords::of(&settings.engine).read(&self.user)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn serve(settings: &Settings, access: &Access, stop_with_stdin: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The engine gets another one.
    let stdin = match stop_with_stdin {
        true => {
            Some(File::from(io::stdin().as_fd().try_clone_to_owned().context("there is no standard input")?))
        }
        false => None,
    };
    let ready = |address: SocketAddr| {
        tracing::info!(%address, path = %settings.path.display(), "The engine is ready.");
        let mut stdout = io::stdout().lock();
        // Whoever reads it may have closed it; the engine runs on.
        drop(writeln!(stdout, "{READY}{address}").and_then(|()| stdout.flush()));
    };
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = end(stdin) => {}
        }
    };
    Ok(engine::run(settings, access, ready, stop).await?)
}

/// Waits for the end of a file, or for ever.
async fn end(file: Option<File>) {
    let Some(mut file) = file else {
        return std::future::pending().await;
    };
    let (ended, end) = oneshot::channel::<()>();
    // A thread of its own: the runtime would wait for a blocking task.
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while file.read(&mut buffer).is_ok_and(|count| count > 0) {}
        drop(ended);
    });
    drop(end.await);
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
