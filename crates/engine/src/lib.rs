//! The embedded ClickHouse: ClickHouse's own server, out of libchdb, in a process of its own.
//!
//! `ruad engine` ([`run`]) is that process. [`Child`] is what the daemon holds: the process, supervised, which ends
//! with the daemon.
//!
//! The process listens for clients itself; ClickHouse does behind it, on loopback.
//!
//! Whoever reaches the port needs a user and its password. There are two users, besides those that [`Access`] adds:
//! [`OWNER`], which writes, and [`READER`], which reads. Neither can make the engine run a program, touch a file or
//! open a connection: their grants do not let them, and the kernel keeps the whole process from it.
#![forbid(unsafe_code)]

mod access;
mod child;
mod configuration;
mod confinement;
mod front;
mod interrupted;
mod library;
mod limits;
mod server;
pub mod telemetry;
mod users;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub use access::{Passwords, new_password, password_hash};
pub use child::Child;
pub use library::{VERSION, find as find_library};
pub use limits::Limits;
pub use server::run;
pub use users::{Bound, Interval, OWNER, Policy, Quota, READER, Setting, User};

/// Settings of the embedded engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address of the HTTP interface.
    pub listen: SocketAddr,
    /// The folder of its data and passwords; created when it is not there.
    pub path: PathBuf,
    /// The library's file; looked for when it is not named.
    pub library: Option<PathBuf>,
    /// A file whose first line is the password of [`OWNER`]. Without one, a password is made at the first start.
    pub password_file: Option<PathBuf>,
    /// How many statements run at once; the next ones are refused.
    pub statements: usize,
    /// How long a statement may run. [`OWNER`] can ask for more with `max_execution_time`.
    #[serde(with = "ruad_common::seconds")]
    pub time_limit: Duration,
    /// How long a client may pause while it sends data or takes a result.
    #[serde(with = "ruad_common::seconds")]
    pub peer_timeout: Duration,
    /// How long running statements may take to end when the engine stops.
    #[serde(with = "ruad_common::seconds")]
    pub stop_timeout: Duration,
    /// Whether every group of the registry gets a user that sees its own rows alone.
    pub tenants: bool,
    /// How much memory statements may use together; by default nine tenths of the machine's.
    pub memory_bytes: Option<u64>,
}

/// What there is in the engine, and who may use it. ClickHouse reads this when it starts, and never again.
#[derive(Clone, Debug)]
pub struct Access {
    /// The databases that [`OWNER`] writes and [`READER`] reads; created when they are not there. Plain names.
    pub databases: Vec<String>,
    /// More users, such as customers'.
    pub users: Vec<User>,
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
    /// A folder or file of the engine cannot be made, read or locked.
    #[error("cannot use {}, which the engine needs", path.display())]
    Folder {
        /// The folder or file.
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
    /// A setting that cannot be handed to ClickHouse.
    #[error("{what} is {value:?}, which ClickHouse's configuration cannot hold")]
    Name {
        /// What it names.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
    /// A password cannot be read.
    #[error("cannot read the password of {user} from {}{}", path.display(),
        if source.kind() == io::ErrorKind::NotFound { "; the engine makes it when it starts for the first time" } else { "" })]
    Password {
        /// Whose.
        user: String,
        /// Its file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The engine's thread or pipe cannot be made.
    #[error("cannot start the engine")]
    Start(#[source] io::Error),
    /// ClickHouse ended by itself.
    #[error("ClickHouse ended: {reason}")]
    Ended {
        /// Its words.
        reason: String,
    },
    /// Times without a zone would be read in the machine's.
    #[error("the engine's time zone is {timezone}, not UTC: start the process with TZ=UTC")]
    TimeZone {
        /// The zone.
        timezone: String,
    },
    /// The child process cannot be started.
    #[error("cannot start the engine's process")]
    Spawn(#[source] io::Error),
    /// The process ended, or said nothing, before it was ready.
    #[error("the engine did not become ready: {reason}")]
    NotReady {
        /// What was seen.
        reason: String,
    },
}

impl Access {
    /// One database, and nobody else.
    pub fn to(database: &str) -> Self {
        Self { databases: vec![database.to_owned()], users: Vec::new() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8123)),
            path: PathBuf::from("ruad-data/clickhouse"),
            library: None,
            password_file: None,
            statements: 100,
            time_limit: Duration::from_secs(600),
            peer_timeout: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(20),
            tenants: false,
            memory_bytes: None,
        }
    }
}

/// What `ruad engine` prints before its address when it is ready.
pub const READY: &str = "listening on ";
