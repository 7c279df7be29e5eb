//! Messages out of quarantine, into the queue again.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufWriter, Read, Write},
    path::PathBuf,
};

use super::{
    Inspector, Message, MessageId, SegmentId, SpoolError,
    frame::{Header, Place},
    layout::{adopt, create_private, lock_file, remove_if_there, sync_folder},
    quarantine,
    segment::checksum,
};
use ruad_common::lock::Lock;

impl Inspector {
    /// Puts messages out of quarantine into new closed segments, which a running daemon finds within seconds, and
    /// removes them from the quarantine. A crash in between leaves a message in both places rather than in none.
    ///
    /// # Errors
    ///
    /// At the first message that is not in quarantine, is not whole, or cannot be written; those before it are in the
    /// queue or still in quarantine.
    pub fn requeue(&self, ids: impl IntoIterator<Item = MessageId>) -> Result<u64, SpoolError> {
        let path = self.layout.requeue_lock();
        let file = lock_file(&path).map_err(SpoolError::io("open", &path))?;
        self.adopt(&file, &path)?;
        let _lock = Lock::wait(file).map_err(SpoolError::io("lock", &path))?;

        let mut requeued = 0;
        let mut segment = None;
        let ids: BTreeSet<_> = ids.into_iter().collect(); // naming one twice does not make two of it
        for id in ids {
            let message = self.quarantined(id)?.message()?;
            let open = match &mut segment {
                Some(open) => open,
                None => segment.insert(Draft::new(self)?),
            };
            open.append(self, id, &message)?;
            if open.weight >= self.settings.segment_bytes
                && let Some(full) = segment.take()
            {
                requeued += full.publish(self)?;
            }
        }
        if let Some(last) = segment {
            requeued += last.publish(self)?;
        }
        Ok(requeued)
    }

    /// Gives a file to the spool's owner: an operator may be another user than the daemon.
    fn adopt(&self, file: &File, path: &std::path::Path) -> Result<(), SpoolError> {
        adopt(file, self.layout.root()).map_err(SpoolError::io("give away", path))
    }
}

/// A segment that is not in the queue yet. Dropped, it leaves nothing behind.
struct Draft {
    id: SegmentId,
    path: PathBuf,
    file: BufWriter<File>,
    messages: Vec<MessageId>,
    large: Vec<PathBuf>,
    weight: u64,
}

impl Draft {
    fn new(spool: &Inspector) -> Result<Self, SpoolError> {
        let id = SegmentId::new();
        let path = spool.layout.root().join(format!("{id}.requeue.tmp"));
        let file = create_private(&path).map_err(SpoolError::io("create", &path))?;
        let draft =
            Self { id, path, file: BufWriter::new(file), messages: Vec::new(), large: Vec::new(), weight: 0 };
        spool.adopt(draft.file.get_ref(), &draft.path)?;
        Ok(draft)
    }

    fn append(&mut self, spool: &Inspector, from: MessageId, message: &Message) -> Result<(), SpoolError> {
        let number = u32::try_from(self.messages.len()).unwrap_or(u32::MAX); // segments are far smaller
        let source = quarantine::message_file(&spool.layout.quarantine(from.segment, from.number));
        let (body_bytes, body_checksum) = checksum(&source).map_err(SpoolError::io("read", &source))?;
        let envelope = message.envelope.encode_from(Some(from))?;
        let is_large = body_bytes > spool.settings.memory_message_bytes;
        let header = Header {
            number,
            envelope_bytes: u32::try_from(envelope.len()).unwrap_or(u32::MAX), // it is below its limit
            body_bytes,
            envelope_checksum: crc32fast::hash(&envelope),
            body_checksum,
            place: if is_large { Place::File } else { Place::Inline },
        };
        let mut body = Vec::new();
        if is_large {
            let path = spool.layout.large(self.id, number);
            quarantine::link(&source, &path).map_err(SpoolError::io("link", &path))?;
            self.large.push(path.clone());
            let file = File::open(&path).map_err(SpoolError::io("open", &path))?;
            spool.adopt(&file, &path)?;
        } else {
            message.open()?.read_to_end(&mut body).map_err(SpoolError::io("read", &source))?;
        }
        for bytes in [&header.encode(self.id)[..], &envelope, &body] {
            self.file.write_all(bytes).map_err(SpoolError::io("write", &self.path))?;
        }
        self.messages.push(from);
        self.weight += header.frame_bytes() + if is_large { body_bytes } else { 0 };
        Ok(())
    }

    /// Puts the segment into the queue, then takes its messages out of quarantine.
    fn publish(mut self, spool: &Inspector) -> Result<u64, SpoolError> {
        let layout = &spool.layout;
        let count = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        let closed = layout.closed_segment(self.id, count);
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(SpoolError::io("write", &self.path))?;
        sync_folder(&layout.large_folder())?;
        fs::rename(&self.path, &closed).map_err(SpoolError::io("rename", &self.path))?;
        self.large.clear();
        sync_folder(layout.root())?;
        for id in &self.messages {
            quarantine::remove(&layout.quarantine(id.segment, id.number))?;
        }
        sync_folder(&layout.quarantine_folder())?;
        Ok(u64::from(count))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What stays is removed at the daemon's next start; once published there is nothing under these names.
        for path in self.large.iter().chain([&self.path]) {
            drop(remove_if_there(path));
        }
    }
}
