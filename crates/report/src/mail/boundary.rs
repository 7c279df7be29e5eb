use std::io::{self, BufRead, Read};

use memchr::memmem::Finder;

use super::peek::read_through;

/// A multipart body read part by part; as a reader it ends where the current part ends.
///
/// A delimiter is a line of `--`, the boundary, perhaps `--`, and nothing but blanks: a longer boundary that begins with
/// this one is another boundary (RFC 2046 section 5.1.1 forbids the prefix, real mail has it). The line break before
/// a delimiter belongs to it. What follows the closing delimiter is skipped, except that a further delimiter in it
/// opens a part again: some gateways append parts behind the end.
pub(super) struct Multipart<'a> {
    delimiter: Vec<u8>,
    finder: Finder<'static>,
    /// Bytes that began like a delimiter and were none; they come before what `input` has.
    held: Vec<u8>,
    held_position: usize,
    input: &'a mut dyn BufRead,
    /// Nothing of the current section has been read: a delimiter needs no line break before it.
    line_start: bool,
    /// How many bytes of `input`'s buffer are known to be content.
    safe: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Behind a closing delimiter.
    Closed,
    /// Behind a delimiter.
    Delimited,
    /// The input has ended.
    End,
    /// In the preamble, a part or what follows the end.
    Section,
}

impl<'a> Multipart<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead, boundary: &[u8]) -> Self {
        let needle = [b"\n--", boundary.trim_ascii_end()].concat();
        Self {
            delimiter: needle[1..].to_vec(),
            finder: Finder::new(&needle).into_owned(),
            held: Vec::new(),
            held_position: 0,
            input,
            line_start: true,
            safe: 0,
            state: State::Section,
        }
    }

    /// Skips what is left of the current part and goes to the next; false when there is none.
    pub(super) fn next_part(&mut self) -> io::Result<bool> {
        loop {
            loop {
                let length = self.fill_buf()?.len();
                if length == 0 {
                    break;
                }
                self.consume(length);
            }
            let state = self.state;
            if state == State::End {
                return Ok(false);
            }
            self.state = State::Section;
            self.line_start = true;
            if state == State::Delimited {
                return Ok(true);
            }
        }
    }

    /// Finds out how much of the input is content, or that the section has ended.
    fn advance(&mut self) -> io::Result<()> {
        let buffer = self.input.fill_buf()?;
        let Some(&first) = buffer.first() else {
            self.state = State::End;
            return Ok(());
        };
        if std::mem::take(&mut self.line_start) && first == b'-' {
            return self.decide(false);
        }
        let content = match self.finder.find(buffer) {
            Some(at) if at > 0 && buffer[at - 1] == b'\r' => at - 1,
            Some(at) => at,
            None => buffer.len() - undecided(&self.delimiter, buffer),
        };
        if content == 0 {
            return self.decide(true);
        }
        self.safe = content;
        Ok(())
    }

    /// Reads on byte by byte as long as it looks like a delimiter line. At least one byte does.
    fn decide(&mut self, line_break: bool) -> io::Result<()> {
        self.held.clear();
        self.held_position = 0;
        if line_break {
            self.accept(b'\r')?;
            if !self.accept(b'\n')? {
                return Ok(());
            }
        }
        for at in 0..self.delimiter.len() {
            if !self.accept(self.delimiter[at])? {
                return Ok(());
            }
        }
        let mut end = State::Delimited;
        if self.accept(b'-')? {
            if !self.accept(b'-')? {
                return Ok(());
            }
            end = State::Closed;
        }
        while self.accept(b' ')? || self.accept(b'\t')? {
            if self.held.len() > self.delimiter.len() + MAX_PADDING {
                return Ok(());
            }
        }
        self.accept(b'\r')?;
        if self.accept(b'\n')? || self.input.fill_buf()?.is_empty() {
            self.held.clear();
            self.state = end;
        }
        Ok(())
    }

    /// Takes the next byte if it is `wanted`.
    fn accept(&mut self, wanted: u8) -> io::Result<bool> {
        let next = self.input.fill_buf()?.first() == Some(&wanted);
        if next {
            self.held.push(wanted);
            self.input.consume(1);
        }
        Ok(next)
    }
}

impl BufRead for Multipart<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.held_position == self.held.len() && self.safe == 0 && self.state == State::Section {
            self.advance()?;
        }
        if self.held_position < self.held.len() {
            return Ok(&self.held[self.held_position..]);
        }
        if self.safe == 0 {
            return Ok(&[]);
        }
        let buffer = self.input.fill_buf()?;
        Ok(&buffer[..self.safe.min(buffer.len())])
    }

    fn consume(&mut self, amount: usize) {
        if self.held_position < self.held.len() {
            self.held_position += amount;
        } else {
            self.safe -= amount;
            self.input.consume(amount);
        }
    }
}

impl Read for Multipart<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// How many bytes at the end of `buffer` may be the beginning of a delimiter and the line break before it.
fn undecided(delimiter: &[u8], buffer: &[u8]) -> usize {
    let window = buffer.len().saturating_sub(delimiter.len() + 1);
    if let Some(at) = memchr::memrchr(b'\n', &buffer[window..]) {
        let at = window + at;
        if delimiter.starts_with(&buffer[at + 1..]) {
            let carriage_return = usize::from(at > 0 && buffer[at - 1] == b'\r');
            return buffer.len() - at + carriage_return;
        }
    }
    usize::from(buffer.last() == Some(&b'\r'))
}

/// Blanks behind a boundary; transport padding is a few bytes (RFC 2046 section 5.1.1).
const MAX_PADDING: usize = 256;

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn parts_end_where_a_delimiter_stands_alone() {
        for (boundary, body, parts) in [
            ("b", "pre\r\n--b\r\none\r\n--b\r\ntwo\r\n--b--\r\npost", vec!["one", "two"]),
            ("b", "--b\none\n--b\n\ntwo\n\n--b--", vec!["one", "\ntwo\n"]),
            ("b", "--b\r\none\r\n--b \t \r\ntwo", vec!["one", "two"]),
            (
                "b",
                "--b\r\none\r\n--bb\r\n--b-\r\n-- b\r\n--\r\n\r\n--b--",
                vec!["one\r\n--bb\r\n--b-\r\n-- b\r\n--\r\n"],
            ),
            ("b", "--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b", vec!["", "", "\r\n", ""]),
            ("b", "--b\r\none --b\r\n\r\r\n--b--\r\n", vec!["one --b\r\n\r"]),
            ("b", "--b\r\none\r\n--b--\r\nnoise\r\n--b\r\ntwo\r\n--b--\r\n", vec!["one", "two"]),
            ("=_x-", "--=_x-\none\n--=_x---\n", vec!["one"]),
            ("b ", "--b\r\none", vec!["one"]),
            ("b", "no delimiter", vec![]),
            ("b", "", vec![]),
            ("b", "--b", vec![""]),
        ] {
            for size in [1, 2, 3, 5, 8, 1_000] {
                let mut input = BufReader::with_capacity(size, body.as_bytes());
                let mut multipart = Multipart::new(&mut input, boundary.as_bytes());
                let mut found = Vec::new();
                while multipart.next_part().expect("no error in memory") {
                    let mut part = String::new();
                    multipart.read_to_string(&mut part).expect("UTF-8");
                    found.push(part);
                }
                assert_eq!(found, parts, "{body:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_part_need_not_be_read_to_its_end() {
        let mut input = &b"--b\r\none\r\n--b\r\ntwo\r\n--b--"[..];
        let mut multipart = Multipart::new(&mut input, b"b");
        assert!(multipart.next_part().expect("no error in memory"));
        assert!(multipart.next_part().expect("no error in memory"));
        let mut part = String::new();
        multipart.read_to_string(&mut part).expect("UTF-8");
        assert_eq!(part, "two");
        assert!(!multipart.next_part().expect("no error in memory"));
        assert!(!multipart.next_part().expect("no error in memory"));
    }
}
