//! Arguments: one file per subcommand.

use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use ruad::{config::Settings, telemetry};
use ruad_common::text;

mod advise;
mod certificate;
mod check;
mod dkim;
mod engine;
mod examiner;
mod migrate;
mod parse;
mod report;
mod reports;
mod serve;
mod simulate;
mod source;
mod spool;
mod store;
mod style;
mod tenants;
mod zone;

/// Receives DMARC and TLS reports over SMTP and stores them exactly once in ClickHouse.
///
/// Exit status: 0 = done, nothing wrong; 1 = problems found or work to do; 2 = could not run (command line,
/// configuration, files, ClickHouse); 3 = undecided, because DNS or the database did not answer.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Advise(advise::Advise),
    Certificate(certificate::CertificateArgs),
    Check(check::Check),
    Dkim(dkim::Dkim),
    Engine(engine::Engine),
    Migrate(migrate::Migrate),
    Parse(parse::Parse),
    Report(report::Report),
    Reports(reports::ReportsArgs),
    Serve(serve::Serve),
    Source(source::SourceArgs),
    Simulate(simulate::Simulate),
    Spool(spool::SpoolArgs),
    Tenants(tenants::TenantsArgs),
    Zone(zone::Zone),
}

/// The settings, for every command that needs them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Configuration {
    /// The configuration; `RUAD__SECTION__KEY` in the environment overrides it.
    #[arg(long = "config", short = 'c', value_name = "FILE", global = true)]
    path: Option<PathBuf>,
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Advise(advise) => advise.run(),
            Command::Certificate(certificate) => certificate.run(),
            Command::Check(check) => check.run(),
            Command::Dkim(dkim) => dkim.run(),
            Command::Engine(engine) => {
                // A daemon that starts it says in the environment how to log.
                start_log(&Settings::load(None)?)?;
                engine.run()
            }
            Command::Migrate(migrate) => migrate.run(),
            Command::Parse(parse) => parse.run(),
            Command::Report(report) => report.run(),
            Command::Reports(reports) => reports.run(),
            Command::Serve(serve) => serve.run(),
            Command::Source(source) => source.run(),
            Command::Simulate(simulate) => simulate.run(),
            Command::Spool(spool) => spool.run(),
            Command::Tenants(tenants) => tenants.run(),
            Command::Zone(zone) => zone.run(),
        }
    }
}

impl Configuration {
    /// Reads the file and the environment.
    fn load(&self) -> anyhow::Result<Settings> {
        Ok(Settings::load(self.path.as_deref())?)
    }
}

/// Says on standard error what is wrong.
pub(crate) fn complain(words: &dyn fmt::Display) {
    // There is nobody left to tell.
    drop(writeln!(text::stderr(), "ruad: {words}"));
}

fn start_log(settings: &Settings) -> anyhow::Result<()> {
    telemetry::start_log(&settings.log).context("log.level is not a filter")
}

/// Whoever read the output has gone; `ruad … | head` is no fault of anybody.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The exit status of what could not run: the command line, the configuration, or something it needs is not as it should be.
pub(crate) const CANNOT_RUN: u8 = 2;
/// The exit status of what could not be told.
const UNKNOWN: u8 = 3;
