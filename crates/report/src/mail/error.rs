use std::io;

use thiserror::Error;

/// Why a part, or the whole message, was given up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MailError {
    /// An archive's bytes contradict themselves or end too early.
    #[error("the {format} archive is damaged: {reason}")]
    CorruptArchive {
        /// `gzip`, `zlib`, `zip`, `tnef` or `S/MIME`.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A part that only its recipient's key opens.
    #[error("it is encrypted ({format}); reports have to be sent in clear")]
    Encrypted {
        /// `OpenPGP` or `S/MIME`.
        format: &'static str,
    },
    /// The message, or a temporary file, could not be read or written.
    #[error("the message could not be read: {source}")]
    Io {
        /// The cause.
        source: io::Error,
    },
    /// Archives nested too deeply.
    #[error("archives are nested more than {limit} deep")]
    LimitArchiveDepth {
        /// [`super::Limits::archive_depth`].
        limit: usize,
    },
    /// An archive with too many entries.
    #[error("the archive has {entries} entries, more than {limit}")]
    LimitEntries {
        /// How many its directory declares.
        entries: usize,
        /// [`super::Limits::entries`].
        limit: usize,
    },
    /// A header block that is too long.
    #[error("a header block is longer than {limit} bytes")]
    LimitHeaderBytes {
        /// [`super::Limits::header_bytes`].
        limit: u64,
    },
    /// Messages nested too deeply.
    #[error("messages are nested more than {limit} deep")]
    LimitMessageDepth {
        /// [`super::Limits::message_depth`].
        limit: usize,
    },
    /// Multiparts nested too deeply.
    #[error("multiparts are nested more than {limit} deep")]
    LimitMimeDepth {
        /// [`super::Limits::mime_depth`].
        limit: usize,
    },
    /// Too many MIME parts; the walk ends here.
    #[error("the message has more than {limit} parts")]
    LimitParts {
        /// [`super::Limits::parts`].
        limit: usize,
    },
    /// An archive that unpacks to far more than any report does.
    #[error("{unpacked} bytes came out of {packed} packed ones, more than {limit} for one")]
    LimitRatio {
        /// [`super::Limits::ratio`].
        limit: u64,
        /// Packed bytes read so far.
        packed: u64,
        /// Bytes unpacked so far.
        unpacked: u64,
    },
    /// The message's archives hold too much.
    #[error("more than {limit} bytes came out of the message's archives")]
    LimitUnpackedBytes {
        /// [`super::Limits::unpacked_bytes`].
        limit: u64,
    },
    /// A container this program does not open.
    #[error("{format} is not supported")]
    UnsupportedArchive {
        /// What it is, as a noun.
        format: String,
    },
}

impl MailError {
    /// The stable name of this kind of error, as `ruad parse`, metrics and quarantine use it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CorruptArchive { .. } => "corrupt_archive",
            Self::Encrypted { .. } => "encrypted",
            Self::Io { .. } => "io",
            Self::LimitArchiveDepth { .. } => "limit_archive_depth",
            Self::LimitEntries { .. } => "limit_entries",
            Self::LimitHeaderBytes { .. } => "limit_header_bytes",
            Self::LimitMessageDepth { .. } => "limit_message_depth",
            Self::LimitMimeDepth { .. } => "limit_mime_depth",
            Self::LimitParts { .. } => "limit_parts",
            Self::LimitRatio { .. } => "limit_ratio",
            Self::LimitUnpackedBytes { .. } => "limit_unpacked_bytes",
            Self::UnsupportedArchive { .. } => "unsupported_archive",
        }
    }

    /// The error of this room that a reader of a [`super::Content`] failed with, if that was the cause.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

/// What a layer of readers failed with: an error of this room comes out as it went in.
impl From<io::Error> for MailError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(source) => Self::Io { source },
        }
    }
}

/// How an error of this room travels through [`io::Read`].
impl From<MailError> for io::Error {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Io { source } => source,
            own => Self::other(own),
        }
    }
}
