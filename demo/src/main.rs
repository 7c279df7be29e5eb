//! Sends a believable month of DMARC and TLS reports, and shows what `ruad` makes of it.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::Arguments::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ruad-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
