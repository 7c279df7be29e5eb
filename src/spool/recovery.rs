//! Puts the spool in order after whatever ended the last run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::BufReader,
    path::{Path, PathBuf},
};

use super::{
    SegmentId, SpoolError,
    layout::{Layout, Name, parse_numbered, remove_if_there, sync_folder},
    queue::Closed,
    scan::{Frames, Item},
    side,
};
use crate::telemetry::spool as telemetry;

/// What is in a spool's folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    open: Vec<SegmentId>,
    closed: BTreeMap<SegmentId, u32>,
    side: Vec<SegmentId>,
    temporary: Vec<PathBuf>,
}

impl Found {
    pub(super) fn list(layout: &Layout) -> Result<Self, SpoolError> {
        let mut found = Self::default();
        for path in paths(layout.root())? {
            match path.file_name().map_or(Name::Other, Name::parse) {
                Name::Open(id) => found.open.push(id),
                Name::Closed(id, count) => {
                    found.closed.insert(id, count);
                }
                Name::Side(id) => found.side.push(id),
                Name::Temporary => found.temporary.push(path),
                Name::Other => {}
            }
        }
        Ok(found)
    }

    /// The segments that are being written.
    pub(super) fn open(&self) -> &[SegmentId] {
        &self.open
    }

    /// The closed segments and their number of messages.
    pub(super) fn closed(&self) -> &BTreeMap<SegmentId, u32> {
        &self.closed
    }
}

/// Seals what was open, removes what belongs to nothing, and returns the segments to be done.
pub(super) fn recover(layout: &Layout) -> Result<BTreeMap<SegmentId, Closed>, SpoolError> {
    let mut found = Found::list(layout)?;
    for path in &found.temporary {
        remove_if_there(path)?;
    }
    for id in std::mem::take(&mut found.open) {
        if let Some(count) = seal(layout, id)? {
            found.closed.insert(id, count);
        }
    }
    for id in &found.side {
        if !found.closed.contains_key(id) {
            side::remove_all(layout, *id)?;
        }
    }
    let large = keep_large(layout, &found.closed)?;
    remove_unfinished_quarantine(layout)?;
    sync_folder(layout.root())?;
    let mut segments = BTreeMap::new();
    for (id, count) in found.closed {
        segments.insert(id, measure(layout, id, count, &large)?);
    }
    Ok(segments)
}

/// A closed segment that has appeared: its size, its large messages.
pub(super) fn measure_one(layout: &Layout, id: SegmentId, count: u32) -> Result<Closed, SpoolError> {
    measure(layout, id, count, &large_files(layout)?)
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
pub(super) fn extent(file: &File, id: SegmentId) -> std::io::Result<(u32, u64)> {
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

/// Removes large files that no acknowledged message has; returns the others with their sizes.
fn keep_large(
    layout: &Layout,
    closed: &BTreeMap<SegmentId, u32>,
) -> Result<BTreeMap<(SegmentId, u32), u64>, SpoolError> {
    let folder = layout.large_folder();
    let mut kept = large_files(layout)?;
    kept.retain(|(id, number), _| closed.get(id).is_some_and(|count| number < count));
    let names: BTreeSet<_> = kept.keys().map(|(id, number)| layout.large(*id, *number)).collect();
    for path in paths(&folder)? {
        if !names.contains(&path) {
            remove_if_there(&path)?;
            telemetry::OrphanRemoved { path: &path }.record();
        }
    }
    Ok(kept)
}

fn large_files(layout: &Layout) -> Result<BTreeMap<(SegmentId, u32), u64>, SpoolError> {
    let mut files = BTreeMap::new();
    for path in paths(&layout.large_folder())? {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".eml"));
        if let Some(key) = name.and_then(parse_numbered) {
            let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            files.insert(key, bytes);
        }
    }
    Ok(files)
}

fn remove_unfinished_quarantine(layout: &Layout) -> Result<(), SpoolError> {
    for path in paths(&layout.quarantine_folder())? {
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs::remove_dir_all(&path).map_err(SpoolError::io("remove", &path))?;
        }
    }
    Ok(())
}

fn measure(
    layout: &Layout,
    id: SegmentId,
    count: u32,
    large: &BTreeMap<(SegmentId, u32), u64>,
) -> Result<Closed, SpoolError> {
    let path = layout.closed_segment(id, count);
    let frames = fs::metadata(&path).map_err(SpoolError::io("read", &path))?.len();
    let large: Vec<_> = large.range((id, 0)..=(id, u32::MAX)).collect();
    let bytes = frames + large.iter().map(|(_, bytes)| **bytes).sum::<u64>();
    Ok(Closed::new(count, bytes, large.iter().map(|((_, number), _)| *number).collect()))
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(SpoolError::io("list", folder))
}
