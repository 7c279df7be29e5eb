//! Where things are in the spool's folder.
//!
//! | name | what |
//! |---|---|
//! | `lock` | held by the daemon |
//! | `requeue.lock` | held while segments are put in from outside, and during recovery |
//! | `<id>.open` | the segment being written |
//! | `<id>.<count>.seg` | a closed segment; what lies behind its `count` frames was never acknowledged |
//! | `<id>.side/<name>` | a side file |
//! | `reserve/` | room for draining on a full disk |
//! | `….set-aside` | has a name of ours and is of another kind, such as a folder named like a segment |
//! | `large/<id>-<number>.eml` | the body of a large message |
//! | `quarantine/<id>-<number>/` | a message set aside |
//! | `….tmp` | not finished; removed at start |

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use super::{SegmentId, SpoolError};

/// The spool's folder.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the folders where they are missing, private to this user.
    pub(super) fn create(root: &Path) -> Result<Self, SpoolError> {
        let layout = Self::at(root);
        let missing: Vec<_> = root.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in [layout.root.clone(), layout.large_folder(), layout.quarantine_folder()] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(0o700)))
                .map_err(SpoolError::io("create", &folder))?;
        }
        sync_folder(&layout.root)?;
        for parent in missing.iter().filter_map(|folder| folder.parent()) {
            let here = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            sync_folder(here)?;
        }
        Ok(layout)
    }

    /// The layout of a folder that may or may not be there.
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn requeue_lock(&self) -> PathBuf {
        self.root.join("requeue.lock")
    }

    pub(super) fn open_segment(&self, id: SegmentId) -> PathBuf {
        self.root.join(format!("{id}.open"))
    }

    pub(super) fn closed_segment(&self, id: SegmentId, count: u32) -> PathBuf {
        self.root.join(format!("{id}.{count}.seg"))
    }

    pub(super) fn side_folder(&self, id: SegmentId) -> PathBuf {
        self.root.join(format!("{id}.side"))
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    pub(super) fn large_folder(&self) -> PathBuf {
        self.root.join("large")
    }

    pub(super) fn large(&self, id: SegmentId, number: u32) -> PathBuf {
        self.large_folder().join(format!("{id}-{number}.eml"))
    }

    pub(super) fn quarantine_folder(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    pub(super) fn quarantine(&self, id: SegmentId, number: u32) -> PathBuf {
        self.quarantine_folder().join(format!("{id}-{number}"))
    }
}

/// What a file in the spool's folder is, told by its name.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Name {
    Open(SegmentId),
    Closed(SegmentId, u32),
    Side(SegmentId),
    Temporary,
    Other,
}

impl Name {
    pub(super) fn parse(name: &OsStr) -> Self {
        let Some(name) = name.to_str() else { return Self::Other };
        if name.ends_with(".tmp") {
            return Self::Temporary;
        }
        let Some((id, rest)) = name.split_once('.') else { return Self::Other };
        let Ok(id) = id.parse() else { return Self::Other };
        match (rest, rest.strip_suffix(".seg").map(str::parse)) {
            ("open", _) => Self::Open(id),
            ("side", _) => Self::Side(id),
            (_, Some(Ok(count))) => Self::Closed(id, count),
            _ => Self::Other,
        }
    }
}

/// `<id>-<number>`, as large files and quarantine entries are called.
pub(super) fn parse_numbered(name: &str) -> Option<(SegmentId, u32)> {
    let (id, number) = name.rsplit_once('-')?;
    Some((id.parse().ok()?, number.parse().ok()?))
}

/// A new file nobody else may read; an error when there is one already.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// Gives `file` to the owner of `folder`.
pub(super) fn adopt(file: &File, folder: &Path) -> io::Result<()> {
    let (owner, now) = (fs::metadata(folder)?, file.metadata()?);
    if (owner.uid(), owner.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// The lock file at `path`, made when missing; not yet locked.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), SpoolError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(SpoolError::io("sync", path))
}

/// Writes a whole file: it has all of `bytes`, durably, or does not appear.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
    use std::io::Write;

    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    remove_if_there(&temporary)?;
    let written = create_private(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        remove_if_there(&temporary)?;
        return Err(SpoolError::io("write", path)(error));
    }
    sync_folder(path.parent().unwrap_or(Path::new("/")))
}

/// Makes a file in the spool's folder durable, and removes it: what a commit needs at least.
pub(super) fn probe(layout: &Layout) -> Result<(), SpoolError> {
    use std::io::Write;

    let path = layout.root().join("probe.tmp");
    remove_if_there(&path)?;
    let written =
        create_private(&path).and_then(|mut file| file.write_all(b"x").and_then(|()| file.sync_data()));
    let removed = remove_if_there(&path);
    written.map_err(SpoolError::io("write", &path))?;
    removed
}

/// Removes a file, unless it is gone already.
pub(super) fn remove_if_there(path: &Path) -> Result<(), SpoolError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Renames what has a name of ours and is not ours, so that it is left alone from then on.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, SpoolError> {
    let mut aside = (0..).map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 { ".set-aside".to_owned() } else { format!(".set-aside-{number}") });
        PathBuf::from(name)
    });
    let free = aside.find(|aside| fs::symlink_metadata(aside).is_err());
    let aside = free.unwrap_or_else(|| path.to_path_buf());
    fs::rename(path, &aside).map_err(SpoolError::io("rename", path))?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let layout = Layout::at(Path::new("/x"));
        let id = SegmentId::new();
        let parse = |path: PathBuf| Name::parse(path.file_name().unwrap());
        assert_eq!(parse(layout.open_segment(id)), Name::Open(id));
        assert_eq!(parse(layout.closed_segment(id, 17)), Name::Closed(id, 17));
        assert_eq!(parse(layout.side_folder(id)), Name::Side(id));
        assert_eq!(Name::parse(OsStr::new("x.seg.tmp")), Name::Temporary);
        for other in ["lock", "large", "x.1.seg", &format!("{id}.-1.seg"), &format!("{id}.seg")] {
            assert_eq!(Name::parse(OsStr::new(other)), Name::Other, "{other}");
        }
        let large = layout.large(id, 3);
        assert_eq!(parse_numbered(large.file_stem().unwrap().to_str().unwrap()), Some((id, 3)));
    }
}
