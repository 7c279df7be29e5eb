use std::io::{self, BufRead, Read};

use super::CHUNK;
use crate::mail::peek::read_through;

/// Decodes base64 as it comes: what is not in the alphabet is passed over, padding may be missing, and may be followed
/// by more (RFC 2045 section 6.8 asks for the first; the rest is seen in reports).
pub(in crate::mail) struct Base64<'a> {
    /// Bits of the sextets that do not make three bytes yet.
    bits: u32,
    decoded: Vec<u8>,
    input: &'a mut dyn BufRead,
    position: usize,
    sextets: u8,
}

impl<'a> Base64<'a> {
    pub(in crate::mail) fn new(input: &'a mut dyn BufRead) -> Self {
        Self { bits: 0, decoded: Vec::new(), input, position: 0, sextets: 0 }
    }

    /// Decodes what fits the buffer of the input's next bytes.
    fn decode(&mut self) -> io::Result<bool> {
        self.decoded.clear();
        self.position = 0;
        let buffer = self.input.fill_buf()?;
        if buffer.is_empty() {
            self.flush();
            return Ok(false);
        }
        let taken = buffer.len().min(CHUNK);
        let mut encoded = &buffer[..taken];
        self.decoded.reserve(taken / 4 * 3 + 3);
        while let Some((&first, rest)) = encoded.split_first() {
            if self.sextets == 0 {
                let line = memchr::memchr(b'\n', encoded).unwrap_or(encoded.len());
                let line = &encoded[..line];
                let left = decode_quads(line, &mut self.decoded).len();
                if left < line.len() {
                    encoded = &encoded[line.len() - left..];
                    continue;
                }
            }
            encoded = rest;
            match SEXTETS[usize::from(first)] {
                PADDING => flush(&mut self.bits, &mut self.sextets, &mut self.decoded),
                JUNK => {}
                sextet => {
                    self.bits = self.bits << 6 | u32::from(sextet);
                    self.sextets += 1;
                    if self.sextets == 4 {
                        self.decoded.extend_from_slice(&self.bits.to_be_bytes()[1..]);
                        self.bits = 0;
                        self.sextets = 0;
                    }
                }
            }
        }
        self.input.consume(taken);
        Ok(true)
    }

    fn flush(&mut self) {
        flush(&mut self.bits, &mut self.sextets, &mut self.decoded);
    }
}

impl BufRead for Base64<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.decoded.len() && self.decode()? {}
        Ok(&self.decoded[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl Read for Base64<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// Decodes whole groups of four until one has something else in it; returns the rest.
fn decode_quads<'a>(encoded: &'a [u8], decoded: &mut Vec<u8>) -> &'a [u8] {
    let start = decoded.len();
    decoded.resize(start + encoded.len() / 4 * 3, 0);
    let mut groups = 0;
    for (quad, bytes) in encoded.chunks_exact(4).zip(decoded[start..].chunks_exact_mut(3)) {
        let [a, b, c, d] = [quad[0], quad[1], quad[2], quad[3]].map(|byte| SEXTETS[usize::from(byte)]);
        if (a | b | c | d) & 0xC0 != 0 {
            break;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
        groups += 1;
    }
    decoded.truncate(start + groups * 3);
    &encoded[groups * 4..]
}

/// Ends a group that is not full: two sextets hold one byte, three hold two.
fn flush(bits: &mut u32, sextets: &mut u8, decoded: &mut Vec<u8>) {
    let whole = (*bits << (6 * (4 - u32::from(*sextets)))).to_be_bytes();
    decoded.extend_from_slice(&whole[1..][..usize::from(sextets.saturating_sub(1))]);
    *bits = 0;
    *sextets = 0;
}

/// The value of each byte in the base64 alphabet, [`PADDING`] or [`JUNK`].
const SEXTETS: [u8; 256] = {
    let mut table = [JUNK; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0;
    while value < alphabet.len() {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    // The URL-safe alphabet (RFC 4648 section 5) clashes with nothing that base64 in mail may hold.
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table[b'=' as usize] = PADDING;
    table
};
const JUNK: u8 = 0x80;
const PADDING: u8 = 0x40;
