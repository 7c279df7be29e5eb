//! The spool as an operator sees it: reads the folder alone, so it works beside a running daemon and without one.

use std::{
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
    str::FromStr,
};

use super::{
    Message, Reason, SegmentId, Settings, SpoolError,
    layout::{Layout, parse_numbered},
    listing::{LargeFiles, Listing},
    quarantine,
    queue::Closed,
    recovery::extent,
    scan::Frames,
    segment::MessageBody,
    side,
};

/// Looks into a spool's folder.
#[derive(Clone, Debug)]
pub struct Inspector {
    pub(super) layout: Layout,
    pub(super) settings: Settings,
}

/// A message's name outside: its segment and its number there, `<id>-<number>`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct MessageId {
    /// The segment it came in.
    pub segment: SegmentId,
    /// Its number there.
    pub number: u32,
}

/// A segment in the queue.
#[derive(Clone, Debug)]
pub struct SegmentSummary {
    /// Its name.
    pub id: SegmentId,
    /// Whether it is still being written.
    pub open: bool,
    /// How many messages it has.
    pub messages: u32,
    /// Bytes of its messages.
    pub bytes: u64,
    /// How many attempts at it have begun.
    pub attempts: u32,
}

/// A message in quarantine.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Its name.
    pub id: MessageId,
    /// Why it is there.
    pub reason: Reason,
    /// The whole message, when it could be kept.
    pub message: Option<PathBuf>,
    /// What is left of a damaged one.
    pub damaged: Option<PathBuf>,
    /// Bytes of the message, or of what is left of it.
    pub bytes: u64,
}

impl Inspector {
    /// Looks into the folder these settings name.
    pub fn new(settings: &Settings) -> Self {
        Self { layout: Layout::at(&settings.path), settings: settings.clone() }
    }

    /// The segments that wait, oldest first. Those that are finished meanwhile are left out.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn segments(&self) -> Result<Vec<SegmentSummary>, SpoolError> {
        let Listing { open, closed, .. } = Listing::new(&self.layout)?;
        let large = LargeFiles::new(&self.layout)?;
        let mut segments = Vec::new();
        for id in open {
            let Ok(file) = File::open(self.layout.open_segment(id)) else { continue };
            if let Ok((messages, bytes)) = extent(file, id) {
                segments.push(SegmentSummary { id, open: true, messages, bytes, attempts: 0 });
            }
        }
        for (id, messages) in closed {
            let Ok(Closed { bytes, .. }) = large.measure(&self.layout, id, messages) else { continue };
            let attempts = side::attempts(&self.layout, id)?;
            segments.push(SegmentSummary { id, open: false, messages, bytes, attempts });
        }
        segments.sort_unstable_by_key(|segment| segment.id);
        Ok(segments)
    }

    /// The messages in quarantine, those of the oldest segment first.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn quarantine(&self) -> Result<impl Iterator<Item = Quarantined>, SpoolError> {
        let names = quarantine::names(&self.layout)?;
        let ids = names.into_iter().map(|(segment, number)| MessageId { segment, number });
        // One that cannot be read has been requeued meanwhile.
        Ok(ids.filter_map(|id| self.quarantined(id).ok()))
    }

    /// A message in quarantine.
    ///
    /// # Errors
    ///
    /// When it is not there or cannot be read.
    pub fn quarantined(&self, id: MessageId) -> Result<Quarantined, SpoolError> {
        let entry = self.layout.quarantine(id.segment, id.number);
        if !entry.is_dir() {
            return Err(SpoolError::NotQuarantined { id });
        }
        let reason = quarantine::reason(&entry)?;
        let message = Some(quarantine::message_file(&entry)).filter(|path| path.exists());
        let damaged = Some(quarantine::damaged_file(&entry)).filter(|path| path.exists());
        let file = message.as_ref().or(damaged.as_ref());
        let bytes = file.and_then(|path| fs::metadata(path).ok()).map_or(0, |metadata| metadata.len());
        Ok(Quarantined { id, reason, message, damaged, bytes })
    }

    /// A message that waits in a closed segment.
    ///
    /// # Errors
    ///
    /// When it is not there, is damaged, or cannot be read.
    pub fn waiting(&self, id: MessageId) -> Result<Message, SpoolError> {
        let MessageId { segment, number } = id;
        let closed = Listing::new(&self.layout)?.closed;
        let count = *closed.get(&segment).ok_or(SpoolError::UnknownSegment { segment })?;
        let path = self.layout.closed_segment(segment, count);
        let file = File::open(&path).map_err(SpoolError::io("open", &path))?;
        let mut frames =
            Frames::new(BufReader::new(file), segment, Some(count)).map_err(SpoolError::io("read", &path))?;
        let frame = frames.find(number).map_err(SpoolError::io("read", &path))?;
        let frame = frame.ok_or(SpoolError::UnknownMessage { segment, number })?;
        Ok(Message::new(frame, &self.layout, segment))
    }
}

impl Quarantined {
    /// It as a message.
    ///
    /// # Errors
    ///
    /// When it is damaged: its envelope or its bytes are not known.
    pub fn message(&self) -> Result<Message, SpoolError> {
        match (&self.message, &self.reason.envelope) {
            (Some(path), Some(envelope)) => Ok(Message {
                number: self.id.number,
                envelope: envelope.clone(),
                size: self.bytes,
                requeued_from: None,
                body: MessageBody::File(path.clone()),
            }),
            _ => Err(SpoolError::NotWhole { id: self.id }),
        }
    }
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.segment, self.number)
    }
}

impl FromStr for MessageId {
    type Err = SpoolError;

    fn from_str(text: &str) -> Result<Self, SpoolError> {
        let (segment, number) = parse_numbered(text)
            .ok_or_else(|| SpoolError::Name { text: text.to_owned(), expected: "<segment>-<number>" })?;
        Ok(Self { segment, number })
    }
}
