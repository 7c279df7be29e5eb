//! The process `ruad engine`: ClickHouse's server runs in a thread of it until its standard input ends, which this
//! program holds the other end of.

use std::fs::{self, File, TryLockError};
use std::future::Future;
use std::io::{self, PipeWriter};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chdb::Library;
use clickhouse::Client;
use tokio::sync::oneshot;

use super::users::{self, HOST};
use super::{
    Access, Error, OWNER, Passwords, READER, Settings, access, configuration, confinement, front,
    interrupted, library,
};
use crate::telemetry as events;
use ruad_common::lock::Lock;

/// Runs the engine until `stop` is ready; calls `ready` with its address once statements can be sent. Then lets running
/// statements finish for the settings' time, ends the rest, closes the data folder and ends the process.
///
/// It takes the process over: standard input, the working folder and the exit. Only one can run in a process, and paths
/// in the settings must be absolute.
///
/// # Errors
///
/// When the library, the folder, a password or the address cannot be used, and when ClickHouse ends by itself.
pub async fn run(
    settings: &Settings,
    access: &Access,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut server = Server::start(settings, access)?;
    server.wait_until_ready(&settings.path).await?;
    let address = server.listener.local_addr().map_err(Error::Start)?;
    let listener = server.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
    tokio::spawn(front::run(listener.map_err(Error::Start)?, server.address));
    ready(address);
    tokio::select! {
        () = stop => {}
        ended = &mut server.ended => return Err(reason(ended)),
    }
    server.stop(settings.stop_timeout).await
}

/// ClickHouse's server in its thread.
struct Server {
    /// Where clients come.
    listener: TcpListener,
    /// Where ClickHouse listens.
    address: SocketAddr,
    /// As the user of this process.
    client: Client,
    /// ClickHouse ends when this is closed.
    _stdin: PipeWriter,
    ended: oneshot::Receiver<Result<(), String>>,
    /// Dropped last.
    _lock: Lock,
}

impl Server {
    fn start(settings: &Settings, access: &Access) -> Result<Self, Error> {
        let file = library::find(settings.library.as_deref())?;
        // The working folder is about to change.
        let file = std::path::absolute(file).map_err(Error::Start)?;
        access::make_folder(&settings.path)?;
        let lock = lock(&settings.path)?;
        let forgotten =
            interrupted::forget(&settings.path).map_err(|(path, source)| Error::Folder { path, source })?;
        forgotten.iter().for_each(|part| events::interrupted(part));
        let listener = listen(settings.listen)?;
        let address = free()?;
        let password = prepare(settings, access, address)?;
        let client =
            Client::default().with_url(format!("http://{address}")).with_user(HOST).with_password(&password);
        let library = Library::open(&file).map_err(|source| Error::Library { path: file.clone(), source })?;
        let (reader, stdin) = io::pipe().map_err(Error::Start)?;
        chdb::take_as_stdin(reader).map_err(Error::Start)?;
        let arguments = arguments(settings, access);
        let (sender, ended) = oneshot::channel();
        let folder = settings.path.clone();
        let work = move || {
            confinement::confine(&folder, &file).iter().for_each(|lack| events::unconfined(lack));
            let outcome = library.run(&arguments).map_err(|error| error.to_string());
            // The process may be ending.
            drop(sender.send(outcome));
        };
        // As large as a main thread's: ClickHouse's parser recurses.
        let builder = thread::Builder::new().name("engine".to_owned()).stack_size(8 << 20);
        builder.spawn(work).map_err(Error::Start)?;
        Ok(Self { listener, address, client, _stdin: stdin, ended, _lock: lock })
    }

    /// Asks until there is an answer.
    async fn wait_until_ready(&mut self, path: &Path) -> Result<(), Error> {
        let deadline = Instant::now() + READY_TIMEOUT;
        let timezone = loop {
            tokio::select! {
                ended = &mut self.ended => return Err(reason(ended)),
                () = tokio::time::sleep(READY_POLL) => {}
            }
            match self.client.query("SELECT timezone()").fetch_one::<String>().await {
                Ok(timezone) => break timezone,
                Err(error) if Instant::now() > deadline => {
                    return Err(Error::NotReady { reason: error.to_string() });
                }
                Err(_) => {}
            }
        };
        // ClickHouse's function `file` needs no right. It reads below the working folder or, in a command line, anywhere;
        // without a working folder it fails. ClickHouse itself needs one until it has started.
        let folder = working_folder(path);
        fs::remove_dir(&folder).map_err(|source| Error::Folder { path: folder, source })?;
        match timezone.as_str() {
            "UTC" | "Etc/UTC" => Ok(()),
            _ => Err(Error::TimeZone { timezone }),
        }
    }

    /// Ends the process.
    async fn stop(self, timeout: Duration) -> ! {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline && self.statements().await > 0 {
            tokio::time::sleep(STOP_POLL).await;
        }
        let kill = format!("KILL QUERY WHERE user NOT IN ('', 'default', '{HOST}') ASYNC");
        drop(tokio::time::timeout(ANSWER_TIMEOUT, self.client.query(&kill).execute()).await);
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        while self.statements().await > 0 {
            if Instant::now() > deadline {
                events::unclosed();
                break;
            }
            tokio::time::sleep(STOP_POLL).await;
        }
        // ClickHouse is not asked to close: once its command line has ended, its user `default`, who has no password, could log in
        // until the port is closed. What was acknowledged is on disk, and returning would run the library's exit handlers under
        // its threads.
        chdb::exit_now(0)
    }

    /// How many run, of others.
    async fn statements(&self) -> u64 {
        let query =
            format!("SELECT count() FROM system.processes WHERE user NOT IN ('', 'default', '{HOST}')");
        // When it cannot be asked, waiting for it helps nobody.
        let asked = tokio::time::timeout(ANSWER_TIMEOUT, self.client.query(&query).fetch_one()).await;
        asked.map_or(0, |answer| answer.unwrap_or(0))
    }
}

/// Writes what ClickHouse reads, and gives the password of this process's own user.
fn prepare(settings: &Settings, access: &Access, address: SocketAddr) -> Result<String, Error> {
    access.databases.iter().try_for_each(|name| users::plain("a database", name))?;
    let folder = access::folder(&settings.path);
    access::make_folder(&folder)?;
    let passwords = Passwords::of(settings);
    let host = access::new_password()?;
    let hashes = [passwords.read_or_make(OWNER)?, passwords.read_or_make(READER)?, host.clone()]
        .map(|password| access::password_hash(&password));
    let mut users = users::own(access, settings, hashes);
    users.extend(access.users.iter().cloned());
    users::leave_room(&mut users, settings, memory(settings));
    access::write(&configuration::users_file(&settings.path), &users::xml(&access.databases, &users)?)?;
    access::write(&configuration_file(&settings.path), &configuration::xml(settings, address))?;
    let folder = working_folder(&settings.path);
    access::make_folder(&folder)?;
    std::env::set_current_dir(&folder).map_err(|source| Error::Folder { path: folder, source })?;
    Ok(host)
}

/// What statements may use together.
fn memory(settings: &Settings) -> u64 {
    settings.memory_bytes.unwrap_or_else(|| {
        // ClickHouse reckons so itself.
        let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
        let group = group.and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX);
        machine_memory().min(group) / 10 * 9
    })
}

#[cfg(target_os = "linux")]
fn machine_memory() -> u64 {
    let info = rustix::system::sysinfo();
    // Its fields are as wide as the machine's words.
    #[allow(clippy::useless_conversion, reason = "not on every machine")]
    u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit))
}

/// Unknown: the limits are as they are on a large machine.
#[cfg(not(target_os = "linux"))]
fn machine_memory() -> u64 {
    u64::MAX
}

fn arguments(settings: &Settings, access: &Access) -> Vec<String> {
    let creates: String =
        access.databases.iter().map(|name| format!("CREATE DATABASE IF NOT EXISTS `{name}`; ")).collect();
    let query = format!(
        "{creates}SYSTEM START LISTEN HTTP; SELECT * FROM file('stdin', 'LineAsString', 'line String') FORMAT Null"
    );
    [
        "clickhouse-local".to_owned(),
        format!("--path={}", settings.path.display()),
        format!("--config-file={}", configuration_file(&settings.path).display()),
        "--multiquery".to_owned(),
        format!("--query={query}"),
    ]
    .to_vec()
}

fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    Ok(listener)
}

/// An address for ClickHouse, which does not say which port it got.
fn free() -> Result<SocketAddr, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(Error::Start)
}

/// Two engines on one folder would destroy it.
fn lock(path: &Path) -> Result<Lock, Error> {
    let file = path.join(LOCK);
    let failed = |source| Error::Folder { path: file.clone(), source };
    let open = File::options().create(true).truncate(false).write(true).open(&file).map_err(failed)?;
    Lock::attempt(open).map_err(|error| match error {
        TryLockError::WouldBlock => Error::InUse { path: path.to_owned() },
        TryLockError::Error(source) => failed(source),
    })
}

fn reason(ended: Result<Result<(), String>, oneshot::error::RecvError>) -> Error {
    let reason = match ended {
        Ok(Err(reason)) if !reason.is_empty() => reason,
        Ok(_) => "its words are on standard error".to_owned(),
        Err(_) => "its thread panicked".to_owned(),
    };
    Error::Ended { reason }
}

fn configuration_file(data: &Path) -> PathBuf {
    access::folder(data).join("config.xml")
}

fn working_folder(data: &Path) -> PathBuf {
    access::folder(data).join("start")
}

const LOCK: &str = "ruad-engine.lock";
/// Reading the folder of a large store takes a while.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
const READY_POLL: Duration = Duration::from_millis(20);
const STOP_POLL: Duration = Duration::from_millis(50);
/// How long statements that were killed hold up the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer to the process's own questions is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
