//! A disk that is really full: a small tmpfs. Mounting one needs root. Without, the refusals are tested beside the writer only,
//! where calls are made to fail; on a machine of continuous integration (`CI` is set) that is a fault.

use std::{io::Write, path::Path, process::Command};

use ruad_spool::{Inspector, Rank, Settings, Spool};
use tempfile::TempDir;

use super::{body, commit, messages, refused, settings};

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

#[tokio::test]
async fn drains_with_no_free_byte() {
    let folder = TempDir::new().unwrap();
    let Some(_disk) = Disk::mount(folder.path(), "3m") else { return };
    let settings = Settings { segment_bytes: 128 * 1024, ..settings(folder.path()) };
    let spool = Spool::open(&settings).unwrap();
    let mut sent = Vec::new();
    for number in 0..100 {
        let text = format!("{number:8000}");
        commit(&spool, "x", text.as_bytes()).await.unwrap();
        sent.push(text);
    }
    spool.close().await.unwrap();
    drop(spool);
    fill(folder.path());

    // Also after a restart on the full disk.
    let spool = Spool::open(&settings).unwrap();
    let mut found = Vec::new();
    let decisions = "{\"what\":\"was decided\"}\n".repeat(4000);
    while spool.backlog().segments > 0 {
        let id = spool.next_closed().await;
        let attempt = spool.begin_attempt(id).unwrap();
        assert_eq!(attempt, 1);
        spool.note_side(id, "reading", b"{}").unwrap();
        spool.write_side(id, "decisions", decisions.as_bytes()).unwrap();
        assert_eq!(spool.read_side(id, "decisions").unwrap().as_deref(), Some(decisions.as_bytes()));
        let segment = spool.segment(id).unwrap();
        // Some of it is junk, which is kept where there is room; and a report that cannot be read always is.
        spool.quarantine(&segment, &[refused(0, "not_a_report", "a song", Rank::Junk)]).unwrap();
        spool.quarantine(&segment, &[refused(1, "malformed_xml", "torn", Rank::Unproven)]).unwrap();
        found.extend(messages(&spool, id).iter().map(|message| String::from_utf8(body(message)).unwrap()));
        spool.finish(id).unwrap();
        // Somebody else takes what has become free.
        fill(folder.path());
    }
    assert_eq!(found, sent);
    let inspector = Inspector::new(&settings);
    let kept = inspector.quarantine().unwrap();
    assert_eq!(kept.filter(|entry| entry.reason.code == "malformed_xml").count(), 7);

    // There is room again, and it goes on by itself.
    std::fs::remove_file(folder.path().join("other")).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    drop(spool);
    let spool = Spool::open(&settings).unwrap();
    while spool.check().is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
    commit(&spool, "x", b"room again").await.unwrap();
}

#[tokio::test]
async fn decisions_outlive_a_crash_on_a_full_disk() {
    let folder = TempDir::new().unwrap();
    let Some(_disk) = Disk::mount(folder.path(), "2m") else { return };
    let settings = Settings { segment_bytes: 128 * 1024, ..settings(folder.path()) };
    let spool = Spool::open(&settings).unwrap();
    commit(&spool, "x", b"one").await.unwrap();
    spool.close().await.unwrap();
    drop(spool);
    fill(folder.path());
    let spool = Spool::open(&settings).unwrap();
    let id = spool.next_closed().await;
    spool.write_side(id, "decisions", b"decided\n").unwrap();
    drop(spool);
    let spool = Spool::open(&settings).unwrap();
    assert_eq!(spool.next_closed().await, id);
    assert_eq!(spool.read_side(id, "decisions").unwrap().as_deref(), Some(&b"decided\n"[..]));
    // The segment is gone and its side files are not, as after a crash in the middle.
    std::fs::remove_file(settings.path.join(format!("{id}.1.seg"))).unwrap();
    drop(spool);
    drop(Spool::open(&settings).unwrap());
    assert!(settings.path.join("reserve/decisions").exists() && settings.path.join("reserve/side").exists());
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_at_once() {
    let folder = TempDir::new().unwrap();
    let Some(disk) = Disk::mount(folder.path(), "2m") else { return };
    let spool = Spool::open(&Settings { segment_bytes: 128 * 1024, ..settings(folder.path()) }).unwrap();
    spool.check().unwrap();
    disk.make_read_only();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while spool.has_room().is_ok() {
        assert!(std::time::Instant::now() < deadline, "nobody was told");
    }
    let error = spool.check().unwrap_err().to_string();
    assert!(error.contains("cannot write"), "{error}");
    assert!(commit(&spool, "x", b"refused").await.is_err());
    disk.make_writable();
    while spool.check().is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
    commit(&spool, "x", b"taken").await.unwrap();
    // The folder has gone: the file system is well, and mail cannot be taken all the same.
    std::fs::rename(folder.path().join("spool"), folder.path().join("elsewhere")).unwrap();
    assert!(spool.check().is_err());
    std::fs::rename(folder.path().join("elsewhere"), folder.path().join("spool")).unwrap();
    spool.check().unwrap();
}

/// Takes every byte that is free.
fn fill(folder: &Path) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(folder.join("other")).unwrap();
    for piece in [64 * 1024, 4096, 1] {
        while file.write_all(&vec![0; piece]).is_ok() {}
    }
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
            assert!(
                std::env::var_os("CI").is_none(),
                "no tmpfs can be mounted here: run these tests as root"
            );
            eprintln!("skipped: no tmpfs can be mounted here");
            return None;
        }
        Some(Self(folder))
    }

    /// As after an error of the disk: nothing can be written any more. The file system itself cannot be remounted while files
    /// are open, so it is mounted over itself.
    fn make_read_only(&self) {
        mount(&["--bind".as_ref(), self.0.as_ref(), self.0.as_ref()]);
        mount(&["-o".as_ref(), "remount,bind,ro".as_ref(), self.0.as_ref()]);
    }

    fn make_writable(&self) {
        assert!(Command::new("umount").arg("-l").arg(self.0).status().unwrap().success());
    }
}

fn mount(arguments: &[&std::ffi::OsStr]) {
    assert!(Command::new("mount").args(arguments).status().unwrap().success(), "{arguments:?}");
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // Lazily: the spool may still be open.
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}
