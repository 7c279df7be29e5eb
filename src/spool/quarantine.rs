//! Messages set aside: each has a folder with the message and why it is there.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    Envelope, SegmentId, SpoolError,
    layout::{Layout, create_private, parse_numbered, sync_folder},
};
use crate::telemetry::spool as telemetry;

/// The quarantine of a spool, with its size known.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    entries: AtomicU64,
    bytes: AtomicU64,
}

/// What is set aside and why.
pub(super) struct Entry<'a> {
    pub(super) segment: SegmentId,
    pub(super) number: u32,
    pub(super) code: &'a str,
    pub(super) reason: &'a str,
    pub(super) envelope: Option<&'a Envelope>,
}

/// Where an entry's bytes come from.
pub(super) enum Content<'a> {
    /// A whole message.
    Bytes(&'a [u8]),
    /// A whole message: a large one's file.
    Message(&'a Path),
    /// The file of a large message that is not as it was written.
    Damaged(&'a Path),
    /// A range of a segment that cannot be read.
    Range { path: &'a Path, offset: u64, length: u64 },
    /// Nothing is left.
    Nothing,
}

/// `reason.json` of an entry.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Reason {
    /// The segment the message was in.
    pub segment: String,
    /// Its number there.
    pub number: u32,
    /// A short name of what is wrong.
    pub code: String,
    /// What is wrong, in a sentence.
    pub reason: String,
    /// When it was set aside, in milliseconds since the epoch.
    pub quarantined_at: u64,
    /// From where and for whom it came, when that is known.
    pub envelope: Option<Envelope>,
}

impl Quarantine {
    /// Sets a message aside, durably, unless it is there already; whether it was not.
    pub(super) fn put(
        &self,
        layout: &Layout,
        limit: u64,
        entry: &Entry<'_>,
        content: Content<'_>,
    ) -> Result<bool, SpoolError> {
        let path = layout.quarantine(entry.segment, entry.number);
        if path.exists() {
            return Ok(false);
        }
        let temporary = path.with_extension("tmp");
        let made = make(&temporary, entry, content)
            .and_then(|()| fs::rename(&temporary, &path).map_err(SpoolError::io("rename", &temporary)));
        if let Err(error) = made {
            // Should it not go, recovery removes it.
            drop(fs::remove_dir_all(&temporary));
            return Err(error);
        }
        sync_folder(&layout.quarantine_folder())?;
        telemetry::Quarantined { id: entry.segment, number: entry.number, code: entry.code }.record();
        self.entries.fetch_add(1, Ordering::Relaxed);
        let bytes = disk_bytes(&path);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > limit {
            self.drop_oldest(layout, limit)?;
        }
        Ok(true)
    }

    /// Looks how much is there: entries go also by other hands.
    pub(super) fn recount(&self, layout: &Layout) -> Result<(), SpoolError> {
        let names = names(layout)?;
        let bytes = names.iter().map(|(id, number)| disk_bytes(&layout.quarantine(*id, *number))).sum();
        self.entries.store(names.len() as u64, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Deletes the oldest entries until a tenth of the room is free again. Anyone can mail what ends in quarantine, so
    /// without a bound a stranger could fill the disk and stop the intake of good reports.
    fn drop_oldest(&self, layout: &Layout, limit: u64) -> Result<(), SpoolError> {
        self.recount(layout)?;
        let mut excess = self.bytes().saturating_sub(limit - limit / 10);
        let mut dropped = 0;
        for (id, number) in names(layout)? {
            if excess == 0 {
                break;
            }
            let path = layout.quarantine(id, number);
            let bytes = disk_bytes(&path);
            remove(&path)?;
            excess = excess.saturating_sub(bytes);
            dropped += 1;
        }
        telemetry::QuarantineDropped { entries: dropped, limit }.record();
        self.recount(layout)
    }
}

/// The entries, oldest segment first.
pub(super) fn names(layout: &Layout) -> Result<Vec<(SegmentId, u32)>, SpoolError> {
    let folder = layout.quarantine_folder();
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(SpoolError::io("list", &folder))? {
        let name = entry.map_err(SpoolError::io("list", &folder))?.file_name();
        names.extend(name.to_str().and_then(parse_numbered));
    }
    names.sort_unstable();
    Ok(names)
}

/// The whole message of an entry.
pub(super) fn message_file(entry: &Path) -> PathBuf {
    entry.join("message.eml")
}

/// What is left of a damaged one.
pub(super) fn damaged_file(entry: &Path) -> PathBuf {
    entry.join("damaged.bin")
}

/// Why an entry is there.
pub(super) fn reason(entry: &Path) -> Result<Reason, SpoolError> {
    let path = entry.join("reason.json");
    let bytes = fs::read(&path).map_err(SpoolError::io("read", &path))?;
    serde_json::from_slice(&bytes).map_err(|error| SpoolError::io("read", &path)(error.into()))
}

/// Removes an entry; it is gone as one, or still there.
pub(super) fn remove(entry: &Path) -> Result<(), SpoolError> {
    let doomed = entry.with_extension("tmp");
    fs::rename(entry, &doomed)
        .and_then(|()| fs::remove_dir_all(&doomed))
        .map_err(SpoolError::io("remove", entry))
}

fn make(folder: &Path, entry: &Entry<'_>, content: Content<'_>) -> Result<(), SpoolError> {
    let reason = Reason {
        segment: entry.segment.to_string(),
        number: entry.number,
        code: entry.code.to_owned(),
        reason: entry.reason.to_owned(),
        quarantined_at: now(),
        envelope: entry.envelope.cloned(),
    };
    let reason = serde_json::to_vec_pretty(&reason).map_err(io::Error::from);
    let made = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => DirBuilder::new().mode(0o700).create(folder),
    };
    made.and(reason)
        .and_then(|reason| copy(&mut reason.as_slice(), &folder.join("reason.json")))
        .and_then(|()| put_content(folder, content))
        .map_err(SpoolError::io("write", folder))?;
    sync_folder(folder)
}

fn put_content(folder: &Path, content: Content<'_>) -> io::Result<()> {
    match content {
        Content::Bytes(mut bytes) => copy(&mut bytes, &message_file(folder)),
        Content::Message(path) => link(path, &message_file(folder)),
        Content::Damaged(path) => link(path, &damaged_file(folder)),
        Content::Range { path, offset, length } => {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            copy(&mut file.take(length), &damaged_file(folder))
        }
        Content::Nothing => Ok(()),
    }
}

fn copy(from: &mut dyn Read, to: &Path) -> io::Result<()> {
    let mut file = create_private(to)?;
    io::copy(from, &mut file)?;
    file.sync_all()
}

/// A second name costs no room and no time; where there are none, a copy does.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| copy(&mut File::open(from)?, to))
}

/// What an entry takes of the disk, itself included.
fn disk_bytes(entry: &Path) -> u64 {
    let blocks =
        |path: &Path| fs::symlink_metadata(path).map_or(0, |metadata| metadata.blocks() * BLOCK_BYTES);
    let inside = fs::read_dir(entry).into_iter().flatten().flatten();
    inside.map(|file| blocks(&file.path())).sum::<u64>() + blocks(entry)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The unit of `st_blocks`, whatever the file system's.
const BLOCK_BYTES: u64 = 512;
