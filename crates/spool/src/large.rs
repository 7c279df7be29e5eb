//! The file of a message that is too large for memory.

use std::{fs::File, io::Write, path::PathBuf};

use uuid::Uuid;

use super::{
    SegmentId, SpoolError,
    disk::Disk,
    layout::{Layout, create_private},
};

/// A file that is removed when it is dropped, until [`Self::keep`] is called.
#[derive(Debug)]
pub(super) struct LargeFile {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl LargeFile {
    /// Makes an empty one, under a name recovery removes.
    pub(super) fn create(layout: &Layout) -> Result<Self, SpoolError> {
        let path = layout.large_folder().join(format!("{}.tmp", Uuid::now_v7()));
        let file = create_private(&path).map_err(SpoolError::io("create", &path))?;
        Ok(Self { file, path, kept: false })
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.file.write_all(bytes).map_err(SpoolError::io("write", &self.path))
    }

    /// Makes it the body of this message. Durable after the folder has been synced.
    pub(super) fn assign(
        &mut self,
        disk: &Disk,
        layout: &Layout,
        id: SegmentId,
        number: u32,
    ) -> Result<(), SpoolError> {
        let path = layout.large(id, number);
        disk.rename(&self.path, &path).map_err(SpoolError::io("rename", &self.path))?;
        self.path = path;
        Ok(())
    }

    /// From now on the file stays.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    /// Makes the bytes durable.
    pub(super) fn sync(&self) -> Result<(), SpoolError> {
        self.file.sync_data().map_err(SpoolError::io("sync", &self.path))
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is removed at the next start: no frame refers to it.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
