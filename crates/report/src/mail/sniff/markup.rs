use std::borrow::Cow;

/// The first element of an XML candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::mail) enum Root {
    /// Another one, or none that can be made out, behind an XML declaration.
    Declared,
    Feedback,
    /// HTML, SVG and the like: never a report.
    Page,
    /// As [`Self::Declared`], without a declaration.
    Unclear,
}

impl Root {
    pub(super) fn of(text: &[u8]) -> Self {
        let unclear = if text.starts_with(b"<?xml") { Self::Declared } else { Self::Unclear };
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
            let Some(at) = memchr::memmem::find(rest, end) else { return unclear };
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
            unclear
        }
    }
}

/// `<` and then something that may be markup, not `<someone@example.org> wrote:`.
pub(super) fn plausible_markup(text: &[u8]) -> bool {
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
pub(super) fn plausible_json(text: &[u8]) -> bool {
    matches!(text[1..].trim_ascii_start().first(), None | Some(b'"' | b'}' | b'/'))
}

/// `<a b=3D"…">`: quoted-printable that is not declared.
pub(super) fn has_escaped_attribute(text: &[u8]) -> bool {
    let tag = &text[..memchr::memchr(b'>', text).unwrap_or(text.len())];
    memchr::memmem::find(tag, b"=3D\"").or_else(|| memchr::memmem::find(tag, b"=3D'")).is_some()
}

/// Text as far as it is ASCII: without a byte order mark, UTF-16 in one byte a character.
pub(super) fn ascii(head: &[u8]) -> Cow<'_, [u8]> {
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
