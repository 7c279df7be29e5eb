//! What `ruad parse` was given: files, folders, mbox files.

use std::{
    fs, io,
    io::{BufRead, Read},
    path::{Path, PathBuf},
};

/// The files at and below `path`, in the order of their names. Hidden files and maildir's `tmp` are left out.
pub(super) fn files_below(path: &Path) -> Vec<Result<PathBuf, Unlisted>> {
    if !path.is_dir() {
        return vec![Ok(path.to_owned())];
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(source) => return vec![Err(Unlisted { path: path.to_owned(), source })],
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    let is_maildir = path.join("cur").is_dir() && path.join("new").is_dir();
    entries
        .into_iter()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter(|entry| !(is_maildir && entry.file_name() == "tmp"))
        .flat_map(|entry| files_below(&entry.path()))
        .collect()
}

/// A folder that could not be listed.
#[derive(Debug)]
pub(super) struct Unlisted {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

/// Whether a file starts as an mbox does: with the `From ` line of RFC 4155, sender and year on it.
///
/// A single mail saved with such a line is an mbox of one.
pub(super) fn is_mbox(start: &[u8]) -> bool {
    start.starts_with(b"From ")
}

/// Splits an mbox at its `From ` lines, without holding a message in memory.
pub(super) struct Mbox<'a> {
    input: &'a mut dyn BufRead,
    /// The line being handed out, or a piece of one that is longer than [`MAX_LINE`].
    line: Vec<u8>,
    taken: usize,
    /// Whether `line` begins a message: it starts with `From ` behind an empty line, or is the first of all.
    is_separator: bool,
}

impl<'a> Mbox<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
        // The file starts as if behind an empty line.
        Self { input, line: b"\n".to_vec(), taken: 1, is_separator: false }
    }

    /// The next message; whatever was left of the one before is passed over.
    pub(super) fn next_message(&mut self) -> io::Result<Option<MboxMessage<'_, 'a>>> {
        while !self.is_separator {
            if !self.advance()? {
                return Ok(None);
            }
        }
        self.advance()?;
        Ok(Some(MboxMessage(self)))
    }

    fn advance(&mut self) -> io::Result<bool> {
        let behind_empty_line = matches!(self.line.as_slice(), b"\n" | b"\r\n");
        self.line.clear();
        self.taken = 0;
        let read = (&mut *self.input).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        self.is_separator = behind_empty_line && self.line.starts_with(b"From ");
        Ok(read > 0)
    }
}

/// One message of an mbox: ends before the next `From ` line.
pub(super) struct MboxMessage<'m, 'a>(&'m mut Mbox<'a>);

impl BufRead for MboxMessage<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let mbox = &mut *self.0;
        if mbox.taken == mbox.line.len() && !mbox.line.is_empty() {
            mbox.advance()?;
        }
        Ok(if mbox.is_separator { &[] } else { mbox.line.get(mbox.taken..).unwrap_or_default() })
    }

    fn consume(&mut self, amount: usize) {
        self.0.taken += amount;
    }
}

impl Read for MboxMessage<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

const MAX_LINE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn split(mbox: &str) -> Vec<String> {
        let mut input = mbox.as_bytes();
        let mut mbox = Mbox::new(&mut input);
        let mut messages = Vec::new();
        while let Some(mut message) = mbox.next_message().unwrap() {
            let mut text = String::new();
            message.read_to_string(&mut text).unwrap();
            messages.push(text);
        }
        messages
    }

    #[test]
    fn an_mbox_is_split_at_its_from_lines() {
        let mbox =
            "From a@b Mon Nov 2 2026\nSubject: 1\n\none\n\nFrom c@d Tue Nov 3 2026\nSubject: 2\n\ntwo\n";
        assert_eq!(split(mbox), ["Subject: 1\n\none\n\n", "Subject: 2\n\ntwo\n"]);
    }

    #[test]
    fn a_sentence_that_starts_with_from_splits_nothing() {
        let mbox = "From a@b\n\nhello\nFrom here on\n";
        assert_eq!(split(mbox), ["\nhello\nFrom here on\n"]);
    }

    #[test]
    fn a_message_left_unread_is_passed_over() {
        let mut input = &b"From a\nx\ny\n\nFrom b\nz\n"[..];
        let mut mbox = Mbox::new(&mut input);
        assert!(mbox.next_message().unwrap().is_some());
        let mut text = String::new();
        mbox.next_message().unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "z\n");
        assert!(mbox.next_message().unwrap().is_none());
    }

    #[test]
    fn an_endless_line_is_handed_on_in_pieces() {
        let long = "x".repeat(200_000);
        assert_eq!(split(&format!("From a\n{long}\n\nFrom b\n")), [format!("{long}\n\n"), String::new()]);
    }
}
