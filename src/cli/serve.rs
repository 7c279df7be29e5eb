//! `ruad serve`: the daemon.

use std::process::ExitCode;

use clap::Args;

mod daemon;
mod isolated;
mod signals;
mod storage;
mod systemd;

/// Receive reports over SMTP and store them in ClickHouse until stopped.
///
/// Without a configuration, everything listens on loopback: SMTP on 127.0.0.1:2525 for all recipients at
/// reports.example, the web server on 127.0.0.1:9025, the embedded ClickHouse on 127.0.0.1:8123. Data is stored in the
/// current folder.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[command(flatten)]
    configuration: super::Configuration,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        // Before any thread runs: it removes variables from the environment.
        let sockets = ruad_smtp::activated_sockets()?;
        let settings = self.configuration.load()?;
        super::start_log(&settings)?;
        let files = ruad_smtp::raise_open_files();
        if files.is_some_and(|files| files < settings.smtp.sessions as u64 + OTHER_FILES) {
            tracing::warn!(
                files,
                sessions = settings.smtp.sessions,
                "Fewer files may be open than smtp.sessions needs; raise the limit (LimitNOFILE=, ulimit -n)."
            );
        }
        let blocking = BLOCKING_THREADS + 2 * settings.intake.workers.get();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .max_blocking_threads(blocking)
            .enable_all()
            .build()?;
        let isolated = isolated::Isolated::start()?;
        let outcome = runtime.block_on(daemon::run(settings, sockets, isolated.handles()));
        // A look-up or a read that still blocks a thread does not hold up the end of the process.
        isolated.shut_down();
        runtime.shutdown_background();
        outcome.map(|()| ExitCode::SUCCESS)
    }
}

/// Threads that read messages, beside the two of each intake worker. There are no more of them than cores are likely to
/// be, because each keeps an arena of the allocator: with tokio's default of 512 the daemon took twice the memory.
const BLOCKING_THREADS: usize = 4;

/// Open files of everything but SMTP sessions: the web server's connections, the spool, DNS, ClickHouse.
const OTHER_FILES: u64 = 1024;
