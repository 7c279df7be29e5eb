//! The connections of a web server: a bounded number, each with time-outs. `axum::serve` has neither.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the connections of a server may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How many there are at once.
    pub connections: usize,
    /// How long one may take for the head of a request, and be idle.
    pub header: Duration,
    /// How long one lasts.
    pub longest: Duration,
    /// How long answers may take to end when the server does.
    pub last_answers: Duration,
    /// Bytes of a request's line and header fields.
    pub buffer: usize,
}

/// Serves until `shutdown` is ready, then lets running requests finish.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let stop = CancellationToken::new();
    let (open, tasks) = (Connections::default(), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = open.add(limits.connections);
                tasks.spawn(converse(stream, app.clone(), limits, connection, stop.clone()));
            }
            // Out of descriptors: trying at once again would only burn the CPU.
            Err(error) if is_of_connection(&error) => {}
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    stop.cancel();
    tasks.close();
    drop(timeout(limits.last_answers, tasks.wait()).await);
}

/// One connection, with as many requests as its client sends.
async fn converse(
    stream: TcpStream,
    app: Router,
    limits: ConnectionLimits,
    connection: Connection,
    stop: CancellationToken,
) {
    // Small answers would wait for the acknowledgement of what went before.
    drop(stream.set_nodelay(true));
    let is_busy = connection.is_busy.clone();
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, is_busy) = (app.call(request), is_busy.clone());
        async move {
            is_busy.store(true, Ordering::Relaxed);
            let answer = answer.await;
            is_busy.store(false, Ordering::Relaxed);
            answer
        }
    });
    let mut http = http1::Builder::new();
    // While a connection waits for its next request, too.
    http.timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(limits.buffer);
    http.preserve_header_case(true);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut serving => return,
        () = connection.evicted.cancelled() => return,
        () = stop.cancelled() => {}
        // A client that reads its answer byte by byte has had its time.
        () = sleep(limits.longest) => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        _ = &mut serving => {}
        () = connection.evicted.cancelled() => {}
        () = sleep(limits.last_answers) => {}
    }
}

/// The connections there are, by their age.
#[derive(Clone, Debug, Default)]
struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, (Arc<AtomicBool>, CancellationToken)>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
struct Connection {
    number: u64,
    /// Whether a request of it is being answered.
    is_busy: Arc<AtomicBool>,
    evicted: CancellationToken,
    all: Connections,
}

impl Connections {
    /// One more. When there are too many, the oldest ends that has no complete request, so that half-sent ones keep
    /// nobody out; without such a one, the oldest.
    fn add(&self, most: usize) -> Connection {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.connections.len() >= most {
            let age = |(number, (is_busy, _)): &(&u64, &(Arc<AtomicBool>, CancellationToken))| {
                (is_busy.load(Ordering::Relaxed), **number)
            };
            let victim = open.connections.iter().min_by_key(age).map(|(number, _)| *number);
            if let Some((_, evicted)) = victim.and_then(|number| open.connections.remove(&number)) {
                evicted.cancel();
            }
        }
        open.next += 1;
        let (number, is_busy, evicted) = (open.next, Arc::default(), CancellationToken::new());
        open.connections.insert(number, (Arc::clone(&is_busy), evicted.clone()));
        Connection { number, is_busy, evicted, all: self.clone() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.connections.remove(&self.number);
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
