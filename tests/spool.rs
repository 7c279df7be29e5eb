//! The spool through its front door.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{io::Read, time::Duration};

use ruad::spool::{Envelope, Message, SegmentId, Settings, Spool, SpoolError};
use tempfile::TempDir;

fn settings(folder: &TempDir) -> Settings {
    Settings {
        path: folder.path().join("spool"),
        segment_age: Duration::from_millis(20),
        min_free_bytes: 0,
        ..Settings::default()
    }
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
    let spool = Spool::open(&settings(&folder)).unwrap();
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

/// `cargo test --release --test spool -- --ignored --nocapture speed`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_of_commits() {
    {
        // What the disk can do, right now: the figures below are to be read beside this one.
        use std::{io::Write, time::Instant};
        let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let began = Instant::now();
        for _ in 0..1000 {
            file.write_all(&[b'x'; 8192]).unwrap();
            file.sync_data().unwrap();
        }
        println!("bare append + fdatasync: {:.0}/s", 1000.0 / began.elapsed().as_secs_f64());
    }
    for (tasks, each) in [(20, 2000), (200, 200), (1, 1000)] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let settings = Settings { segment_age: Duration::from_secs(1), ..settings(&folder) };
        let spool = Spool::open(&settings).unwrap();
        let began = std::time::Instant::now();
        let workers: Vec<_> = (0..tasks)
            .map(|_| {
                let spool = spool.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        commit(&spool, "speed", &[b'x'; 8192]).await.unwrap();
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        println!("{tasks} tasks: {:.0} commits/s", f64::from(tasks * each) / began.elapsed().as_secs_f64());
    }
}
