//! What is in a spool's folder, told by names and sizes alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    SegmentId, SpoolError,
    layout::{Layout, Name, parse_numbered, set_aside},
    queue::Closed,
};
use crate::telemetry;

/// The files in the folder itself.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Segments that are being written, or were when the last run ended.
    pub(super) open: Vec<SegmentId>,
    /// Closed segments and how many messages each has.
    pub(super) closed: BTreeMap<SegmentId, u32>,
    /// Segments that have side files.
    pub(super) side: Vec<SegmentId>,
    /// Files that were not finished.
    pub(super) temporary: Vec<PathBuf>,
    /// What has such a name and is not of that kind, such as a folder named like a segment.
    pub(super) foreign: Vec<PathBuf>,
}

impl Listing {
    /// The same, and what is foreign is out of the way afterwards.
    pub(super) fn tidied(layout: &Layout) -> Result<Self, SpoolError> {
        let listing = Self::new(layout)?;
        for path in &listing.foreign {
            let aside = set_aside(path)?;
            telemetry::SetAside { path, aside: &aside }.record();
        }
        Ok(listing)
    }

    pub(super) fn new(layout: &Layout) -> Result<Self, SpoolError> {
        let mut listing = Self::default();
        for path in paths(layout.root())? {
            let name = path.file_name().map_or(Name::Other, Name::parse);
            if is_foreign(&path, &name) {
                listing.foreign.push(path);
                continue;
            }
            match name {
                Name::Open(id) => listing.open.push(id),
                Name::Closed(id, count) => {
                    listing.closed.insert(id, count);
                }
                Name::Side(id) => listing.side.push(id),
                Name::Temporary => listing.temporary.push(path),
                Name::Other => {}
            }
        }
        Ok(listing)
    }
}

/// A name says what it is; a folder, a link or a pipe under the name of a file can never be read as one.
fn is_foreign(path: &Path, name: &Name) -> bool {
    // What is gone meanwhile is finished.
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    match name {
        Name::Open(_) | Name::Closed(..) | Name::Temporary => !metadata.is_file(),
        Name::Side(_) => !metadata.is_dir(),
        Name::Other => false,
    }
}

/// The files of large messages and their lengths.
#[derive(Debug)]
pub(super) struct LargeFiles(BTreeMap<(SegmentId, u32), u64>);

impl LargeFiles {
    pub(super) fn new(layout: &Layout) -> Result<Self, SpoolError> {
        let mut files = BTreeMap::new();
        for path in paths(&layout.large_folder())? {
            if let Some(name) = large_name(&path) {
                // One that is gone meanwhile was finished.
                files.insert(name, fs::metadata(&path).map_or(0, |metadata| metadata.len()));
            }
        }
        Ok(Self(files))
    }

    /// The closed segment `id` with its size.
    pub(super) fn measure(&self, layout: &Layout, id: SegmentId, count: u32) -> Result<Closed, SpoolError> {
        let path = layout.closed_segment(id, count);
        let frames = fs::metadata(&path).map_err(SpoolError::io("read", &path))?.len();
        let (mut large, mut bytes) = (Vec::new(), frames);
        for ((_, number), length) in self.0.range((id, 0)..=(id, u32::MAX)) {
            large.push(*number);
            bytes += length;
        }
        Ok(Closed::new(count, bytes, large))
    }
}

/// The message a file in the folder of large messages belongs to.
pub(super) fn large_name(path: &Path) -> Option<(SegmentId, u32)> {
    path.file_name()?.to_str()?.strip_suffix(".eml").and_then(parse_numbered)
}

/// Everything in a folder.
pub(super) fn paths(folder: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(SpoolError::io("list", folder))
}
