//! `ruad migrate`: brings the schema up to date.

use std::{io::Write, process::ExitCode};

use anyhow::{Context, bail};
use clap::Args;
use ruad::store::Store;
use ruad_common::text;

/// Update the schema in ClickHouse; `ruad serve` does this at start.
#[derive(Args, Debug)]
pub(crate) struct Migrate {
    #[command(flatten)]
    configuration: super::Configuration,
}

impl Migrate {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        super::start_log(&settings)?;
        let Some(url) = &settings.clickhouse.url else {
            bail!(
                "clickhouse.url is not set: the embedded engine is migrated by `ruad serve` when it starts"
            );
        };
        let store = Store::connect(&settings.clickhouse)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let applied = runtime.block_on(store.migrate()).with_context(|| format!("cannot migrate {url}"))?;
        let mut out = text::stdout();
        for migration in &applied {
            writeln!(out, "applied {:04} {}", migration.version, migration.name)?;
        }
        if applied.is_empty() {
            writeln!(out, "the schema is up to date")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
