//! `ruad serve` as a child.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use rcgen::{CertificateParams, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::http;
use super::place::Place;

/// A running `ruad`, killed when this is dropped.
pub(super) struct Server {
    child: Child,
    log: PathBuf,
    http: SocketAddr,
}

impl Server {
    /// Makes the place empty, with what the configuration names in it.
    pub(super) fn prepare(place: &Place) -> anyhow::Result<()> {
        for address in [place.smtp, place.http, place.clickhouse] {
            // Whoever answers there already would be mistaken for ruad.
            drop(TcpListener::bind(address).with_context(|| format!("the demo needs {address} for itself"))?);
        }
        empty(&place.data)?;
        certify(place)
    }

    /// Starts it. What it says goes to a file. When it does not watch, it takes mail and nothing else.
    pub(super) fn start(
        ruad: &Path,
        config: &Path,
        place: &Place,
        is_watching: bool,
    ) -> anyhow::Result<Self> {
        let path = place.data.join("ruad.log");
        let log = File::options()
            .append(true)
            .create(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let child = Command::new(ruad)
            .args([Path::new("serve"), Path::new("--config"), config])
            .envs(place.variables())
            .envs(
                ["RUAD__HEALTH__ENABLED", "RUAD__ADVICE__ENABLED"]
                    .map(|name| (name, is_watching.to_string())),
            )
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", ruad.display()))?;
        Ok(Self { child, log: path, http: place.http })
    }

    /// Waits until it says it is ready.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("ruad ended ({status}) before it was ready\n{}", self.last_words());
            }
            if matches!(timeout(POLL * 20, http::status(self.http, "/readyz")).await, Ok(Ok(200))) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "ruad is not ready after {START:?}\n{}", self.last_words());
            sleep(POLL).await;
        }
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id as i32)) {
            // It may have ended by itself: the terminal's Ctrl-C goes to both.
            kill_process(pid, Signal::TERM).ok();
        }
        match timeout(STOP, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                ensure!(status.success(), "ruad ended with {status}\n{}", self.last_words());
                Ok(())
            }
            Err(_) => bail!("ruad has not stopped after {STOP:?}\n{}", self.last_words()),
        }
    }

    /// Where its log is.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(15).collect();
        lines.into_iter().rev().map(|line| format!("  | {line}\n")).collect()
    }
}

/// Makes `data` an empty folder; takes away an earlier demo's, but nobody else's.
fn empty(data: &Path) -> anyhow::Result<()> {
    let marker = data.join(MARKER);
    if data.exists() {
        ensure!(
            marker.exists(),
            "{} exists and is not from an earlier demo; move it away or start elsewhere",
            data.display()
        );
        fs::remove_dir_all(data).with_context(|| format!("cannot empty {}", data.display()))?;
    }
    fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    fs::write(&marker, "Made by ruad-demo, which removes this folder at its next start.\n")
        .with_context(|| format!("cannot write {}", marker.display()))
}

/// A certificate of its own for STARTTLS, for a month.
fn certify(place: &Place) -> anyhow::Result<()> {
    let mut parameters = CertificateParams::new(vec!["mx.reports.example".to_owned()])?;
    parameters.not_before = SystemTime::now().into();
    parameters.not_after = (SystemTime::now() + CERTIFIED).into();
    let key = KeyPair::generate()?;
    fs::write(place.certificate(), parameters.self_signed(&key)?.pem())?;
    Ok(fs::write(place.key(), key.serialize_pem())?)
}

const MARKER: &str = ".ruad-demo";
/// How long the certificate holds.
const CERTIFIED: Duration = Duration::from_secs(30 * 86_400);
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(100);
