//! An embedded engine of its own.

use std::{path::Path, process::Stdio, time::Duration};

use ruad::store::{Settings, Store};
use ruad_demo::engine::Process;

/// A running engine.
pub(crate) struct Engine {
    // Before its folder: it ends first.
    process: Process,
    _folder: tempfile::TempDir,
}

impl Engine {
    pub(crate) fn start(ruad: &Path, folder: Option<&Path>) -> anyhow::Result<Self> {
        let own = tempfile::tempdir()?;
        let process =
            Process::start(ruad, folder.unwrap_or(own.path()), [DATABASE.to_owned()], Stdio::inherit())?;
        Ok(Self { process, _folder: own })
    }

    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        let query_timeout = Duration::from_secs(600);
        let store = Store::connect(&Settings { query_timeout, ..self.process.settings(DATABASE) })?;
        store.migrate().await?;
        Ok(store)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

const DATABASE: &str = "ruad";
