//! How long one run of the advice takes over many domains with a year of reports, and how much memory: of this process, which does
//! what the daemon does, and of the engine beside it. What DNS says is made by hand.
#![forbid(unsafe_code)]

use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::Context;
use clap::Parser;
use ruad::{
    advice::{Adviser, Settings},
    sources::Catalog,
};
use ruad_registry::Registry;

use crate::{engine::Engine, meter::Meter};

mod engine;
mod meter;
mod reports;
mod world;

/// Makes a year of reports in an embedded engine and draws all plans, three times.
#[derive(Parser)]
struct Bench {
    /// The program.
    #[arg(long, default_value = "target/release/ruad")]
    ruad: PathBuf,
    /// How many domains.
    #[arg(long, default_value_t = 10_000)]
    domains: u32,
    /// Days of reports.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Keeps the engine's data in this folder, and uses what is there already.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    let engine = Engine::start(&bench.ruad, bench.folder.as_deref()).context("the engine does not start")?;
    let store = engine.store().await?;
    let began = Instant::now();
    let rows = reports::make(&store, bench.domains, bench.days).await?;
    println!(
        "{rows} rows of daily_sources for {} domains; made in {:.0} s",
        bench.domains,
        began.elapsed().as_secs_f64()
    );

    let registry = Registry::parse(&world::registry(bench.domains), "the bench")?;
    let catalog = Catalog::built_in()?;
    let settings = Settings { reports_to: vec!["rua@reports.example".to_owned()], ..Settings::default() };
    let adviser = Adviser::new(&settings);
    let before = Meter::read(std::process::id())?;
    let postures: Vec<_> = (0..bench.domains).map(|number| Arc::new(world::posture(number))).collect();
    let after = Meter::read(std::process::id())?;
    println!("postures take {} MB", after.resident.saturating_sub(before.resident));

    println!("{:<22} {:>8} {:>12} {:>9} {:>9} {:>9}", "run", "s", "domains/s", "CPU s", "peak", "engine");
    for (name, later) in [("the first", 0), ("an hour later", 3_600), ("the next day", 86_400)] {
        let cpu = Meter::read(std::process::id())?.processor;
        let began = Instant::now();
        adviser.round(&postures, &store, &catalog, &registry, reports::NOW + later).await?;
        let took = began.elapsed().as_secs_f64();
        let (own, engine) = (Meter::read(std::process::id())?, Meter::read(engine.id())?);
        println!(
            "{name:<22} {took:>8.1} {:>12.0} {:>9.1} {:>6} MB {:>6} MB",
            f64::from(bench.domains) / took,
            own.processor - cpu,
            own.peak,
            engine.peak,
        );
    }
    let page: usize = adviser.metrics(&registry).map(|piece| piece.len()).sum();
    println!("/metrics about them is {:.1} MB", page as f64 / 1e6);
    for table in ["domain_stages", "domain_steps", "domain_senders", "domain_events"] {
        let count: u64 =
            store.client().query_raw(&format!("SELECT count() FROM {table}")).fetch_one().await?;
        println!("{table:<16} {count:>9} rows");
    }
    Ok(())
}
