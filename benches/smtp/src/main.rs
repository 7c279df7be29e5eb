//! Compares ruad's SMTP receiver with others: the receivers written in Rust run in this program, `run.sh` beside it
//! starts them and Postfix's, and Postfix's `smtp-source` is the client of all.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

mod compare;
mod mailin;
mod receiver;

/// Compares SMTP receivers.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs ruad's receiver with its spool; closed segments are deleted, as after intake.
    Ruad {
        /// Where to listen.
        listen: SocketAddr,
        /// The spool's folder.
        folder: PathBuf,
    },
    /// Runs mailin-embedded; each message becomes a file that is synced before it is acknowledged.
    Mailin {
        /// Where to listen.
        listen: SocketAddr,
        /// The folder for the messages.
        folder: PathBuf,
    },
    /// Measures receivers that run already, in turn, and prints a table.
    Compare(compare::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Ruad { listen, folder } => receiver::run(listen, folder),
        Command::Mailin { listen, folder } => mailin::run(listen, folder),
        Command::Compare(options) => options.run(),
    }
}
