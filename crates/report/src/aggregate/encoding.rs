//! Which encoding a document is in.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How bytes become UTF-8.
#[derive(Debug, PartialEq)]
pub(super) struct Detected {
    /// The encoding.
    pub(super) encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub(super) mark: usize,
    /// What an invalid byte in UTF-8 is: replaced when the document says it is UTF-8, read as windows-1252
    /// when it says nothing.
    pub(super) invalid_is_western: bool,
    /// What is wrong with the declaration.
    pub(super) warning: Option<&'static str>,
}

impl Detected {
    /// Decides by byte order mark, then by the zero bytes UTF-16 has, then by the declaration.
    ///
    /// `head` is the start of the document: at least as far as [`enough`] wants, or all of it.
    pub(super) fn new(head: &[u8]) -> Self {
        let found = |encoding, mark, warning| Self { encoding, mark, invalid_is_western: false, warning };
        if let Some((encoding, mark)) = Encoding::for_bom(head) {
            return found(encoding, mark, None);
        }
        match head {
            [0, 1..=255, 0, 1..=255, ..] => return found(UTF_16BE, 0, None),
            [1..=255, 0, 1..=255, 0, ..] => return found(UTF_16LE, 0, None),
            _ => {}
        }
        let Some(label) = declared(head) else {
            return Self { invalid_is_western: true, ..found(UTF_8, 0, None) };
        };
        match Encoding::for_label(label) {
            // What could be read as ASCII is not UTF-16, whatever it says (.NET's StringWriter says so).
            Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
                Self { invalid_is_western: true, ..found(UTF_8, 0, Some("encoding_mismatch")) }
            }
            Some(encoding) if encoding != REPLACEMENT => found(encoding, 0, None),
            _ => Self { invalid_is_western: true, ..found(UTF_8, 0, Some("encoding_unknown")) },
        }
    }

    /// What stands for a byte that is not UTF-8.
    pub(super) fn stand_in(&self, invalid: &[u8], into: &mut Vec<u8>) {
        if self.invalid_is_western {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(invalid);
            into.extend_from_slice(text.as_bytes());
        } else {
            into.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Whether the head of a document is long enough to decide.
pub(super) fn enough(head: &[u8]) -> bool {
    match memchr::memchr(b'<', head) {
        _ if head.len() >= HEAD => true,
        Some(at) => memchr::memchr(b'>', head.get(at..).unwrap_or_default()).is_some(),
        None => false,
    }
}

/// The XML declaration with what stands before it. A broken one ends at its first ">" all the same.
pub(super) fn declaration(head: &[u8]) -> Option<(&[u8], &[u8])> {
    let (junk, rest) = head.split_at(memchr::memchr(b'<', head)?);
    // "<?xml-stylesheet" is another thing.
    let is_one = rest.get(..5)?.eq_ignore_ascii_case(b"<?xml") && rest.get(5) != Some(&b'-');
    let end = memchr::memchr(b'>', rest)?;
    is_one.then(|| (junk, rest.get(..=end).unwrap_or_default()))
}

/// The encoding the XML declaration names, whatever stands before it.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let (_, declaration) = declaration(head)?;
    let at = declaration.windows(8).position(|word| word.eq_ignore_ascii_case(b"encoding"))?;
    let value = declaration.get(at + 8..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quotes, value) = match value {
        [quote @ (b'"' | b'\''), value @ ..] => (Some(*quote), value),
        _ => (None, value),
    };
    let ends = |byte: &u8| {
        Some(*byte) == quotes || (quotes.is_none() && (byte.is_ascii_whitespace() || b"?>".contains(byte)))
    };
    let label = value.split(ends).next()?.trim_ascii();
    (!label.is_empty()).then_some(label)
}

/// How much of a document is looked at before deciding without having seen a tag.
const HEAD: usize = 1024;

#[cfg(test)]
mod tests {
    use encoding_rs::{ISO_8859_2, WINDOWS_1252};

    use super::*;

    #[test]
    fn declarations() {
        let encoding = |head: &str| Detected::new(head.as_bytes()).encoding;
        assert_eq!(encoding("<?xml version='1.0' encoding='ISO-8859-1'?><a>"), WINDOWS_1252);
        assert_eq!(encoding("<?xml version=\"1.0\" ENCODING = \" iso-8859-2 \" ?><a>"), ISO_8859_2);
        assert_eq!(encoding(" junk <?xml encoding=latin1?><a>"), WINDOWS_1252);
        assert_eq!(encoding("<?xml version=\"1.0\" encoding=\"us-ascii\">"), WINDOWS_1252);
        assert_eq!(encoding("<?xml version=\"1.0\"?><a encoding='latin1'>"), UTF_8);
        assert_eq!(encoding("<a><?xml encoding='latin1'?>"), UTF_8);
    }

    #[test]
    fn what_a_declaration_cannot_be() {
        let warning = |head: &str| Detected::new(head.as_bytes()).warning;
        assert_eq!(warning("<?xml version='1.0' encoding='utf-16'?>"), Some("encoding_mismatch"));
        assert_eq!(warning("<?xml version='1.0' encoding='klingon'?>"), Some("encoding_unknown"));
        assert_eq!(warning("<?xml version='1.0' encoding='UTF-8'?>"), None);
    }

    #[test]
    fn marks_and_zeros() {
        let found = |head: &[u8]| (Detected::new(head).encoding, Detected::new(head).mark);
        assert_eq!(found(b"\xef\xbb\xbf<?xml encoding='latin1'?>"), (UTF_8, 3));
        assert_eq!(found(b"\xff\xfe<\0"), (UTF_16LE, 2));
        assert_eq!(found(b"\xfe\xff\0<"), (UTF_16BE, 2));
        assert_eq!(found(b"<\0?\0x\0"), (UTF_16LE, 0));
        assert_eq!(found(b"\0<\0f"), (UTF_16BE, 0));
        assert_eq!(found(b"\0<feedback>"), (UTF_8, 0));
        assert_eq!(found(b"\0\0<feedback>"), (UTF_8, 0));
    }
}
