//! `ruad serve`: the daemon.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;
use ruad::{config::Settings, telemetry};

mod daemon;
mod signals;
mod storage;
mod systemd;

/// Receive reports over SMTP and store them in ClickHouse, until told to stop.
///
/// Without a configuration everything is on loopback: SMTP on 127.0.0.1:2525 for anybody at reports.example, the
/// web server on 127.0.0.1:9025, the embedded ClickHouse on 127.0.0.1:8123, data in the current folder.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The configuration; `RUAD__SECTION__KEY` in the environment overrides it.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        // Before any thread runs: it removes variables from the environment.
        let sockets = ruad::smtp::activated_sockets()?;
        let settings = Settings::load(self.config.as_deref())?;
        telemetry::start_log(&settings.log).context("log.level is not a filter")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(daemon::run(settings, sockets));
        // A look-up or a read that still blocks a thread does not hold up the end of the process.
        runtime.shutdown_background();
        outcome.map(|()| ExitCode::SUCCESS)
    }
}
