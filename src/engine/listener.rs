//! The server's sockets: a bounded number, and each tells whether its peer keeps up.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accepts connections, up to a number.
pub(super) struct Listener {
    tcp: TcpListener,
    room: Arc<Semaphore>,
}

/// A connection.
pub(super) struct Socket {
    tcp: TcpStream,
    congestion: Congestion,
    _room: Option<OwnedSemaphorePermit>,
}

/// Whether bytes wait for the peer to take those before them.
#[derive(Clone, Debug, Default)]
pub(super) struct Congestion(Arc<AtomicBool>);

impl Listener {
    pub(super) fn new(tcp: TcpListener) -> Self {
        Self { tcp, room: Arc::new(Semaphore::new(MOST_CONNECTIONS)) }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        // The semaphore is never closed.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        let (tcp, peer) = axum::serve::Listener::accept(&mut self.tcp).await;
        // Small answers must not wait for more; without it they are merely slow.
        drop(tcp.set_nodelay(true));
        (Socket { tcp, congestion: Congestion::default(), _room: room }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Congestion {
    pub(super) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connected<IncomingStream<'_, Listener>> for Congestion {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().congestion.clone()
    }
}

impl Socket {
    fn note<T>(&self, outcome: Poll<T>) -> Poll<T> {
        self.congestion.0.store(outcome.is_pending(), Ordering::Relaxed);
        outcome
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.note(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.tcp).poll_write_vectored(context, slices);
        self.note(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// The next ones wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 1024;
