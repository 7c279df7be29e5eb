use std::io::{self, BufRead, Read};

use super::peek::read_through;

/// A content transfer encoding (RFC 2045 section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Encoding {
    Base64,
    /// 7bit, 8bit, binary, none, or an unknown one.
    #[default]
    Identity,
    QuotedPrintable,
}

impl Encoding {
    /// By its name in a header field, in any spelling seen so far.
    pub(super) fn named(name: &str) -> Self {
        let plain: Vec<u8> =
            name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect();
        match plain.as_slice() {
            name if name.starts_with(b"base64") => Self::Base64,
            name if name.starts_with(b"quotedprint") => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }
}

/// Decodes base64 as it comes: what is not in the alphabet is passed over, padding may be missing, and may be followed
/// by more (RFC 2045 section 6.8 asks for the first; the rest is seen in reports).
pub(super) struct Base64<'a> {
    /// Bits of the sextets that do not make three bytes yet.
    bits: u32,
    decoded: Vec<u8>,
    input: &'a mut dyn BufRead,
    position: usize,
    sextets: u8,
}

impl<'a> Base64<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
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
                encoded = decode_quads(encoded, &mut self.decoded);
                if encoded.len() <= rest.len() {
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
    let mut rest = encoded;
    while let Some((quad, after)) = rest.split_first_chunk::<4>() {
        let [a, b, c, d] = quad.map(|byte| SEXTETS[usize::from(byte)]);
        if (a | b | c | d) & 0xC0 != 0 {
            break;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        decoded.extend_from_slice(&bits.to_be_bytes()[1..]);
        rest = after;
    }
    rest
}

/// Ends a group that is not full: two sextets hold one byte, three hold two.
fn flush(bits: &mut u32, sextets: &mut u8, decoded: &mut Vec<u8>) {
    let whole = (*bits << (6 * (4 - u32::from(*sextets)))).to_be_bytes();
    decoded.extend_from_slice(&whole[1..][..usize::from(sextets.saturating_sub(1))]);
    *bits = 0;
    *sextets = 0;
}

/// Decodes quoted-printable; `=` that begins neither an escape nor a soft line break stays as it is.
pub(super) struct QuotedPrintable<'a> {
    decoded: Vec<u8>,
    input: &'a mut dyn BufRead,
    /// An `=` and what followed it, not yet understood.
    pending: Vec<u8>,
    position: usize,
}

impl<'a> QuotedPrintable<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
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
            match (self.pending.as_slice(), byte) {
                // A soft line break, perhaps with blanks that a relay added.
                ([b'='] | [b'=', b' ' | b'\t' | b'\r', ..], b'\n') => {
                    self.pending.clear();
                    encoded = &encoded[1..];
                }
                ([b'='], b' ' | b'\t' | b'\r') | ([b'=', b' ' | b'\t', ..], b' ' | b'\t' | b'\r')
                    if self.pending.len() < MAX_PENDING =>
                {
                    self.pending.push(byte);
                    encoded = &encoded[1..];
                }
                ([b'='], byte) if byte.is_ascii_hexdigit() => {
                    self.pending.push(byte);
                    encoded = &encoded[1..];
                }
                ([b'=', high], low) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    self.decoded.push(nibble(*high) << 4 | nibble(low));
                    self.pending.clear();
                    encoded = &encoded[1..];
                }
                _ => self.decoded.append(&mut self.pending),
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

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a' - 10),
    }
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

/// Encoded bytes decoded at once.
const CHUNK: usize = 16 * 1024;

/// Blanks between `=` and the line break.
const MAX_PENDING: usize = 128;
