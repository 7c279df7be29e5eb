use std::io::{self, BufRead, Read};

/// A reader with bytes put back in front of it.
pub(super) struct Peeked<'a> {
    head: Vec<u8>,
    position: usize,
    rest: &'a mut dyn BufRead,
}

impl<'a> Peeked<'a> {
    /// Puts `head` in front of `rest`.
    pub(super) fn new(head: Vec<u8>, rest: &'a mut dyn BufRead) -> Self {
        Self { head, position: 0, rest }
    }

    /// Takes up to `bytes` from `rest` to be looked at through [`Self::head`].
    pub(super) fn read(bytes: usize, rest: &'a mut dyn BufRead) -> io::Result<Self> {
        let mut head = Vec::with_capacity(bytes);
        while head.len() < bytes {
            let buffer = rest.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let taken = buffer.len().min(bytes - head.len());
            head.extend_from_slice(&buffer[..taken]);
            rest.consume(taken);
        }
        Ok(Self::new(head, rest))
    }

    /// The bytes that were looked at.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }
}

impl BufRead for Peeked<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position < self.head.len() {
            return Ok(&self.head[self.position..]);
        }
        self.rest.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if self.position < self.head.len() {
            self.position += amount;
        } else {
            self.rest.consume(amount);
        }
    }
}

impl Read for Peeked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}

/// [`Read::read`] by way of the buffer, for the readers of this room.
pub(super) fn read_through(reader: &mut dyn BufRead, out: &mut [u8]) -> io::Result<usize> {
    let buffer = reader.fill_buf()?;
    let taken = buffer.len().min(out.len());
    out[..taken].copy_from_slice(&buffer[..taken]);
    reader.consume(taken);
    Ok(taken)
}

/// Reads all of `reader`, but keeps no more than `limit` bytes.
pub(super) fn read_capped(reader: &mut dyn BufRead, limit: u64) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    reader.take(limit).read_to_end(&mut kept)?;
    Ok(kept)
}

/// The next byte, which is then consumed.
pub(super) fn next_byte(reader: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let byte = reader.fill_buf()?.first().copied();
    if byte.is_some() {
        reader.consume(1);
    }
    Ok(byte)
}
