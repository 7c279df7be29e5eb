//! Messages set aside: each has a folder with the message and why it is there.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    Envelope, SegmentId, SpoolError,
    layout::{Layout, create_private, parse_numbered, sync_folder},
    reserve,
};
use crate::telemetry;
use ruad_common::time::unix_millis;

/// The quarantine of a spool, with what it holds known.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    held: Mutex<Held>,
}

/// The entries, and how much of the disk those of each rank take.
#[derive(Debug, Default)]
struct Held {
    entries: BTreeMap<(SegmentId, u32), Size>,
    bytes: [u64; Rank::ALL.len()],
}

#[derive(Clone, Copy, Debug)]
struct Size {
    bytes: u64,
    rank: Rank,
}

/// What a message has proven about its sender: what anyone can mail is deleted first when the quarantine is full, so that no flood
/// of it pushes out the report of a reporter that can be believed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// Nothing in it is a report.
    Junk,
    /// Its sender is not proven.
    Unproven,
    /// DMARC passes for its sender, whom nothing else speaks for: anyone can have a domain.
    Authenticated,
    /// DMARC passes for a reporter that can be believed.
    Believed,
}

/// What is set aside and why.
pub(super) struct Entry<'a> {
    pub(super) segment: SegmentId,
    pub(super) number: u32,
    pub(super) code: &'a str,
    pub(super) reason: &'a str,
    pub(super) rank: Rank,
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
    /// What it has proven; none in an entry of a version that did not ask.
    #[serde(default)]
    pub rank: Option<Rank>,
    /// When it was set aside, in milliseconds since the epoch.
    pub quarantined_at: u64,
    /// From where and for whom it came, when that is known.
    pub envelope: Option<Envelope>,
}

impl Quarantine {
    /// Sets messages of a segment aside, durably, unless they are there already; gives how many were not. All of them cost a few syncs
    /// of the disk together, because later segments wait meanwhile. On a full disk what anyone can mail gives way, first what is
    /// there and then the message itself.
    pub(super) fn put(
        &self,
        layout: &Layout,
        limit: u64,
        entries: &[(Entry<'_>, Content<'_>)],
    ) -> Result<u64, SpoolError> {
        let is_new =
            |(entry, _): &&(Entry<'_>, Content<'_>)| !layout.quarantine(entry.segment, entry.number).exists();
        let new: Vec<_> = entries.iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(0);
        }
        match write(layout, &new) {
            Ok(()) => {
                new.iter().for_each(|(entry, _)| self.count(layout, entry));
                self.keep_within(layout, limit)?;
                return Ok(new.len() as u64);
            }
            Err(error) if !error.is_full() => return Err(error),
            Err(_) => {}
        }
        // What has to stay is written first.
        let mut by_rank = new;
        by_rank.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.rank));
        let mut put = 0;
        for one in by_rank {
            put += u64::from(self.put_on_full_disk(layout, limit, one)?);
        }
        self.keep_within(layout, limit)?;
        Ok(put)
    }

    fn put_on_full_disk(
        &self,
        layout: &Layout,
        limit: u64,
        one: &(Entry<'_>, Content<'_>),
    ) -> Result<bool, SpoolError> {
        let (entry, _) = one;
        let mut has_released = false;
        while let Err(error) = write(layout, &[one]) {
            if !error.is_full() {
                return Err(error);
            }
            if !std::mem::replace(&mut has_released, true) && reserve::release_room(layout) {
                continue;
            }
            if self.drop_one(layout, Rank::Junk)? {
                telemetry::Dropped { rank: Rank::Junk, entries: 1, limit }.record();
                continue;
            }
            if entry.rank == Rank::Junk {
                telemetry::Dropped { rank: Rank::Junk, entries: 1, limit }.record();
                return Ok(false);
            }
            return Err(error);
        }
        self.count(layout, entry);
        Ok(true)
    }

    fn count(&self, layout: &Layout, entry: &Entry<'_>) {
        let Entry { segment: id, number, code, rank, .. } = *entry;
        telemetry::Quarantined { id, number, code, rank }.record();
        let size = Size { bytes: disk_bytes(&layout.quarantine(id, number)), rank };
        self.held().add((id, number), size);
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
        self.held().bytes.iter().sum()
    }

    /// Deletes entries where there are too many, until a tenth of the room is free again, each rank from its oldest. Anyone can mail
    /// what ends in quarantine: every rank but the highest has a share that it cannot exceed, and when all of it is too
    /// much the lowest goes first.
    fn keep_within(&self, layout: &Layout, limit: u64) -> Result<(), SpoolError> {
        let share = limit / SHARE;
        let is_too_much = |held: &Held| {
            held.bytes.iter().sum::<u64>() > limit
                || held.bytes.iter().take(Rank::ALL.len() - 1).any(|bytes| *bytes > share)
        };
        if !is_too_much(&self.held()) {
            return Ok(());
        }
        self.recount(layout)?;
        let mut dropped = [0; Rank::ALL.len()];
        for (rank, dropped) in Rank::ALL.into_iter().zip(&mut dropped) {
            let is_over_share = rank != Rank::Believed && self.bytes_of(rank) > share;
            while is_over_share && self.bytes_of(rank) > share / 10 * 9 && self.drop_one(layout, rank)? {
                *dropped += 1;
            }
        }
        if self.bytes() > limit {
            for (rank, dropped) in Rank::ALL.into_iter().zip(&mut dropped) {
                while self.bytes() > limit - limit / 10 && self.drop_one(layout, rank)? {
                    *dropped += 1;
                }
            }
        }
        for (rank, entries) in Rank::ALL.into_iter().zip(dropped).filter(|(_, entries)| *entries > 0) {
            telemetry::Dropped { rank, entries, limit }.record();
        }
        Ok(())
    }

    fn bytes_of(&self, rank: Rank) -> u64 {
        self.held().bytes.get(rank as usize).copied().unwrap_or_default()
    }

    /// Deletes the oldest entry of a rank; whether there was one.
    fn drop_one(&self, layout: &Layout, rank: Rank) -> Result<bool, SpoolError> {
        let mut held = self.held();
        let oldest = held.entries.iter().find(|(_, size)| size.rank == rank).map(|(name, _)| *name);
        let Some(name) = oldest else { return Ok(false) };
        let path = layout.quarantine(name.0, name.1);
        if path.exists() {
            remove(&path)?;
        }
        held.remove(name);
        Ok(true)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn add(&mut self, name: (SegmentId, u32), size: Size) {
        self.remove(name);
        self.entries.insert(name, size);
        self.bytes[size.rank as usize] += size.bytes;
    }

    fn remove(&mut self, name: (SegmentId, u32)) {
        if let Some(size) = self.entries.remove(&name) {
            let bytes = &mut self.bytes[size.rank as usize];
            *bytes = bytes.saturating_sub(size.bytes);
        }
    }
}

impl Rank {
    /// All of them, the lowest first.
    pub const ALL: [Self; 4] = [Self::Junk, Self::Unproven, Self::Authenticated, Self::Believed];

    /// Its word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Junk => "junk",
            Self::Unproven => "unproven",
            Self::Authenticated => "authenticated",
            Self::Believed => "believed",
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

/// Writes entries whole, or leaves nothing of those that are not there yet.
fn write(layout: &Layout, entries: &[&(Entry<'_>, Content<'_>)]) -> Result<(), SpoolError> {
    let folder = layout.quarantine_folder();
    let path = |entry: &Entry<'_>| layout.quarantine(entry.segment, entry.number);
    let written = entries
        .iter()
        .try_for_each(|(entry, content)| make(&path(entry).with_extension("tmp"), entry, *content))
        // Everything that was written at once, which a sync for each file is not.
        .and_then(|()| sync_all_below(&folder))
        .and_then(|()| {
            entries.iter().map(|(entry, _)| path(entry)).try_for_each(|path| {
                let temporary = path.with_extension("tmp");
                fs::rename(&temporary, &path).map_err(SpoolError::io("rename", &temporary))
            })
        })
        .and_then(|()| sync_folder(&folder));
    if written.is_err() {
        for (entry, _) in entries {
            // Should one not go, recovery removes it.
            drop(fs::remove_dir_all(path(entry).with_extension("tmp")));
        }
    }
    written
}

/// Syncs the file system that the folder is on.
fn sync_all_below(folder: &Path) -> Result<(), SpoolError> {
    let synced = File::open(folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
    synced.map_err(SpoolError::io("sync", folder))
}

fn make(folder: &Path, entry: &Entry<'_>, content: Content<'_>) -> Result<(), SpoolError> {
    let reason = Reason {
        segment: entry.segment.to_string(),
        number: entry.number,
        code: entry.code.to_owned(),
        reason: entry.reason.to_owned(),
        rank: Some(entry.rank),
        quarantined_at: unix_millis(),
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
        .map_err(SpoolError::io("write", folder))
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
    io::copy(from, &mut file).map(|_| ())
}

/// A second name costs no room and no time; where there are none, a copy does.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| copy(&mut File::open(from)?, to))
}

/// What is known of an entry that was made by an earlier run. One that has no rank may be a genuine report: it stays longest.
fn size(entry: &Path) -> Size {
    let rank = match reason(entry) {
        Ok(Reason { rank: Some(rank), .. }) => rank,
        Ok(reason) if reason.code == NOT_A_REPORT => Rank::Junk,
        _ => Rank::Believed,
    };
    Size { bytes: disk_bytes(entry), rank }
}

/// What an entry takes of the disk, itself included.
fn disk_bytes(entry: &Path) -> u64 {
    let blocks =
        |path: &Path| fs::symlink_metadata(path).map_or(0, |metadata| metadata.blocks() * BLOCK_BYTES);
    let inside = fs::read_dir(entry).into_iter().flatten().flatten();
    inside.map(|file| blocks(&file.path())).sum::<u64>() + blocks(entry)
}

/// The code of a message in which nothing is a report, or tries to be one.
const NOT_A_REPORT: &str = "not_a_report";

/// A rank below the highest may take one part in so many of the quarantine's room.
const SHARE: u64 = 4;

/// The unit of `st_blocks`, whatever the file system's.
const BLOCK_BYTES: u64 = 512;
