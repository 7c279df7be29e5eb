//! Between the asynchronous HTTP server and the blocking engine: bounded pipes, so that a slow side slows the
//! other.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::listener::Congestion;

/// A request's body, read by a blocking thread.
pub(super) struct Input {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
    runtime: Handle,
    timeout: Duration,
    cancelled: CancellationToken,
}

/// An answer's body, written by a blocking thread.
pub(super) struct Sender {
    chunks: mpsc::Sender<Result<Bytes, Aborted>>,
    runtime: Handle,
    timeout: Duration,
    cancelled: CancellationToken,
}

/// The answer ends here, though it is not complete: the connection is closed without the end of the body.
#[derive(Debug, thiserror::Error)]
#[error("the statement failed after its answer had begun")]
pub(super) struct Aborted;

/// The client does not take the answer any more.
#[derive(Debug)]
pub(super) struct Gone;

impl Input {
    /// Starts to pass the body on; at most a few of its chunks wait here.
    pub(super) fn new(body: Body, timeout: Duration, cancelled: CancellationToken) -> Self {
        let (sender, chunks) = mpsc::channel(DEPTH);
        tokio::spawn(async move {
            let mut body = body.into_data_stream();
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|error| io::Error::new(io::ErrorKind::UnexpectedEof, error));
                let failed = chunk.is_err();
                if sender.send(chunk).await.is_err() || failed {
                    return;
                }
            }
        });
        Self { chunks, current: Bytes::new(), runtime: Handle::current(), timeout, cancelled }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let next = tokio::time::timeout(self.timeout, self.chunks.recv());
            // A timer needs the runtime to be made.
            let next = self.runtime.block_on(async { self.cancelled.run_until_cancelled(next).await });
            match next {
                Some(Ok(Some(chunk))) => self.current = chunk?,
                Some(Ok(None)) => return Ok(0),
                Some(Err(_)) => return Err(io::ErrorKind::TimedOut.into()),
                None => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        let count = self.current.len().min(buffer.len());
        let taken = self.current.split_to(count);
        if let Some(buffer) = buffer.get_mut(..count) {
            buffer.copy_from_slice(&taken);
        }
        Ok(count)
    }
}

impl Sender {
    /// A pipe and the body that comes out of it. `guard` lives as long as that body.
    pub(super) fn new(
        timeout: Duration,
        cancelled: CancellationToken,
        congestion: Congestion,
        guard: impl Send + 'static,
    ) -> (Self, Body) {
        let (sender, chunks) = mpsc::channel::<Result<Bytes, Aborted>>(DEPTH);
        let body = futures_util::stream::unfold((chunks, guard, congestion, timeout), async |state| {
            let (mut chunks, guard, congestion, timeout) = state;
            let chunk = chunks.recv().await?;
            if chunk.is_err() {
                // Errors overtake what waits in the connection's buffer, which would be the exception's text.
                // While this body waits, that is written; what the peer does not take yet shows as
                // congestion.
                let written = async {
                    tokio::time::sleep(FLUSH).await;
                    while congestion.is_there() {
                        tokio::time::sleep(FLUSH).await;
                    }
                };
                // A peer that takes nothing for so long has itself to blame.
                drop(tokio::time::timeout(timeout, written).await);
            }
            Some((chunk, (chunks, guard, congestion, timeout)))
        });
        (Self { chunks: sender, runtime: Handle::current(), timeout, cancelled }, Body::from_stream(body))
    }

    pub(super) fn send(&self, bytes: Vec<u8>) -> Result<(), Gone> {
        if bytes.is_empty() { Ok(()) } else { self.pass(Ok(bytes.into())) }
    }

    /// Breaks the answer off.
    pub(super) fn abort(self) {
        // When the client is gone there is nobody left to tell.
        drop(self.pass(Err(Aborted)));
    }

    fn pass(&self, chunk: Result<Bytes, Aborted>) -> Result<(), Gone> {
        let send = async {
            let send = self.chunks.send_timeout(chunk, self.timeout);
            self.cancelled.run_until_cancelled(send).await
        };
        match self.runtime.block_on(send) {
            Some(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

/// Chunks that may wait in a pipe. The engine's are about 65,000 rows, the network's at most 400 KB.
const DEPTH: usize = 2;
/// How often a broken answer looks whether its last bytes have left.
const FLUSH: Duration = Duration::from_millis(10);
