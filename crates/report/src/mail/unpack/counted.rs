use std::io::{self, BufRead, Read};

use super::BUFFER;
use crate::mail::MailError;
use crate::mail::budget::Budget;
use crate::mail::peek::read_through;

/// What a foreign unpacker gives, counted and buffered.
pub(in crate::mail) struct Counted<'a, R> {
    budget: &'a Budget,
    format: &'static str,
    position: usize,
    reader: R,
    unpacked: Vec<u8>,
}

impl<'a, R: Read> Counted<'a, R> {
    pub(in crate::mail) fn new(reader: R, format: &'static str, budget: &'a Budget) -> Self {
        Self { budget, format, position: 0, reader, unpacked: Vec::new() }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.position = 0;
        self.unpacked.resize(BUFFER, 0);
        let outcome = loop {
            match self.reader.read(&mut self.unpacked) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let length = outcome.as_ref().map_or(0, |length| *length);
        self.unpacked.truncate(length);
        outcome.map_err(|error| self.explain(error))?;
        self.budget.unpacked(length as u64)?;
        Ok(())
    }

    /// Bad data is the archive's fault; what the system says is the disk's.
    fn explain(&self, error: io::Error) -> io::Error {
        if MailError::of(&error).is_some() || is_of_system(&error) {
            return error;
        }
        MailError::CorruptArchive { format: self.format, reason: error.to_string() }.into()
    }
}

/// Whether another try may help. A directory that points nowhere makes a seek invalid or the file too short: that is the
/// archive's doing, although the system says so.
pub(in crate::mail) fn is_of_system(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    error.raw_os_error().is_some() && !matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

impl<R: Read> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.unpacked.len() {
            self.refill()?;
        }
        Ok(&self.unpacked[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_through(self, out)
    }
}
