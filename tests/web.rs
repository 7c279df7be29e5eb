//! The web server through its front door: whom it answers, and how long it listens.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusBuilder;
use ruad::http::{Health, Server, Settings};
use ruad_smtp::raise_open_files;

#[path = "support/wait.rs"]
mod wait;

/// Starts a server on a free port.
async fn serve() -> SocketAddr {
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), hosts: vec!["ruad".to_owned()] };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let server = Server::bind(&settings, metrics, Health::default(), None).await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(server.run(std::future::pending()));
    address
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// The status.
fn ask(address: SocketAddr, request: &str) -> u16 {
    let mut stream = connect(address);
    write!(stream, "{request}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_looks_at_who_asks() {
    let address = serve().await;
    for path in ["/", "/metrics", "/healthz", "/nothing", "/check?domain=a.example"] {
        let get = |fields: &str| ask(address, &format!("GET {path} HTTP/1.1\r\n{fields}"));
        let expected = match path {
            "/nothing" => 404,
            "/check?domain=a.example" => 405,
            _ => 200,
        };
        for fields in [
            format!("Host: {address}"),
            "Host: localhost".to_owned(),
            "Host: ruad:9025".to_owned(),
            "Host: [::1]:9025".to_owned(),
            format!("Host: {address}\r\nSec-Fetch-Site: none"),
            format!("Host: {address}\r\nOrigin: http://{address}"),
        ] {
            assert_eq!(get(&fields), expected, "{path} {fields:?}");
        }
        for (fields, refused) in [
            ("Host: evil.example".to_owned(), 403),
            (format!("Host: evil.example:{}", address.port()), 403),
            (format!("Host: {address}.evil.example"), 400),
            ("Host: ruad.evil.example".to_owned(), 403),
            ("X: y".to_owned(), 400),
            (format!("Host: {address}\r\nHost: {address}"), 400),
            (format!("Host: {address}\r\nSec-Fetch-Site: cross-site"), 403),
            (format!("Host: {address}\r\nSec-Fetch-Site: same-site"), 403),
            (format!("Host: {address}\r\nOrigin: https://evil.example"), 403),
            (format!("Host: {address}\r\nOrigin: null"), 403),
        ] {
            assert_eq!(get(&fields), refused, "{path} {fields:?}");
        }
        // Checks of containers ask so; browsers cannot.
        assert_eq!(ask(address, &format!("GET {path} HTTP/1.0")), expected, "{path}");
    }
    let absolute = format!("GET http://evil.example/metrics HTTP/1.1\r\nHost: {address}");
    assert_eq!(ask(address, &absolute), 403);
    let post = format!("POST /check?domain=a.example HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0");
    assert_eq!(ask(address, &post), 404);
    assert_eq!(ask(address, &format!("{post}\r\nOrigin: https://evil.example")), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_requests_keep_nobody_out() {
    raise_open_files();
    let address = serve().await;
    let half: Vec<_> = (0..1500)
        .map(|_| {
            let mut stream = connect(address);
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").unwrap();
            stream
        })
        .collect();
    assert_eq!(ask(address, &format!("GET /healthz HTTP/1.1\r\nHost: {address}")), 200);
    let open = || {
        let is_open = |stream: &&TcpStream| {
            stream.set_nonblocking(true).unwrap();
            let end = stream.peek(&mut [0]);
            matches!(end, Err(error) if error.kind() == ErrorKind::WouldBlock)
        };
        half.iter().filter(is_open).count()
    };
    assert!(wait::comes_true(Duration::from_secs(10), || open() <= 256), "{} stay open", open());
    assert_eq!(ask(address, &format!("GET /healthz HTTP/1.1\r\nHost: {address}")), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_a_largest_size() {
    let address = serve().await;
    let request = format!("GET /{} HTTP/1.1\r\nHost: {address}", "x".repeat(100_000));
    let mut stream = connect(address);
    // It may be closed before all is written.
    drop(write!(stream, "{request}\r\n\r\n"));
    let mut answer = [0; 12];
    let read = stream.read(&mut answer).unwrap_or(0);
    let answer = String::from_utf8_lossy(answer.get(..read).unwrap()).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}
