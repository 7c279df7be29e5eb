//! What goes first when the quarantine is full.

use std::{collections::BTreeSet, fs};

use ruad_spool::{Inspector, Quarantined, Rank, Settings, Spool};
use tempfile::TempDir;

use super::{commit, refused, settings};

const ROOM: u64 = 1024 * 1024;

/// Ten reports of each rank but the lowest, which are the oldest; then three times the room of each rank, the lowest first.
#[tokio::test]
async fn a_flood_pushes_out_only_its_own_rank() {
    let folder = TempDir::new().unwrap();
    let settings = Settings { quarantine_bytes: ROOM, ..settings(folder.path()) };
    let old = |entry: &Quarantined| entry.reason.code == "old";
    for rank in [Rank::Unproven, Rank::Authenticated, Rank::Believed] {
        let put = fill(&settings, 10, 10_000, "old", rank).await;
        assert_eq!(put, 10);
    }
    for rank in [Rank::Junk, Rank::Unproven, Rank::Authenticated] {
        fill(&settings, 300, 10_000, "flood", rank).await;
        let kept = kept(&settings);
        for other in [Rank::Unproven, Rank::Authenticated, Rank::Believed] {
            let count = kept.iter().filter(|entry| old(entry) && entry.reason.rank == Some(other)).count();
            assert_eq!(count, if other > rank { 10 } else { 0 }, "{other:?} after a flood of {rank:?}");
        }
        let bytes: u64 = of(&kept, rank).map(|entry| entry.bytes).sum();
        assert!((ROOM / 12..=ROOM / 4).contains(&bytes), "{bytes} bytes of {rank:?}: a share of a quarter");
        assert!(kept.iter().map(|entry| entry.bytes).sum::<u64>() <= ROOM);
    }
    // The highest may take all of it, and pushes the lowest out first.
    fill(&settings, 30, 10_000, "flood", Rank::Believed).await;
    let after = kept(&settings);
    assert_eq!(of(&after, Rank::Junk).count(), 0);
    assert_eq!(of(&after, Rank::Believed).count(), 40);
    let names: BTreeSet<_> = after.iter().map(|entry| entry.id).collect();
    assert_eq!(names.len(), after.len());
}

/// A version before ranks held a genuine report and junk.
#[tokio::test]
async fn entries_without_a_rank_are_kept_longest_but_for_junk() {
    let folder = TempDir::new().unwrap();
    let settings = Settings { quarantine_bytes: ROOM, ..settings(folder.path()) };
    fill(&settings, 1, 10_000, "count_implausible", Rank::Unproven).await;
    fill(&settings, 1, 10_000, "not_a_report", Rank::Junk).await;
    for entry in fs::read_dir(folder.path().join("spool/quarantine")).unwrap() {
        let path = entry.unwrap().path().join("reason.json");
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.contains("\"rank\"")).collect();
        assert!(lines.len() < text.lines().count());
        fs::write(&path, lines.join("\n")).unwrap();
    }
    for rank in [Rank::Junk, Rank::Unproven, Rank::Authenticated] {
        fill(&settings, 300, 10_000, "flood", rank).await;
    }
    let codes: BTreeSet<_> = kept(&settings).into_iter().map(|entry| entry.reason.code).collect();
    assert!(codes.contains("count_implausible") && !codes.contains("not_a_report"), "{codes:?}");
}

/// Sets this many messages aside; gives how many there were.
async fn fill(settings: &Settings, count: usize, bytes: usize, code: &str, rank: Rank) -> usize {
    let spool = Spool::open(settings).unwrap();
    for _ in 0..count {
        commit(&spool, "x", &vec![b'x'; bytes]).await.unwrap();
    }
    spool.close().await.unwrap();
    let mut put = 0;
    for id in spool.closed() {
        let segment = spool.segment(id).unwrap();
        let all: Vec<_> = (0..segment.count()).map(|number| refused(number, code, "", rank)).collect();
        spool.quarantine(&segment, &all).unwrap();
        put += all.len();
        spool.finish(id).unwrap();
    }
    assert_eq!(spool.backlog().quarantined, kept(settings).len() as u64);
    put
}

fn kept(settings: &Settings) -> Vec<Quarantined> {
    Inspector::new(settings).quarantine().unwrap().collect()
}

fn of(kept: &[Quarantined], rank: Rank) -> impl Iterator<Item = &Quarantined> {
    kept.iter().filter(move |entry| entry.reason.rank == Some(rank))
}
