//! Files beside a segment: what its reader must remember over a crash.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
};

use super::{
    SegmentId, SpoolError,
    layout::{Layout, sync_folder, write_whole},
    reserve,
};

/// Writes the side file `name`, durably, on a full disk into the reserve.
pub(super) fn write_surely(
    layout: &Layout,
    id: SegmentId,
    name: &str,
    bytes: &[u8],
) -> Result<(), SpoolError> {
    match write(layout, id, name, bytes) {
        Err(error) if error.is_full() => reserve::write(layout, id, name, bytes),
        outcome => outcome,
    }
}

/// Replaces the side file `name`, durably.
pub(super) fn write(layout: &Layout, id: SegmentId, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    check(name)?;
    let folder = layout.side_folder(id);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => sync_folder(layout.root())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(SpoolError::io("create", &folder)(error)),
    }
    write_whole(&folder.join(name), bytes)
}

/// The side file `name`, when there is one.
pub(super) fn read(layout: &Layout, id: SegmentId, name: &str) -> Result<Option<Vec<u8>>, SpoolError> {
    check(name)?;
    let path = layout.side_folder(id).join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => reserve::read(layout, id, name),
        Err(error) => Err(SpoolError::io("read", &path)(error)),
    }
}

/// How many attempts at a segment have begun.
pub(super) fn attempts(layout: &Layout, id: SegmentId) -> Result<u32, SpoolError> {
    let bytes = read(layout, id, ATTEMPTS)?.unwrap_or_default();
    // The file is only ever replaced whole, so what is no number was not written by us: count anew.
    Ok(str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0))
}

/// Notes that another attempt has begun, and which it is, counted from 1.
pub(super) fn begin_attempt(layout: &Layout, id: SegmentId) -> Result<u32, SpoolError> {
    let attempt = attempts(layout, id)?.saturating_add(1);
    match write(layout, id, ATTEMPTS, format!("{attempt}\n").as_bytes()) {
        // The number only matters when the program dies at a message. Draining is what makes room again.
        Err(error) if error.is_full() => {}
        outcome => outcome?,
    }
    Ok(attempt)
}

/// Removes a segment's side files.
pub(super) fn remove_all(layout: &Layout, id: SegmentId) -> Result<(), SpoolError> {
    let folder = layout.side_folder(id);
    match reserve::take_back(layout, &folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SpoolError::io("remove", &folder)(error))
        }
        _ => Ok(()),
    }
}

/// A name must stay one part of a file's name.
fn check(name: &str) -> Result<(), SpoolError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(plain) {
        return Err(SpoolError::Name { text: name.to_owned(), expected: "a side file's name" });
    }
    Ok(())
}

const ATTEMPTS: &str = "attempts";
const MAX_NAME_BYTES: usize = 64;
