//! How long each query of the dashboards takes over a year of an MSP's reports. Fails when the median of one is above the limit, when
//! one needs more memory than it may, and when one finds nothing.
#![forbid(unsafe_code)]

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use clap::Parser;

use crate::{engine::Engine, panels::Query, year::Size};

mod engine;
mod panels;
mod year;

/// Makes a year of reports, once, and runs every query of the dashboards over it.
#[derive(Parser)]
struct Bench {
    /// Where the year is kept.
    folder: PathBuf,
    /// The program.
    #[arg(long, default_value = "target/release/ruad")]
    ruad: PathBuf,
    /// The dashboards.
    #[arg(long, default_value = "dashboards/grafana")]
    dashboards: PathBuf,
    /// How many domains.
    #[arg(long, default_value_t = 2_000)]
    domains: u32,
    /// Days of reports.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// The domain of pages that are about one; the default is the largest.
    #[arg(long, default_value = "d0.example")]
    domain: String,
    /// How often each query is run.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Milliseconds that the median may take.
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Megabytes that a query may take.
    #[arg(long, default_value_t = 500)]
    memory: u64,
    /// Only queries of panels whose dashboard or title has this in it.
    #[arg(long, default_value = "")]
    only: String,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    let size = Size { domains: bench.domains, days: bench.days };
    let now = year::make(&bench.ruad, &bench.folder, size).await.context("the year cannot be made")?;
    let engine = Engine::start(&bench.ruad, &bench.folder.join("data"))?;
    let store = engine.store()?;
    let sums = "SELECT concat(formatReadableQuantity(count()), ' records, ', formatReadableQuantity(sum(count)), ' messages, ', \
                toString(uniq(policy_domain)), ' domains, ', toString(uniq(source_ip)), ' addresses') FROM aggregate_records";
    println!("{}", store.client().query_raw(sums).fetch_one::<String>().await?);

    let queries = panels::read(&bench.dashboards, now.try_into()?, &bench.domain)?;
    let wanted = |query: &&Query| query.panel.contains(&bench.only) || query.dashboard.contains(&bench.only);
    let mut measured = Vec::new();
    for query in queries.iter().filter(wanted) {
        let one = measure(&engine, query, &bench)
            .with_context(|| format!("{}: {}", query.dashboard, query.panel))?;
        measured.push(one);
    }
    measured.sort_by_key(|one| std::cmp::Reverse(one.median));
    println!(
        "{:<9} {:<42} {:>11} {:>6} {:>9} {:>7} {:>8}",
        "dashboard", "panel", "rows read", "rows", "median ms", "max ms", "CPU ms"
    );
    for one in &measured {
        println!(
            "{:<9} {:<42} {:>11} {:>6} {:>9} {:>7} {:>8}",
            one.query.dashboard,
            one.query.panel,
            one.read,
            one.rows,
            one.median.as_millis(),
            one.most.as_millis(),
            one.processor.as_millis()
        );
    }
    let limit = Duration::from_millis(bench.limit);
    let slow = measured.iter().filter(|one| one.median > limit).count();
    let empty: Vec<_> = measured.iter().filter(|one| one.rows == 0).map(|one| &*one.query.panel).collect();
    println!("{} queries, {slow} above {} ms", measured.len(), bench.limit);
    ensure!(empty.is_empty(), "these found nothing, so they were not measured: {empty:?}");
    ensure!(slow == 0, "{slow} queries are too slow");
    Ok(())
}

/// What the runs of a query took.
struct Measured<'a> {
    query: &'a Query,
    read: u64,
    rows: u64,
    median: Duration,
    most: Duration,
    /// Processor time of the engine, of one run on average.
    processor: Duration,
}

fn measure<'a>(engine: &Engine, query: &'a Query, bench: &Bench) -> anyhow::Result<Measured<'a>> {
    let memory = bench.memory * 1_000_000;
    let before = engine.processor()?;
    let mut runs = (0..bench.runs.max(1))
        .map(|_| engine.ask(&query.statement, memory))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let processor = engine.processor()?.saturating_sub(before) / u32::try_from(runs.len())?;
    runs.sort_by_key(|run| run.time);
    let median = runs.get(runs.len() / 2).context("no run")?;
    let most = runs.last().context("no run")?.time;
    Ok(Measured { query, read: median.read, rows: median.rows, median: median.time, most, processor })
}
