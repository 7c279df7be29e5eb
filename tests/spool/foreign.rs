//! What lies in the spool's folder under names of its own and is something else.

use std::{fs, os::unix::net::UnixListener, time::Duration};

use ruad_spool::{SegmentId, Spool};
use tempfile::TempDir;

use super::{body, commit, messages, settings};

#[tokio::test]
async fn a_folder_named_like_a_segment_is_set_aside_once() {
    let folder = TempDir::new().unwrap();
    let settings = settings(folder.path());
    let spool = Spool::open(&settings).unwrap();
    commit(&spool, "one", b"one").await.unwrap();
    spool.close().await.unwrap();
    let good = spool.next_closed().await;

    // While it runs.
    let segment = |name: &str| settings.path.join(name);
    let name = "01990000-0000-7000-8000-000000000001.3.seg";
    fs::create_dir(segment(name)).unwrap();
    let next = tokio::time::timeout(Duration::from_secs(5), spool.next_closed()).await;
    assert!(next.is_err(), "it is no segment: {next:?}");
    assert!(segment(&format!("{name}.set-aside")).is_dir() && !segment(name).exists());
    assert_eq!(messages(&spool, good).iter().map(body).collect::<Vec<_>>(), [b"one"]);
    drop(spool);

    // While it does not: none of it keeps the spool from opening, and nothing is lost.
    let other: SegmentId = "01990000-0000-7000-8000-000000000002".parse().unwrap();
    fs::create_dir(segment(name)).unwrap();
    for name in [format!("{other}.open"), format!("{other}.2.seg"), "a.tmp".to_owned()] {
        fs::create_dir(segment(&name)).unwrap();
        fs::write(segment(&name).join("inside"), "precious").unwrap();
    }
    fs::write(segment(&format!("{other}.side")), "a file").unwrap();
    fs::create_dir(segment("large/a.eml")).unwrap();
    fs::write(segment(&format!("quarantine/{other}-0")), "a file").unwrap();
    fs::write(segment(&format!("quarantine/{other}-1.tmp")), "a file").unwrap();
    let _socket = UnixListener::bind(segment(&format!("{other}.9.seg"))).unwrap();
    let spool = Spool::open(&settings).unwrap();
    assert_eq!(spool.closed(), [good]);
    assert_eq!(spool.backlog().quarantined, 0);
    assert!(segment(&format!("{name}.set-aside-1")).is_dir());
    assert_eq!(fs::read_to_string(segment("a.tmp.set-aside/inside")).unwrap(), "precious");
    drop(spool);
    let again = Spool::open(&settings).unwrap();
    assert_eq!(again.closed(), [good]);
}
