//! What can go wrong in the spool.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{MessageId, SegmentId};

/// Why the spool could not do something. Cheap to clone: everyone waiting for a commit that failed hears the same.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// More bytes wait than `max_bytes` allows.
    #[error("{bytes} bytes wait in the spool, the limit is {limit}")]
    BacklogFull {
        /// Bytes of all messages that wait.
        bytes: u64,
        /// The setting `max_bytes`.
        limit: u64,
    },
    /// The spool is shut down, or its writer is gone.
    #[error("the spool is closed")]
    Closed,
    /// A range of a segment, or a large message's file, is not what was written. It has been copied to quarantine.
    #[error("segment {segment}: message {number} is damaged ({length} bytes at {offset})")]
    Damaged {
        /// The segment.
        segment: SegmentId,
        /// The first message that is damaged.
        number: u32,
        /// Where in its file the damage begins.
        offset: u64,
        /// How many bytes cannot be used.
        length: u64,
    },
    /// The disk has too little room left, in bytes or in inodes.
    #[error("{free} bytes are free in {path}, the limit is {limit}")]
    DiskLow {
        /// The spool's folder.
        path: PathBuf,
        /// Free bytes; zero when the file system is out of inodes.
        free: u64,
        /// The setting `min_free_bytes`.
        limit: u64,
    },
    /// An envelope is larger than the reader would accept.
    #[error("the envelope has {bytes} bytes, the limit is {limit}")]
    EnvelopeTooLarge {
        /// Its bytes, encoded.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Part of this message could not be written before, so it cannot be committed.
    #[error("an earlier part of this message could not be written")]
    Incomplete,
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Its answer.
        source: Arc<io::Error>,
    },
    /// The file of a large message is gone.
    #[error("segment {segment}: the file of message {number} is missing")]
    LargeMissing {
        /// The segment.
        segment: SegmentId,
        /// The message.
        number: u32,
    },
    /// No such message in quarantine.
    #[error("no message {id} in quarantine")]
    NotQuarantined {
        /// The name asked for.
        id: MessageId,
    },
    /// A message in quarantine is damaged, so it can only be looked at.
    #[error("message {id} in quarantine is not whole")]
    NotWhole {
        /// Its name.
        id: MessageId,
    },
    /// Another process has the spool.
    #[error("the spool {path} is in use by another process")]
    Locked {
        /// The spool's folder.
        path: PathBuf,
    },
    /// A text is not the name of what it should name.
    #[error("\"{text}\" is not {expected}")]
    Name {
        /// The text.
        text: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A setting is out of its bounds.
    #[error("{key} is {value}, must be from {min} to {max}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: u64,
        /// The least allowed value.
        min: u64,
        /// The greatest allowed value.
        max: u64,
    },
    /// No message with this number in the segment.
    #[error("segment {segment} has no message {number}")]
    UnknownMessage {
        /// The segment.
        segment: SegmentId,
        /// The number asked for.
        number: u32,
    },
    /// No closed segment of this name.
    #[error("no closed segment {segment}")]
    UnknownSegment {
        /// The segment.
        segment: SegmentId,
    },
}

impl SpoolError {
    /// Whether it concerns one message (or damaged range) which [`super::Segment::messages`] has already set aside in the
    /// quarantine, so that the reader can go on with the next; every other error concerns the whole segment.
    pub fn is_set_aside(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::LargeMissing { .. })
    }

    /// Whether room is what is missing: the sender should hear "insufficient system storage" and come again.
    pub fn is_full(&self) -> bool {
        match self {
            Self::BacklogFull { .. } | Self::DiskLow { .. } => true,
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
            ),
            _ => false,
        }
    }

    /// A short name of the kind, for counters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BacklogFull { .. } => "backlog_full",
            Self::Closed => "closed",
            Self::Damaged { .. } => "damaged",
            Self::DiskLow { .. } => "disk_low",
            Self::EnvelopeTooLarge { .. } => "envelope_too_large",
            Self::Incomplete => "incomplete",
            Self::Io { .. } if self.is_full() => "disk_full",
            Self::Io { .. } => "io",
            Self::LargeMissing { .. } => "large_missing",
            Self::Locked { .. } => "locked",
            Self::Name { .. } => "name",
            Self::NotQuarantined { .. } => "not_quarantined",
            Self::NotWhole { .. } => "not_whole",
            Self::Setting { .. } => "setting",
            Self::UnknownMessage { .. } => "unknown_message",
            Self::UnknownSegment { .. } => "unknown_segment",
        }
    }

    /// For `map_err`: an I/O error with what was attempted on what.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source: Arc::new(source) }
    }
}
