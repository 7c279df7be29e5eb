//! Room that is set aside while there is some, so that segments can still be done when the disk is full: draining is what makes
//! room again.
//!
//! Before a segment's first row goes to the store, what was decided about it has to be on disk. On a full disk it is written over
//! the blocks of a file that was allocated earlier, and folder and file are moved beside the segment; both moves only change
//! names. When the segment is done they move back, so that the reserve is never given up to whoever fills the disk. It serves
//! one segment at a time; the others wait their turn. File systems that never write in place (btrfs, ZFS) may refuse even this:
//! there `min_free_bytes` is what keeps room.
//!
//! | name in `reserve/` | what |
//! |---|---|
//! | `side/` | an empty folder, to become a segment's |
//! | `decisions` | allocated and zero behind its content, to become a side file |
//! | `room` | removed to make room for a message that goes to quarantine, and made again |

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate};

use super::{
    SegmentId, SpoolError,
    layout::{Layout, remove_if_there, sync_folder},
};

/// Makes what is missing of the reserve, for segments of `segment_bytes`. It may be called again and again.
pub(super) fn restore(layout: &Layout, segment_bytes: u64) -> Result<(), SpoolError> {
    let folder = layout.reserve();
    for folder in [&folder, &folder.join(SIDE)] {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(SpoolError::io("create", folder)(error));
            }
            _ => {}
        }
    }
    for (name, bytes) in [(DECISIONS, 2 * segment_bytes), (ROOM, segment_bytes)] {
        let path = folder.join(name);
        if let Err(error) = allocate(&path, bytes) {
            // Half of it would be taken for the whole.
            remove_if_there(&path)?;
            return Err(SpoolError::io("reserve room in", &path)(error));
        }
    }
    sync_folder(&folder)
}

/// Writes a side file into the reserve and moves it beside the segment, durably. No free byte is needed.
pub(super) fn write(layout: &Layout, id: SegmentId, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    let (reserve, side) = (layout.reserve(), layout.side_folder(id));
    let file = reserve.join(DECISIONS);
    overwrite(&file, bytes).map_err(SpoolError::io("write", &file))?;
    if !side.is_dir() {
        let folder = reserve.join(SIDE);
        fs::rename(&folder, &side).map_err(SpoolError::io("rename", &folder))?;
    }
    fs::rename(&file, side.join(reserved(name))).map_err(SpoolError::io("rename", &file))?;
    sync_folder(&side)?;
    sync_folder(layout.root())
}

/// The side file `name`, when it was written into the reserve.
pub(super) fn read(layout: &Layout, id: SegmentId, name: &str) -> Result<Option<Vec<u8>>, SpoolError> {
    let path = layout.side_folder(id).join(reserved(name));
    match fs::read(&path) {
        Ok(mut bytes) => {
            bytes.truncate(content(&bytes));
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SpoolError::io("read", &path)(error)),
    }
}

/// Removes a side folder; what came from the reserve goes back.
pub(super) fn take_back(layout: &Layout, side: &Path) -> io::Result<()> {
    let reserve = layout.reserve();
    for entry in fs::read_dir(side)? {
        let path = entry?.path();
        let came_from_here = path.extension().is_some_and(|extension| extension == RESERVED);
        let home = reserve.join(DECISIONS);
        if came_from_here && !home.exists() {
            fs::rename(&path, &home)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    let home = reserve.join(SIDE);
    if !home.exists() && reserve.is_dir() { fs::rename(side, home) } else { fs::remove_dir(side) }
}

/// Makes room by what was kept for it; whether there was any.
pub(super) fn release_room(layout: &Layout) -> bool {
    fs::remove_file(layout.reserve().join(ROOM)).is_ok()
}

fn reserved(name: &str) -> String {
    format!("{name}.{RESERVED}")
}

/// Makes a file have blocks for so many bytes.
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let has = file.metadata()?.len();
    if has >= bytes {
        return Ok(());
    }
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => {}
        Err(rustix::io::Errno::OPNOTSUPP) => {
            file.seek(SeekFrom::Start(has))?;
            io::copy(&mut io::repeat(0).take(bytes - has), &mut file)?;
        }
        Err(error) => return Err(error.into()),
    }
    file.sync_all()
}

/// Replaces the content of a file without making it longer or shorter.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let before = content(&fs::read(path)?);
    let mut file = OpenOptions::new().write(true).open(path)?;
    if bytes.len() as u64 > file.metadata()?.len() {
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.write_all(bytes)?;
    zero(&mut file, before.saturating_sub(bytes.len()))?;
    file.sync_all()
}

fn zero(file: &mut File, bytes: usize) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(bytes as u64), file).map(drop)
}

/// Where the zeros at the end begin. No side file ends in one.
fn content(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

const SIDE: &str = "side";
const DECISIONS: &str = "decisions";
const ROOM: &str = "room";
const RESERVED: &str = "reserved";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_out_and_comes_back_with_its_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(&folder.path().join("spool")).unwrap();
        let id = SegmentId::new();
        assert!(write(&layout, id, "decisions", b"x").is_err(), "nothing was reserved");
        restore(&layout, 4096).unwrap();
        for text in [&b"{\"long\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n"[..], b"short\n"] {
            write(&layout, id, "decisions", text).unwrap();
            assert_eq!(read(&layout, id, "decisions").unwrap().unwrap(), text);
            let other = write(&layout, SegmentId::new(), "decisions", b"y").unwrap_err();
            assert!(matches!(other, SpoolError::Io { .. }), "one at a time");
            take_back(&layout, &layout.side_folder(id)).unwrap();
            assert!(!layout.side_folder(id).exists());
            assert_eq!(fs::metadata(layout.reserve().join(DECISIONS)).unwrap().len(), 8192);
        }
        assert!(write(&layout, id, "decisions", &[1; 8193]).unwrap_err().is_full());
        assert!(release_room(&layout) && !release_room(&layout));
        restore(&layout, 8192).unwrap();
        assert_eq!(fs::metadata(layout.reserve().join(DECISIONS)).unwrap().len(), 16384);
        assert_eq!(fs::metadata(layout.reserve().join(ROOM)).unwrap().len(), 8192);
    }
}
