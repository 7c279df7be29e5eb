use std::io::{self, BufRead};

use mail_parser::{ContentType, HeaderName, HeaderValue, MessageParser, MimeHeaders};

use super::{MailError, transfer::Encoding};
use crate::report::failure::{Fields, colon};

/// A header block and what was read beyond it to find its end.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// The beginning of the body.
    pub(super) rest: Vec<u8>,
}

/// Where a header block stands, which decides what a line of nothing but blanks means.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
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
pub(super) fn read_block(input: &mut dyn BufRead, place: Place, limit: u64, cut: bool) -> io::Result<Block> {
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

/// What the header fields say about a body.
#[derive(Debug, Default)]
pub(super) struct Mime {
    /// `Content-Disposition: attachment`.
    pub(super) attachment: bool,
    pub(super) boundary: Option<String>,
    pub(super) encoding: Encoding,
    /// Lower case; empty when there is no usable content type.
    pub(super) kind: String,
    pub(super) name: Option<String>,
    /// `report-type` of a multipart/report, lower case.
    pub(super) report_type: Option<String>,
    /// Lower case.
    pub(super) subtype: String,
}

impl Mime {
    /// Reads the `Content-…` fields of a block. Of several of a kind the first counts, but a multipart with a boundary
    /// counts more.
    pub(super) fn parse(block: &[u8]) -> Self {
        let mut mime = Self::default();
        let mut wanted = Vec::new();
        for (name, value) in Fields::new(block) {
            if let Some(known) = known_field(name) {
                wanted.extend_from_slice(known);
                wanted.extend_from_slice(b": ");
                wanted.extend_from_slice(&value[..value.len().min(MAX_VALUE)]);
                if !wanted.ends_with(b"\n") {
                    wanted.push(b'\n');
                }
            }
        }
        if wanted.is_empty() {
            return mime;
        }
        wanted.push(b'\n');
        let Some(headers) = MessageParser::new().parse_headers(&wanted) else { return mime };
        for header in headers.headers() {
            match (&header.name, &header.value) {
                (HeaderName::ContentType, HeaderValue::ContentType(value)) => mime.take_type(value),
                (HeaderName::ContentTransferEncoding, HeaderValue::Text(value))
                    if mime.encoding == Encoding::Identity =>
                {
                    mime.encoding = Encoding::named(value);
                }
                _ => {}
            }
        }
        if let Some(disposition) = headers.content_disposition() {
            mime.attachment = disposition.c_type.eq_ignore_ascii_case("attachment");
            mime.take_name(disposition.attribute("filename"));
        }
        mime
    }

    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    fn take_type(&mut self, value: &ContentType<'_>) {
        let boundary = value.attribute("boundary").filter(|boundary| !boundary.trim().is_empty());
        let multipart = value.c_type.eq_ignore_ascii_case("multipart");
        if self.kind.is_empty() || (multipart && boundary.is_some() && self.boundary.is_none()) {
            self.kind = value.c_type.trim().to_ascii_lowercase();
            self.subtype = value.c_subtype.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
            self.report_type = value.attribute("report-type").map(|kind| kind.trim().to_ascii_lowercase());
            self.boundary = boundary.map(str::to_owned);
        }
        self.take_name(value.attribute("name").or_else(|| value.attribute("filename")));
    }

    fn take_name(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        if !name.trim().is_empty() {
            self.name = Some(name.trim().to_owned());
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

/// The right spelling of the fields that matter: `ContentType:` (Trustwave) and `Content_Type:` are seen.
fn known_field(name: &[u8]) -> Option<&'static [u8]> {
    if name.len() < 8 || !name[..7].eq_ignore_ascii_case(b"content") {
        return None;
    }
    let plain: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    match plain.as_slice() {
        b"contenttype" => Some(b"Content-Type"),
        b"contentdisposition" => Some(b"Content-Disposition"),
        b"contenttransferencoding" | b"contentencoding" => Some(b"Content-Transfer-Encoding"),
        _ => None,
    }
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

/// Characters of a name that are kept; file systems allow 255 bytes.
const MAX_NAME: usize = 255;

/// Bytes of a `Content-…` value that are parsed: `mail-parser` joins RFC 2231 sections in quadratic time.
const MAX_VALUE: usize = 8 * 1024;
