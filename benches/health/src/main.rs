//! How many domains a second `ruad check` examines, all questions going through one resolver to a name server on
//! loopback that shares the machine and answers after a few milliseconds.
#![forbid(unsafe_code)]

use std::{path::PathBuf, time::Duration};

use clap::Parser;

mod run;
mod server;
mod signed;
mod world;

/// Examines made-up domains and prints a line a round.
#[derive(Parser)]
struct Bench {
    /// The program.
    #[arg(long, default_value = "target/release/ruad")]
    ruad: PathBuf,
    /// How many domains.
    #[arg(long, default_value_t = 10_000)]
    domains: usize,
    /// How long the server thinks before it answers; milliseconds.
    #[arg(long, default_value_t = 2)]
    latency: u64,
}

fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    println!(
        "{:<32} {:>8} {:>8} {:>10} {:>10} {:>9} {:>12} {:>9} {:>9}",
        "round", "domains", "s", "domains/s", "questions", "unknown", "most at once", "CPU s", "peak"
    );
    let rounds = [
        ("all answer", true, false),
        ("5 % never answer", true, true),
        ("unsigned root, all answer", false, false),
        ("unsigned root, 5 % never answer", false, true),
    ];
    for (name, is_signed, is_patchy) in rounds {
        let round = run::Round { name, is_signed, is_patchy };
        run::measure(&bench.ruad, &round, bench.domains, Duration::from_millis(bench.latency))?;
    }
    Ok(())
}
