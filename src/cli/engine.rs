//! `ruad engine`: the embedded ClickHouse as a process of its own.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, thread};

use anyhow::Context;
use ruad::engine::{Error, READY, Server, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Runs the embedded ClickHouse engine and answers ClickHouse's HTTP interface.
///
/// Prints `listening on ADDRESS` when it is ready. Whoever reaches that address owns the data.
#[derive(Debug, clap::Args)]
pub(crate) struct Engine {
    /// The data folder; created when it is not there.
    #[arg(long, value_name = "DIR")]
    path: PathBuf,
    /// The address to listen on; one that is not a loopback address needs a password.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = Settings::default().listen)]
    listen: SocketAddr,
    /// The only user's name, checked when there is a password.
    #[arg(long, value_name = "NAME", default_value_t = Settings::default().user)]
    user: String,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// libchdb; looked for in RUAD_ENGINE_LIB, the user's cache and the system's folders when it is not
    /// named.
    #[arg(long, value_name = "FILE")]
    lib: Option<PathBuf>,
    /// How many statements run at once.
    #[arg(long, value_name = "NUMBER", default_value_t = Settings::default().statements)]
    statements: usize,
    /// Seconds that a statement may run, unless the client sets max_execution_time.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_limit: Option<Duration>,
    /// Seconds that a client may pause while it sends data or takes a result.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    peer_timeout: Option<Duration>,
    /// Seconds that running statements get to end when the engine stops.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    stop_timeout: Option<Duration>,
    /// Memory that statements may use together.
    #[arg(long, value_name = "BYTES")]
    memory_bytes: Option<u64>,
    /// Stop when standard input ends, so that the engine does not outlive the process that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

impl Engine {
    /// Runs until SIGTERM, SIGINT or, when asked for, the end of standard input.
    ///
    /// # Errors
    ///
    /// When the engine cannot be opened, or a running statement cannot be ended.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        // The engine takes the zone of times that name none from the environment, once.
        if env::var_os("TZ").is_none_or(|zone| zone != "UTC") {
            let mut again = Command::new(env::current_exe().context("cannot find this program's file")?);
            let error = again.args(env::args_os().skip(1)).env("TZ", "UTC").exec();
            return Err(error).context("cannot start this program again with TZ=UTC");
        }
        let stop_with_stdin = self.stop_with_stdin;
        let settings = self.settings()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            // Each statement has a thread; a few more look after them.
            .max_blocking_threads(settings.statements.saturating_add(64))
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let outcome = runtime.block_on(serve(&settings, stop_with_stdin));
        if let Err(Error::Unclosed { .. }) = &outcome {
            // Returning would run the library's exit handlers under a running statement.
            tracing::error!("Statements did not end when they were killed; the process ends without them.");
            chdb::exit_now(1);
        }
        runtime.shutdown_timeout(Duration::from_secs(1));
        outcome?;
        Ok(ExitCode::SUCCESS)
    }

    fn settings(self) -> anyhow::Result<Settings> {
        let default = Settings::default();
        Ok(Settings {
            listen: self.listen,
            path: std::path::absolute(&self.path).context("cannot tell where the data folder is")?,
            library: self.lib,
            user: self.user,
            password_file: self.password_file,
            statements: self.statements,
            time_limit: self.time_limit.unwrap_or(default.time_limit),
            peer_timeout: self.peer_timeout.unwrap_or(default.peer_timeout),
            stop_timeout: self.stop_timeout.unwrap_or(default.stop_timeout),
            memory_bytes: self.memory_bytes,
        })
    }
}

async fn serve(settings: &Settings, stop_with_stdin: bool) -> Result<(), Error> {
    let listen = |source| Error::Listen { address: settings.listen, source };
    let mut terminate = signal(SignalKind::terminate()).map_err(listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(listen)?;
    let server = Server::open(settings).await?;
    let address = server.address().map_err(listen)?;
    tracing::info!(%address, path = %settings.path.display(), "The engine is ready.");
    let mut stdout = io::stdout().lock();
    // Whoever reads it may have closed it; the engine runs on.
    drop(writeln!(stdout, "{READY}{address}").and_then(|()| stdout.flush()));
    drop(stdout);
    let stdin = stdin_end(stop_with_stdin);
    server
        .serve(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = stdin => {}
            }
        })
        .await
}

/// Waits for the end of standard input, or for ever.
async fn stdin_end(wanted: bool) {
    if !wanted {
        return std::future::pending().await;
    }
    let (ended, end) = oneshot::channel::<()>();
    // A thread of its own: the runtime would wait for a blocking task.
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while io::stdin().read(&mut buffer).is_ok_and(|count| count > 0) {}
        drop(ended);
    });
    drop(end.await);
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
