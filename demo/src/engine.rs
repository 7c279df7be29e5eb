//! The embedded engine as a process: `ruad engine`, for the simulations and the benches.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use ruad::store::Settings;
use ruad_common::password::Password;
use ruad_engine as engine;
use ruad_engine::{OWNER, Passwords, READY};

/// A running engine. It stops when this is dropped, and when this process ends and takes its end of the pipe with it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
    password: Password,
}

/// Why there is no engine, or why nobody knows what became of its data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program cannot be started.
    #[error("{}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended, or said something else, before it was ready.
    #[error("{}: it does not start; is libchdb installed? `make engine` does that", program.display())]
    NotReady {
        /// The program.
        program: PathBuf,
    },
    /// Its password cannot be read.
    #[error(transparent)]
    Password(#[from] engine::Error),
    /// It could not be waited for.
    #[error("the engine cannot be waited for: {source}")]
    Wait {
        /// What the system said.
        source: io::Error,
    },
    /// It ended, but not as one that was asked to.
    #[error("the engine did not end well: {status}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
    },
}

impl Process {
    /// Starts the engine of the program `ruad` over a folder, with these databases, on a free port, and waits until it is
    /// ready. Its log goes to `log`.
    ///
    /// # Errors
    ///
    /// When it does not start; mostly because libchdb is not installed.
    pub fn start(
        program: &Path,
        folder: &Path,
        databases: impl IntoIterator<Item = String>,
        log: Stdio,
    ) -> Result<Self, Error> {
        let refuse = |source| Error::Spawn { program: program.to_owned(), source };
        let mut child = Command::new(program)
            .args(["engine", "--stop-with-stdin", "--listen", "127.0.0.1:0", "--path"])
            .arg(folder)
            .args(databases.into_iter().map(|database| format!("--database={database}")))
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(refuse)?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(refuse)?;
        }
        let address = line.trim().strip_prefix(READY).and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| Error::NotReady { program: program.to_owned() })?;
        let settings = engine::Settings { path: folder.to_owned(), ..engine::Settings::default() };
        let password = Passwords::of(&settings).read(OWNER)?.into();
        Ok(Self { child, address, password })
    }

    /// Stops it, so that all it has is on the disk.
    ///
    /// # Errors
    ///
    /// When it does not end well.
    pub fn stop(mut self) -> Result<(), Error> {
        let status = self.end().map_err(|source| Error::Wait { source })?;
        if status.success() { Ok(()) } else { Err(Error::Ended { status }) }
    }

    /// Closes its standard input, which asks it to stop.
    fn end(&mut self) -> io::Result<ExitStatus> {
        drop(self.child.stdin.take());
        self.child.wait()
    }

    /// Where its HTTP interface listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The way to one of its databases.
    pub fn settings(&self, database: &str) -> Settings {
        Settings {
            url: Some(format!("http://{}", self.address)),
            user: Some(OWNER.to_owned()),
            password: Some(self.password.clone()),
            database: database.to_owned(),
            ..Settings::default()
        }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to hear how it ended.
        drop(self.end());
    }
}
