//! The database of a simulation: `ruad engine` in a folder that goes when it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use ruad::store::{Settings, Store};
use tempfile::TempDir;

use super::Error;

/// A running engine. It stops with this process, whose end of the pipe it waits for.
pub struct Engine {
    url: String,
    process: Child,
    databases: AtomicU32,
    _folder: TempDir,
}

impl Engine {
    /// Starts the engine of the program `ruad`, with an empty folder.
    ///
    /// # Errors
    ///
    /// When it does not start; mostly because libchdb is not installed.
    pub fn start(ruad: &Path) -> Result<Self, Error> {
        let folder = TempDir::new()?;
        let refuse = |reason: String| Error::Engine { program: ruad.to_owned(), reason };
        let mut process = Command::new(ruad)
            .args(["engine", "--stop-with-stdin", "--listen", "127.0.0.1:0", "--path"])
            .arg(folder.path())
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| refuse(error.to_string()))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix("listening on ");
        let address = address.ok_or_else(|| refuse("it does not start; is libchdb installed?".to_owned()))?;
        let url = format!("http://{address}");
        Ok(Self { url, process, databases: AtomicU32::new(0), _folder: folder })
    }

    /// A store in a database of its own, with the schema, which keeps everything: a simulation is of the past.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn store(&self) -> Result<Store, Error> {
        let database = format!("onboarding_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let url = Some(self.url.clone());
        let store = Store::connect(&Settings { url, database, retention_months: 0, ..Settings::default() })?;
        store.migrate().await?;
        Ok(store)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Its data goes too, so it need not say goodbye; one that has ended already is as well.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
