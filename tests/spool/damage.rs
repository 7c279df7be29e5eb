//! What recovery and readers make of a spool that is not as it was left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, sample::Index};
use ruad_spool::{Inspector, MessageId, Rank, SegmentId, Settings, Spool, SpoolError};
use tempfile::TempDir;

use super::{body, commit, messages, refused, settings};

/// A spool as a power cut would leave it: a copy, made while the open segment is written.
async fn crashed(folder: &Path, bodies: &[Vec<u8>]) -> Settings {
    let spool = Spool::open(&settings(&folder.join("before"))).unwrap();
    for body in bodies {
        commit(&spool, "x", body).await.unwrap();
    }
    let after = settings(&folder.join("after"));
    copy(&folder.join("before/spool"), &after.path);
    after
}

/// A spool with one closed segment of these messages.
async fn closed(folder: &Path, bodies: &[Vec<u8>]) -> (Settings, SegmentId) {
    let settings = settings(folder);
    let spool = Spool::open(&settings).unwrap();
    for body in bodies {
        commit(&spool, "x", body).await.unwrap();
    }
    spool.close().await.unwrap();
    (settings, spool.next_closed().await)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn find(folder: &Path, ending: &str) -> PathBuf {
    let paths: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    let mut found = paths.into_iter().filter(|path| path.to_str().unwrap().ends_with(ending));
    found.next().expect("a segment with this ending")
}

fn bodies(number: usize) -> Vec<Vec<u8>> {
    (0..number).map(|number| vec![b'a' + number as u8; 1000 + number]).collect()
}

async fn all(settings: &Settings) -> (Vec<Vec<u8>>, Vec<SpoolError>) {
    let spool = Spool::open(settings).unwrap();
    let (mut whole, mut errors) = (Vec::new(), Vec::new());
    for _ in 0..spool.backlog().segments {
        let id = spool.next_closed().await;
        for message in spool.segment(id).unwrap().messages() {
            match message {
                Ok(message) => whole.push(body(&message)),
                Err(error) => errors.push(error),
            }
        }
    }
    (whole, errors)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_torn_tail_costs_nothing_that_was_whole(
        lengths in proptest::collection::vec(0..70_000usize, 1..6),
        cut in any::<Index>(),
        junk in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let folder = TempDir::new().unwrap();
        let bodies: Vec<_> = lengths.iter().map(|length| vec![b'x'; *length]).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let settings = runtime.block_on(crashed(folder.path(), &bodies));
        let path = find(&settings.path, ".open");
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend(junk);
        fs::write(&path, &bytes).unwrap();

        let (whole, errors) = runtime.block_on(all(&settings));
        prop_assert_eq!(&whole[..], &bodies[..whole.len()]);
        prop_assert!(errors.len() <= 1);
        // Files of large messages that are not in the segment any more are gone.
        let large = fs::read_dir(settings.path.join("large")).unwrap().count();
        prop_assert!(large <= whole.iter().filter(|body| body.len() > 65_536).count() + errors.len());
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let folder = TempDir::new().unwrap();
    let mut bodies = bodies(5);
    bodies.push(vec![b'L'; 100_000]);
    let settings = crashed(folder.path(), &bodies).await;
    let (whole, errors) = all(&settings).await;
    assert_eq!(whole, bodies);
    assert!(errors.is_empty());
}

#[tokio::test]
async fn damage_in_the_middle_costs_one_message_and_is_kept() {
    // Once in an open segment that a crash left, once in a closed one.
    for ending in [".open", ".seg"] {
        let folder = TempDir::new().unwrap();
        let bodies = bodies(5);
        let settings = if ending == ".open" {
            crashed(folder.path(), &bodies).await
        } else {
            closed(folder.path(), &bodies).await.0
        };
        let path = find(&settings.path, ending);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(4).position(|window| window == b"cccc").unwrap();
        bytes[at + 500] = b'!';
        fs::write(&path, &bytes).unwrap();

        let spool = Spool::open(&settings).unwrap();
        let segment = spool.segment(spool.next_closed().await).unwrap();
        for _ in 0..2 {
            let messages: Vec<_> = segment.messages().collect();
            assert_eq!(messages.len(), 5);
            for (number, message) in messages.iter().enumerate() {
                match message {
                    Ok(message) => assert_eq!(body(message), bodies[number]),
                    Err(error) => assert!(number == 2 && error.is_set_aside(), "{error}"),
                }
            }
        }
        assert_eq!(spool.backlog().quarantined, 1);
        let inspector = Inspector::new(&settings);
        let entry = inspector.quarantined(MessageId { segment: segment.id(), number: 2 }).unwrap();
        assert_eq!(entry.reason.code, "damaged");
        assert!(entry.reason.envelope.is_some());
        assert!(fs::read(entry.damaged.unwrap()).unwrap().windows(3).any(|window| window == b"c!c"));
        assert!(inspector.requeue([MessageId { segment: segment.id(), number: 2 }]).is_err());
        // The others can still be named one by one.
        spool.quarantine(&segment, &[refused(4, "test", "", Rank::Unproven)]).unwrap();
        assert!(spool.quarantine(&segment, &[refused(2, "test", "", Rank::Unproven)]).is_ok());
    }
}

#[tokio::test]
async fn every_message_of_a_wide_damage_is_named() {
    let folder = TempDir::new().unwrap();
    let bodies = bodies(6);
    let (settings, id) = closed(folder.path(), &bodies).await;
    let path = find(&settings.path, ".seg");
    let mut bytes = fs::read(&path).unwrap();
    let at = |letter| bytes.windows(4).position(|window| window == [letter; 4]).unwrap();
    // From the body of message 1 into that of message 3; and message 5 is cut short.
    let (from, to, end) = (at(b'b') + 100, at(b'd') + 100, at(b'f') + 10);
    bytes[from..to].fill(0);
    bytes.truncate(end);
    fs::write(&path, &bytes).unwrap();

    let spool = Spool::open(&settings).unwrap();
    let segment = spool.segment(spool.next_closed().await).unwrap();
    let outcomes: Vec<_> = segment
        .messages()
        .map(|message| match message {
            Ok(message) => (message.number, true),
            Err(SpoolError::Damaged { number, .. }) => (number, false),
            Err(error) => unreachable!("{error}"),
        })
        .collect();
    assert_eq!(outcomes, [(0, true), (1, false), (2, false), (3, false), (4, true), (5, false)]);
    let entries: Vec<_> = Inspector::new(&settings).quarantine().unwrap().collect();
    let kept: Vec<_> = entries.iter().map(|entry| (entry.id.number, entry.bytes > 0)).collect();
    assert_eq!(kept, [(1, true), (2, false), (3, false), (5, true)]);
    // It is the copy of exactly what could not be read.
    let left = fs::read(entries[0].damaged.as_ref().unwrap()).unwrap();
    assert!(bytes.windows(left.len()).any(|window| window == left));
    spool.finish(id).unwrap();
}

#[tokio::test]
async fn a_large_message_that_is_gone_or_rotten_is_reported() {
    let folder = TempDir::new().unwrap();
    let large = vec![b'L'; 100_000];
    let (settings, id) = closed(folder.path(), &[b"a".to_vec(), large.clone(), large, b"b".to_vec()]).await;
    fs::remove_file(settings.path.join(format!("large/{id}-1.eml"))).unwrap();
    let rotten = settings.path.join(format!("large/{id}-2.eml"));
    let mut bytes = fs::read(&rotten).unwrap();
    bytes[50_000] = b'!';
    fs::write(&rotten, bytes).unwrap();

    let (whole, errors) = all(&settings).await;
    assert_eq!(whole, [b"a", b"b"]);
    assert!(matches!(errors[0], SpoolError::LargeMissing { number: 1, .. }), "{errors:?}");
    assert!(matches!(errors[1], SpoolError::Damaged { number: 2, .. }), "{errors:?}");
    let entries: Vec<_> = Inspector::new(&settings).quarantine().unwrap().collect();
    let codes: Vec<_> = entries.iter().map(|entry| (entry.reason.code.as_str(), entry.bytes)).collect();
    assert_eq!(codes, [("large_missing", 0), ("damaged", 100_000)]);
}

#[tokio::test]
async fn a_large_message_outlives_the_frame_that_named_it() {
    let folder = TempDir::new().unwrap();
    let large = vec![b'L'; 100_000];
    let (settings, id) = closed(folder.path(), &[large.clone(), b"b".to_vec()]).await;
    let path = find(&settings.path, ".seg");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..30].fill(0);
    fs::write(&path, &bytes).unwrap();

    let (whole, errors) = all(&settings).await;
    assert_eq!((whole.len(), errors.len()), (1, 1));
    let entry = Inspector::new(&settings).quarantined(MessageId { segment: id, number: 0 }).unwrap();
    assert_eq!(fs::read(entry.message.unwrap()).unwrap(), large);
}

#[tokio::test]
async fn what_belongs_to_nothing_is_removed() {
    let folder = TempDir::new().unwrap();
    let (settings, id) = closed(folder.path(), &[vec![b'L'; 100_000]]).await;
    let spool = settings.path.clone();
    let other = "0197718f-d680-7000-8000-000000000000";
    fs::create_dir(spool.join(format!("{other}.side"))).unwrap();
    fs::write(spool.join(format!("{other}.side/attempts")), "1").unwrap();
    fs::write(spool.join(format!("{other}.requeue.tmp")), "x").unwrap();
    fs::write(spool.join(format!("{other}.open")), "").unwrap();
    fs::create_dir(spool.join(format!("quarantine/{other}-0.tmp"))).unwrap();
    for orphan in [format!("{other}.tmp"), format!("{other}-0.eml"), format!("{id}-1.eml")] {
        fs::write(spool.join("large").join(orphan), "x").unwrap();
    }
    fs::write(spool.join("notes.txt"), "an operator's own").unwrap();

    let handle = Spool::open(&settings).unwrap();
    assert_eq!(messages(&handle, handle.next_closed().await).len(), 1);
    let mut names: Vec<_> = fs::read_dir(&spool).unwrap().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    let segment = format!("{id}.1.seg");
    assert_eq!(
        names,
        [segment.as_str(), "large", "lock", "notes.txt", "quarantine", "requeue.lock", "reserve"]
    );
    assert_eq!(fs::read_dir(spool.join("large")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(spool.join("quarantine")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_quarantine_keeps_within_its_bound() {
    let folder = TempDir::new().unwrap();
    let (settings, id) = closed(folder.path(), &bodies(20)).await;
    let spool = Spool::open(&Settings { quarantine_bytes: 100_000, ..settings.clone() }).unwrap();
    let segment = spool.segment(spool.next_closed().await).unwrap();
    for number in 0..20 {
        spool.quarantine(&segment, &[refused(number, "test", "", Rank::Believed)]).unwrap();
        spool.quarantine(&segment, &[refused(number, "test", "", Rank::Believed)]).unwrap();
        assert!(spool.backlog().quarantined_bytes <= 100_000);
    }
    let kept: Vec<_> = Inspector::new(&settings).quarantine().unwrap().collect();
    assert_eq!(spool.backlog().quarantined, kept.len() as u64);
    assert!(kept.len() >= 4, "{}", kept.len());
    assert_eq!(kept.last().unwrap().id, MessageId { segment: id, number: 19 });
    let unknown = spool.quarantine(&segment, &[refused(20, "test", "", Rank::Believed)]).unwrap_err();
    assert!(matches!(unknown, SpoolError::UnknownMessage { .. }));
}
