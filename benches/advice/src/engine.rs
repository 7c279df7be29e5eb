//! An embedded engine of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use ruad::store::{Settings, Store};

/// A running engine. It stops when this process ends and takes its end of the pipe with it.
pub(crate) struct Engine {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Engine {
    pub(crate) fn start(ruad: &Path, folder: Option<&Path>) -> anyhow::Result<Self> {
        let own = tempfile::tempdir()?;
        let mut process = Command::new(ruad)
            .args(["engine", "--stop-with-stdin", "--listen", "127.0.0.1:0", "--path"])
            .arg(folder.unwrap_or(own.path()))
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| ruad.display().to_string())?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let address =
            line.trim().strip_prefix(ruad::engine::READY).context("libchdb is not there: `make engine`")?;
        Ok(Self { url: format!("http://{address}"), process, _folder: own })
    }

    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        let query_timeout = Duration::from_secs(600);
        let store =
            Store::connect(&Settings { url: Some(self.url.clone()), query_timeout, ..Settings::default() })?;
        store.migrate().await?;
        Ok(store)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
