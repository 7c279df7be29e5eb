//! Reads the frames of a segment file, also of a damaged one.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use memchr::memmem::Finder;

use super::{
    Envelope, MessageId, SegmentId, envelope,
    frame::{HEADER_BYTES, Header, MARKER_BYTES, Place, marker},
};

/// The frames of a segment in order, each with its checksums verified, holding one at a time.
pub(super) struct Frames<R> {
    input: R,
    /// Where `input` is; nothing after a failure.
    at: Option<u64>,
    id: SegmentId,
    finder: Finder<'static>,
    /// Where the next frame should begin.
    position: u64,
    end: u64,
    /// The number the next frame should have.
    next: u32,
    /// How many frames there are, when that is known.
    count: Option<u32>,
}

/// What stands at some place of a segment.
#[derive(Debug)]
pub(super) enum Item {
    Frame(Frame),
    Damage(Damage),
}

/// A frame that is as it was written.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) offset: u64,
    pub(super) header: Header,
    pub(super) envelope: Envelope,
    /// Its name in quarantine, when it was put back from there.
    pub(super) requeued_from: Option<MessageId>,
    /// The body, or nothing when it is in a file of its own.
    pub(super) body: Bytes,
}

/// Bytes that hold no usable frame.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) length: u64,
    /// The messages lost to it; when nothing is known of what is behind, the range is empty.
    pub(super) numbers: Range<u32>,
    /// The envelope of the one message, when only its body is damaged.
    pub(super) envelope: Option<Envelope>,
    /// Whether this is a frame of which only the content is damaged: length and number are as they were written.
    pub(super) framed: bool,
}

impl<R: Read + Seek> Frames<R> {
    /// The frames of the segment `id`: `count` of them, or as many as there are.
    pub(super) fn new(mut input: R, id: SegmentId, count: Option<u32>) -> io::Result<Self> {
        let end = input.seek(SeekFrom::End(0))?;
        input.rewind()?;
        let finder = Finder::new(&marker(id)).into_owned();
        Ok(Self { input, at: Some(0), id, finder, position: 0, end, next: 0, count })
    }

    /// The next frame, or the damage in its place.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        if self.count.is_some_and(|count| self.next >= count) {
            return Ok(None);
        }
        if self.position >= self.end {
            return Ok(self.rest_is_missing());
        }
        match self.header_at(self.position)? {
            Some(header) if header.number == self.next => self.frame(header).map(Some),
            // Number and place fit, but frames are missing before it.
            Some(header) => Ok(Some(self.damage(self.position, header.number))),
            None => self.resynchronise().map(Some),
        }
    }

    /// The one frame at `offset`.
    pub(super) fn frame_at(&mut self, offset: u64, number: u32) -> io::Result<Option<Frame>> {
        self.position = offset;
        self.next = number;
        match self.next()? {
            Some(Item::Frame(frame)) if frame.header.number == number => Ok(Some(frame)),
            _ => Ok(None),
        }
    }

    /// The frame with this number, from here on.
    pub(super) fn find(&mut self, number: u32) -> io::Result<Option<Frame>> {
        while let Some(item) = self.next()? {
            if let Item::Frame(frame) = item
                && frame.header.number == number
            {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Reads the frame that begins at the current position, of which the header is known to be good.
    fn frame(&mut self, header: Header) -> io::Result<Item> {
        let offset = self.position;
        self.go_to(offset + HEADER_BYTES as u64)?;
        let envelope = self.read(u64::from(header.envelope_bytes))?;
        let body = match header.place {
            Place::Inline => self.read(header.body_bytes)?,
            Place::File => Vec::new(),
        };
        let encoded = Some(envelope).filter(|envelope| crc32fast::hash(envelope) == header.envelope_checksum);
        let envelope = encoded.as_deref().and_then(Envelope::decode);
        let requeued_from = encoded.as_deref().and_then(envelope::requeued_from);
        let whole = header.place == Place::File || crc32fast::hash(&body) == header.body_checksum;
        let length = header.frame_bytes();
        match envelope {
            Some(envelope) if whole => {
                self.position = offset + length;
                self.next = header.number.saturating_add(1);
                Ok(Item::Frame(Frame { offset, header, envelope, requeued_from, body: body.into() }))
            }
            envelope => self.content_damage(&header, envelope),
        }
    }

    /// The damage in the frame at the current position, of which the header alone is good.
    fn content_damage(&mut self, header: &Header, envelope: Option<Envelope>) -> io::Result<Item> {
        let (offset, number) = (self.position, header.number);
        let end = offset + header.frame_bytes();
        let after = number.saturating_add(1);
        let is_followed = match self.header_at(end)? {
            Some(next) => next.number == after,
            None => end == self.end && self.count == Some(after),
        };
        if !is_followed {
            // Bytes are missing or too many, so the next frame may begin inside this one. Another header at its end,
            // or the end of the file, proves nothing: as many bytes may be missing as the frames between have.
            match self.search()? {
                Some((at, next)) if at != end || next == number => return Ok(self.damage(at, next)),
                None if end != self.end => return Ok(self.rest_is_damaged()),
                _ => {}
            }
        }
        self.next = after;
        self.position = end;
        let numbers = number..self.next;
        Ok(Item::Damage(Damage { offset, length: end - offset, numbers, envelope, framed: true }))
    }

    /// A valid header at `offset`, of a frame that fits into what is behind and could come next.
    fn header_at(&mut self, offset: u64) -> io::Result<Option<Header>> {
        if self.end.saturating_sub(offset) < HEADER_BYTES as u64 {
            return Ok(None);
        }
        self.go_to(offset)?;
        let mut bytes = [0; HEADER_BYTES];
        self.at = None;
        self.input.read_exact(&mut bytes)?;
        self.at = Some(offset + HEADER_BYTES as u64);
        Ok(self.plausible(&bytes, offset))
    }

    fn plausible(&self, bytes: &[u8; HEADER_BYTES], offset: u64) -> Option<Header> {
        Header::decode(bytes, self.id).filter(|header| {
            header.number >= self.next
                && self.count.is_none_or(|count| header.number < count)
                && offset.checked_add(header.frame_bytes()).is_some_and(|end| end <= self.end)
        })
    }

    /// Goes to the next valid header behind the current position, or to the end.
    fn resynchronise(&mut self) -> io::Result<Item> {
        Ok(match self.search()? {
            Some((offset, number)) => self.damage(offset, number),
            None => self.rest_is_damaged(),
        })
    }

    /// Place and number of the next valid header behind the current position.
    fn search(&mut self) -> io::Result<Option<(u64, u32)>> {
        let mut from = self.position + 1;
        let mut window = Vec::new();
        while self.end.saturating_sub(from) >= HEADER_BYTES as u64 {
            self.go_to(from)?;
            self.at = None;
            window.clear();
            (&mut self.input).take(WINDOW_BYTES.min(self.end - from)).read_to_end(&mut window)?;
            // Where the next window begins: behind every place where a whole header was looked at.
            let mut searched = window.len().saturating_sub(MARKER_BYTES - 1).max(1);
            for at in self.finder.find_iter(&window) {
                let offset = from + at as u64;
                let Some(header) = window.get(at..).and_then(<[u8]>::first_chunk) else {
                    searched = at;
                    break;
                };
                if let Some(header) = self.plausible(header, offset) {
                    return Ok(Some((offset, header.number)));
                }
            }
            if searched == 0 {
                break; // the file has shrunk under us
            }
            from += searched as u64;
        }
        Ok(None)
    }

    fn rest_is_damaged(&mut self) -> Item {
        let last = self.count.unwrap_or(self.next);
        self.damage(self.end, last)
    }

    /// Everything up to `end`, where the message `number` is.
    fn damage(&mut self, end: u64, number: u32) -> Item {
        let damage = Damage {
            offset: self.position,
            length: end - self.position,
            numbers: self.next..number,
            envelope: None,
            framed: false,
        };
        self.position = end;
        self.next = number;
        Item::Damage(damage)
    }

    fn rest_is_missing(&mut self) -> Option<Item> {
        let count = self.count?;
        Some(self.damage(self.end, count))
    }

    /// Seeks when there is need to: a buffered input throws away what it has.
    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        if self.at != Some(offset) {
            self.at = None;
            self.at = Some(self.input.seek(SeekFrom::Start(offset))?);
        }
        Ok(())
    }

    /// Reads exactly `length` bytes, which the caller has compared with the file's length.
    fn read(&mut self, length: u64) -> io::Result<Vec<u8>> {
        // One read: without room from the start it takes many.
        let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
        let at = self.at.take();
        (&mut self.input).take(length).read_to_end(&mut bytes)?;
        self.at = at.map(|at| at + bytes.len() as u64);
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

const WINDOW_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
