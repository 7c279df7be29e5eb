//! S/MIME (RFC 8551): reading what a signed message carries.
//!
//! The signature is not looked at: provenance rests on DKIM, SPF and DMARC of the mail. Own code, since what is needed is
//! a few headers of BER (X.690) around a stream of bytes; the crates for CMS want the whole message in memory, and DER.

use std::io::{self, BufRead, Read};

use super::{
    MailError,
    arf::Arf,
    headers::{Mime, Place, read_block},
    peek::{Peeked, next_byte, read_through},
    walk::{Level, Walk},
};

/// The kinds of CMS content (RFC 5652) that mail has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cms {
    Compressed,
    Encrypted,
    Signed,
}

impl Cms {
    /// By the object identifier that a `ContentInfo` begins with.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let [SEQUENCE, length, rest @ ..] = head else { return None };
        let more = match length {
            0x81..=0x84 => usize::from(length & 0x7f),
            _ => 0,
        };
        let [OBJECT_ID, length, rest @ ..] = rest.get(more..)? else { return None };
        let id = rest.get(..usize::from(*length))?;
        Some(match id.strip_prefix(PKCS)? {
            [7, 2] => Self::Signed,
            [7, 3 | 6] => Self::Encrypted,
            // RFC 5083 and RFC 3274.
            [9, 16, 1, 23] => Self::Encrypted,
            [9, 16, 1, 9] => Self::Compressed,
            _ => return None,
        })
    }
}

impl Walk<'_> {
    /// Walks the entity that a signed message carries.
    pub(super) fn signed(&mut self, input: &mut dyn BufRead, at: Level) -> io::Result<()> {
        let at = Level { message: at.message + 1, ..at };
        if at.message > self.limits.message_depth {
            self.refuse(MailError::LimitMessageDepth { limit: self.limits.message_depth });
            return Ok(());
        }
        let depth = self.path.len();
        let outcome = self.signed_entity(input, at);
        self.path.truncate(depth);
        outcome.or_else(|error| self.own_fault(error))
    }

    fn signed_entity(&mut self, input: &mut dyn BufRead, at: Level) -> io::Result<()> {
        let mut content = Signed::open(input)?;
        let block = read_block(&mut content, Place::Part, self.limits.header_bytes, false)?;
        let mime = Mime::parse(&block.bytes);
        let mut body = Peeked::new(block.rest, &mut content);
        let mut arf = Arf::new(false);
        self.entity(&mime, &mut body, "", at, &mut arf)?;
        self.report_failure(&mut arf);
        Ok(())
    }
}

/// The content of a `SignedData`: an octet string in one piece, or in many as they are written by a stream.
struct Signed<'a> {
    input: &'a mut dyn BufRead,
    /// Bytes of the piece being read that are still to come.
    piece: u64,
    /// Bytes of the pieces behind it, with their headers.
    behind: Behind,
}

enum Behind {
    Bytes(u64),
    /// As many as come before the mark of the end.
    UntilMarked,
}

impl<'a> Signed<'a> {
    /// Goes to the content (RFC 5652 sections 3, 5.1 and 5.2).
    fn open(input: &'a mut dyn BufRead) -> io::Result<Self> {
        enter(input, SEQUENCE)?;
        skip(input, OBJECT_ID)?;
        enter(input, EXPLICIT)?;
        enter(input, SEQUENCE)?;
        skip(input, INTEGER)?;
        skip(input, SET)?;
        enter(input, SEQUENCE)?;
        skip(input, OBJECT_ID)?;
        enter(input, EXPLICIT)?;
        let (tag, length) = header(input)?;
        Ok(match (tag, length) {
            (OCTETS, Some(length)) => Self { input, piece: length, behind: Behind::Bytes(0) },
            (OCTETS_IN_PIECES, Some(length)) => Self { input, piece: 0, behind: Behind::Bytes(length) },
            (OCTETS_IN_PIECES, None) => Self { input, piece: 0, behind: Behind::UntilMarked },
            _ => return Err(corrupt("it has no content").into()),
        })
    }

    /// Goes to the next piece that is not empty, or to the end.
    fn advance(&mut self) -> io::Result<()> {
        while self.piece == 0 && !matches!(self.behind, Behind::Bytes(0)) {
            let (tag, length) = header(self.input)?;
            match (tag, length, &mut self.behind) {
                (END, Some(0), Behind::UntilMarked) => self.behind = Behind::Bytes(0),
                (OCTETS, Some(length), Behind::UntilMarked) => self.piece = length,
                (OCTETS, Some(length), Behind::Bytes(bytes)) => {
                    let taken = length.saturating_add(header_bytes(length));
                    *bytes = bytes.checked_sub(taken).ok_or_else(|| corrupt("its pieces are too long"))?;
                    self.piece = length;
                }
                _ => return Err(corrupt("its content is not in pieces of bytes").into()),
            }
        }
        Ok(())
    }
}

impl BufRead for Signed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.advance()?;
        if self.piece == 0 {
            return Ok(&[]);
        }
        let buffer = self.input.fill_buf()?;
        if buffer.is_empty() {
            return Err(corrupt("it ends in the middle").into());
        }
        let length = usize::try_from(self.piece).unwrap_or(usize::MAX).min(buffer.len());
        Ok(buffer.get(..length).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.piece -= (amount as u64).min(self.piece);
        self.input.consume(amount);
    }
}

impl Read for Signed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// Reads a tag and a length; `None` for one that is marked by its end.
fn header(input: &mut dyn BufRead) -> io::Result<(u8, Option<u64>)> {
    let tag = byte(input)?;
    let length = match byte(input)? {
        length @ ..0x80 => Some(u64::from(length)),
        0x80 => None,
        many @ 0x81..=0x88 => {
            let mut length = 0;
            for _ in 0..many & 0x7f {
                length = length << 8 | u64::from(byte(input)?);
            }
            Some(length)
        }
        _ => return Err(corrupt("a length is too long").into()),
    };
    Ok((tag, length))
}

/// How many bytes the header of a piece takes in DER. In BER a length may be written with more bytes than it needs;
/// encoders do not.
fn header_bytes(length: u64) -> u64 {
    let bits = u64::from(u64::BITS - length.leading_zeros());
    if length < 0x80 { 2 } else { 2 + bits.div_ceil(8) }
}

fn enter(input: &mut dyn BufRead, wanted: u8) -> io::Result<Option<u64>> {
    match header(input)? {
        (tag, length) if tag == wanted => Ok(length),
        _ => Err(corrupt("it is not a signed message").into()),
    }
}

fn skip(input: &mut dyn BufRead, wanted: u8) -> io::Result<()> {
    let Some(length) = enter(input, wanted)? else {
        return Err(corrupt("its head has no length").into());
    };
    let skipped = io::copy(&mut input.take(length), &mut io::sink())?;
    if skipped < length { Err(corrupt("it ends in the middle").into()) } else { Ok(()) }
}

fn byte(input: &mut dyn BufRead) -> io::Result<u8> {
    next_byte(input)?.ok_or_else(|| corrupt("it ends in the middle").into())
}

fn corrupt(reason: &str) -> MailError {
    MailError::CorruptArchive { format: "S/MIME", reason: reason.to_owned() }
}

/// 1.2.840.113549.1, of RSA Security.
const PKCS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1];

const END: u8 = 0x00;
const EXPLICIT: u8 = 0xa0;
const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATA: &[u8] = &[OBJECT_ID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    const SIGNED: &[u8] = &[OBJECT_ID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len() as u64;
        let mut bytes = vec![tag];
        if length < 0x80 {
            bytes.push(content.len() as u8);
        } else {
            let long = length.to_be_bytes();
            let long = &long[long.iter().position(|byte| *byte > 0).unwrap()..];
            bytes.push(0x80 | long.len() as u8);
            bytes.extend(long);
        }
        [bytes, content.to_vec()].concat()
    }

    fn marked(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[END, 0]].concat()
    }

    /// A message without signatures around an octet string; `wrap` makes the elements.
    fn message(octets: &[u8], wrap: fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
        let content = [DATA, &wrap(EXPLICIT, octets)].concat();
        let head = [element(INTEGER, &[1]), element(SET, &[])].concat();
        let signed = wrap(SEQUENCE, &[head, wrap(SEQUENCE, &content)].concat());
        wrap(SEQUENCE, &[SIGNED, &wrap(EXPLICIT, &signed)].concat())
    }

    fn read(mut message: &[u8]) -> Result<Vec<u8>, MailError> {
        let mut content = Vec::new();
        Signed::open(&mut message)?.read_to_end(&mut content)?;
        Ok(content)
    }

    proptest! {
        #[test]
        fn the_content_comes_out_however_it_is_written(
            content in proptest::collection::vec(any::<u8>(), 0..700),
            size in 1_usize..300,
        ) {
            let pieces: Vec<u8> = content.chunks(size).flat_map(|piece| element(OCTETS, piece)).collect();
            for octets in [
                element(OCTETS, &content),
                element(OCTETS_IN_PIECES, &pieces),
                marked(OCTETS_IN_PIECES, &pieces),
            ] {
                for message in [message(&octets, element), message(&octets, marked)] {
                    prop_assert_eq!(Cms::of(&message), Some(Cms::Signed));
                    prop_assert_eq!(read(&message).unwrap(), content.clone());
                }
            }
        }

        #[test]
        fn a_cut_is_never_whole(content in proptest::collection::vec(any::<u8>(), 1..300), at in 0.0..1.0_f64) {
            let whole = message(&marked(OCTETS_IN_PIECES, &element(OCTETS, &content)), element);
            // The marks at the end aside, which only close what is open.
            let at = ((whole.len() - 2) as f64 * at) as usize;
            prop_assert!(read(&whole[..at]).is_err());
        }

        #[test]
        fn any_bytes_may_come(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _kind = Cms::of(&bytes);
            let signed = [&message(&[], marked)[..40], &bytes].concat();
            drop(read(&signed));
            drop(read(&bytes));
        }
    }

    #[test]
    fn a_signature_alone_has_no_content() {
        let error = read(&message(&[], element)).unwrap_err();
        assert_eq!(error.code(), "corrupt_archive");
    }
}
