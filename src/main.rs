<<<<<<< HEAD
//! The `ruad` program: arguments and exit codes. What the commands do is in `cli/` and in the library.
#![forbid(unsafe_code)]
=======
//! The `ruad` command.
>>>>>>> engine

use std::process::ExitCode;

use clap::Parser;

<<<<<<< HEAD
mod cli;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ruad: {error:#}");
            ExitCode::FAILURE
        }
=======
mod cli {
    pub(crate) mod engine;
}

#[derive(Parser)]
enum Ruad {
    Engine(cli::engine::Engine),
}

fn main() -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("RUAD_LOG").unwrap_or_else(|_| "info".into()),
        )
        .init();
    match Ruad::parse() {
        Ruad::Engine(engine) => engine.run(),
>>>>>>> engine
    }
}
