//! What is in a spool's folder, told by names and sizes alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    SegmentId, SpoolError,
    layout::{Layout, Name, parse_numbered},
    queue::Closed,
};

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
}

impl Listing {
    pub(super) fn new(layout: &Layout) -> Result<Self, SpoolError> {
        let mut listing = Self::default();
        for path in paths(layout.root())? {
            match path.file_name().map_or(Name::Other, Name::parse) {
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
