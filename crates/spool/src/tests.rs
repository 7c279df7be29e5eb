//! What happens when the disk refuses: calls are made to fail, and counted.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
};

use tempfile::TempDir;

use super::{disk::Call, *};

fn settings(folder: &TempDir) -> Settings {
    Settings {
        path: folder.path().to_path_buf(),
        // Segments close when a test wants it.
        segment_age: Duration::from_secs(3600),
        min_free_bytes: 0,
        ..Settings::default()
    }
}

fn envelope() -> Envelope {
    Envelope {
        received_at: 1,
        client_ip: "192.0.2.1".parse().unwrap(),
        helo: String::new(),
        tls: None,
        mail_from: String::new(),
        rcpt_to: Vec::new(),
    }
}

async fn commit(spool: &Spool, body: &str) -> Result<(), SpoolError> {
    let mut incoming = spool.incoming();
    incoming.write(body.as_bytes()).await?;
    incoming.commit(envelope()).await
}

fn body(message: &Message) -> String {
    io::read_to_string(message.open().unwrap()).unwrap()
}

/// All bodies in the queue, after the open segment was closed.
async fn drain(spool: Spool) -> Vec<String> {
    spool.close().await.unwrap();
    let mut bodies = Vec::new();
    for _ in 0..spool.backlog().segments {
        let segment = spool.segment(spool.next_closed().await).unwrap();
        bodies.extend(segment.messages().map(|message| body(&message.unwrap())));
    }
    bodies
}

fn on_call(spool: &Spool, hook: impl FnMut(Call) -> io::Result<()> + Send + 'static) {
    *spool.shared().disk.hook.lock().unwrap() = Some(Box::new(hook));
}

/// Fails the next call of this kind.
fn fail_next(spool: &Spool, call: Call) {
    let mut armed = true;
    on_call(spool, move |now| {
        if now == call && std::mem::take(&mut armed) {
            Err(io::Error::from_raw_os_error(ENOSPC))
        } else {
            Ok(())
        }
    });
}

#[tokio::test]
async fn a_commit_waits_for_the_sync() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    let (reached, at_sync) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    on_call(&spool, move |call| {
        if call == Call::SyncData {
            reached.send(()).unwrap();
            released.recv().unwrap();
        }
        Ok(())
    });
    let done = Arc::new(AtomicBool::new(false));
    let task = tokio::spawn({
        let (spool, done) = (spool.clone(), done.clone());
        async move {
            commit(&spool, "one").await.unwrap();
            done.store(true, Ordering::SeqCst);
        }
    });
    tokio::task::spawn_blocking(move || at_sync.recv().unwrap()).await.unwrap();
    // Written, not synced: the frame is in the file, and yet nobody may be told.
    let segment = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .find(|entry| entry.path().extension() == Some("open".as_ref()));
    assert!(segment.unwrap().metadata().unwrap().len() > 0);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!done.load(Ordering::SeqCst));
    release.send(()).unwrap();
    task.await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

#[tokio::test]
async fn one_sync_serves_all_who_wait() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    commit(&spool, "first").await.unwrap();
    let syncs = Arc::new(AtomicUsize::new(0));
    let (reached, at_sync) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let counted = syncs.clone();
    on_call(&spool, move |call| {
        if call == Call::SyncData && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            reached.send(()).unwrap();
            released.recv().unwrap();
        }
        Ok(())
    });
    let mut tasks: Vec<_> = vec![tokio::spawn({
        let spool = spool.clone();
        async move { commit(&spool, "second").await }
    })];
    tokio::task::spawn_blocking(move || at_sync.recv().unwrap()).await.unwrap();
    // While that sync runs 50 more arrive. Polled once, each has given its order.
    for _ in 0..50 {
        let spool = spool.clone();
        tasks.push(tokio::spawn(async move { commit(&spool, "more").await }));
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(syncs.load(Ordering::SeqCst), 2);
    assert_eq!(drain(spool).await.len(), 52);
}

#[tokio::test]
async fn a_failed_write_refuses_and_leaves_nothing() {
    for call in [Call::Append, Call::SyncFolder] {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(&settings(&folder)).unwrap();
        fail_next(&spool, call);
        let refused = commit(&spool, "refused").await.unwrap_err();
        assert!(refused.is_full(), "{refused}");
        commit(&spool, "kept").await.unwrap();
        fail_next(&spool, Call::Append);
        commit(&spool, "refused too").await.unwrap_err();
        commit(&spool, "kept too").await.unwrap();
        assert_eq!(drain(spool).await, ["kept", "kept too"]);
    }
}

#[tokio::test]
async fn after_a_failed_sync_the_file_is_given_up() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    commit(&spool, "before").await.unwrap();
    fail_next(&spool, Call::SyncData);
    commit(&spool, "refused").await.unwrap_err();
    commit(&spool, "after").await.unwrap();
    assert_eq!(spool.backlog().segments, 2);
    assert_eq!(drain(spool).await, ["before", "after"]);
}

#[tokio::test]
async fn what_cannot_be_truncated_is_hidden() {
    // Half a frame, or a whole one that was refused, stays in the file when it can neither be synced nor truncated.
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    commit(&spool, "before").await.unwrap();
    on_call(&spool, |call| match call {
        Call::SyncData | Call::Truncate => Err(io::Error::from_raw_os_error(EIO)),
        _ => Ok(()),
    });
    let refused = commit(&spool, "refused").await.unwrap_err();
    assert!(!refused.is_full(), "{refused}");
    on_call(&spool, |_| Ok(()));
    commit(&spool, "after").await.unwrap();
    assert_eq!(drain(spool).await, ["before", "after"]);
}

#[tokio::test]
async fn no_message_is_taken_until_a_broken_segment_is_closed() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    commit(&spool, "before").await.unwrap();
    on_call(&spool, |call| match call {
        Call::SyncData | Call::Rename => Err(io::Error::from_raw_os_error(EIO)),
        _ => Ok(()),
    });
    commit(&spool, "refused").await.unwrap_err();
    commit(&spool, "refused").await.unwrap_err();
    on_call(&spool, |_| Ok(()));
    commit(&spool, "after").await.unwrap();
    assert_eq!(drain(spool).await, ["before", "after"]);
}

#[tokio::test]
async fn a_refused_large_message_leaves_no_file() {
    for call in [Call::Rename, Call::SyncFolder, Call::Append, Call::SyncData] {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(&settings(&folder)).unwrap();
        let large = "x".repeat(200_000);
        commit(&spool, "before").await.unwrap();
        fail_next(&spool, call);
        commit(&spool, &large).await.unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path().join("large")).unwrap().count(), 0, "{call:?}");
        commit(&spool, &large).await.unwrap();
        assert_eq!(drain(spool).await, ["before", &large]);
    }
}

#[tokio::test]
async fn a_segment_closes_by_age_and_by_size() {
    let folder = TempDir::new().unwrap();
    let by_age = Settings { segment_age: Duration::from_millis(10), ..settings(&folder) };
    let spool = Spool::open(&by_age).unwrap();
    commit(&spool, "old").await.unwrap();
    let id = spool.next_closed().await;
    assert_eq!(spool.segment(id).unwrap().count(), 1);
    drop(spool);

    let folder = TempDir::new().unwrap();
    let by_size = Settings { segment_bytes: 10_000, ..settings(&folder) };
    let spool = Spool::open(&by_size).unwrap();
    for _ in 0..10 {
        commit(&spool, &"x".repeat(3000)).await.unwrap();
    }
    let backlog = spool.backlog();
    assert!(backlog.segments >= 3, "{backlog:?}");
    let id = spool.next_closed().await;
    assert!(spool.shared().queue.get(id).unwrap().bytes <= 10_000 + 3000 + 500);
}

#[tokio::test]
async fn an_aborted_message_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    let mut small = spool.incoming();
    small.write(b"small").await.unwrap();
    let mut large = spool.incoming();
    large.write(&[b'x'; 100_000]).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("large")).unwrap().count(), 1);
    drop((small, large));
    assert_eq!(std::fs::read_dir(folder.path().join("large")).unwrap().count(), 0);
    assert_eq!(spool.backlog(), Backlog::default());
}

#[tokio::test]
async fn without_memory_small_messages_go_to_files() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&Settings { memory_bytes: 10_000, ..settings(&folder) }).unwrap();
    let mut all: Vec<_> = (0..10).map(|_| spool.incoming()).collect();
    for incoming in &mut all {
        incoming.write(&[b'a'; 3000]).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path().join("large")).unwrap().count(), 8);
    for (number, mut incoming) in all.into_iter().enumerate() {
        incoming.write(number.to_string().as_bytes()).await.unwrap();
        incoming.commit(envelope()).await.unwrap();
    }
    let expected: Vec<_> = (0..10).map(|number| format!("{}{number}", "a".repeat(3000))).collect();
    assert_eq!(drain(spool).await, expected);
}

#[tokio::test]
async fn refuses_when_too_much_waits_or_the_disk_is_low() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&Settings { max_bytes: 1000, ..settings(&folder) }).unwrap();
    spool.has_room().unwrap();
    commit(&spool, &"x".repeat(1000)).await.unwrap();
    assert!(matches!(spool.has_room(), Err(SpoolError::BacklogFull { .. })));
    spool.close().await.unwrap();
    assert!(matches!(spool.has_room(), Err(SpoolError::Closed)));
    assert!(matches!(commit(&spool, "late").await, Err(SpoolError::Closed)));
    drop(spool);

    let low = Settings { min_free_bytes: u64::MAX, ..settings(&folder) };
    let spool = Spool::open(&low).unwrap();
    let refused = spool.has_room().unwrap_err();
    assert!(matches!(refused, SpoolError::DiskLow { .. }) && refused.is_full());
}

#[tokio::test]
async fn is_private_and_exclusive() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&settings(&folder)).unwrap();
    assert!(matches!(Spool::open(&settings(&folder)), Err(SpoolError::Locked { .. })));
    commit(&spool, "small").await.unwrap();
    commit(&spool, &"large".repeat(100_000)).await.unwrap();
    spool.close().await.unwrap();
    let id = spool.next_closed().await;
    spool.begin_attempt(id).unwrap();
    let refused = Refused { number: 1, code: "test", reason: "because", rank: Rank::Unproven };
    spool.quarantine(&spool.segment(id).unwrap(), &[refused]).unwrap();
    let mut folders = vec![folder.path().to_path_buf()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            seen += 1;
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let mode = entry.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
            }
        }
    }
    assert!(seen >= 10, "{seen}");
    drop(spool);
    Spool::open(&settings(&folder)).unwrap();
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
