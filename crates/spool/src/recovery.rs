//! Puts the spool in order after whatever ended the last run.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, BufReader, Read, Seek},
};

use super::{
    SegmentId, SpoolError,
    layout::{Layout, remove_if_there, sync_folder},
    listing::{LargeFiles, Listing, large_name, paths},
    queue::Closed,
    scan::{Frames, Item},
    side,
};
use crate::telemetry;

/// Seals what was open, removes what belongs to nothing, and returns the segments to be done.
pub(super) fn recover(layout: &Layout) -> Result<BTreeMap<SegmentId, Closed>, SpoolError> {
    let Listing { open, mut closed, side, temporary, foreign: _ } = Listing::tidied(layout)?;
    for path in &temporary {
        remove_if_there(path)?;
    }
    for id in open {
        if let Some(count) = seal(layout, id)? {
            closed.insert(id, count);
        }
    }
    for id in side {
        if !closed.contains_key(&id) {
            side::remove_all(layout, id)?;
        }
    }
    remove_orphans(layout, &closed)?;
    remove_unfinished_quarantine(layout)?;
    sync_folder(layout.root())?;

    let large = LargeFiles::new(layout)?;
    closed.into_iter().map(|(id, count)| Ok((id, large.measure(layout, id, count)?))).collect()
}

/// Cuts off what was never acknowledged and closes the segment; its number of messages, if it has any.
fn seal(layout: &Layout, id: SegmentId) -> Result<Option<u32>, SpoolError> {
    let path = layout.open_segment(id);
    let file =
        OpenOptions::new().read(true).write(true).open(&path).map_err(SpoolError::io("open", &path))?;
    let length = file.metadata().map_err(SpoolError::io("read", &path))?.len();
    let (count, whole) = extent(&file, id).map_err(SpoolError::io("read", &path))?;
    if whole < length {
        telemetry::TornTail { id, cut: length - whole, messages: count }.record();
    }
    if count == 0 {
        remove_if_there(&path)?;
        return Ok(None);
    }
    if whole < length {
        file.set_len(whole).map_err(SpoolError::io("truncate", &path))?;
    }
    // What the last run had written but not synced may be whole by luck; it stays, so it must be durable now.
    file.sync_all().map_err(SpoolError::io("sync", &path))?;
    let closed = layout.closed_segment(id, count);
    fs::rename(&path, &closed).map_err(SpoolError::io("rename", &path))?;
    Ok(Some(count))
}

/// How many messages there are and where the last one ends. Damage before it stays, for the reader to report: there
/// were acknowledged messages behind it, so it was acknowledged too.
pub(super) fn extent(file: impl Read + Seek, id: SegmentId) -> io::Result<(u32, u64)> {
    let mut frames = Frames::new(BufReader::new(file), id, None)?;
    let (mut count, mut whole) = (0, 0);
    while let Some(item) = frames.next()? {
        match item {
            Item::Frame(frame) => {
                count = frame.header.number.saturating_add(1);
                whole = frame.offset + frame.header.frame_bytes();
            }
            // A frame of full length with wrong content may have been acknowledged before it rotted.
            Item::Damage(damage) if damage.framed => {
                count = damage.numbers.end;
                whole = damage.offset + damage.length;
            }
            Item::Damage(_) => {}
        }
    }
    Ok((count, whole))
}

/// Removes the files of large messages that were not acknowledged, or whose segment is done.
fn remove_orphans(layout: &Layout, closed: &BTreeMap<SegmentId, u32>) -> Result<(), SpoolError> {
    for path in paths(&layout.large_folder())? {
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            continue; // not ours
        }
        let owned = large_name(&path)
            .is_some_and(|(id, number)| closed.get(&id).is_some_and(|count| number < *count));
        if !owned {
            remove_if_there(&path)?;
            telemetry::OrphanRemoved { path: &path }.record();
        }
    }
    Ok(())
}

fn remove_unfinished_quarantine(layout: &Layout) -> Result<(), SpoolError> {
    for path in paths(&layout.quarantine_folder())? {
        if path.extension().is_some_and(|extension| extension == "tmp") {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(SpoolError::io("remove", &path))?;
        }
    }
    Ok(())
}
