//! Text that strangers wrote, made safe to look at.
//!
//! A DNS record, a report or a client's HELO can hold characters that a terminal obeys (ECMA-48) or that change the
//! order or the look of what stands around them (Unicode UAX #9, UTS #39). Everything the program prints or logs goes
//! through [`Clean`], so that no place can forget it; [`Shown`] is for one value, where a line break would make it look
//! like more than one.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

/// Whether a character shows nothing by itself: controls (C0, DEL, C1), bidirectional controls, zero-width and other
/// default-ignorable characters, separators of lines and paragraphs, noncharacters.
pub fn is_invisible(c: char) -> bool {
    if c.is_control() {
        return true;
    }
    matches!(u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F | 0xFEFF
        | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1_BCA0..=0x1_BCA3 | 0x1_D173..=0x1_D17A | 0xE_0000..=0xE_0FFF
    ) || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The character, or U+FFFD in the place of one that is invisible: for texts in which positions count.
pub fn visible(c: char) -> char {
    if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// A whole document of HTML or SVG without invisible characters but line breaks and tabs.
pub fn visible_document(document: String) -> String {
    let is_harmful = |c: char| is_invisible(c) && !matches!(c, '\n' | '\t');
    if document.contains(is_harmful) {
        return document
            .chars()
            .map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
    }
    document
}

/// One value on one line: what is invisible is written as an escape, line breaks too.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_str(&mut OneLine(f), self.0)
    }
}

/// Writes text as [`Shown`] does.
pub struct OneLine<W>(pub W);

impl<W: fmt::Write> fmt::Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(is_invisible) {
            match piece.chars().next_back().filter(|c| is_invisible(*c)) {
                Some(c) => {
                    self.0.write_str(piece.strip_suffix(c).unwrap_or_default())?;
                    write!(self.0, "{}", c.escape_default())?;
                }
                None => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// Standard output for people. Colours are taken off where it is no terminal.
pub fn stdout() -> Clean<anstream::Stdout> {
    Clean::new(anstream::stdout(), Escape::Text)
}

/// Standard error for people.
pub fn stderr() -> Clean<anstream::Stderr> {
    Clean::new(anstream::stderr(), Escape::Text)
}

/// Whether people look at standard error.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Standard output for JSON: invisible characters are `\u` escapes, which every reader takes for the same text.
pub fn json_stdout() -> Clean<io::Stdout> {
    Clean::new(io::stdout(), Escape::Json)
}

/// Standard error for JSON.
pub fn json_stderr() -> Clean<io::Stderr> {
    Clean::new(io::stderr(), Escape::Json)
}

/// Standard output for what another program reads as it is, such as a message or a file of SQL. On a terminal, where
/// people look at it, it is cleaned.
pub fn exact_stdout() -> Clean<io::Stdout> {
    let out = io::stdout();
    let escape = if out.is_terminal() { Escape::Foreign } else { Escape::Nothing };
    Clean::new(out, escape)
}

/// How invisible characters are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Escape {
    /// `\u{202e}`.
    Text,
    /// The same, colours included: for text that is not the program's own.
    Foreign,
    /// `\u202e`, above U+FFFF as a surrogate pair.
    Json,
    /// As they are.
    Nothing,
}

/// A writer that lets no invisible character through but line breaks, tabs and the colours and weights that the
/// program itself uses. What is not UTF-8 becomes U+FFFD.
#[derive(Debug)]
pub struct Clean<W: Write> {
    inner: W,
    escape: Escape,
    /// The beginning of a character or a colour whose end has not been written yet.
    pending: Vec<u8>,
}

impl<W: Write> Clean<W> {
    /// Cleans what is written to `inner`.
    pub fn new(inner: W, escape: Escape) -> Self {
        Self { inner, escape, pending: Vec::new() }
    }

    /// Writes what can be told by now; `is_last` when nothing follows.
    fn pass(&mut self, bytes: &[u8], is_last: bool) -> io::Result<()> {
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
        if self.escape == Escape::Nothing || self.pending.is_empty() && bytes.iter().all(is_plain) {
            return self.inner.write_all(bytes);
        }
        let mut input = std::mem::take(&mut self.pending);
        input.extend_from_slice(bytes);
        let mut out = String::with_capacity(input.len() + 16);
        let mut rest = input.as_slice();
        loop {
            let (text, error) = match str::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                    (str::from_utf8(valid).unwrap_or_default(), Some(error))
                }
            };
            let unfinished = self.text(text, &mut out, error.is_some() || is_last);
            let Some(error) = error else {
                self.pending.extend_from_slice(unfinished.as_bytes());
                break;
            };
            let behind = rest.get(error.valid_up_to()..).unwrap_or_default();
            match error.error_len() {
                None if !is_last => {
                    self.pending.extend_from_slice(behind);
                    break;
                }
                None => {
                    out.push(char::REPLACEMENT_CHARACTER);
                    break;
                }
                Some(length) => {
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = behind.get(length..).unwrap_or_default();
                }
            }
        }
        self.inner.write_all(out.as_bytes())
    }

    /// Adds `text` to `out`; returns the beginning of a colour at its end, unless nothing can follow it.
    fn text<'t>(&self, mut text: &'t str, out: &mut String, is_last: bool) -> &'t str {
        while let Some(at) = text.find(is_invisible) {
            let (before, rest) = text.split_at(at);
            out.push_str(before);
            match colour(rest) {
                Colour::Whole(length) if self.escape == Escape::Text => {
                    let (colour, behind) = rest.split_at(length);
                    out.push_str(colour);
                    text = behind;
                    continue;
                }
                Colour::Begun if self.escape == Escape::Text && !is_last => return rest,
                _ => {}
            }
            let mut characters = rest.chars();
            if let Some(c) = characters.next() {
                self.invisible(c, out);
            }
            text = characters.as_str();
        }
        out.push_str(text);
        ""
    }

    fn invisible(&self, c: char, out: &mut String) {
        match self.escape {
            _ if matches!(c, '\n' | '\t') => out.push(c),
            Escape::Json => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            Escape::Text | Escape::Foreign => out.extend(c.escape_default()),
            Escape::Nothing => out.push(c),
        }
    }
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pass(bytes, false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Drop for Clean<W> {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            // There is nobody left to tell.
            drop(self.pass(&[], true));
        }
        drop(self.inner.flush());
    }
}

enum Colour {
    Whole(usize),
    Begun,
    Other,
}

/// Whether `text` begins with a sequence that sets a colour or a weight (ECMA-48 SGR). Concealed, reversed and blinking
/// text, and all other sequences, are none: they hide or change what is read.
fn colour(text: &str) -> Colour {
    let Some(rest) = text.strip_prefix('\x1b') else { return Colour::Other };
    let Some(rest) = rest.strip_prefix('[') else {
        return if rest.is_empty() { Colour::Begun } else { Colour::Other };
    };
    let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    let (parameters, behind) = rest.split_at(length);
    let is_ours = |parameter: &str| {
        matches!(parameter.parse(), Ok(0..=3 | 22..=23 | 30..=37 | 39 | 90..=97)) || parameter.is_empty()
    };
    match behind.bytes().next() {
        _ if length > LONGEST_COLOUR => Colour::Other,
        None => Colour::Begun,
        Some(b'm') if parameters.split(';').all(is_ours) => Colour::Whole(2 + length + 1),
        Some(_) => Colour::Other,
    }
}

const LONGEST_COLOUR: usize = 16;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    fn clean(pieces: &[&[u8]], escape: Escape) -> String {
        let mut out = Vec::new();
        let mut clean = Clean::new(&mut out, escape);
        pieces.iter().for_each(|piece| clean.write_all(piece).unwrap());
        drop(clean);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_terminals_obey_is_written_out() {
        for (text, shown) in [
            ("plain é 漢字 \u{1f600}", "plain é 漢字 \u{1f600}"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("\x1b[2J", "\\u{1b}[2J"),
            ("\x1b[8mhidden", "\\u{1b}[8mhidden"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b\u{2066}c\u{200f}\u{61c}", "a\\u{202e}b\\u{2066}c\\u{200f}\\u{61c}"),
            ("zero\u{200b}\u{200d}\u{feff}\u{ad}width", "zero\\u{200b}\\u{200d}\\u{feff}\\u{ad}width"),
            ("\u{e0041}\u{fe0f}\u{3164}", "\\u{e0041}\\u{fe0f}\\u{3164}"),
            ("\x7f\0\r", "\\u{7f}\\u{0}\\r"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ] {
            assert_eq!(clean(&[text.as_bytes()], Escape::Text), shown);
            assert_eq!(Shown(text).to_string(), shown);
        }
        assert_eq!(Shown("a\nb\tc").to_string(), "a\\nb\\tc");
    }

    #[test]
    fn our_own_colours_pass_however_they_are_written() {
        let line = "\x1b[1mbold\x1b[0m \x1b[2;31mdim\x1b[0m\n\ttab";
        assert_eq!(clean(&[line.as_bytes()], Escape::Text), line);
        let bytes: Vec<_> = line.as_bytes().chunks(1).collect();
        assert_eq!(clean(&bytes, Escape::Text), line);
        assert_eq!(clean(&[b"\x1b", b"[", b"3"], Escape::Text), "\\u{1b}[3");
        assert_eq!(clean(&[b"\xe2\x80", b"\xae|\xff|\xe2\x80"], Escape::Text), "\\u{202e}|\u{fffd}|\u{fffd}");
    }

    #[test]
    fn a_stranger_has_no_colours() {
        let text = "\x1b[32mok\x1b[0m\n\ttab\x1b";
        assert_eq!(clean(&[text.as_bytes()], Escape::Foreign), "\\u{1b}[32mok\\u{1b}[0m\n\ttab\\u{1b}");
    }

    #[test]
    fn json_stays_the_same_text() {
        let text = "a\u{202e}\x7f\u{85}\u{e0041}\x1b[31m\n";
        let json = serde_json::to_vec(text).unwrap();
        let clean = clean(&[&json], Escape::Json);
        assert!(clean.is_ascii() && clean.contains("\\u202e") && clean.contains("\\udb40\\udc41"), "{clean}");
        assert_eq!(serde_json::from_str::<String>(&clean).unwrap(), text);
    }

    #[test]
    fn documents_keep_their_lines() {
        assert_eq!(visible_document("<p>\n\tx\u{202e}\u{9b}</p>".to_owned()), "<p>\n\tx\u{fffd}\u{fffd}</p>");
    }

    /// Output that does not go through here can show what it should not.
    #[test]
    fn nothing_else_writes_to_a_terminal() {
        let mut faults = Vec::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut folders = vec![root.join("src")];
        folders.extend(
            fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path().join("src")),
        );
        assert!(folders.len() > 6, "{folders:?}");
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // The engine prints its own address for the daemon that started it; a bar of progress has no words.
                if path.ends_with("tests.rs")
                    || path.ends_with("src/text.rs")
                    || path.ends_with("src/cli/engine.rs")
                    || path.ends_with("src/cli/check/progress.rs")
                {
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap_or_default();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                for word in ["println!", "print!(", "eprint", "io::stdout()", "io::stderr()", "anstream::"] {
                    if code.contains(word) {
                        faults.push(format!("{}: {word}", path.display()));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "use ruad_common::text: {faults:#?}");
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_cuts_get_anything_through(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'm'), Just(0xe2), Just(0x80), Just(0xae)], 0..200),
            cut in 1usize..9,
        ) {
            let pieces: Vec<_> = bytes.chunks(cut).collect();
            let whole = clean(&[&bytes], Escape::Text);
            prop_assert_eq!(&clean(&pieces, Escape::Text), &whole);
            let mut rest = whole.as_str();
            while let Some(at) = rest.find(is_invisible) {
                rest = rest.split_at(at).1;
                rest = match colour(rest) {
                    Colour::Whole(length) => rest.split_at(length).1,
                    _ => rest.strip_prefix(['\n', '\t']).expect("only line breaks, tabs and colours"),
                };
            }
            let json = clean(&pieces, Escape::Json);
            prop_assert!(json.chars().all(|c| !is_invisible(c) || matches!(c, '\n' | '\t')));
        }
    }
}
