//! What a content is, told from its first bytes.

mod markup;

use super::transfer::{Base64, Encoding};
use super::{headers::Mime, peek::read_capped, smime::Cms};
use crate::failure::{Fields, colon};

use markup::{ascii, has_escaped_attribute, plausible_json, plausible_markup};

pub(super) use markup::Root;

/// What the first bytes of a content say it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Base64 text of one of the others, in a part that does not say so.
    Base64,
    /// What cannot be read without a key, and how it is encrypted.
    Encrypted(&'static str),
    /// The fields of a feedback report (RFC 5965).
    Feedback,
    Gzip,
    Json,
    /// A message, headers first.
    Message,
    /// Text that begins with a MIME delimiter.
    Multipart,
    Nothing,
    /// A message inside of its signature (S/MIME).
    Signed,
    /// The text of a failure report that has no feedback part.
    TextFailure,
    Tnef,
    /// A container that is told by name.
    Unsupported(&'static str),
    Xml(Root),
    Zip,
    Zlib,
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
            Some(_) if is_openpgp(head) => Self::Encrypted(OPENPGP),
            Some(_) => Self::of_text(text),
        }
    }

    /// Whether a content that is declared to be a message may be one.
    pub(super) fn may_be_message(head: &[u8]) -> bool {
        Self::by_magic(head).is_none() && !matches!(Self::of(head), Self::Xml(_) | Self::Json)
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
            [0x04, 0x22, 0x4D, 0x18, ..] => Self::Unsupported("an LZ4 file"),
            [b'L', b'Z', b'I', b'P', 1, ..] => Self::Unsupported("an lzip file"),
            [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => Self::Unsupported("a cabinet file"),
            [0x30, ..] => match Cms::of(head)? {
                Cms::Signed => Self::Signed,
                Cms::Encrypted => Self::Encrypted("S/MIME"),
                Cms::Compressed => Self::Unsupported("an S/MIME message that is compressed"),
            },
            _ if is_tar(head) => Self::Unsupported("a tar archive"),
            _ => return None,
        })
    }

    fn of_text(text: &[u8]) -> Self {
        if text.starts_with(b"-----BEGIN PGP MESSAGE-----") {
            return Self::Encrypted(OPENPGP);
        }
        if is_feedback(text) {
            return Self::Feedback;
        }
        if looks_like_message(text) {
            return Self::Message;
        }
        if is_text_failure(text) {
            return Self::TextFailure;
        }
        if guess_boundary(text).is_some() {
            return Self::Multipart;
        }
        encoded_in_text(text).map_or(Self::Nothing, Self::Unsupported)
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
fn looks_like_message(text: &[u8]) -> bool {
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

/// Whether text begins with a long word of base64.
pub(super) fn is_base64(text: &[u8]) -> bool {
    let word = text.trim_ascii_start().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    word.len() >= 16 && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
}

fn is_base64_of_report(text: &[u8]) -> bool {
    if !is_base64(text) {
        return false;
    }
    let mut encoded = &text[..text.len().min(256)];
    let Ok(decoded) = read_capped(&mut Base64::new(&mut encoded), 192) else { return false };
    match Kind::by_magic(&decoded) {
        Some(Kind::Gzip | Kind::Zip | Kind::Signed | Kind::Encrypted(_)) => true,
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

/// Whether an OpenPGP message begins here in binary: with a session key that is encrypted, in a packet of the
/// old or the new form (RFC 9580 sections 4.2 and 5.1).
fn is_openpgp(head: &[u8]) -> bool {
    matches!(
        head,
        [0x84, _, 3 | 6, ..]
            | [0x85, _, _, 3 | 6, ..]
            | [0xC1, ..192, 3 | 6, ..]
            | [0xC1, 192..224, _, 3 | 6, ..]
    )
}

/// Whether an archive of tar begins here: its first block has a mark, or, in the form before POSIX, a right checksum.
fn is_tar(head: &[u8]) -> bool {
    has_ustar_mark(head) || has_tar_checksum(head)
}

/// POSIX writes `ustar` and a NUL behind the old fields, GNU a blank. What writes the mark may still write a wrong checksum.
fn has_ustar_mark(head: &[u8]) -> bool {
    let Some((old_fields, rest)) = head.split_at_checked(257) else { return false };
    // NULs fill the fields up, and text has none.
    (rest.starts_with(b"ustar\0") || rest.starts_with(b"ustar ")) && old_fields.contains(&0)
}

fn has_tar_checksum(head: &[u8]) -> bool {
    let Some((block, _)) = head.split_first_chunk::<512>() else { return false };
    let written = block[148..156].iter().skip_while(|byte| **byte == b' ');
    let written = written.take_while(|byte| byte.is_ascii_digit());
    let written = written.fold(0_i32, |sum, digit| sum.wrapping_mul(8).wrapping_add(i32::from(digit - b'0')));
    let others = || block[..148].iter().chain(&block[156..]);
    let blanks = 8 * i32::from(b' ');
    let sum = others().map(|byte| i32::from(*byte)).sum::<i32>() + blanks;
    // Some old programs took the bytes for signed ones.
    let signed = others().map(|byte| i32::from(byte.cast_signed())).sum::<i32>() + blanks;
    // A block of zeros is the end of an archive, not its start.
    block[0] != 0 && (written == sum || written == signed)
}

/// How a file is written into a text, if one is: with a mark of its own, not as a MIME part.
fn encoded_in_text(text: &[u8]) -> Option<&'static str> {
    let mut lines =
        text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(b"=ybegin ") {
            return Some("a yEnc file");
        }
        if line.starts_with(b"(This file must be converted with BinHex") {
            return Some("a BinHex file");
        }
        if is_uuencode_begin(line) && lines.peek().is_some_and(|next| is_uuencoded(next)) {
            return Some("a uuencoded file");
        }
    }
    None
}

/// `begin 644 report.xml.gz`, or `begin-base64 644 report.xml.gz`.
fn is_uuencode_begin(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let is_mode =
        |word: &[u8]| (3..=4).contains(&word.len()) && word.iter().all(|byte| (b'0'..=b'7').contains(byte));
    matches!(words.next(), Some(b"begin" | b"begin-base64"))
        && words.next().is_some_and(is_mode)
        && words.next().is_some_and(|name| !name.is_empty())
}

/// Whether a line may be one of uuencode: its first character says how many bytes it holds, or it is base64.
fn is_uuencoded(line: &[u8]) -> bool {
    let Some((first, rest)) = line.split_first() else { return false };
    let most = usize::from(first.wrapping_sub(b' ') & 0x3f).div_ceil(3) * 4 + 2;
    let is_plain =
        line.iter().all(|byte| (b' '..=b'`').contains(byte)) && !rest.is_empty() && rest.len() <= most;
    is_plain || is_base64(line)
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
const OPENPGP: &str = "OpenPGP";
const OUTLOOK: &str = "an Outlook message file (.msg)";
/// RFC 2046 allows 70; generous because those that forget the parameter count badly too.
const MAX_BOUNDARY: usize = 200;
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_say_what_it_is() {
        let utf16: Vec<u8> =
            "\u{feff}<?xml version=\"1.0\"?><feedback/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let cases: [(&[u8], Kind); 48] = [
            (b"", Kind::Nothing),
            (b"unused", Kind::Nothing),
            (b"\x1f\x8b\x08\0", Kind::Gzip),
            (b"\x1f\x8b\x07\0", Kind::Nothing),
            (b"PK\x03\x04", Kind::Zip),
            (b"PK\x05\x06", Kind::Nothing),
            (b"\x78\x9c\xed", Kind::Zlib),
            (b"\x78\x01\x00", Kind::Zlib),
            (b"x^2 is a square", Kind::Nothing),
            (b"\x78\x9f\x3e\x22", Kind::Tnef),
            (b"Rar!\x1a\x07\x00", Kind::Unsupported("a RAR archive")),
            (b"<feedback>", Kind::Xml(Root::Feedback)),
            (b"\xef\xbb\xbf \r\n<?xml version='1.0'?><!-- x --><ns1:Feedback>", Kind::Xml(Root::Feedback)),
            (b"<?xml version='1.0'?><!DOCTYPE feedback><feedback>", Kind::Xml(Root::Feedback)),
            (&utf16, Kind::Xml(Root::Feedback)),
            (b"<?xml version='1.0'?><xs:schema><feedback>", Kind::Xml(Root::Declared)),
            (b"<?xml version='1.0'", Kind::Xml(Root::Declared)),
            (b"<report>", Kind::Xml(Root::Unclear)),
            (b"<!DOCTYPE html>", Kind::Xml(Root::Page)),
            (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC ''>", Kind::Xml(Root::Page)),
            (b"<html>", Kind::Xml(Root::Page)),
            (b"<svg:svg xmlns:svg='x'>", Kind::Xml(Root::Page)),
            (b"<joe@shop.example> wrote:", Kind::Nothing),
            (b"<3", Kind::Nothing),
            (b"{\"organization-name\":", Kind::Json),
            (b"{ \r\n  \"a\"", Kind::Json),
            (b"{\\rtf1", Kind::Nothing),
            (b"{{name}}", Kind::Nothing),
            (b"H4sIAAAAAAAAA+1bS3OcMAy+51fs5F6D", Kind::Base64),
            (b"PD94bWwgdmVyc2lvbj0iMS4wIj8+PGZlZWRiYWNrPg==", Kind::Base64),
            (b"PGZlZWRiYWNrPjx2ZXJzaW9uPg==", Kind::Base64),
            (b"Donaudampfschiffahrtsgesellschaft", Kind::Nothing),
            (b"Received: from x\r\n\tby y\r\n", Kind::Message),
            (b"From joe Sat\nSubject: x\n", Kind::Message),
            (b"Note: this is prose\nand more of it", Kind::Nothing),
            (b"Version: 1\r\nFeedback-Type: auth-failure\r\n", Kind::Feedback),
            (b"preamble\n--b\nContent-Type: text/plain\n", Kind::Multipart),
            (b"0\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80", Kind::Signed),
            (b"0\x82\x05\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", Kind::Encrypted("S/MIME")),
            (b"0\x82\x05\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", Kind::Nothing),
            (b"MIIFEQYJKoZIhvcNAQcDoIIFAjCCBP4CAQAx", Kind::Base64),
            (b"\n-----BEGIN PGP MESSAGE-----\n", Kind::Encrypted("OpenPGP")),
            (b"\x85\x01\x0c\x03\x46\x46", Kind::Encrypted("OpenPGP")),
            (b"See below\r\n\r\nbegin 644 r.xml\r\n#9F]O\r\n`\r\nend", Kind::Unsupported("a uuencoded file")),
            (
                b"begin-base64 644 r.gz\nH4sIAAAAAAAAA+1bS3OcMAy+51fs5F6D",
                Kind::Unsupported("a uuencoded file"),
            ),
            (b"we begin 644 tests\nbegin 644 of them\ntomorrow, then", Kind::Nothing),
            (b"=ybegin line=128 size=9 name=r.gz\n", Kind::Unsupported("a yEnc file")),
            (b"0 messages\n", Kind::Nothing),
        ];
        for (head, kind) in cases {
            assert_eq!(Kind::of(head), kind, "{}", String::from_utf8_lossy(head));
        }
    }

    /// The first block of an archive, as `tar` wrote it before POSIX.
    fn old_tar(name: &[u8]) -> [u8; 512] {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..107].copy_from_slice(b"000644 ");
        block[124..135].copy_from_slice(b"00000000012");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    #[test]
    fn tar_is_told_by_its_mark_or_its_checksum() {
        let tar = Kind::Unsupported("a tar archive");
        let old = old_tar(b"report.xml");
        assert_eq!(Kind::of(&old), tar);
        for mark in [b"ustar\x0000", b"ustar  \0"] {
            for checksum in [b"00000000", b"\0\0\0\0\0\0\0\0", b"        ", b"0017777\0"] {
                let mut block = old;
                block[257..265].copy_from_slice(mark);
                block[148..156].copy_from_slice(checksum);
                assert_eq!(Kind::of(&block), tar, "{checksum:?}");
                assert_eq!(Kind::of(&block[..300]), tar, "an archive that was cut");
            }
        }
    }

    #[test]
    fn tar_is_told_by_signed_bytes_too() {
        let mut block = old_tar(b"r\xc3\xa9sum\xc3\xa9.xml");
        let sum: i32 = block.iter().map(|byte| i32::from(byte.cast_signed())).sum();
        let fields: i32 = block[148..156].iter().map(|byte| i32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{:06o}\0", sum - fields + 256).as_bytes());
        assert_eq!(Kind::of(&block), Kind::Unsupported("a tar archive"));
    }

    #[test]
    fn what_is_no_tar() {
        let mut block = old_tar(b"report.xml");
        block[148..156].fill(b'0');
        assert_eq!(Kind::of(&block), Kind::Nothing, "the old form with a wrong checksum");
        assert_eq!(Kind::of(&[0; 512]), Kind::Nothing, "the end of an archive");
        let mut text = [b'a'; 512];
        text[257..263].copy_from_slice(b"ustar ");
        assert_eq!(Kind::of(&text), Kind::Nothing, "a text with that word");
    }

    #[test]
    fn the_encoding_is_what_the_bytes_are_in() {
        let base64 = Mime { encoding: Encoding::Base64, ..Mime::default() };
        let plain = Mime::default();
        for (head, mime, encoding) in [
            (&b"PGZlZWRiYWNrPg=="[..], &base64, Encoding::Base64),
            (b"<feedback>", &base64, Encoding::Identity),
            (b"\r\n{\"a\":1}", &base64, Encoding::Identity),
            (b"\x1f\x8b\x08\0", &base64, Encoding::Identity),
            (b"Received: from x\n", &base64, Encoding::Identity),
            (b"<?xml version=3D\"1.0\"?>", &plain, Encoding::QuotedPrintable),
            (b"<?xml version=\"1.0\"?><a>=3D\"</a>", &plain, Encoding::Identity),
            (b"text =3D\"", &plain, Encoding::Identity),
        ] {
            assert_eq!(encoding_of(head, mime), encoding, "{}", String::from_utf8_lossy(head));
        }
    }
}
