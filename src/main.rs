//! The `ruad` program: arguments and exit codes. What the commands do is in `cli/` and in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

mod cli;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ruad: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and what caused it; a cause that an error's text ends with already is not said twice.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().skip(1).map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}
