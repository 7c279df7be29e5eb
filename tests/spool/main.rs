//! The spool through its front door.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{io::Read, path::Path, time::Duration};

use ruad_spool::{Envelope, Message, Rank, Refused, SegmentId, Settings, Spool, SpoolError};
use tempfile::TempDir;

mod damage;
mod foreign;
mod full;
mod kill;
mod quarantine;
mod speed;

/// Segments close when a test wants it, and the machine may be as full as it is.
fn settings(folder: &Path) -> Settings {
    Settings {
        path: folder.join("spool"),
        segment_age: Duration::from_secs(3600),
        min_free_bytes: 0,
        ..Settings::default()
    }
}

fn refused<'a>(number: u32, code: &'a str, reason: &'a str, rank: Rank) -> Refused<'a> {
    Refused { number, code, reason, rank }
}

fn envelope(name: &str) -> Envelope {
    Envelope {
        received_at: 1_750_000_000_000,
        client_ip: "2001:db8::25".parse().unwrap(),
        helo: "mx.example.net".to_owned(),
        tls: Some("TLSv1.3 TLS13_AES_256_GCM_SHA384".to_owned()),
        mail_from: String::new(),
        rcpt_to: vec![format!("{name}@example.com")],
    }
}

async fn commit(spool: &Spool, name: &str, body: &[u8]) -> Result<(), SpoolError> {
    let mut incoming = spool.incoming();
    for piece in body.chunks(16 * 1024) {
        incoming.write(piece).await?;
    }
    assert_eq!(incoming.len(), body.len() as u64);
    incoming.commit(envelope(name)).await
}

fn body(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.open().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn messages(spool: &Spool, id: SegmentId) -> Vec<Message> {
    spool.segment(id).unwrap().messages().map(Result::unwrap).collect()
}

#[tokio::test]
async fn hands_out_what_was_committed() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(folder.path())).unwrap();
    let large: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let bodies: [&[u8]; 3] = [b"Subject: one\r\n\r\none", &large, b""];
    for (number, body) in bodies.iter().enumerate() {
        commit(&spool, &number.to_string(), body).await.unwrap();
    }
    spool.close().await.unwrap();

    let id = spool.next_closed().await;
    let messages = messages(&spool, id);
    assert_eq!(messages.len(), 3);
    for (number, (message, expected)) in messages.iter().zip(bodies).enumerate() {
        assert_eq!(message.number as usize, number);
        assert_eq!(message.envelope, envelope(&number.to_string()));
        assert_eq!(message.size, expected.len() as u64);
        assert_eq!(body(message), expected);
    }
    spool.finish(id).unwrap();
    assert_eq!(spool.backlog().bytes, 0);
    assert_eq!(std::fs::read_dir(folder.path().join("spool/large")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_sessions_at_once() {
    let folder = TempDir::new().unwrap();
    let settings =
        Settings { segment_bytes: 256 * 1024, memory_bytes: 1024 * 1024, ..settings(folder.path()) };
    let spool = Spool::open(&settings).unwrap();
    let sessions: Vec<_> = (0..1000)
        .map(|session: usize| {
            let spool = spool.clone();
            tokio::spawn(async move {
                let body = format!("{session}:").repeat(session % 700);
                commit(&spool, &session.to_string(), body.as_bytes()).await.unwrap();
                if session.is_multiple_of(50) {
                    commit(&spool, "large", &vec![b'x'; 70_000 + session]).await.unwrap();
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    spool.close().await.unwrap();

    let (mut small, mut large) = (vec![0; 1000], 0);
    while spool.backlog().segments > 0 {
        let id = spool.next_closed().await;
        for message in messages(&spool, id) {
            let name = message.envelope.rcpt_to[0].split('@').next().unwrap().to_owned();
            match name.parse::<usize>() {
                Ok(session) => {
                    assert_eq!(body(&message), format!("{session}:").repeat(session % 700).as_bytes());
                    small[session] += 1;
                }
                Err(_) => large += 1,
            }
        }
        spool.finish(id).unwrap();
    }
    assert_eq!(small, [1; 1000]);
    assert_eq!(large, 20);
    assert_eq!(std::fs::read_dir(folder.path().join("spool/large")).unwrap().count(), 0);
}

#[tokio::test]
async fn remembers_attempts_and_side_files_over_a_restart() {
    let folder = TempDir::new().unwrap();
    let settings = settings(folder.path());
    let spool = Spool::open(&settings).unwrap();
    commit(&spool, "one", b"one").await.unwrap();
    spool.close().await.unwrap();
    let id = spool.next_closed().await;
    assert_eq!(spool.begin_attempt(id).unwrap(), 1);
    assert_eq!(spool.read_side(id, "decisions").unwrap(), None);
    spool.write_side(id, "decisions", b"first").unwrap();
    spool.write_side(id, "decisions", b"second").unwrap();
    for name in ["", "../x", "a/b", "A", "x.tmp"] {
        assert!(spool.write_side(id, name, b"").is_err(), "{name}");
    }
    drop(spool);

    let spool = Spool::open(&settings).unwrap();
    assert_eq!(spool.next_closed().await, id);
    assert_eq!(spool.begin_attempt(id).unwrap(), 2);
    assert_eq!(spool.read_side(id, "decisions").unwrap().unwrap(), b"second");
    spool.finish(id).unwrap();
    assert!(matches!(spool.segment(id), Err(SpoolError::UnknownSegment { .. })));
    drop(spool);
    let left: Vec<_> =
        std::fs::read_dir(&settings.path).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 5, "two locks, three folders: {left:?}");
}

#[tokio::test]
async fn a_segment_given_back_comes_again() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(folder.path())).unwrap();
    commit(&spool, "one", b"one").await.unwrap();
    spool.close().await.unwrap();
    let id = spool.next_closed().await;
    let waiting = tokio::spawn({
        let spool = spool.clone();
        async move { spool.next_closed().await }
    });
    tokio::task::yield_now().await;
    spool.give_back(id);
    assert_eq!(waiting.await.unwrap(), id);
}
