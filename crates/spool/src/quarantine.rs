//! Messages set aside: each has a folder with the message and why it is there.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    Envelope, SegmentId, SpoolError,
    layout::{Layout, create_private, parse_numbered, sync_folder},
    reserve,
};
use crate::telemetry;

/// The quarantine of a spool, with what it holds known.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    held: Mutex<Held>,
}

/// The entries, and how much of the disk each class of them takes.
#[derive(Debug, Default)]
struct Held {
    entries: BTreeMap<(SegmentId, u32), Size>,
    bytes: u64,
    junk_bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    bytes: u64,
    /// Whether it is no report at all: anyone can mail such a thing, and nobody misses it first.
    is_junk: bool,
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
#[derive(Clone, Copy)]
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
    /// Sets a message aside, durably, unless it is there already; whether it was not. On a full disk what is no report at all
    /// gives way, first what is there and then the message itself.
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
        let is_junk = entry.code == NOT_A_REPORT;
        let mut has_released = false;
        while let Err(error) = self.write(layout, &path, entry, content) {
            if !error.is_full() {
                return Err(error);
            }
            if !std::mem::replace(&mut has_released, true) && reserve::release_room(layout) {
                continue;
            }
            if self.drop_oldest_junk(layout)? {
                continue;
            }
            if is_junk {
                telemetry::JunkDropped { entries: 1, limit }.record();
                return Ok(false);
            }
            return Err(error);
        }
        telemetry::Quarantined { id: entry.segment, number: entry.number, code: entry.code, is_junk }
            .record();
        let size = Size { bytes: disk_bytes(&path), is_junk };
        let (bytes, junk_bytes) = {
            let mut held = self.held();
            held.add((entry.segment, entry.number), size);
            (held.bytes, held.junk_bytes)
        };
        if bytes > limit || junk_bytes > limit / JUNK_SHARE {
            self.keep_within(layout, limit)?;
        }
        Ok(true)
    }

    /// Looks what is there: entries go also by other hands.
    pub(super) fn recount(&self, layout: &Layout) -> Result<(), SpoolError> {
        let names = names(layout)?;
        let mut held = self.held();
        let mut now = Held::default();
        for name in names {
            let known = held.entries.remove(&name);
            now.add(name, known.unwrap_or_else(|| size(&layout.quarantine(name.0, name.1))));
        }
        *held = now;
        Ok(())
    }

    pub(super) fn entries(&self) -> u64 {
        self.held().entries.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.held().bytes
    }

    fn junk_bytes(&self) -> u64 {
        self.held().junk_bytes
    }

    /// Deletes entries until a tenth of the room is free again, what is no report at all first, each class from its oldest.
    /// Anyone can mail what ends in quarantine: without a bound a stranger could fill the disk and stop the intake of good
    /// reports, and without a share for junk push out what an operator may yet make readable.
    fn keep_within(&self, layout: &Layout, limit: u64) -> Result<(), SpoolError> {
        self.recount(layout)?;
        let (junk_target, target) = ((limit / JUNK_SHARE) / 10 * 9, limit - limit / 10);
        let (mut junk, mut reports) = (0, 0);
        let has_to_shrink = self.bytes() > limit;
        while (self.junk_bytes() > junk_target || has_to_shrink && self.bytes() > target)
            && self.drop_one(layout, true)?
        {
            junk += 1;
        }
        while has_to_shrink && self.bytes() > target && self.drop_one(layout, false)? {
            reports += 1;
        }
        if junk > 0 {
            telemetry::JunkDropped { entries: junk, limit: limit / JUNK_SHARE }.record();
        }
        if reports > 0 {
            telemetry::QuarantineDropped { entries: reports, limit }.record();
        }
        Ok(())
    }

    /// Makes room on a full disk; whether there was anything to drop.
    fn drop_oldest_junk(&self, layout: &Layout) -> Result<bool, SpoolError> {
        let dropped = self.drop_one(layout, true)?;
        if dropped {
            telemetry::JunkDropped { entries: 1, limit: self.bytes() }.record();
        }
        Ok(dropped)
    }

    fn drop_one(&self, layout: &Layout, is_junk: bool) -> Result<bool, SpoolError> {
        let mut held = self.held();
        let oldest = held.entries.iter().find(|(_, size)| size.is_junk == is_junk).map(|(name, _)| *name);
        let Some(name) = oldest else { return Ok(false) };
        let path = layout.quarantine(name.0, name.1);
        if path.exists() {
            remove(&path)?;
        }
        held.remove(name);
        Ok(true)
    }

    /// Writes an entry whole, or leaves nothing.
    fn write(
        &self,
        layout: &Layout,
        path: &Path,
        entry: &Entry<'_>,
        content: Content<'_>,
    ) -> Result<(), SpoolError> {
        let temporary = path.with_extension("tmp");
        let made = make(&temporary, entry, content)
            .and_then(|()| fs::rename(&temporary, path).map_err(SpoolError::io("rename", &temporary)));
        if let Err(error) = made {
            // Should it not go, recovery removes it.
            drop(fs::remove_dir_all(&temporary));
            return Err(error);
        }
        sync_folder(&layout.quarantine_folder())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn add(&mut self, name: (SegmentId, u32), size: Size) {
        self.remove(name);
        self.entries.insert(name, size);
        self.bytes += size.bytes;
        self.junk_bytes += if size.is_junk { size.bytes } else { 0 };
    }

    fn remove(&mut self, name: (SegmentId, u32)) {
        if let Some(size) = self.entries.remove(&name) {
            self.bytes = self.bytes.saturating_sub(size.bytes);
            let junk = if size.is_junk { size.bytes } else { 0 };
            self.junk_bytes = self.junk_bytes.saturating_sub(junk);
        }
    }
}

/// The entries, oldest segment first.
pub(super) fn names(layout: &Layout) -> Result<Vec<(SegmentId, u32)>, SpoolError> {
    let folder = layout.quarantine_folder();
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(SpoolError::io("list", &folder))? {
        let name = entry.map_err(SpoolError::io("list", &folder))?.file_name();
        let is_entry = |name: &(SegmentId, u32)| layout.quarantine(name.0, name.1).is_dir();
        names.extend(name.to_str().and_then(parse_numbered).filter(is_entry));
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

/// What is known of an entry that was made by an earlier run.
fn size(entry: &Path) -> Size {
    let is_junk = reason(entry).is_ok_and(|reason| reason.code == NOT_A_REPORT);
    Size { bytes: disk_bytes(entry), is_junk }
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

/// The code of a message in which nothing is a report, or tries to be one.
const NOT_A_REPORT: &str = "not_a_report";

/// What is no report at all may take so small a part of the quarantine's room: one in so many.
const JUNK_SHARE: u64 = 4;

/// The unit of `st_blocks`, whatever the file system's.
const BLOCK_BYTES: u64 = 512;
