//! The files that RPKI needs beside DNS: read at the start, and again when they were replaced.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use serde::Deserialize;

use crate::health::telemetry::{RoutingRead, RoutingUnreadable};
use ruad_dns::{
    Trouble,
    rpki::{Payloads, Tables},
};

/// Where the files are.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The validated payloads of all ROAs, as rpki-client (`json`) or Routinator (`vrps --format json`) write them. Without,
    /// nothing is said about routes.
    pub payloads: Option<PathBuf>,
    /// The routes that there are, as RIPE publishes them (`riswhoisdump.IPv4` and `.IPv6`, unpacked). Without, it can be said
    /// that there is no ROA, but not that a route is invalid.
    pub routes: Vec<PathBuf>,
}

/// What the files hold. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Routing {
    settings: Arc<Settings>,
    held: Arc<RwLock<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    /// When each file was written; one that could not be read is not among them.
    written: Vec<SystemTime>,
    tables: Option<Arc<Tables>>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutingError {
    /// A file cannot be read.
    #[error("{}: cannot read it: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file of payloads is none.
    #[error("{}: not the JSON of validated ROA payloads: {source}", path.display())]
    Payloads {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file of payloads holds none, which no validator writes that works.
    #[error("{}: it holds no payloads", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Routing {
    /// What these files are to hold; they are read by [`Routing::renew`].
    pub fn new(settings: &Settings) -> Self {
        Self { settings: Arc::new(settings.clone()), held: Arc::default() }
    }

    /// Whether there is anything to read.
    pub fn is_configured(&self) -> bool {
        self.settings.payloads.is_some()
    }

    /// What the files held last.
    ///
    /// # Errors
    ///
    /// Why nothing can be told: no file is configured, or what was read is too old to be believed at `now`.
    pub fn tables(&self, now: SystemTime) -> Result<Arc<Tables>, Trouble> {
        if !self.is_configured() {
            return Err(Trouble::NotConfigured);
        }
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |written: &SystemTime| {
            now.duration_since(*written).is_ok_and(|age| age <= OLDEST) || *written > now
        };
        match &held.tables {
            Some(tables) if held.written.iter().all(is_fresh) => Ok(tables.clone()),
            _ => Err(Trouble::OutOfDate),
        }
    }

    /// Reads the files again if one was replaced. Takes a second for the routes of the whole Internet.
    ///
    /// # Errors
    ///
    /// Which file cannot be used; what was read before stays, as long as it is not too old.
    pub fn renew(&self) -> Result<(), RoutingError> {
        let Some(payloads) = &self.settings.payloads else { return Ok(()) };
        let written: Vec<_> = std::iter::once(payloads)
            .chain(&self.settings.routes)
            .map(|path| written(path))
            .collect::<Result<_, _>>()?;
        if self.held.read().unwrap_or_else(PoisonError::into_inner).written == written {
            return Ok(());
        }
        let tables = read(payloads, &self.settings.routes)?;
        RoutingRead { payloads: tables.payloads.len(), routes: tables.routes.len() }.record();
        let held = Held { written, tables: Some(Arc::new(tables)) };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    /// Reads the files, and again whenever they were replaced; never ends where there are some.
    pub(super) async fn follow(self) {
        while self.is_configured() {
            let routing = self.clone();
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || routing.renew()).await {
                RoutingUnreadable { error: &error }.record();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self::new(&Settings::default())
    }
}

fn read(payloads: &Path, routes: &[PathBuf]) -> Result<Tables, RoutingError> {
    let mut tables = Tables::default();
    let path = || payloads.to_owned();
    tables.payloads = Payloads::read(BufReader::new(open(payloads)?.take(LARGEST)))
        .map_err(|source| RoutingError::Payloads { path: path(), source })?;
    if tables.payloads.is_empty() {
        return Err(RoutingError::Empty { path: path() });
    }
    for path in routes {
        let file = BufReader::new(open(path)?.take(LARGEST));
        tables.routes.add(file).map_err(|source| RoutingError::Io { path: path.clone(), source })?;
    }
    Ok(tables)
}

fn open(path: &Path) -> Result<File, RoutingError> {
    File::open(path).map_err(|source| RoutingError::Io { path: path.to_owned(), source })
}

fn written(path: &Path) -> Result<SystemTime, RoutingError> {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.map_err(|source| RoutingError::Io { path: path.to_owned(), source })
}

/// Validators write every few minutes, RIPE every eight hours; what is two days old may be wrong.
const OLDEST: Duration = Duration::from_secs(2 * 86_400);
const PAUSE: Duration = Duration::from_secs(600);
/// In bytes; the files of 2026 have some 100 MB.
const LARGEST: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use ruad_dns::rpki::{Prefix, Route, State};

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    const ROA: &str = r#"{"roas": [{"asn": 64496, "prefix": "192.0.2.0/24", "maxLength": 24}]}"#;

    #[test]
    fn without_a_file_nothing_can_be_told() {
        let routing = Routing::default();
        routing.renew().unwrap();
        assert_eq!(routing.tables(SystemTime::now()).err(), Some(Trouble::NotConfigured));
    }

    #[test]
    fn what_is_old_is_not_believed() {
        let (roas, dump) = (file(ROA), file("64496 192.0.2.0/24 300\n"));
        let settings =
            Settings { payloads: Some(roas.path().to_owned()), routes: vec![dump.path().to_owned()] };
        let routing = Routing::new(&settings);
        assert_eq!(routing.tables(SystemTime::now()).err(), Some(Trouble::OutOfDate));
        routing.renew().unwrap();
        let tables = routing.tables(SystemTime::now()).unwrap();
        let route = Route { prefix: Prefix::parse("192.0.2.0/24").unwrap(), origin: 64_496 };
        assert_eq!(tables.payloads.state(&route), State::Valid);
        assert_eq!(tables.routes.to("192.0.2.9".parse().unwrap()).next(), Some(route));
        let later = SystemTime::now() + OLDEST + Duration::from_secs(60);
        assert_eq!(routing.tables(later).err(), Some(Trouble::OutOfDate));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        for text in ["", "{\"roas\": []}", "64496 192.0.2.0/24"] {
            let wrong = file(text);
            let settings = Settings { payloads: Some(wrong.path().to_owned()), ..Settings::default() };
            let error = Routing::new(&settings).renew().unwrap_err().to_string();
            assert!(error.starts_with(&wrong.path().display().to_string()), "{error}");
        }
        let settings = Settings { payloads: Some("/nowhere/vrps.json".into()), ..Settings::default() };
        assert!(Routing::new(&settings).renew().unwrap_err().to_string().contains("/nowhere/vrps.json"));
    }
}
