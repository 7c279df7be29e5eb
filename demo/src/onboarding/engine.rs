//! The database of a simulation: `ruad engine` in a folder that goes when it ends.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use ruad::store::{Settings, Store};
use tempfile::TempDir;

use super::Error;
use crate::engine::Process;

/// A running engine.
pub struct Engine {
    // Before its folder: it ends first.
    process: Process,
    databases: AtomicU32,
    _folder: TempDir,
}

impl Engine {
    /// Starts the engine of the program `ruad`, with an empty folder. Its log goes nowhere, for the story is what is printed.
    ///
    /// # Errors
    ///
    /// When it does not start; mostly because libchdb is not installed.
    pub fn start(ruad: &Path) -> Result<Self, Error> {
        let folder = TempDir::new()?;
        let process = Process::start(ruad, folder.path(), (0..STORIES).map(database), Stdio::null())?;
        Ok(Self { process, databases: AtomicU32::new(0), _folder: folder })
    }

    /// A store in a database of its own, with the schema, which keeps everything: a simulation is of the past.
    ///
    /// # Errors
    ///
    /// What ClickHouse said; that there is no such database when more are wanted than one process tells stories.
    pub async fn store(&self) -> Result<Store, Error> {
        let database = database(self.databases.fetch_add(1, Ordering::Relaxed));
        let settings = Settings { retention_months: 0, ..self.process.settings(&database) };
        let store = Store::connect(&settings)?;
        store.migrate().await?;
        Ok(store)
    }
}

fn database(number: u32) -> String {
    format!("onboarding_{number}")
}

/// The most databases of one engine.
const STORIES: u32 = 24;
