use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The file that a private key goes into. It is made before there is a key, so that a key is never made in vain, and taken
/// away again when none comes.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    file: File,
    is_written: bool,
}

/// Why a private key cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// A key that mail may be signed with is never replaced.
    #[error("{} is there already; it is left as it is", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made or written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

impl KeyFile {
    /// Makes the file for a selector of a domain in a folder, which has to be there. Only its owner can read it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`].
    pub fn create(folder: &Path, domain: &str, selector: &str) -> Result<Self, KeyFileError> {
        let path = folder.join(format!("{domain}.{selector}.key"));
        // With O_EXCL a link that somebody put there is not followed, either.
        let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&path);
        match file {
            Ok(file) => Ok(Self { path, file, is_written: false }),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyFileError::Exists { path })
            }
            Err(source) => Err(KeyFileError::Io { path, source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the key and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`]; the file is gone then.
    pub fn write(mut self, pem: &str) -> Result<PathBuf, KeyFileError> {
        let written = self.file.write_all(pem.as_bytes()).and_then(|()| self.file.sync_all());
        let synced = written.and_then(|()| match self.path.parent() {
            // The name is in the folder, which is on the disk by itself.
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        });
        synced.map_err(|source| KeyFileError::Io { path: self.path.clone(), source })?;
        self.is_written = true;
        Ok(self.path.clone())
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if !self.is_written {
            // It is ours and empty, or holds part of a key; nobody can be told if it stays.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

const OWNER_ONLY: u32 = 0o600;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn only_the_owner_can_read_it_and_it_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::create(folder.path(), "example.com", "s1").unwrap();
        let path = file.write("key one").unwrap();
        assert_eq!(path, folder.path().join("example.com.s1.key"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let error = KeyFile::create(folder.path(), "example.com", "s1").unwrap_err();
        assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "key one");
    }

    #[test]
    fn a_link_is_not_followed_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("example.com.s1.key")).unwrap();
        let error = KeyFile::create(folder.path(), "example.com", "s1").unwrap_err();
        assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
        assert!(!elsewhere.exists());
        drop(KeyFile::create(folder.path(), "example.com", "s2").unwrap());
        assert!(!folder.path().join("example.com.s2.key").exists());
        let error = KeyFile::create(&folder.path().join("none"), "example.com", "s1").unwrap_err();
        assert!(error.to_string().contains("example.com.s1.key"), "{error}");
    }
}
