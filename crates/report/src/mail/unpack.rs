//! The only place with raw decompressors. Every byte that comes out of one is counted before anybody sees it.

mod counted;

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::MailError;
use super::budget::Budget;
use super::peek::{next_byte, read_through};

pub(super) use counted::{Counted, is_of_system};

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
            .map_err(|_| self.corrupt("its data is no deflate stream"))?;
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

/// Unpacked bytes held at once.
const BUFFER: usize = 32 * 1024;

/// Identification and the one compression method.
const GZIP_MAGIC: [u8; 3] = [0x1F, 0x8B, 8];
const HEADER_CHECKSUM: u8 = 0x02;
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write as _};

    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;
    use crate::mail::Limits;

    const TEXT: &[u8] = b"a report, a report, and nothing but a report";

    #[test]
    fn every_member_and_nothing_behind_the_last() {
        let (first, second) = TEXT.split_at(20);
        let whole = [gzip(first), gzip(b""), gzip(second)].concat();
        assert_eq!(unpack(&whole, Format::Gzip).expect("no error"), TEXT);
        for garbage in [&b"\r\n"[..], b"\0\0\0\0\0\0\0\0\0\0\0\0", b"\x1f", b"\x1f\x8b", b"text"] {
            assert_eq!(unpack(&[&whole, garbage].concat(), Format::Gzip).expect("no error"), TEXT);
        }
    }

    #[test]
    fn optional_header_fields_are_passed_over() {
        let mut packed = gzip(TEXT);
        packed[3] = EXTRA | NAME | COMMENT | HEADER_CHECKSUM;
        packed.splice(10..10, *b"\x03\x00abcname\0comment\0cc");
        assert_eq!(unpack(&packed, Format::Gzip).expect("no error"), TEXT);
    }

    #[test]
    fn damage_is_told() {
        let packed = gzip(TEXT);
        let data_end = packed.len() - 8;
        for cut in 0..data_end {
            assert_eq!(code(&packed[..cut], Format::Gzip), "corrupt_archive", "cut at {cut}");
        }
        // Behind the data only the checksum is lost.
        for cut in data_end..packed.len() {
            assert_eq!(unpack(&packed[..cut], Format::Gzip).expect("no error"), TEXT, "cut at {cut}");
        }
        let mut wrong = packed.clone();
        wrong[data_end] ^= 1;
        assert_eq!(code(&wrong, Format::Gzip), "corrupt_archive");
    }

    #[test]
    fn zlib_too() {
        let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(TEXT).expect("memory takes everything");
        let packed = encoder.finish().expect("memory takes everything");
        assert_eq!(unpack(&packed, Format::Zlib).expect("no error"), TEXT);
        assert_eq!(code(&packed[..packed.len() - 5], Format::Zlib), "corrupt_archive");
    }

    #[test]
    fn the_budget_is_enforced_while_reading() {
        let packed = gzip(&vec![b' '; 20 << 20]);
        let limits = Limits { unpacked_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(
            MailError::of(&unpack_within(&packed, Format::Gzip, &limits).expect_err("too much"))
                .map(MailError::code),
            Some("limit_unpacked_bytes")
        );
        assert_eq!(code(&packed, Format::Gzip), "limit_ratio");
        let limits = Limits { ratio: 2_000, ..Limits::default() };
        assert_eq!(unpack_within(&packed, Format::Gzip, &limits).expect("enough").len(), 20 << 20);
    }

    fn code(packed: &[u8], format: Format) -> &'static str {
        let error = unpack(packed, format).expect_err("damaged");
        MailError::of(&error).expect("an error of this room").code()
    }

    fn unpack(packed: &[u8], format: Format) -> io::Result<Vec<u8>> {
        unpack_within(packed, format, &Limits::default())
    }

    fn unpack_within(packed: &[u8], format: Format, limits: &Limits) -> io::Result<Vec<u8>> {
        let outcomes = [1, 7, 10_000].map(|size| {
            let mut input = BufReader::with_capacity(size, packed);
            let mut unpacked = Vec::new();
            Inflate::new(&mut input, format, &Budget::new(limits), true)
                .read_to_end(&mut unpacked)
                .map(|_| unpacked)
        });
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().ok() == outcomes[0].as_ref().ok()));
        outcomes.into_iter().next_back().expect("three of them")
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).expect("memory takes everything");
        encoder.finish().expect("memory takes everything")
    }
}
