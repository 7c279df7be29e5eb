//! How many records a second go from SMTP to rows that can be queried, and how much memory the daemon takes meanwhile.
//! Client, daemon and engine share the machine.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

mod client;
mod daemon;
mod reports;

/// Makes sets of reports and sends them through a running ruad.
#[derive(Parser)]
enum Command {
    /// Write a set of made-up reports; the same arguments give the same bytes.
    Make {
        /// A new folder.
        folder: PathBuf,
        /// How many reports.
        reports: u64,
        /// How many records each of them has.
        records: u64,
        /// What the files are.
        #[arg(long, value_enum, default_value_t = Form::Mail)]
        form: Form,
    },
    /// Send sets to a ruad that is started for each, and print a line a set.
    Run {
        /// The program.
        #[arg(long, default_value = "target/release/ruad")]
        ruad: PathBuf,
        /// Connections that send at the same time.
        #[arg(long, default_value_t = 8)]
        connections: usize,
        /// Folders that `make` wrote.
        sets: Vec<PathBuf>,
    },
}

/// What a file of a set is.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// A mail with a gzip attachment in base64.
    Mail,
    /// The bare XML.
    Xml,
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Make { folder, reports, records, form } => {
            let bytes = reports::write(&folder, reports, records, matches!(form, Form::Mail))?;
            println!("{}: {reports} reports of {records} records, {bytes} bytes of XML", folder.display());
            Ok(())
        }
        Command::Run { ruad, connections, sets } => {
            daemon::heading();
            sets.iter().try_for_each(|set| daemon::measure(&ruad, set, connections))
        }
    }
}
