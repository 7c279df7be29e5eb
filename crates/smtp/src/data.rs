//! The message after DATA: where it ends, and its transparency dots.
//!
//! The end is a line of one dot between two CR LF and nothing else. Whatever looks like an end to a laxer receiver
//! (`\n.\n`, `\r\n.\n`, `\n.\r\n`, `\r.\r`, `\r\n.\r\r\n`) is part of the message, so nobody can hide a second
//! message behind it ("SMTP smuggling", CVE-2023-51764 and its kin). Readers of libraries (smtp-proto's) take
//! `\r\n.\r\r\n` for an end and do not see an end, or a stuffed dot, in the very first line.

use memchr::memmem;

/// Finds the end of a message and takes away the dots that RFC 5321 section 4.5.2 puts in front of lines.
#[derive(Debug, Default)]
pub(super) struct DataReader {
    before: Before,
}

/// One piece of a message.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Piece<'a> {
    /// Bytes of the message, as they are to be stored.
    Bytes(&'a [u8]),
    /// The final dot was read.
    End,
}

/// What came immediately before the next byte.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Before {
    /// Something inside a line.
    Text,
    /// A CR.
    Cr,
    /// A CR LF: also the state at the start, for the CR LF that ended the DATA command.
    #[default]
    LineStart,
    /// A dot at the start of a line, which is held back.
    Dot,
    /// Such a dot and a CR, both held back.
    DotCr,
}

impl DataReader {
    /// Takes the next piece off the input. `None`: all input is used up, and the message goes on.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        loop {
            match (self.before, *input) {
                (_, []) => return None,
                (Before::LineStart, [b'.', rest @ ..]) => {
                    self.before = Before::Dot;
                    *input = rest;
                }
                (Before::Dot, [b'\r', rest @ ..]) => {
                    self.before = Before::DotCr;
                    *input = rest;
                }
                (Before::DotCr, [b'\n', rest @ ..]) => {
                    *self = Self::default();
                    *input = rest;
                    return Some(Piece::End);
                }
                // The dot was a stuffed one of a line that begins with CR; the CR belongs to the message.
                (Before::DotCr, _) => {
                    self.before = Before::Cr;
                    return Some(Piece::Bytes(b"\r"));
                }
                (Before::Cr, [b'\n', rest @ ..]) => {
                    self.before = Before::LineStart;
                    *input = rest;
                    return Some(Piece::Bytes(b"\n"));
                }
                (Before::Text | Before::Cr | Before::LineStart | Before::Dot, bytes) => {
                    return Some(Piece::Bytes(self.text(bytes, input)));
                }
            }
        }
    }

    /// Takes everything up to and with the CR LF before the next line that begins with a dot.
    fn text<'a>(&mut self, bytes: &'a [u8], input: &mut &'a [u8]) -> &'a [u8] {
        let end = memmem::find(bytes, b"\r\n.").map_or(bytes.len(), |at| at + 2);
        let (text, rest) = bytes.split_at(end);
        *input = rest;
        self.before = match text {
            [.., b'\r', b'\n'] => Before::LineStart,
            [.., b'\r'] => Before::Cr,
            _ => Before::Text,
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is stored of these chunks, and what is left behind the end; `None` without an end.
    fn read(chunks: &[&[u8]]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut reader = DataReader::default();
        let mut stored = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            let mut input = *chunk;
            while let Some(piece) = reader.next(&mut input) {
                match piece {
                    Piece::Bytes(bytes) => stored.extend_from_slice(bytes),
                    Piece::End => {
                        let rest = chunks.iter().skip(number + 1).flat_map(|chunk| chunk.iter());
                        return Some((stored, input.iter().chain(rest).copied().collect()));
                    }
                }
            }
        }
        None
    }

    /// In one piece, byte by byte, and cut in two at every place.
    fn check(sent: &[u8], stored: &[u8], left: &[u8]) {
        let expected = Some((stored.to_vec(), left.to_vec()));
        let shown = String::from_utf8_lossy(sent);
        assert_eq!(read(&[sent]), expected, "{shown:?} whole");
        assert_eq!(read(&sent.chunks(1).collect::<Vec<_>>()), expected, "{shown:?} byte by byte");
        for at in 0..=sent.len() {
            let (head, tail) = sent.split_at(at);
            assert_eq!(read(&[head, tail]), expected, "{shown:?} cut at {at}");
        }
    }

    #[test]
    fn ends_only_at_crlf_dot_crlf() {
        for lookalike in [
            "\n.\n",
            "\r\n.\n",
            "\n.\r\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\r",
            "\r\n.\r\r\n",
            "\r\n.\r.\r\n",
            "\n\n.\n",
            "\r\r\n.\n",
            "\n.\r",
            "\r\n\0.\r\n",
            "\r\n.\0\r\n",
            "\r\n. \r\n",
            "\r\n .\r\n",
        ] {
            let inside = lookalike.replace("\r\n.", "\r\n");
            check(
                format!("a{lookalike}MAIL FROM:<>\r\n.\r\nrest").as_bytes(),
                format!("a{inside}MAIL FROM:<>\r\n").as_bytes(),
                b"rest",
            );
        }
    }

    #[test]
    fn takes_away_stuffed_dots_only() {
        for (sent, stored) in [
            (".\r\n", ""),
            ("..\r\n.\r\n", ".\r\n"),
            ("...a\r\n.\r\n", "..a\r\n"),
            (".a\r\n.b\r\n\r\n.\r\n", "a\r\nb\r\n\r\n"),
            ("a.\r\n..b.c\r\n.\r\n", "a.\r\n.b.c\r\n"),
            ("a\n.b\n..c\r.d\r\n.\r\n", "a\n.b\n..c\r.d\r\n"),
            ("\r\r\n.\r\n", "\r\r\n"),
            ("\r\n\r\n..\r\n.\r\n", "\r\n\r\n.\r\n"),
        ] {
            check(sent.as_bytes(), stored.as_bytes(), b"");
        }
    }

    #[test]
    fn goes_on_without_an_end() {
        for sent in ["", "a", "a\r\n", "a\r\n.", "a\r\n.\r", "a.\r\n", ".\n", "a\n.\n.\n", "\r.\r\n"] {
            assert_eq!(read(&[sent.as_bytes()]), None, "{sent:?}");
        }
    }
}
