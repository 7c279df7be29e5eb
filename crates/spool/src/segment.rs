//! A closed segment and its messages.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use super::{
    Envelope, MessageId, SegmentId, Shared, SpoolError,
    frame::Place,
    layout::Layout,
    quarantine::{Content, Entry, Rank},
    scan::{Damage, Frame, Frames, Item},
};
use crate::telemetry;

/// A closed segment: immutable, the unit of parsing, insertion and retry.
pub struct Segment {
    id: SegmentId,
    count: u32,
    path: PathBuf,
    shared: Arc<Shared>,
    /// Where each message begins; made when one is first looked up by its number.
    offsets: OnceLock<Vec<Option<u64>>>,
}

/// One message as it was received.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its place in the segment, counted from 0.
    pub number: u32,
    /// From where and for whom it came.
    pub envelope: Envelope,
    /// Its bytes.
    pub size: u64,
    /// The name it had in quarantine, when it was put back from there: what was written of it under that name is out of date.
    pub requeued_from: Option<MessageId>,
    pub(super) body: MessageBody,
}

#[derive(Clone, Debug)]
pub(super) enum MessageBody {
    Memory(Bytes),
    File(PathBuf),
}

impl Segment {
    pub(super) fn new(shared: Arc<Shared>, id: SegmentId) -> Result<Self, SpoolError> {
        let count = shared.queue.get(id)?.count;
        let path = shared.layout.closed_segment(id, count);
        Ok(Self { id, count, path, shared, offsets: OnceLock::new() })
    }

    /// The segment's name.
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// How many messages were acknowledged in it.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The messages in order, each with its checksum verified, one in memory at a time.
    ///
    /// Every number comes once: a damaged message is copied to the quarantine and comes as an error of which
    /// [`SpoolError::is_set_aside`] is true; the ones behind it follow. Any other error ends the iteration: the
    /// segment should be given back.
    pub fn messages(&self) -> impl Iterator<Item = Result<Message, SpoolError>> {
        let (frames, failed) = match self.frames() {
            Ok(frames) => (Some(frames), None),
            Err(error) => (None, Some(error)),
        };
        Messages { segment: self, frames, failed, damage: None }
    }

    /// The message with this number, unless it is damaged or does not exist.
    pub(super) fn message(&self, number: u32) -> Result<Message, SpoolError> {
        let unknown = || SpoolError::UnknownMessage { segment: self.id, number };
        let offsets = match self.offsets.get() {
            Some(offsets) => offsets,
            None => {
                let offsets = self.find_all()?;
                self.offsets.get_or_init(|| offsets)
            }
        };
        let index = usize::try_from(number).map_err(|_| unknown())?;
        let offset = offsets.get(index).copied().flatten().ok_or_else(unknown)?;
        let frame = self.frames()?.frame_at(offset, number).map_err(SpoolError::io("read", &self.path))?;
        frame.map(|frame| Message::new(frame, &self.shared.layout, self.id)).ok_or_else(unknown)
    }

    fn find_all(&self) -> Result<Vec<Option<u64>>, SpoolError> {
        let mut offsets = Vec::new();
        let mut frames = self.frames()?;
        while let Some(item) = frames.next().map_err(SpoolError::io("read", &self.path))? {
            match item {
                Item::Frame(frame) => offsets.push(Some(frame.offset)),
                Item::Damage(damage) => offsets.extend(damage.numbers.map(|_| None)),
            }
        }
        Ok(offsets)
    }

    fn frames(&self) -> Result<Frames<BufReader<File>>, SpoolError> {
        File::open(&self.path)
            .and_then(|file| {
                Frames::new(BufReader::with_capacity(READ_BYTES, file), self.id, Some(self.count))
            })
            .map_err(SpoolError::io("open", &self.path))
    }

    /// Copies what can be saved of a damaged range to the quarantine.
    fn set_aside(&self, damage: &Damage) -> Result<(), SpoolError> {
        for number in damage.numbers.clone() {
            let error = self.damaged(damage, number);
            let large = self.shared.layout.large(self.id, number);
            let content = if large.exists() {
                Content::Message(&large)
            } else if number == damage.numbers.start {
                Content::Range { path: &self.path, offset: damage.offset, length: damage.length }
            } else {
                Content::Nothing
            };
            self.lost(number, &error, damage.envelope.as_ref(), content)?;
        }
        Ok(())
    }

    fn damaged(&self, damage: &Damage, number: u32) -> SpoolError {
        let Damage { offset, length, .. } = *damage;
        SpoolError::Damaged { segment: self.id, number, offset, length }
    }

    /// Reads a large message once through; whatever is not as it was written goes to quarantine.
    fn verify(&self, frame: &Frame) -> Result<(), SpoolError> {
        let number = frame.header.number;
        let path = self.shared.layout.large(self.id, number);
        let (error, content) = match checksum(&path) {
            Ok(found) if found == (frame.header.body_bytes, frame.header.body_checksum) => return Ok(()),
            Ok((length, _)) => {
                let error = SpoolError::Damaged { segment: self.id, number, offset: 0, length };
                (error, Content::Damaged(&path))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (SpoolError::LargeMissing { segment: self.id, number }, Content::Nothing)
            }
            Err(error) => return Err(SpoolError::io("read", &path)(error)),
        };
        self.lost(number, &error, Some(&frame.envelope), content)?;
        Err(error)
    }

    /// Notes that an acknowledged message cannot be read; once, however often that is tried.
    fn lost(
        &self,
        number: u32,
        error: &SpoolError,
        envelope: Option<&Envelope>,
        content: Content<'_>,
    ) -> Result<(), SpoolError> {
        let reason = error.to_string();
        // Nobody outside makes a disk fail, and what is lost may be a genuine report.
        let rank = Rank::Believed;
        let entry = Entry { segment: self.id, number, code: error.code(), reason: &reason, rank, envelope };
        if self.shared.quarantine(&[(entry, content)])? > 0 {
            telemetry::Lost { error }.record();
        }
        Ok(())
    }
}

impl Message {
    pub(super) fn new(frame: Frame, layout: &Layout, id: SegmentId) -> Self {
        let number = frame.header.number;
        let body = match frame.header.place {
            Place::Inline => MessageBody::Memory(frame.body),
            Place::File => MessageBody::File(layout.large(id, number)),
        };
        let Frame { header, envelope, requeued_from, .. } = frame;
        Self { number, envelope, size: header.body_bytes, requeued_from, body }
    }

    /// Its bytes from the beginning, as often as wanted.
    ///
    /// # Errors
    ///
    /// When the file of a large message cannot be opened, as after [`super::Spool::finish`].
    pub fn open(&self) -> Result<Box<dyn BufRead + Send>, SpoolError> {
        match &self.body {
            MessageBody::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            MessageBody::File(path) => {
                let file = File::open(path).map_err(SpoolError::io("open", path))?;
                Ok(Box::new(BufReader::with_capacity(READ_BYTES, file)))
            }
        }
    }
}

struct Messages<'a> {
    segment: &'a Segment,
    frames: Option<Frames<BufReader<File>>>,
    failed: Option<SpoolError>,
    /// Damage of which not every message has been named yet.
    damage: Option<Damage>,
}

impl Messages<'_> {
    fn read(&mut self) -> Result<Option<Message>, SpoolError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        loop {
            if let Some(damage) = &mut self.damage
                && let Some(number) = damage.numbers.next()
            {
                return Err(self.segment.damaged(damage, number));
            }
            let Some(frames) = &mut self.frames else { return Ok(None) };
            match frames.next().map_err(SpoolError::io("read", &self.segment.path))? {
                None => return Ok(None),
                Some(Item::Damage(damage)) => {
                    self.segment.set_aside(&damage)?;
                    self.damage = Some(damage);
                }
                Some(Item::Frame(frame)) => {
                    if frame.header.place == Place::File {
                        self.segment.verify(&frame)?;
                    }
                    return Ok(Some(Message::new(frame, &self.segment.shared.layout, self.segment.id)));
                }
            }
        }
    }
}

impl Iterator for Messages<'_> {
    type Item = Result<Message, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.read();
        if result.as_ref().is_err_and(|error| !error.is_set_aside()) {
            self.frames = None;
        }
        result.transpose()
    }
}

/// Length and checksum of a file.
pub(super) fn checksum(path: &std::path::Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut piece = vec![0; READ_BYTES];
    let mut length = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((length, hasher.finalize()));
        }
        hasher.update(piece.get(..read).unwrap_or_default());
        length += read as u64;
    }
}

const READ_BYTES: usize = 64 * 1024;
