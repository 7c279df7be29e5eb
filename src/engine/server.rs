//! The HTTP server in front of the engine.

use std::collections::HashSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chdb::Exception;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::instance::Instance;
use super::job::Job;
use super::listener::{Congestion, Listener};
use super::pipe::{Input, Sender};
use super::reply::{self, Reply};
use super::request::Request;
use super::{Error, Settings, exception};
use crate::telemetry::engine as events;

/// An engine that listens.
pub struct Server {
    listener: TcpListener,
    front: Arc<Front>,
    stop_timeout: Duration,
}

/// What all requests share.
struct Front {
    instance: Arc<Instance>,
    /// One permit for each statement that may run.
    turns: Semaphore,
    /// The blocking threads.
    jobs: TaskTracker,
    /// Cancels all of them.
    cancelled: CancellationToken,
    /// The ids of running statements that a client chose.
    running: Mutex<HashSet<String>>,
    password: Option<String>,
    user: String,
    peer_timeout: Duration,
}

impl Server {
    /// Opens the engine and listens. Blocks while the engine starts, about a quarter of a second.
    ///
    /// # Errors
    ///
    /// When the library or the folder cannot be opened, or the address is taken; when the address is not a
    /// loopback one and no password protects it.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let password = settings.password()?;
        if !settings.listen.ip().is_loopback() && password.is_none() {
            return Err(Error::Exposed { address: settings.listen });
        }
        // The address first: it is the cheaper thing to fail.
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|source| Error::Listen { address: settings.listen, source })?;
        let owned = settings.clone();
        let instance = tokio::task::spawn_blocking(move || Instance::open(&owned))
            .await
            .map_err(|_| Error::Panicked)??;
        let front = Front {
            instance: Arc::new(instance),
            turns: Semaphore::new(settings.statements.max(1)),
            jobs: TaskTracker::new(),
            cancelled: CancellationToken::new(),
            running: Mutex::default(),
            password,
            user: settings.user.clone(),
            peer_timeout: settings.peer_timeout,
        };
        Ok(Self { listener, front: Arc::new(front), stop_timeout: settings.stop_timeout })
    }

    /// The address it listens on, its port filled in.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then lets running statements finish for the settings' time, kills the
    /// rest and closes the engine.
    ///
    /// # Errors
    ///
    /// [`Error::Unclosed`] when a statement did not even end when it was killed: the process must then end by
    /// [`chdb::exit_now`].
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let Self { listener, front, stop_timeout } = self;
        let router = Router::new()
            .route("/ping", axum::routing::any(async || "Ok.\n"))
            .route("/", axum::routing::any(statement))
            .fallback(async |request: HttpRequest| {
                let text = format!("There is no handle {}\n", request.uri().path());
                (StatusCode::NOT_FOUND, text)
            })
            .with_state(Arc::clone(&front));
        let service = router.into_make_service_with_connect_info::<Congestion>();
        let listener = Listener::new(listener);
        let (stopped, stops) = oneshot::channel::<()>();
        let shutdown = async move {
            stop.await;
            drop(stopped);
        };
        let server =
            tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(shutdown).into_future());
        drop(stops.await);
        let deadline = Instant::now() + stop_timeout;
        let finished = tokio::time::timeout(stop_timeout, server).await;
        front.jobs.close();
        if finished.is_err() {
            front.turns.close();
            front.cancelled.cancel();
            let instance = Arc::clone(&front.instance);
            drop(tokio::task::spawn_blocking(move || instance.kill("")).await);
        }
        let grace = deadline.saturating_duration_since(Instant::now()).max(KILL_GRACE);
        if tokio::time::timeout(grace, front.jobs.wait()).await.is_err() {
            return Err(Error::Unclosed { statements: front.jobs.len() });
        }
        let instance = Arc::clone(&front.instance);
        tokio::task::spawn_blocking(move || instance.close()).await.map_err(|_| Error::Panicked)
    }
}

async fn statement(
    State(front): State<Arc<Front>>,
    ConnectInfo(congestion): ConnectInfo<Congestion>,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let fallback_id = Uuid::now_v7().to_string();
    let failed = |exception: &Exception, query_id: &str| {
        events::refused(exception.code);
        reply::failure(exception, front.instance.server(), query_id)
    };
    let is_idle = matches!(parts.method, Method::GET | Method::HEAD) && parts.uri.query().is_none();
    if is_idle {
        return "Ok.\n".into_response();
    }
    let request = match Request::read(&parts.method, &parts.uri, &parts.headers) {
        Ok(request) => request,
        Err(exception) => return failed(&exception, &fallback_id),
    };
    let query_id = request.query_id.clone().unwrap_or(fallback_id);
    let allowed = front.allow(&request, &parts.headers).and_then(|()| request.check());
    if let Err(exception) = allowed {
        return failed(&exception, &query_id);
    }
    match front.run(request, body, congestion, &query_id).await {
        Ok(response) => response,
        Err(exception) => failed(&exception, &query_id),
    }
}

impl Front {
    async fn run(
        self: &Arc<Self>,
        request: Request,
        body: axum::body::Body,
        congestion: Congestion,
        query_id: &str,
    ) -> Result<Response, Exception> {
        let running = Running::register(self, request.query_id.clone())?;
        let turn = tokio::time::timeout(TURN_TIMEOUT, self.turns.acquire());
        let busy = || {
            let text = "Too many simultaneous statements: none has ended in time";
            exception::new(exception::TOO_MANY_SIMULTANEOUS_QUERIES, text)
        };
        let Ok(Ok(turn)) = turn.await else { return Err(busy()) };
        // Given back by the job, not when this future is dropped.
        turn.forget();
        let begun = Instant::now();
        let mark = format!("ruad:{}:", Uuid::now_v7());
        let cancelled = self.cancelled.child_token();
        let done = Arc::new(AtomicBool::new(false));
        let guard = Guard {
            instance: Arc::clone(&self.instance),
            jobs: self.jobs.clone(),
            mark: mark.clone(),
            cancelled: cancelled.clone(),
            done: Arc::clone(&done),
        };
        let (sender, answer) = Sender::new(self.peer_timeout, cancelled.clone(), congestion, guard);
        let (head_sender, head) = oneshot::channel();
        let server = self.instance.server().clone();
        let reply = Reply::new(head_sender, sender, request.encoding, server, query_id);
        let input = Input::new(body, self.peer_timeout, cancelled.clone());
        let job = Job {
            instance: Arc::clone(&self.instance),
            request,
            input,
            mark,
            cancelled,
            done: Arc::clone(&done),
        };
        let front = Arc::clone(self);
        self.jobs.spawn_blocking(move || {
            // Also when the job panics.
            let _turn = Turn { front: &front, _running: running, done };
            let code = job.run(reply);
            events::statement(begun.elapsed(), code);
        });
        let head = head.await.map_err(|_| {
            exception::new(exception::UNKNOWN_EXCEPTION, "The statement ended without an answer")
        })?;
        Ok(head.with(answer))
    }

    /// Whether this client may run statements.
    fn allow(&self, request: &Request, headers: &HeaderMap) -> Result<(), Exception> {
        let Some(password) = &self.password else { return Self::allow_local(headers) };
        let credentials = request.credentials.clone().unwrap_or_default();
        if credentials.are(&self.user, password) {
            return Ok(());
        }
        let user = if credentials.user.is_empty() { "default" } else { &credentials.user };
        let text = format!(
            "{user}: Authentication failed: password is incorrect, or there is no user with such name."
        );
        Err(exception::new(exception::AUTHENTICATION_FAILED, &text))
    }

    /// Without a password, a page in a browser on this machine must not reach the engine: neither by a
    /// request of its own, which names its origin, nor through a name that it made point here.
    fn allow_local(headers: &HeaderMap) -> Result<(), Exception> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let host = text(header::HOST).unwrap_or("localhost");
        let is_address = host.parse::<SocketAddr>().is_ok()
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        if headers.get(header::ORIGIN).is_none() && (is_address || name.eq_ignore_ascii_case("localhost")) {
            return Ok(());
        }
        let text = "Requests of web pages, and to other host names than localhost, need a password: the engine \
                    has none configured";
        Err(exception::new(exception::ACCESS_DENIED, text))
    }
}

/// Held by an answer's body. When the client goes away before the end, the statement is killed.
struct Guard {
    instance: Arc<Instance>,
    jobs: TaskTracker,
    mark: String,
    cancelled: CancellationToken,
    done: Arc<AtomicBool>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.done.load(Ordering::Relaxed) {
            return;
        }
        self.cancelled.cancel();
        let (instance, mark, done) = (Arc::clone(&self.instance), self.mark.clone(), Arc::clone(&self.done));
        // The job may just be about to start its statement, so once is not enough.
        self.jobs.spawn(async move {
            tokio::time::sleep(FIRST_KILL).await;
            while !done.load(Ordering::Relaxed) {
                let (instance, mark) = (Arc::clone(&instance), mark.clone());
                drop(tokio::task::spawn_blocking(move || instance.kill(&mark)).await);
                tokio::time::sleep(NEXT_KILL).await;
            }
        });
    }
}

/// A statement's place among those that run; given back when its thread is done.
struct Turn<'front> {
    front: &'front Front,
    _running: Running,
    done: Arc<AtomicBool>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.front.turns.add_permits(1);
    }
}

/// A query id that no other statement may use while this one runs.
struct Running {
    front: Arc<Front>,
    id: Option<String>,
}

impl Running {
    fn register(front: &Arc<Front>, id: Option<String>) -> Result<Self, Exception> {
        let id = id.filter(|id| !id.is_empty());
        if let Some(id) = &id
            && let Ok(mut running) = front.running.lock()
            && !running.insert(id.clone())
        {
            let text = format!("Query with id = {id} is already running.");
            return Err(exception::new(exception::QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, &text));
        }
        Ok(Self { front: Arc::clone(front), id })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(id) = &self.id
            && let Ok(mut running) = self.front.running.lock()
        {
            running.remove(id);
        }
    }
}

/// How long a request waits until one of the running statements ends.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);
/// An answer's body is dropped a moment before its thread is done when all went well.
const FIRST_KILL: Duration = Duration::from_millis(50);
const NEXT_KILL: Duration = Duration::from_millis(250);
/// How long killed statements get to end.
const KILL_GRACE: Duration = Duration::from_secs(5);
