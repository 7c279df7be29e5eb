use std::io::{self, BufRead};

use crate::failure::colon;
use crate::mail::MailError;

/// A header block and what was read beyond it to find its end.
pub(in crate::mail) struct Block {
    pub(in crate::mail) bytes: Vec<u8>,
    /// The beginning of the body.
    pub(in crate::mail) rest: Vec<u8>,
}

/// Where a header block stands, which decides what a line of nothing but blanks means.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::mail) enum Place {
    /// At the top of a message: a fold may have become such a line.
    Message,
    /// At the top of a MIME part: some Domino servers end the block with such a line.
    Part,
}

/// Reads a header block, with the blank line that ends it.
///
/// Tolerated: mbox `From ` lines, lines that are no header fields between those that are, a block that ends without a
/// blank line (at a boundary, at markup, at a long word as base64 has them).
///
/// # Errors
///
/// [`MailError::LimitHeaderBytes`] as soon as `limit` bytes were read without an end, unless `cut` asks for what
/// there is.
pub(in crate::mail) fn read_block(
    input: &mut dyn BufRead,
    place: Place,
    limit: u64,
    cut: bool,
) -> io::Result<Block> {
    let mut bytes = Vec::new();
    let limit_bytes = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut blank_before = false;
    loop {
        let start = bytes.len();
        if !read_line(input, &mut bytes, limit_bytes)? {
            if cut {
                bytes.truncate(start);
                return Ok(Block { bytes, rest: Vec::new() });
            }
            return Err(MailError::LimitHeaderBytes { limit }.into());
        }
        let line = &bytes[start..];
        let verdict = match Line::of(line) {
            // A blank line or two before the first field, as after a careless forward.
            Line::Empty if place == Place::Message && bytes.len() == line.len() && !line.is_empty() => {
                Verdict::Drop
            }
            Line::Empty => Verdict::End,
            Line::Field | Line::Mbox if blank_before && place == Place::Part => Verdict::Body,
            Line::Blank => {
                blank_before = true;
                bytes.truncate(start);
                continue;
            }
            Line::Field | Line::Continuation => Verdict::Keep,
            Line::Mbox => Verdict::Drop,
            Line::Stray if blank_before || ends_block(line) => Verdict::Body,
            Line::Stray => Verdict::Drop,
        };
        blank_before = false;
        match verdict {
            Verdict::Keep => {}
            Verdict::Drop => bytes.truncate(start),
            Verdict::End => return Ok(Block { bytes, rest: Vec::new() }),
            Verdict::Body => {
                let rest = bytes.split_off(start);
                return Ok(Block { bytes, rest });
            }
        }
    }
}

/// What a line is by itself.
enum Line {
    Blank,
    Continuation,
    Empty,
    Field,
    Mbox,
    Stray,
}

impl Line {
    fn of(line: &[u8]) -> Self {
        let Some(first) = line.iter().find(|byte| !matches!(byte, b'\r' | b'\n')) else { return Self::Empty };
        if line.trim_ascii().is_empty() {
            return Self::Blank;
        }
        if matches!(first, b' ' | b'\t') {
            return Self::Continuation;
        }
        if line.starts_with(b"From ") || line.starts_with(b">From ") {
            return Self::Mbox;
        }
        if colon(line).is_some() { Self::Field } else { Self::Stray }
    }
}

enum Verdict {
    Body,
    Drop,
    End,
    Keep,
}

/// Whether a line that is no field is more likely the body's first than a torn fold.
fn ends_block(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let one_word = !line.contains(&b' ') && !line.contains(&b'\t');
    one_word || line.starts_with(b"--") || matches!(line.first(), Some(b'<' | b'{'))
}

/// Appends a line with its break; false when `limit` bytes are in `bytes` and the line has not ended.
///
/// At the end of the input nothing is appended, which reads as the empty line at a block's end.
fn read_line(input: &mut dyn BufRead, bytes: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(true);
        }
        let room = limit.saturating_sub(bytes.len());
        let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
        let taken = end.unwrap_or(buffer.len()).min(room);
        bytes.extend_from_slice(&buffer[..taken]);
        input.consume(taken);
        if end == Some(taken) {
            return Ok(true);
        }
        if taken == room {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read as _};

    use super::*;

    #[test]
    fn a_block_ends_where_the_body_begins() {
        for (place, text, block, body) in [
            (Place::Message, "A: b\r\n\r\nbody", "A: b\r\n\r\n", "body"),
            (Place::Message, "A: b\n c\n\n\nbody", "A: b\n c\n\n", "\nbody"),
            (Place::Message, "\r\n\nA: b\r\n\r\nbody", "A: b\r\n\r\n", "body"),
            (Place::Part, "\r\nbody", "\r\n", "body"),
            (Place::Message, "From joe Sat\nA: b\n>From x\nC: d\n\nbody", "A: b\nC: d\n\n", "body"),
            (Place::Message, "A: b\ntorn off words\nC: d\n\nbody", "A: b\nC: d\n\n", "body"),
            (Place::Message, "A: b\n--boundary\nC: d\n", "A: b\n", "--boundary\nC: d\n"),
            (Place::Part, "A: b\nH4sIAAAAAAAA\n", "A: b\n", "H4sIAAAAAAAA\n"),
            (Place::Part, "<feedback>\n", "", "<feedback>\n"),
            (Place::Part, "A: b\n \nC: d\n", "A: b\n", "C: d\n"),
            (Place::Message, "A: b\n \nC: d\n\nbody", "A: b\nC: d\n\n", "body"),
            (Place::Message, "A: b\n \n folded\n\nbody", "A: b\n folded\n\n", "body"),
            (Place::Message, "A: b\n \n--b\n", "A: b\n", "--b\n"),
            (Place::Message, "A: b", "A: b", ""),
            (Place::Message, "", "", ""),
        ] {
            for size in [1, 3, 1_000] {
                let mut input = BufReader::with_capacity(size, text.as_bytes());
                let read = read_block(&mut input, place, 1_000, false).expect("within the limit");
                let mut rest = String::from_utf8(read.rest).expect("UTF-8");
                input.read_to_string(&mut rest).expect("UTF-8");
                assert_eq!(
                    (String::from_utf8(read.bytes).expect("UTF-8").as_str(), rest.as_str()),
                    (block, body),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn a_block_too_long_is_refused_or_cut() {
        let text = "A: b\r\nC: d\r\n\r\n";
        for limit in 0..text.len() as u64 {
            assert!(read_block(&mut text.as_bytes(), Place::Message, limit, false).is_err(), "{limit}");
            let cut = read_block(&mut text.as_bytes(), Place::Message, limit, true).expect("what fits");
            assert_eq!(
                cut.bytes,
                &text.as_bytes()[..[0, 6, 12][usize::from(limit >= 6) + usize::from(limit >= 12)]]
            );
        }
        assert!(read_block(&mut text.as_bytes(), Place::Message, text.len() as u64, false).is_ok());
    }
}
