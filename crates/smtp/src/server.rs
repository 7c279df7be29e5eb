//! The listeners: who gets a session.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    KnownNetworks, SmtpError,
    connection::{Place, Shared},
    end::End,
    listen,
    recipients::Recipients,
    settings::Settings,
    tls::Tls,
};
use crate::telemetry;
use ruad_spool::Spool;

/// A receiver that has its sockets and can be started.
pub struct Server {
    shared: Arc<Shared>,
    hostname: String,
    listeners: Vec<TcpListener>,
}

/// What can be told to a running [`Server`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    tls: Option<Tls>,
    known: KnownNetworks,
}

impl Server {
    /// Takes the sockets that systemd handed over, or else binds the configured addresses (port 0 picks one, see
    /// [`Self::local_addrs`]). Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound, certificate or key cannot be used, or the recipients or the host name are
    /// not well-formed.
    pub fn bind(
        settings: Settings,
        spool: Spool,
        sockets: Vec<std::net::TcpListener>,
    ) -> Result<Self, SmtpError> {
        let hostname = listen::hostname(settings.hostname.as_deref())?;
        let recipients = Recipients::new(&settings.recipients)?;
        let tls = settings.tls.clone().map(Tls::load).transpose()?;
        let listeners = if sockets.is_empty() {
            settings.listen.iter().map(|&address| listen::bind(address)).collect::<Result<_, _>>()?
        } else {
            sockets.into_iter().map(listen::adopt).collect::<Result<_, _>>()?
        };
        let shared = Arc::new(Shared::new(settings, &hostname, recipients, spool, tls));
        Ok(Self { shared, hostname, listeners })
    }

    /// The name it goes by.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Accepts sessions until `stop` is cancelled. Then nobody new is let in, messages under way may come to their
    /// end within `shutdown_timeout`, and everybody else hears `421`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { shared, listeners, .. } = self;
        let sessions = TaskTracker::new();
        let arriving = Arc::new(Semaphore::new(ARRIVING));
        let mut accepting = JoinSet::new();
        for listener in listeners {
            telemetry::listening(listener.local_addr().ok());
            let acceptor = Acceptor {
                listener,
                shared: shared.clone(),
                arriving: arriving.clone(),
                sessions: sessions.clone(),
                stop: stop.clone(),
            };
            accepting.spawn(acceptor.run());
        }
        stop.cancelled().await;
        while accepting.join_next().await.is_some() {}
        sessions.close();
        telemetry::stopping(sessions.len());
        if timeout(shared.settings.shutdown_timeout + LAST_WORDS, sessions.wait()).await.is_err() {
            telemetry::left_behind(sessions.len());
        }
    }

    /// Serves one conversation over any stream, in memory for example.
    pub async fn converse<S>(&self, stream: S, peer: IpAddr, stop: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        self.shared.clone().serve(stream, peer, Place::Arriving(None), stop).await;
    }

    /// The handle for what is done while [`Self::run`] runs.
    pub fn handle(&self) -> Handle {
        Handle { tls: self.shared.tls.clone(), known: self.shared.known.clone() }
    }

    /// The addresses of the sockets.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }
}

impl Handle {
    /// Reads certificate and key again, for the next handshakes. Running sessions are not touched. Without TLS in
    /// the settings there is nothing to do.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used; then the old certificate stays in use.
    pub fn reload_tls(&self) -> Result<(), SmtpError> {
        self.tls.as_ref().map_or(Ok(()), Tls::reload)
    }

    /// The networks for which places are kept: to be told who delivered genuine reports.
    pub fn known_networks(&self) -> &KnownNetworks {
        &self.known
    }
}

/// One listening socket.
struct Acceptor {
    listener: TcpListener,
    shared: Arc<Shared>,
    /// Connections of proxies that have not said yet who their client is.
    arriving: Arc<Semaphore>,
    sessions: TaskTracker,
    stop: CancellationToken,
}

impl Acceptor {
    /// Accepts until told to stop. The socket is closed then, so that senders try another MX at once.
    async fn run(self) {
        let mut stopped = std::pin::pin!(self.stop.clone().cancelled_owned());
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stopped => return,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    telemetry::accept_failed(&error);
                    // Out of descriptors or memory: trying at once again would only burn the CPU. Other errors
                    // belong to the connection that failed.
                    if !is_of_connection(&error) {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let place = match self.shared.is_proxy(peer.ip()) {
            // The client is not known yet, and the place is the client's.
            true => match self.arriving.clone().try_acquire_owned() {
                Ok(permit) => Place::Arriving(Some(permit)),
                Err(_) => return refuse(&stream, &End::TooMany),
            },
            false => match self.shared.slots.enter(peer.ip()) {
                Ok(slot) => Place::Taken(slot),
                Err(end) => return refuse(&stream, &end),
            },
        };
        let (shared, stop) = (self.shared.clone(), self.stop.clone());
        self.sessions.spawn(async move {
            let _open = telemetry::OpenSession::begin();
            shared.serve(stream, peer.ip(), place, stop).await;
        });
    }
}

fn refuse(stream: &TcpStream, end: &End) {
    if let Some(limit) = end.limit() {
        telemetry::limit(limit);
    }
    // One small write to a fresh socket does not block; if it fails, the client sees the close.
    if let Some(reply) = end.farewell() {
        drop(stream.try_write(&reply.line()));
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}

/// A proxy says at once who its client is.
const ARRIVING: usize = 256;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Added to `shutdown_timeout` for the replies after it.
const LAST_WORDS: Duration = Duration::from_secs(3);
