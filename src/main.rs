//! The `ruad` program: arguments and exit codes. What the commands do is in `cli/` and in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

mod cli;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ruad: {error:#}");
            ExitCode::FAILURE
        }
    }
}
