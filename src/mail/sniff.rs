use super::transfer::{Base64, Encoding};
use super::{headers::Mime, peek::read_capped};
use crate::report::failure::{Fields, colon};

/// What the first bytes of a content say it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Base64 text of one of the others, in a part that does not say so.
    Base64,
    /// The fields of a feedback report (RFC 5965).
    Feedback,
    Gzip,
    Json,
    /// A message, headers first.
    Message,
    /// Text that begins with a MIME delimiter.
    Multipart,
    Nothing,
    /// The text of a failure report that has no feedback part.
    TextFailure,
    Tnef,
    /// A container that is told by name.
    Unsupported(&'static str),
    Xml(Root),
    Zip,
    Zlib,
}

/// The first element of an XML candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Root {
    Feedback,
    /// HTML, SVG and the like: never a report.
    Page,
    /// Another one, or none that can be made out.
    Unclear,
}

/// How many bytes [`Kind::of`] likes to see.
pub(super) const HEAD: usize = 1024;

impl Kind {
    pub(super) fn of(head: &[u8]) -> Self {
        if let Some(kind) = Self::by_magic(head) {
            return kind;
        }
        let text = ascii(head);
        let text = text.trim_ascii_start();
        match text.first() {
            None => Self::Nothing,
            Some(b'<') if plausible_markup(text) => Self::Xml(Root::of(text)),
            Some(b'{') if plausible_json(text) => Self::Json,
            Some(_) if is_base64_of_report(text) => Self::Base64,
            Some(_) => Self::of_text(text),
        }
    }

    fn by_magic(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0x1F, 0x8B, 0x08, ..] => Self::Gzip,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            // The marker of a split archive that was made in one piece after all.
            [b'P', b'K', b'0', b'0', b'P', b'K', 3, 4, ..] => Self::Zip,
            // An empty archive: there is nothing in it to tell of.
            [b'P', b'K', 5, 6, ..] => Self::Nothing,
            [0x78, 0x01 | 0x5E | 0x9C | 0xDA, third, ..] if !third.is_ascii_graphic() || head[1] >= 0x80 => {
                Self::Zlib
            }
            [0x78, 0x9F, 0x3E, 0x22, ..] => Self::Tnef,
            [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => Self::Unsupported(OUTLOOK),
            [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => Self::Unsupported("a 7z archive"),
            [b'R', b'a', b'r', b'!', 0x1A, 7, ..] => Self::Unsupported("a RAR archive"),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Self::Unsupported("an xz file"),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Self::Unsupported("a bzip2 file"),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Unsupported("a Zstandard file"),
            [0x1F, 0x9D | 0xA0, ..] => Self::Unsupported("a file of compress(1)"),
            _ => return None,
        })
    }

    fn of_text(text: &[u8]) -> Self {
        if is_feedback(text) {
            return Self::Feedback;
        }
        if looks_like_message(text) {
            return Self::Message;
        }
        if is_text_failure(text) {
            return Self::TextFailure;
        }
        if guess_boundary(text).is_some() { Self::Multipart } else { Self::Nothing }
    }
}

impl Root {
    fn of(text: &[u8]) -> Self {
        let mut rest = text;
        // Past the declaration, comments and the document type, to the first element.
        loop {
            rest = rest.trim_ascii_start();
            let end: &[u8] = match rest {
                [b'<', b'!', b'-', b'-', ..] => b"-->",
                [b'<', b'?', ..] => b"?>",
                [b'<', b'!', ..] => {
                    if contains_name(&rest[2..rest.len().min(80)], b"html") {
                        return Self::Page;
                    }
                    b">"
                }
                _ => break,
            };
            let Some(at) = memchr::memmem::find(rest, end) else { return Self::Unclear };
            rest = &rest[at + end.len()..];
        }
        let name = rest.strip_prefix(b"<").unwrap_or_default();
        let length = name.iter().position(|byte| !is_name(*byte)).unwrap_or(name.len());
        let local = name[..length].rsplit(|byte| *byte == b':').next().unwrap_or_default();
        if local.eq_ignore_ascii_case(b"feedback") {
            Self::Feedback
        } else if PAGES.iter().any(|page| local.eq_ignore_ascii_case(page)) {
            Self::Page
        } else {
            Self::Unclear
        }
    }
}

/// Whether an unsupported container is the one that Word and Excel files of old share.
pub(super) fn is_outlook(format: &str) -> bool {
    format == OUTLOOK
}

/// Which decoder a body needs, whatever its header fields say.
pub(super) fn encoding_of(head: &[u8], mime: &Mime) -> Encoding {
    if Kind::by_magic(head).is_some() {
        return Encoding::Identity;
    }
    let text = head.trim_ascii_start();
    let text = text.strip_prefix(UTF8_BOM).unwrap_or(text);
    let markup = matches!(text.first(), Some(b'<' | b'{'));
    match mime.encoding {
        // No base64 begins with these, and none has a colon in its first line.
        Encoding::Base64 if markup || is_feedback(text) || looks_like_message(text) => Encoding::Identity,
        Encoding::Identity if markup && has_escaped_attribute(text) => Encoding::QuotedPrintable,
        declared => declared,
    }
}

/// The boundary of a multipart that does not name it: the first line that begins with `--` and is followed by a MIME
/// header field.
pub(super) fn guess_boundary(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    while let Some(line_end) = memchr::memchr(b'\n', &text[at..]) {
        let line = text[at..at + line_end].trim_ascii_end();
        at += line_end + 1;
        if line.len() > 2 && line.len() <= MAX_BOUNDARY && line.starts_with(b"--") {
            let next = text[at..].get(..8).unwrap_or_default();
            if next.eq_ignore_ascii_case(b"content-") || next.eq_ignore_ascii_case(b"contentt") {
                return Some(&line[2..]);
            }
        }
    }
    None
}

/// Whether text begins as the header block of a message does: a field, and one of those that mail has among the first.
pub(super) fn looks_like_message(text: &[u8]) -> bool {
    let text = match text.strip_prefix(b"From ").or_else(|| text.strip_prefix(b">From ")) {
        Some(mbox) => memchr::memchr(b'\n', mbox).map_or(&b""[..], |end| &mbox[end + 1..]),
        None => text,
    };
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if colon(first).is_none() {
        return false;
    }
    let head = memchr::memmem::find(text, b"\n\n").or_else(|| memchr::memmem::find(text, b"\r\n\r\n"));
    Fields::new(&text[..head.unwrap_or(text.len())])
        .take(12)
        .any(|(name, _)| MAIL_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field)))
}

/// Whether text begins with the fields of a feedback report.
fn is_feedback(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    colon(first).is_some_and(|colon| {
        FEEDBACK_FIELDS.iter().any(|field| first[..colon].trim_ascii().eq_ignore_ascii_case(field))
    }) && Fields::new(text).any(|(name, _)| {
        name.eq_ignore_ascii_case(b"feedback-type") || name.eq_ignore_ascii_case(b"auth-failure")
    })
}

/// Exim's DMARC filter and those that took its text over (cPanel, Baruwa, antispamcloud) send no feedback part.
fn is_text_failure(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    [&b"sender domain:"[..], b"sender ip address:"]
        .iter()
        .all(|line| memchr::memmem::find(&lower, line).is_some())
}

/// `<` and then something that may be markup, not `<someone@example.org> wrote:`.
fn plausible_markup(text: &[u8]) -> bool {
    match text.get(1) {
        Some(b'?' | b'!') => true,
        Some(&first) if first.is_ascii_alphabetic() || first == b'_' => {
            let name = text[1..].iter().position(|byte| !is_name(*byte)).map_or(text.len(), |end| end + 1);
            !matches!(text.get(name), Some(byte) if !byte.is_ascii_whitespace() && !matches!(byte, b'>' | b'/'))
        }
        _ => false,
    }
}

/// `{` and then a key or the end.
fn plausible_json(text: &[u8]) -> bool {
    matches!(text[1..].trim_ascii_start().first(), None | Some(b'"' | b'}' | b'/'))
}

fn is_base64_of_report(text: &[u8]) -> bool {
    let line = text.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    if line.len() < 16 || !line.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)) {
        return false;
    }
    let mut encoded = &text[..text.len().min(256)];
    let Ok(decoded) = read_capped(&mut Base64::new(&mut encoded), 192) else { return false };
    match Kind::by_magic(&decoded) {
        Some(Kind::Gzip | Kind::Zip) => true,
        Some(_) => false,
        None => {
            let decoded = ascii(&decoded);
            let decoded = decoded.trim_ascii_start();
            decoded.starts_with(b"<?xml")
                || (decoded.first() == Some(&b'<')
                    && plausible_markup(decoded)
                    && Root::of(decoded) == Root::Feedback)
                || (decoded.first() == Some(&b'{') && plausible_json(decoded))
        }
    }
}

/// `<a b=3D"…">`: quoted-printable that is not declared.
fn has_escaped_attribute(text: &[u8]) -> bool {
    let tag = &text[..memchr::memchr(b'>', text).unwrap_or(text.len())];
    memchr::memmem::find(tag, b"=3D\"").or_else(|| memchr::memmem::find(tag, b"=3D'")).is_some()
}

/// Text as far as it is ASCII: without a byte order mark, UTF-16 in one byte a character.
fn ascii(head: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let (skip, wide) = match head {
        [0xEF, 0xBB, 0xBF, ..] => (3, None),
        [0xFF, 0xFE, ..] => (2, Some(0)),
        [0xFE, 0xFF, ..] => (2, Some(1)),
        [b'<' | b'{', 0, ..] => (0, Some(0)),
        [0, b'<' | b'{', ..] => (0, Some(1)),
        _ => (0, None),
    };
    match wide {
        None => head[skip..].into(),
        Some(low) => head[skip..].iter().skip(low).step_by(2).copied().collect(),
    }
}

fn contains_name(text: &[u8], name: &[u8]) -> bool {
    text.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.') || byte >= 0x80
}

const FEEDBACK_FIELDS: [&[u8]; 18] = [
    b"arrival-date",
    b"auth-failure",
    b"authentication-results",
    b"delivery-result",
    b"dkim-domain",
    b"dkim-identity",
    b"dkim-selector",
    b"feedback-type",
    b"identity-alignment",
    b"incidents",
    b"original-envelope-id",
    b"original-mail-from",
    b"original-rcpt-to",
    b"reported-domain",
    b"reporting-mta",
    b"source-ip",
    b"user-agent",
    b"version",
];
const MAIL_FIELDS: [&[u8]; 16] = [
    b"arc-seal",
    b"authentication-results",
    b"content-type",
    b"contenttype",
    b"date",
    b"delivered-to",
    b"dkim-signature",
    b"from",
    b"message-id",
    b"mime-version",
    b"received",
    b"return-path",
    b"subject",
    b"to",
    b"x-mailer",
    b"x-received",
];
const PAGES: [&[u8]; 24] = [
    b"a",
    b"b",
    b"base",
    b"blockquote",
    b"body",
    b"br",
    b"center",
    b"div",
    b"font",
    b"h1",
    b"h2",
    b"h3",
    b"head",
    b"html",
    b"img",
    b"link",
    b"meta",
    b"p",
    b"pre",
    b"span",
    b"style",
    b"svg",
    b"table",
    b"title",
];
const OUTLOOK: &str = "an Outlook message file (.msg)";
/// RFC 2046 allows 70; generous because those that forget the parameter count badly too.
const MAX_BOUNDARY: usize = 200;
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";
