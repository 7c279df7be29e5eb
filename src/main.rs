//! The `ruad` command.

use std::process::ExitCode;

use clap::Parser;

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
    }
}
