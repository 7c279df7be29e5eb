//! A proxy before the engine that does to requests what networks and servers do to them.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ruad::store::{Settings, Store};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    /// It is answered.
    No,
    /// The engine carries inserts out, and their answers never come.
    Silence,
    /// The engine may only read.
    ReadOnly,
    /// The engine carries inserts out, and the answer to each is 500 when it comes for the first time.
    LostAnswers,
    /// The engine carries out so many requests and dies before it answers the last of them.
    DiesAfter(usize),
}

/// The proxy. It lives as long as the runtime it was started in.
pub(crate) struct Proxy {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    engine: String,
    trouble: Mutex<Trouble>,
    lost: Mutex<HashSet<(String, Bytes)>>,
    troubled: AtomicUsize,
}

impl Proxy {
    /// One before the engine at `engine`.
    pub(crate) async fn start(engine: &str) -> Self {
        let shared = Arc::new(Shared {
            engine: engine.strip_prefix("http://").unwrap().to_owned(),
            trouble: Mutex::new(Trouble::No),
            lost: Mutex::default(),
            troubled: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared }
    }

    /// A store behind it, in a database of its own, with the schema.
    pub(crate) async fn store(&self, settings: Settings) -> Store {
        let settings = Settings { url: Some(self.url.clone()), ..settings };
        let store = Store::connect(&settings).unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// From now on.
    pub(crate) fn make(&self, trouble: Trouble) {
        *self.shared.trouble.lock().unwrap() = trouble;
        self.shared.troubled.store(0, Ordering::Relaxed);
    }

    /// Inserts that have met with the trouble since it was made, and requests of any kind that the engine refused.
    pub(crate) fn troubled(&self) -> usize {
        self.shared.troubled.load(Ordering::Relaxed)
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let trouble = *shared.trouble.lock().unwrap();
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut target = head.uri.to_string();
    if trouble == Trouble::ReadOnly {
        target += "&readonly=1";
    }
    if let Trouble::DiesAfter(requests) = trouble {
        let number = shared.troubled.fetch_add(1, Ordering::Relaxed) + 1;
        if number > requests {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let answer = forward(&shared.engine, &target, &head.headers, &body).await;
        return if number == requests { StatusCode::INTERNAL_SERVER_ERROR.into_response() } else { answer };
    }
    // Of the requests that write, which are those that could do harm.
    let is_insert = target.contains("INSERT");
    let answer = forward(&shared.engine, &target, &head.headers, &body).await;
    if is_insert && trouble != Trouble::No || !answer.status().is_success() {
        shared.troubled.fetch_add(1, Ordering::Relaxed);
    }
    match trouble {
        Trouble::Silence if is_insert => std::future::pending().await,
        Trouble::LostAnswers if is_insert && shared.lost.lock().unwrap().insert((target, body)) => {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        _ => answer,
    }
}

/// HTTP/1.0, because its answer is simply everything up to the end.
async fn forward(engine: &str, target: &str, headers: &axum::http::HeaderMap, body: &[u8]) -> Response {
    let mut request = format!("POST {target} HTTP/1.0\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
            request.extend_from_slice(name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(engine).await.unwrap();
    stream.write_all(&request).await.unwrap();
    stream.read_to_end(&mut answer).await.unwrap();

    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.to_ascii_lowercase().starts_with("x-clickhouse") || name.eq_ignore_ascii_case("content-type")
        {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer[end + 4..].to_vec())).unwrap()
}
