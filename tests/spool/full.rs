//! A disk that is really full: a small tmpfs. Mounting one needs root; without, the refusals are tested beside the
//! writer only, where calls are made to fail.

use std::{path::Path, process::Command};

use ruad::spool::{Settings, Spool};
use tempfile::TempDir;

use super::{body, commit, messages, settings};

#[tokio::test]
async fn refuses_while_the_disk_is_full_and_goes_on_afterwards() {
    let folder = TempDir::new().unwrap();
    let Some(_disk) = Disk::mount(folder.path(), "2m") else { return };
    let spool = Spool::open(&Settings { segment_bytes: 128 * 1024, ..settings(folder.path()) }).unwrap();

    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0.. {
        let text = format!("{number:8000}");
        match commit(&spool, "x", text.as_bytes()).await {
            Ok(()) => acknowledged.push(text),
            Err(error) => {
                assert!(error.is_full(), "{error}");
                refused += 1;
            }
        }
        if refused == 10 {
            break;
        }
    }
    assert!(acknowledged.len() > 150, "{}", acknowledged.len());
    // Neither does a large one fit, nor does it leave anything behind.
    assert!(commit(&spool, "x", &[b'x'; 1_000_000]).await.unwrap_err().is_full());
    assert_eq!(std::fs::read_dir(folder.path().join("spool/large")).unwrap().count(), 0);
    // A small one may fit where a larger one did not; either way it is told the truth.
    if commit(&spool, "x", b"small").await.is_ok() {
        acknowledged.push("small".to_owned());
    }

    let mut found = Vec::new();
    while spool.backlog().segments > 1 {
        found.extend(take(&spool).await);
    }
    commit(&spool, "x", b"room again").await.unwrap();
    acknowledged.push("room again".to_owned());
    spool.close().await.unwrap();
    while spool.backlog().segments > 0 {
        found.extend(take(&spool).await);
    }
    assert_eq!(found, acknowledged);
}

#[tokio::test]
async fn keeps_the_low_water_mark() {
    let folder = TempDir::new().unwrap();
    let Some(_disk) = Disk::mount(folder.path(), "4m") else { return };
    let settings = Settings { min_free_bytes: 2 * 1024 * 1024, ..settings(folder.path()) };
    let spool = Spool::open(&settings).unwrap();
    spool.has_room().unwrap();
    std::fs::write(folder.path().join("other"), vec![0; 3 * 1024 * 1024]).unwrap();
    // The answer may be a second old.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let error = loop {
        match spool.has_room() {
            Err(error) => break error,
            Ok(()) => assert!(std::time::Instant::now() < deadline),
        }
        tokio::task::yield_now().await;
    };
    assert!(error.is_full());
    // A large message under way stops too, before the disk is full.
    let mut incoming = spool.incoming();
    let mut written = Ok(());
    while written.is_ok() && incoming.len() < 1_000_000 {
        written = incoming.write(&[b'x'; 50_000]).await;
    }
    assert!(written.unwrap_err().is_full());
}

async fn take(spool: &Spool) -> Vec<String> {
    let id = spool.next_closed().await;
    let bodies =
        messages(spool, id).iter().map(|message| String::from_utf8(body(message)).unwrap()).collect();
    spool.finish(id).unwrap();
    bodies
}

/// A file system in memory, gone when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(folder: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0700");
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "ruad-test"]).arg(folder).status();
        if !status.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no tmpfs can be mounted here");
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // Lazily: the spool may still be open.
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}
