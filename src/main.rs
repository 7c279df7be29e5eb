//! The `ruad` program: arguments and exit codes. What the commands do is in `cli/` and in the library.
#![forbid(unsafe_code)]

use std::{io::Write, process::ExitCode};

use clap::Parser;
use ruad_common::text;

mod cli;

fn main() -> ExitCode {
    clean_panics();
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            cli::complain(&with_causes(&error));
            ExitCode::from(cli::CANNOT_RUN)
        }
    }
}

/// A panic's message can quote what is being read.
fn clean_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        let mut out = text::stderr();
        // There is nobody left to tell.
        drop(writeln!(out, "{panic}"));
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            drop(writeln!(out, "{backtrace}"));
        }
    }));
}

/// The error and what caused it; a cause that an error's text ends with already is not said twice.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().skip(1).map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}
