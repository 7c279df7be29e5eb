//! How much room the disk has.

use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::fs::StatVfsMountFlags;

use super::SpoolError;

/// The disk's free room, asked for at most once a second.
#[derive(Debug, Default)]
pub(super) struct Space {
    last: Mutex<Option<(Instant, u64)>>,
}

impl Space {
    /// Free bytes for this user; none when the file system is out of inodes. An error when nothing can be written at all.
    pub(super) fn free(&self, path: &Path) -> Result<u64, SpoolError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, free)) = *last
            && at.elapsed() < MAX_AGE
        {
            return Ok(free);
        }
        let now = rustix::fs::statvfs(path)
            .map_err(|error| SpoolError::io("ask for the free space of", path)(error.into()))?;
        if now.f_flag.contains(StatVfsMountFlags::RDONLY) {
            let error = io::Error::from(io::ErrorKind::ReadOnlyFilesystem);
            return Err(SpoolError::io("write to", path)(error));
        }
        // Some file systems have no fixed number of inodes and say 0 of 0.
        let out_of_inodes = now.f_files > 0 && now.f_favail == 0;
        let free = if out_of_inodes { 0 } else { now.f_bavail.saturating_mul(now.f_frsize) };
        *last = Some((Instant::now(), free));
        Ok(free)
    }
}

const MAX_AGE: Duration = Duration::from_secs(1);
