//! The segment that is being written.

use std::{
    fs::File,
    io::IoSlice,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    SegmentId, Shared, SpoolError,
    frame::HEADER_BYTES,
    incoming::Body,
    layout::{create_private, remove_if_there},
    queue::Closed,
    writer::Commit,
};
use crate::telemetry;

/// An open segment. What is behind `length` in its file was acknowledged to nobody.
pub(super) struct OpenSegment {
    id: SegmentId,
    file: File,
    path: PathBuf,
    length: u64,
    count: u32,
    weight: u64,
    large: Vec<u32>,
    first: Option<Instant>,
    doomed: bool,
}

impl OpenSegment {
    pub(super) fn create(shared: &Shared) -> Result<Self, SpoolError> {
        let id = shared.ids.next();
        let path = shared.layout.open_segment(id);
        let file = create_private(&path).map_err(SpoolError::io("create", &path))?;
        if let Err(error) = shared.disk.sync_folder(shared.layout.root()) {
            // Should this fail as well, recovery removes the empty segment.
            drop(remove_if_there(&path));
            return Err(SpoolError::io("sync", shared.layout.root())(error));
        }
        shared.queue.opened(id);
        Ok(Self {
            id,
            file,
            path,
            length: 0,
            count: 0,
            weight: 0,
            large: Vec::new(),
            first: None,
            doomed: false,
        })
    }

    /// Makes all of the batch durable, or none.
    pub(super) fn append(&mut self, shared: &Shared, batch: &mut [Commit]) -> Result<(), SpoolError> {
        let result = self.append_all(shared, batch);
        self.doomed |= self.count == 0; // an empty segment has no age to be closed by
        result
    }

    /// Gives the file its final name: from then on it is immutable and can be handed out.
    pub(super) fn seal(&mut self, shared: &Shared) -> Result<(), SpoolError> {
        if self.doomed {
            // The count in the final name hides what is behind the durable length, so this may fail.
            drop(shared.disk.truncate(&self.file, self.length));
        }
        self.doomed = true;
        if self.count == 0 {
            remove_if_there(&self.path)?;
            shared.queue.open_vanished();
            return Ok(());
        }
        let path = shared.layout.closed_segment(self.id, self.count);
        shared.disk.rename(&self.path, &path).map_err(SpoolError::io("rename", &self.path))?;
        // Whether the new name survives a power cut is no matter: recovery seals what it finds open.
        drop(shared.disk.sync_folder(shared.layout.root()));
        telemetry::Sealed { id: self.id, messages: self.count, bytes: self.weight }.record();
        let closed = Closed::new(self.count, self.weight, std::mem::take(&mut self.large));
        shared.queue.closed(self.id, closed);
        Ok(())
    }

    /// Whether it must be sealed before anything else is written.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed
    }

    /// How long until it is older than `age`.
    pub(super) fn time_left(&self, age: Duration) -> Duration {
        self.first.map_or(age, |first| age.saturating_sub(first.elapsed()))
    }

    /// Bytes of its messages, large ones included.
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    fn append_all(&mut self, shared: &Shared, batch: &mut [Commit]) -> Result<(), SpoolError> {
        let numbers = self.count..;
        let mut large = Vec::new();
        for (number, commit) in numbers.zip(batch.iter_mut()) {
            if let Body::File(file, _) = &mut commit.body {
                file.assign(&shared.disk, &shared.layout, self.id, number)?;
                large.push(number);
            }
            commit.header.number = number;
            if let Some(head) = commit.head.get_mut(..HEADER_BYTES) {
                head.copy_from_slice(&commit.header.encode(self.id));
            }
        }
        if !large.is_empty() {
            // The names of the large files are durable before a frame refers to them.
            let folder = shared.layout.large_folder();
            shared.disk.sync_folder(&folder).map_err(SpoolError::io("sync", &folder))?;
        }
        self.write(shared, batch)?;

        for commit in batch.iter_mut() {
            if let Body::File(file, _) = &mut commit.body {
                file.keep();
            }
            self.length += commit.header.frame_bytes();
            self.weight += commit.header.frame_bytes();
            if let Body::File(..) = commit.body {
                self.weight += commit.header.body_bytes;
            }
            self.count += 1;
        }
        self.large.append(&mut large);
        self.first.get_or_insert_with(Instant::now);
        shared.queue.open_grew_to(self.weight);
        Ok(())
    }

    /// Writes and syncs the frames; after an error the file is as it was, or doomed.
    fn write(&mut self, shared: &Shared, batch: &[Commit]) -> Result<(), SpoolError> {
        let mut slices: Vec<_> = batch
            .iter()
            .flat_map(|commit| match &commit.body {
                Body::Memory(body) => [&commit.head[..], body.bytes()],
                Body::File(..) | Body::Lost => [&commit.head[..], &[]],
            })
            .filter(|bytes| !bytes.is_empty())
            .map(IoSlice::new)
            .collect();
        if let Err(error) = shared.disk.append(&self.file, &mut slices) {
            self.doomed = shared.disk.truncate(&self.file, self.length).is_err();
            return Err(SpoolError::io("write", &self.path)(error));
        }
        if let Err(error) = shared.disk.sync_data(&self.file) {
            // After a failed sync the kernel may have dropped the pages and call the next sync a success, so this
            // file gets no second chance: what was synced before stays, a new file is begun.
            self.doomed = true;
            return Err(SpoolError::io("sync", &self.path)(error));
        }
        Ok(())
    }
}
