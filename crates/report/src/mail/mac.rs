use std::io::{self, BufRead, Read};

use super::peek::{Peeked, read_through};
use super::sniff::HEAD;
use crate::failure::colon;

/// A message whose lines end in bare carriage returns, as files from old Macs have them, with line feeds instead.
pub(super) struct MacLines<'a> {
    input: Peeked<'a>,
    /// Line feeds in place of the input's buffer; empty when there is nothing to translate.
    lines: Vec<u8>,
    mac: bool,
    position: usize,
}

impl<'a> MacLines<'a> {
    /// Looks at the first lines to tell whether this is such a message; others pass as they are.
    pub(super) fn new(input: &'a mut dyn BufRead) -> io::Result<Self> {
        let input = Peeked::read(HEAD, input)?;
        let head = input.head();
        let mac = memchr::memchr(b'\r', head).is_some_and(|end| {
            end + 1 < head.len() && colon(&head[..end]).is_some() && memchr::memchr(b'\n', head).is_none()
        });
        Ok(Self { input, lines: Vec::new(), mac, position: 0 })
    }

    fn translate(&mut self) -> io::Result<()> {
        self.lines.clear();
        self.position = 0;
        let buffer = self.input.fill_buf()?;
        let taken = buffer.len().min(CHUNK);
        self.lines.extend(buffer[..taken].iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }));
        self.input.consume(taken);
        Ok(())
    }
}

impl BufRead for MacLines<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.mac {
            return self.input.fill_buf();
        }
        if self.position == self.lines.len() {
            self.translate()?;
        }
        Ok(&self.lines[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        if self.mac {
            self.position += amount;
        } else {
            self.input.consume(amount);
        }
    }
}

impl Read for MacLines<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// Bytes translated at once.
const CHUNK: usize = 8 * 1024;
