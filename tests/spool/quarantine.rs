//! What goes first when the quarantine is full.

use std::collections::BTreeSet;

use ruad_spool::{Inspector, Settings, Spool};
use tempfile::TempDir;

use super::{commit, settings};

#[tokio::test]
async fn junk_never_pushes_a_report_out() {
    let folder = TempDir::new().unwrap();
    let settings = Settings { quarantine_bytes: 1024 * 1024, ..settings(folder.path()) };
    let spool = Spool::open(&settings).unwrap();
    let mut put = 0;
    // Reports that cannot be read come first, so they are the oldest; then a flood of junk of three times the room.
    for _ in 0..10 {
        commit(&spool, "x", &[b'x'; 20_000]).await.unwrap();
    }
    spool.close().await.unwrap();
    for id in spool.closed() {
        let segment = spool.segment(id).unwrap();
        for number in 0..segment.count() {
            spool.quarantine(&segment, number, "malformed_xml", "").unwrap();
            put += 1;
        }
        spool.finish(id).unwrap();
    }
    drop(spool);
    let spool = Spool::open(&settings).unwrap();
    for _ in 0..300 {
        commit(&spool, "x", &[b'x'; 10_000]).await.unwrap();
    }
    spool.close().await.unwrap();
    for id in spool.closed() {
        let segment = spool.segment(id).unwrap();
        for number in 0..segment.count() {
            spool.quarantine(&segment, number, "not_a_report", "").unwrap();
            put += 1;
        }
        spool.finish(id).unwrap();
    }
    assert_eq!(put, 310);
    let kept: Vec<_> = {
        let inspector = Inspector::new(&settings);
        inspector.quarantine().unwrap().collect()
    };
    let reports = kept.iter().filter(|entry| entry.reason.code == "malformed_xml").count();
    assert_eq!(reports, 10, "every report is there");
    let junk: u64 =
        kept.iter().filter(|entry| entry.reason.code == "not_a_report").map(|entry| entry.bytes).sum();
    assert!((100_000..=256 * 1024).contains(&junk), "{junk} bytes of junk: a share of a quarter");
    assert!(spool.backlog().quarantined_bytes <= settings.quarantine_bytes);
    assert_eq!(spool.backlog().quarantined, kept.len() as u64);
    let names: BTreeSet<_> = kept.iter().map(|entry| entry.id).collect();
    assert_eq!(names.len(), kept.len());
}
