//! Arguments: one file per subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod parse;

/// Receives DMARC and TLS reports over SMTP and stores them exactly once in ClickHouse.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Parse(parse::Parse),
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Parse(parse) => parse.run(),
        }
    }
}
