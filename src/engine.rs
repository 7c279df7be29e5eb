//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, so that the rest of the daemon, Grafana and
//! every other client speak to it as to a server.
//!
//! [`Server`] is the engine itself, the subcommand `ruad engine`. [`Child`] is what the daemon holds: that subcommand
//! as a supervised process, which ends with it.
//!
//! Whoever reaches the port owns the engine, its data and, through table functions such as `file`, whatever the
//! process may read and write: it has one user and no row policies. It therefore listens on a loopback address by
//! default, and on another one only with a password.

mod child;
mod encoding;
mod exception;
mod format;
mod instance;
mod job;
mod lexer;
mod library;
mod listener;
mod multipart;
mod pipe;
mod reply;
mod request;
mod select;
mod server;
mod statement;
mod unpack;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use serde::Deserialize;

pub use child::Child;
pub use library::{VERSION, find as find_library};
pub use server::Server;

/// Settings of the embedded engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address of the HTTP interface.
    pub listen: SocketAddr,
    /// The data folder; created when it is not there.
    pub path: PathBuf,
    /// The library's file; looked for when it is not named.
    pub library: Option<PathBuf>,
    /// The only user's name, checked when there is a password.
    pub user: String,
    /// A file whose first line is the password. Without one, every client on this machine is let in.
    pub password_file: Option<PathBuf>,
    /// How many statements run at once; the next ones wait.
    pub statements: usize,
    /// How long a statement may run, unless the client sets `max_execution_time`.
    #[serde(with = "crate::config::seconds")]
    pub time_limit: Duration,
    /// How long a client may pause while it sends data or takes a result.
    #[serde(with = "crate::config::seconds")]
    pub peer_timeout: Duration,
    /// How long running statements may take to end when the engine stops.
    #[serde(with = "crate::config::seconds")]
    pub stop_timeout: Duration,
    /// How much memory statements may use together; by default nine tenths of the machine's.
    pub memory_bytes: Option<u64>,
}

/// Why the engine does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The library lies nowhere.
    #[error(
        "libchdb, the embedded ClickHouse engine, is not installed: looked for {}; `make engine` installs it, or \
         set RUAD_ENGINE_LIB to its path, or clickhouse.url to use a ClickHouse server",
        places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NoLibrary {
        /// Where it was looked for.
        places: Vec<PathBuf>,
    },
    /// The library cannot be loaded.
    #[error("cannot load the engine's library {}", path.display())]
    Library {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: chdb::Error,
    },
    /// The data folder cannot be made or locked.
    #[error("cannot use the engine's data folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Another engine has the data folder open.
    #[error("another engine has the data folder {} open", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The engine does not open the data folder.
    #[error("the engine cannot open its data folder {}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// The engine's words.
        source: chdb::Error,
    },
    /// Times without a zone would be read in the machine's.
    #[error("the engine's time zone is {timezone}, not UTC: start the process with TZ=UTC")]
    TimeZone {
        /// The zone.
        timezone: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
    /// Others could reach the engine, and nothing would keep them out.
    #[error("{address} is not a loopback address: the engine only listens there with a password")]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// The password cannot be read.
    #[error("cannot read the engine's password from {}", path.display())]
    Password {
        /// Its file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The child process cannot be started.
    #[error("cannot start the engine's process")]
    Spawn(#[source] io::Error),
    /// The child process ended, or said nothing, before it was ready.
    #[error("the engine's process did not become ready: {reason}")]
    NotReady {
        /// What was seen.
        reason: String,
    },
    /// Statements did not end when they were killed.
    #[error("{statements} statements did not end")]
    Unclosed {
        /// How many.
        statements: usize,
    },
    /// A task panicked.
    #[error("a task of the engine panicked")]
    Panicked,
}

impl Settings {
    /// The password, when one is configured.
    fn password(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let failed = |source| Error::Password { path: path.clone(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        match text.lines().next().map(str::trim_end).filter(|line| !line.is_empty()) {
            Some(password) => Ok(Some(password.to_owned())),
            None => Err(failed(io::Error::new(io::ErrorKind::InvalidData, "its first line is empty"))),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8123)),
            path: PathBuf::from("ruad-data/clickhouse"),
            library: None,
            user: "default".to_owned(),
            password_file: None,
            statements: 16,
            time_limit: Duration::from_secs(600),
            peer_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(20),
            memory_bytes: None,
        }
    }
}

/// What `ruad engine` prints before its address when it is ready.
pub const READY: &str = "listening on ";
