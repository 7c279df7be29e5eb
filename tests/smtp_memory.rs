//! What clients cost while they do nothing, or too much. A process of its own, so that nothing else allocates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::{fs, future::Future, net::SocketAddr, time::Duration};

use ruad_smtp::{Server, Settings};
use ruad_spool as spool;
use ruad_spool::Spool;
use rustix::process::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

/// One test, step by step: steps beside each other would measure each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_bounded() {
    raise_open_files();
    let folder = TempDir::new().unwrap();
    let spool = spool::Settings {
        path: folder.path().join("spool"),
        min_free_bytes: 0,
        ..spool::Settings::default()
    };
    let settings = Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        hostname: Some("mx.reports.example".to_owned()),
        recipients: vec!["@whole.example".to_owned()],
        // Up to half of the places, idle sessions stay.
        sessions: 2 * IDLE,
        sessions_per_address: IDLE,
        ..Settings::default()
    };
    let server = Server::bind(settings, Spool::open(&spool).unwrap(), Vec::new()).unwrap();
    let address = server.local_addrs().unwrap()[0];
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));

    drop(connect(address).await);
    idle_connections(address).await;
    a_line_without_end(address).await;
    a_million_recipients(address).await;
    replies_that_nobody_reads(address).await;

    stop.cancel();
    soon(running).await.unwrap();
}

/// Both ends of each connection are in this process, so what is measured is more than what the receiver takes.
async fn idle_connections(address: SocketAddr) {
    let before = resident_bytes();
    let mut clients = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut client = connect(address).await;
        client.write_all(b"EHLO client.example\r\nMAIL FROM:<>\r\n").await.unwrap();
        clients.push(client);
    }
    for client in &mut clients {
        while !read(client).await.contains("250 2.1.0") {}
    }
    let each = resident_bytes().saturating_sub(before) / IDLE;
    assert!(each < 8 * 1024, "{each} bytes for each idle connection");

    let refused = soon(TcpStream::connect(address)).await.unwrap();
    assert!(read(&mut { refused }).await.starts_with("421 4.7.0"), "too many from here");
    drop(clients);
}

async fn a_line_without_end(address: SocketAddr) {
    let mut client = connect(address).await;
    let before = resident_bytes();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        soon(client.write_all(&piece)).await.unwrap();
    }
    soon(client.write_all(b"\r\n")).await.unwrap();
    assert!(read(&mut client).await.starts_with("500 5.5.2"));
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes more after a line of 64 MiB");
}

async fn a_million_recipients(address: SocketAddr) {
    let mut client = connect(address).await;
    let before = resident_bytes();
    client.write_all(b"EHLO client.example\r\nMAIL FROM:<>\r\n").await.unwrap();
    let (mut reading, mut writing) = client.into_split();
    let writer = tokio::spawn(async move {
        for number in 0..1_000_000 {
            let command = format!("RCPT TO:<{number}@whole.example>\r\n");
            if writing.write_all(command.as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let mut said = Vec::new();
    drop(soon(reading.read_to_end(&mut said)).await);
    soon(writer).await.unwrap();
    let said = String::from_utf8(said).unwrap();
    let count = |start: &str| said.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("250 2.1.5"), 100);
    assert_eq!(count("452 4.5.3"), 120);
    assert_eq!(count("421 4.7.0"), 1);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes more after a million recipients");
}

/// Clients that pipeline and never read: what is answered is bounded, and nothing of it stays.
async fn replies_that_nobody_reads(address: SocketAddr) {
    let before = resident_bytes();
    let hellos = b"EHLO a\r\n".repeat(30_000);
    let hellos: &'static [u8] = Box::leak(hellos.into_boxed_slice());
    let mut writers = Vec::new();
    for _ in 0..200 {
        let mut client = connect(address).await;
        writers.push(tokio::spawn(async move {
            // The receiver may end it before all is written.
            drop(client.write_all(hellos).await);
            client
        }));
    }
    let mut clients = Vec::new();
    for writer in writers {
        clients.push(soon(writer).await.unwrap());
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more for 200 clients that do not read");
    for mut client in clients {
        let mut said = Vec::new();
        drop(soon(client.read_to_end(&mut said)).await);
        let hellos = String::from_utf8_lossy(&said).matches("CHUNKING").count();
        assert!(hellos < 150, "{hellos} answers");
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more after they have gone");
}

async fn connect(address: SocketAddr) -> TcpStream {
    loop {
        let mut client = soon(TcpStream::connect(address)).await.unwrap();
        // Those of the step before may not all be gone.
        if read(&mut client).await.starts_with("220 ") {
            return client;
        }
    }
}

async fn read(client: &mut TcpStream) -> String {
    let mut said = [0; 1024];
    let length = soon(client.read(&mut said)).await.unwrap();
    String::from_utf8_lossy(said.get(..length).unwrap()).into_owned()
}

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("took too long")
}

const IDLE: usize = 2000;
