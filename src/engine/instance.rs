//! One running engine: a data folder, a library, and the connection that keeps the two together.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Mutex;

use chdb::{Connection, Exception, Library};

use super::reply::ServerLine;
use super::{Error, Settings, exception, library};
use crate::lock::Lock;

/// An open engine. Only one can be open in a process, and only one process can have a folder open.
pub(super) struct Instance {
    library: Library,
    arguments: Vec<String>,
    /// Keeps the engine open between statements, and kills those that nobody waits for.
    root: Mutex<Option<Connection>>,
    server: ServerLine,
    /// Dropped last: the lock on the folder.
    _lock: Lock,
}

impl Instance {
    /// Finds and loads the library and opens the folder.
    pub(super) fn open(settings: &Settings) -> Result<Self, Error> {
        let file = library::find(settings.library.as_deref())?;
        let lock = lock(&settings.path)?;
        let library = Library::open(&file).map_err(|source| Error::Library { path: file.clone(), source })?;
        let arguments = arguments(settings);
        let failed = |source| Error::Open { path: settings.path.clone(), source };
        let mut root = library.connect(&arguments).map_err(failed)?;
        let version = root.query(b"SELECT version(), timezone()", "TabSeparatedRaw", &[]).map_err(failed)?;
        let version = String::from_utf8_lossy(&version.bytes);
        let (version, timezone) = version.trim().split_once('\t').unwrap_or_default();
        if !matches!(timezone, "UTC" | "Etc/UTC") {
            return Err(Error::TimeZone { timezone: timezone.to_owned() });
        }
        // The `clickhouse` crate finds old-style exceptions by their two closing brackets.
        let version = format!("(version {version} (libchdb {}))", library.version());
        let server = ServerLine { version };
        Ok(Self { library, arguments, root: Mutex::new(Some(root)), server, _lock: lock })
    }

    /// A fresh connection for one request.
    pub(super) fn connect(&self) -> Result<Connection, Exception> {
        let is_open = self.root.lock().is_ok_and(|root| root.is_some());
        if !is_open {
            return Err(exception::new(exception::UNKNOWN_EXCEPTION, "The engine is stopping"));
        }
        self.library.connect(&self.arguments).map_err(exception::of)
    }

    pub(super) fn server(&self) -> &ServerLine {
        &self.server
    }

    /// Kills running statements: those whose `log_comment` begins with `mark`, which is a mark of our own
    /// making; all of them when it is empty.
    pub(super) fn kill(&self, mark: &str) {
        let statement = format!(
            "KILL QUERY WHERE startsWith(Settings['log_comment'], '{mark}') AND query NOT LIKE 'KILL %' ASYNC"
        );
        if let Ok(mut root) = self.root.lock()
            && let Some(root) = root.as_mut()
        {
            // A statement that cannot be killed ends by its time limit.
            drop(root.query(statement.as_bytes(), "Null", &[]));
        }
    }

    /// Closes the engine. No other connection may be open any more, or the process cannot end cleanly.
    pub(super) fn close(&self) {
        if let Ok(mut root) = self.root.lock() {
            drop(root.take());
        }
    }
}

/// What every connection is opened with.
fn arguments(settings: &Settings) -> Vec<String> {
    let mut arguments = vec![
        format!("--path={}", settings.path.display()),
        // `1 + 1` is a statement for ClickHouse's command line, not for its server.
        "--implicit_select=0".to_owned(),
        format!("--max_execution_time={}", settings.time_limit.as_secs_f64()),
    ];
    // The engine's own limits for caches are made for large servers: up to 5 GiB each.
    for cache in ["mark_cache_size", "index_mark_cache_size", "primary_index_cache_size"] {
        arguments.push(format!("--{cache}={CACHE}"));
    }
    arguments.extend(settings.memory_bytes.map(|bytes| format!("--max_server_memory_usage={bytes}")));
    arguments
}

/// Two engines on one folder would destroy it.
fn lock(path: &Path) -> Result<Lock, Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(failed)?;
    Lock::attempt(file).map_err(|error| match error {
        TryLockError::WouldBlock => Error::InUse { path: path.to_owned() },
        TryLockError::Error(source) => failed(source),
    })
}

const LOCK: &str = "ruad-engine.lock";
const CACHE: u64 = 256 << 20;
