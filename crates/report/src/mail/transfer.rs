//! Content transfer encodings, decoded as they are read.

mod base64;
mod quoted_printable;

pub(super) use base64::Base64;
pub(super) use quoted_printable::QuotedPrintable;

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

/// Encoded bytes decoded at once.
const CHUNK: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    #[test]
    fn base64_in_any_state() {
        for (encoded, decoded) in [
            ("", ""),
            ("aGVsbG8gd29ybGQ=", "hello world"),
            ("aGVsbG8gd29ybGQ", "hello world"),
            ("aGVs\r\nbG8g\r\nd29ybGQ=\r\n", "hello world"),
            ("> aG!V*sb\tG8gd2 9ybGQ==\n", "hello world"),
            ("aGVsbG8g", "hello "),
            ("aGVsbG8=IHdvcmxk", "hello world"),
            ("aGVsbA==bw==", "hello"),
            ("Pz8_Pj4-", "???>>>"),
            ("a", ""),
            ("====", ""),
        ] {
            assert_eq!(decode(Base64::new, encoded), decoded, "{encoded:?}");
        }
    }

    #[test]
    fn quoted_printable_in_any_state() {
        for (encoded, decoded) in [
            ("", ""),
            ("a=3Db=\r\nc=\nd", "a=bcd"),
            ("caf=c3=A9", "café"),
            ("a= \t\r\nb", "ab"),
            ("a=\r\r\nb", "ab"),
            ("<a b=\"c\">", "<a b=\"c\">"),
            ("1==3D2", "1==2"),
            ("x=4", "x=4"),
            ("x=4g=", "x=4g="),
            ("x= y", "x= y"),
            ("=", "="),
        ] {
            assert_eq!(decode(QuotedPrintable::new, encoded), decoded, "{encoded:?}");
        }
    }

    #[test]
    fn encodings_are_known_by_many_names() {
        for (name, encoding) in [
            ("base64", Encoding::Base64),
            (" BASE64 ", Encoding::Base64),
            ("base-64", Encoding::Base64),
            ("Quoted-Printable", Encoding::QuotedPrintable),
            ("quoted printable", Encoding::QuotedPrintable),
            ("8bit", Encoding::Identity),
            ("x-unknown", Encoding::Identity),
        ] {
            assert_eq!(Encoding::named(name), encoding, "{name:?}");
        }
    }

    /// Decodes in pieces of every size.
    fn decode<R: Read>(decoder: impl Fn(&'static mut dyn BufRead) -> R, encoded: &'static str) -> String {
        let results: Vec<_> = [1, 2, 3, 5, 1_000]
            .map(|size| {
                let input = Box::leak(Box::new(BufReader::with_capacity(size, encoded.as_bytes())));
                let mut decoded = Vec::new();
                decoder(input).read_to_end(&mut decoded).expect("no error in memory");
                String::from_utf8(decoded).expect("UTF-8")
            })
            .into();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.into_iter().next().unwrap_or_default()
    }
}
