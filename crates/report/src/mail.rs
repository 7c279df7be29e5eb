//! From a message to the reports that may be in it: a MIME walk and bounded unpacking.
//!
//! [`walk`] reads an RFC 5322 message, [`open`] a bare file; both hand every candidate to a callback as soon as it is
//! met, as a stream. What a part says it is (content type, file name) decides nothing, its first bytes do: every
//! big reporter has mislabelled its attachments at some time.
//!
//! The walk over the body is this room's own. `mail-parser`, which reads the header blocks, wants the whole message as
//! one slice and hands decoded attachments out as vectors; here a 100 MB message passes through a few buffers, so that
//! memory depends on neither the message nor the report in it. The layers are readers around readers: parts
//! (`boundary`), transfer encodings (`transfer`), archives (`unpack`, `zip`), each bounded while it reads.

mod arf;
mod boundary;
mod budget;
mod content;
mod error;
mod headers;
mod limits;
mod mac;
mod peek;
mod smime;
mod sniff;
mod tnef;
mod transfer;
mod unpack;
mod walk;
mod zip;

use std::io::BufRead;

use crate::failure::Parts;

pub use error::MailError;
pub use limits::Limits;

/// Walks an RFC 5322 message and calls `found` for every candidate report, in the order of the message.
///
/// What is wrong with the content of one part is told as [`Content::Refused`] and the walk goes on. A message with
/// nothing in it makes no call at all.
///
/// # Errors
///
/// [`MailError::Io`] when the message itself cannot be read: the one thing that is worth another try.
pub fn walk(
    message: &mut dyn BufRead,
    limits: &Limits,
    found: &mut dyn FnMut(Found<'_>),
) -> Result<(), MailError> {
    walk::message(message, limits, found)
}

/// Looks into a bare file: a report, a packed one, or a message. The path of what is found
/// begins inside the file; of its `name` only the extension is looked at, and that only to tell Outlook's files apart.
///
/// # Errors
///
/// As [`walk`].
pub fn open(
    file: &mut dyn BufRead,
    name: &str,
    limits: &Limits,
    found: &mut dyn FnMut(Found<'_>),
) -> Result<(), MailError> {
    walk::file(file, name, limits, found)
}

/// Something the walk came upon.
#[derive(Debug)]
pub struct Found<'a> {
    /// Where: the part's number as IMAP counts (`2`, `1.3`), the attachment's name, the names inside archives.
    pub path: &'a [String],
    /// The header block of the message it is in; empty outside of messages.
    pub headers: &'a [u8],
    /// What.
    pub content: Content<'a>,
}

/// A candidate report. None of them has been parsed: the parser has the last word.
pub enum Content<'a> {
    /// XML that may be an aggregate report. A limit hit while reading is an [`std::io::Error`] around a [`MailError`].
    Aggregate(&'a mut dyn BufRead),
    /// JSON that may be a TLS report; errors as above.
    Tls(&'a mut dyn BufRead),
    /// The pieces of a failure report.
    Failure(&'a Parts),
    /// This part was given up; the others go on.
    Refused(MailError),
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aggregate(_) => f.write_str("Aggregate"),
            Self::Tls(_) => f.write_str("Tls"),
            Self::Failure(parts) => f.debug_tuple("Failure").field(parts).finish(),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}
