use std::io::{self, BufRead, Read};

use super::CHUNK;
use crate::mail::peek::read_through;

/// Decodes quoted-printable; `=` that begins neither an escape nor a soft line break stays as it is.
pub(in crate::mail) struct QuotedPrintable<'a> {
    decoded: Vec<u8>,
    input: &'a mut dyn BufRead,
    /// An `=` and what followed it, not yet understood.
    pending: Vec<u8>,
    position: usize,
}

impl<'a> QuotedPrintable<'a> {
    pub(in crate::mail) fn new(input: &'a mut dyn BufRead) -> Self {
        Self { decoded: Vec::new(), input, pending: Vec::new(), position: 0 }
    }

    fn decode(&mut self) -> io::Result<bool> {
        self.decoded.clear();
        self.position = 0;
        let buffer = self.input.fill_buf()?;
        if buffer.is_empty() {
            self.decoded.append(&mut self.pending);
            return Ok(false);
        }
        let taken = buffer.len().min(CHUNK);
        let mut encoded = &buffer[..taken];
        while let Some(&byte) = encoded.first() {
            let again = encoded;
            if self.pending.is_empty() {
                let plain = memchr::memchr(b'=', encoded).unwrap_or(encoded.len());
                self.decoded.extend_from_slice(&encoded[..plain]);
                encoded = &encoded[plain..];
                if let Some((&equals, rest)) = encoded.split_first() {
                    self.pending.push(equals);
                    encoded = rest;
                }
                continue;
            }
            encoded = &encoded[1..];
            let blanks = self.pending[1..].iter().copied().all(is_blank);
            match (self.pending.as_slice(), byte) {
                // A soft line break, perhaps with blanks that a relay added.
                (_, b'\n') if blanks => self.pending.clear(),
                (_, byte) if blanks && is_blank(byte) && self.pending.len() < MAX_PENDING => {
                    self.pending.push(byte)
                }
                ([_], byte) if byte.is_ascii_hexdigit() => self.pending.push(byte),
                ([_, high], low) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    self.decoded.push(nibble(*high) << 4 | nibble(low));
                    self.pending.clear();
                }
                _ => {
                    self.decoded.append(&mut self.pending);
                    encoded = again;
                }
            }
        }
        self.input.consume(taken);
        Ok(true)
    }
}

impl BufRead for QuotedPrintable<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.decoded.len() && self.decode()? {}
        Ok(&self.decoded[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl Read for QuotedPrintable<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a' - 10),
    }
}

/// Blanks between `=` and the line break.
const MAX_PENDING: usize = 128;
