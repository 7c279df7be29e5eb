//! The document as UTF-8, in pieces.

use std::io::{self, BufRead, ErrorKind};

use encoding_rs::{CoderResult, Decoder, UTF_8};

use super::encoding::{Detected, declaration, enough};

/// Reads a document of any encoding into a buffer, of which [`Source::piece`] is as much as can be parsed.
///
/// Pieces are cut behind a `>`. So a piece ends with a whole tag, apart from a `>` inside of a text, a
/// comment or an attribute.
pub(super) struct Source<R> {
    input: R,
    detected: Detected,
    /// `None` for UTF-8, which is only checked.
    decoder: Option<Decoder>,
    buffer: Vec<u8>,
    /// How much of the buffer is known to be UTF-8.
    valid: usize,
    /// How much of the buffer has been parsed.
    parsed: usize,
    /// How much of the buffer the current piece is, from its start.
    piece: usize,
    capacity: usize,
    most: usize,
    ended: bool,
    replaced: bool,
    offset: u64,
}

impl<R: BufRead> Source<R> {
    /// Reads the start of the input and decides on the encoding. The buffer grows from `capacity` up to
    /// `most` bytes for tokens that need it.
    pub(super) fn new(mut input: R, capacity: usize, most: usize) -> io::Result<Self> {
        let mut head = Vec::with_capacity(capacity);
        let mut more = true;
        while more && !enough(&head) {
            more = take(&mut input, |bytes| {
                // A byte at a time would be enough; a line of a usual declaration is faster.
                let count = bytes.len().min(64);
                head.extend_from_slice(bytes.get(..count).unwrap_or_default());
                count
            })?;
        }
        let detected = Detected::new(&head);
        head.drain(..detected.mark);
        let mut decoder =
            (detected.encoding != UTF_8).then(|| detected.encoding.new_decoder_without_bom_handling());
        let mut replaced = false;
        if let Some(decoder) = &mut decoder {
            let bytes = std::mem::take(&mut head);
            replaced = decode(decoder, &bytes, false, &mut head);
        }
        Ok(Self {
            input,
            valid: if decoder.is_some() { head.len() } else { 0 },
            buffer: head,
            detected,
            decoder,
            parsed: 0,
            piece: 0,
            capacity,
            most,
            ended: false,
            replaced,
            offset: 0,
        })
    }

    /// Goes past the XML declaration and what stands before it; what is wrong with them goes to `warn`.
    pub(super) fn prologue(&mut self, mut warn: impl FnMut(&'static str)) -> io::Result<()> {
        self.fill()?;
        while memchr::memchr(b'>', &self.buffer).is_none() && !self.ended && !self.is_full() {
            self.capacity = (self.capacity * 2).min(self.most);
            self.fill()?;
        }
        let text = self.buffer.get(..self.valid).unwrap_or_default();
        let Some((junk, declaration)) = declaration(text) else { return Ok(()) };
        if !junk.is_empty() {
            let blank = junk.iter().all(u8::is_ascii_whitespace);
            warn(if blank { "leading_white_space" } else { "leading_junk" });
        }
        if !declaration.ends_with(b"?>") {
            warn("broken_declaration");
        }
        let end = junk.len() + declaration.len();
        self.parsed(end);
        Ok(())
    }

    /// Makes the next piece out of what the last one left over. Gives false when there is no more to come.
    ///
    /// `unfinished` says that the last piece could not be parsed at all, since a token goes on behind it.
    pub(super) fn advance(&mut self, unfinished: bool) -> io::Result<bool> {
        if unfinished {
            if self.is_last() || self.is_full() {
                return Ok(false);
            }
            self.capacity = (self.capacity * 2).min(self.most);
        } else if self.parsed == self.buffer.len() && self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.parsed);
        self.valid -= self.parsed;
        self.parsed = 0;
        self.fill()?;
        self.piece = self.cut();
        while self.piece == 0 && !self.is_last() && !self.is_full() {
            self.capacity = (self.capacity * 2).min(self.most);
            self.fill()?;
            self.piece = self.cut();
        }
        Ok(true)
    }

    /// Says how many bytes of the piece were parsed.
    pub(super) fn parsed(&mut self, bytes: usize) {
        self.parsed += bytes;
        self.offset += bytes as u64;
    }

    /// The current piece; empty when a token is longer than the buffer may grow.
    pub(super) fn piece(&self) -> &[u8] {
        self.buffer.get(self.parsed..self.piece).unwrap_or_default()
    }

    /// Whether the current piece reaches to the end of the document.
    pub(super) fn is_last(&self) -> bool {
        self.ended && self.piece == self.buffer.len()
    }

    /// Whether the buffer can take no more.
    pub(super) fn is_full(&self) -> bool {
        self.capacity >= self.most && self.buffer.len() >= self.capacity
    }

    /// How much has been parsed, in bytes of UTF-8.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is wrong with the encoding.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let replaced = match (self.replaced, self.detected.invalid_is_western) {
            (true, true) => Some("encoding_guessed"),
            (true, false) => Some("invalid_bytes_replaced"),
            _ => None,
        };
        self.detected.warning.into_iter().chain(replaced)
    }

    fn cut(&self) -> usize {
        if self.ended {
            return self.buffer.len();
        }
        let valid = self.buffer.get(..self.valid).unwrap_or_default();
        memchr::memrchr(b'>', valid).map_or(0, |at| at + 1)
    }

    fn fill(&mut self) -> io::Result<()> {
        while !self.ended && self.buffer.len() < self.capacity {
            if self.decoder.is_some() {
                self.fill_decoded()?;
                continue;
            }
            let room = self.capacity - self.buffer.len();
            self.ended = !take(&mut self.input, |bytes| {
                let count = bytes.len().min(room);
                self.buffer.extend_from_slice(bytes.get(..count).unwrap_or_default());
                count
            })?;
        }
        if self.decoder.is_none() {
            self.check();
        }
        Ok(())
    }

    /// Makes sure that the buffer holds UTF-8, apart from a last character that is not complete yet.
    fn check(&mut self) {
        let fresh = self.buffer.get(self.valid..).unwrap_or_default();
        let Err(error) = std::str::from_utf8(fresh) else {
            self.valid = self.buffer.len();
            return;
        };
        if error.error_len().is_none() && !self.ended {
            self.valid += error.valid_up_to();
            return;
        }
        let fresh = self.buffer.split_off(self.valid);
        let mut rest = fresh.as_slice();
        while let Err(error) = std::str::from_utf8(rest) {
            let (good, bad) = rest.split_at(error.valid_up_to());
            self.buffer.extend_from_slice(good);
            rest = bad;
            let invalid = match error.error_len() {
                Some(length) => length,
                None if self.ended => bad.len(),
                None => break,
            };
            let (invalid, after) = bad.split_at(invalid);
            self.detected.stand_in(invalid, &mut self.buffer);
            self.replaced = true;
            rest = after;
        }
        // What is left is valid, or the start of a character.
        self.valid = self.buffer.len() + if std::str::from_utf8(rest).is_ok() { rest.len() } else { 0 };
        self.buffer.extend_from_slice(rest);
    }

    fn fill_decoded(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let room = (self.capacity - self.buffer.len()).div_ceil(3);
        self.ended = !take(&mut self.input, |bytes| {
            let count = bytes.len().min(room);
            let bytes = bytes.get(..count).unwrap_or_default();
            self.replaced |= decode(decoder, bytes, bytes.is_empty(), &mut self.buffer);
            count
        })?;
        self.valid = self.buffer.len();
        Ok(())
    }
}

/// Appends what the bytes mean; says whether some were replaced.
fn decode(decoder: &mut Decoder, mut bytes: &[u8], last: bool, buffer: &mut Vec<u8>) -> bool {
    let mut any_replaced = false;
    loop {
        let start = buffer.len();
        // At most three bytes of UTF-8 for each byte, and something the decoder holds back.
        buffer.resize(start + bytes.len() * 3 + 16, 0);
        let into = buffer.get_mut(start..).unwrap_or_default();
        let (result, read, written, replaced) = decoder.decode_to_utf8(bytes, into, last);
        buffer.truncate(start + written);
        any_replaced |= replaced;
        bytes = bytes.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return any_replaced;
        }
    }
}

/// Shows what the input has, and consumes as much of it as `used` says; gives false at the end.
fn take<R: BufRead>(input: &mut R, used: impl FnOnce(&[u8]) -> usize) -> io::Result<bool> {
    loop {
        match input.fill_buf() {
            Ok(bytes) => {
                let more = !bytes.is_empty();
                let count = used(bytes);
                input.consume(count);
                return Ok(more);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
