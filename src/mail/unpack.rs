//! The only place with raw decompressors. Every byte that comes out of one is counted before anybody sees it.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::MailError;
use super::budget::Budget;
use super::peek::{next_byte, read_through};

/// A gzip (RFC 1952) or zlib (RFC 1950) stream being unpacked.
///
/// A gzip file may have several members; what follows the last one is ignored (Mimecast appends two bytes), and so is
/// a checksum that was cut off behind data that is complete.
pub(super) struct Inflate<'a> {
    budget: &'a Budget,
    checksum: crc32fast::Hasher,
    format: Format,
    inflate: Decompress,
    input: &'a mut dyn BufRead,
    /// Whether the input comes straight from the message, so that its bytes are the packed ones.
    outermost: bool,
    position: usize,
    state: State,
    unpacked: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Format {
    Gzip,
    Zlib,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Body,
    End,
    FirstHeader,
    NextHeader,
    Trailer,
}

impl<'a> Inflate<'a> {
    pub(super) fn new(
        input: &'a mut dyn BufRead,
        format: Format,
        budget: &'a Budget,
        outermost: bool,
    ) -> Self {
        Self {
            budget,
            checksum: crc32fast::Hasher::new(),
            format,
            inflate: Decompress::new(format == Format::Zlib),
            input,
            outermost,
            position: 0,
            state: if format == Format::Gzip { State::FirstHeader } else { State::Body },
            unpacked: Vec::with_capacity(BUFFER),
        }
    }

    /// Unpacks a buffer full, or takes one step through headers and trailers.
    fn step(&mut self) -> Result<(), MailError> {
        self.unpacked.clear();
        self.position = 0;
        match self.state {
            State::Body => return self.unpack(),
            State::End => {}
            State::FirstHeader => {
                if !self.header()? {
                    return Err(self.corrupt("its header is cut or wrong"));
                }
                self.state = State::Body;
            }
            State::NextHeader => {
                if self.header()? {
                    self.inflate.reset(false);
                    self.checksum = crc32fast::Hasher::new();
                    self.state = State::Body;
                } else {
                    self.state = State::End;
                }
            }
            State::Trailer => self.trailer()?,
        }
        Ok(())
    }

    fn unpack(&mut self) -> Result<(), MailError> {
        let packed = self.input.fill_buf()?;
        let at_end = packed.is_empty();
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress_vec(packed, &mut self.unpacked, FlushDecompress::None)
            .map_err(|error| self.corrupt(&error.to_string()))?;
        let taken = self.inflate.total_in() - before_in;
        let given = self.inflate.total_out() - before_out;
        self.input.consume(taken as usize);
        if self.outermost {
            self.budget.packed(taken);
        }
        self.budget.unpacked(given)?;
        if self.format == Format::Gzip {
            self.checksum.update(&self.unpacked);
        }
        match status {
            Status::StreamEnd if self.format == Format::Gzip => self.state = State::Trailer,
            Status::StreamEnd => self.state = State::End,
            _ if at_end && given == 0 => return Err(self.corrupt("it ends in the middle")),
            _ if taken == 0 && given == 0 && !at_end => return Err(self.corrupt("it makes no progress")),
            _ => {}
        }
        Ok(())
    }

    /// Reads a member's header; false when there is none (RFC 1952 section 2.3).
    fn header(&mut self) -> io::Result<bool> {
        let mut fixed = [0; 10];
        for (at, byte) in fixed.iter_mut().enumerate() {
            let Some(next) = next_byte(self.input)? else { return Ok(false) };
            if GZIP_MAGIC.get(at).is_some_and(|magic| *magic != next) {
                return Ok(false);
            }
            *byte = next;
        }
        let flags = fixed[3];
        if flags & EXTRA != 0 {
            let (Some(low), Some(high)) = (next_byte(self.input)?, next_byte(self.input)?) else {
                return Ok(false);
            };
            for _ in 0..u16::from_le_bytes([low, high]) {
                next_byte(self.input)?;
            }
        }
        for flag in [NAME, COMMENT] {
            if flags & flag != 0 {
                while next_byte(self.input)?.is_some_and(|byte| byte != 0) {}
            }
        }
        if flags & HEADER_CHECKSUM != 0 {
            next_byte(self.input)?;
            next_byte(self.input)?;
        }
        Ok(true)
    }

    fn trailer(&mut self) -> Result<(), MailError> {
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            let Some(next) = next_byte(self.input)? else {
                self.state = State::End;
                return Ok(());
            };
            *byte = next;
        }
        self.state = State::NextHeader;
        let [a, b, c, d, ..] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.checksum.clone().finalize() {
            return Err(self.corrupt("its checksum is wrong"));
        }
        Ok(())
    }

    fn corrupt(&self, reason: &str) -> MailError {
        let format = if self.format == Format::Gzip { "gzip" } else { "zlib" };
        MailError::CorruptArchive { format, reason: reason.to_owned() }
    }
}

impl BufRead for Inflate<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.unpacked.len() && self.state != State::End {
            self.step()?;
        }
        Ok(&self.unpacked[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl Read for Inflate<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// What a foreign unpacker gives, counted and buffered.
pub(super) struct Counted<'a, R> {
    budget: &'a Budget,
    format: &'static str,
    position: usize,
    reader: R,
    unpacked: Vec<u8>,
}

impl<'a, R: Read> Counted<'a, R> {
    pub(super) fn new(reader: R, format: &'static str, budget: &'a Budget) -> Self {
        Self { budget, format, position: 0, reader, unpacked: Vec::new() }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.position = 0;
        self.unpacked.resize(BUFFER, 0);
        let outcome = loop {
            match self.reader.read(&mut self.unpacked) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let length = outcome.as_ref().map_or(0, |length| *length);
        self.unpacked.truncate(length);
        outcome.map_err(|error| self.explain(error))?;
        self.budget.unpacked(length as u64)?;
        Ok(())
    }

    /// Bad data is the archive's fault; anything else is the disk's.
    fn explain(&self, error: io::Error) -> io::Error {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        if MailError::of(&error).is_none()
            && matches!(error.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
        {
            return MailError::CorruptArchive { format: self.format, reason: error.to_string() }.into();
        }
        error
    }
}

impl<R: Read> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.unpacked.len() {
            self.refill()?;
        }
        Ok(&self.unpacked[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// Unpacked bytes held at once.
const BUFFER: usize = 32 * 1024;

/// Identification and the one compression method.
const GZIP_MAGIC: [u8; 3] = [0x1F, 0x8B, 8];
const HEADER_CHECKSUM: u8 = 0x02;
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;
