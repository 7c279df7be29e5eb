//! The folder `access` of the engine: the users' passwords, and the configuration that is made of them at each start.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use super::users::plain;
use super::{Error, OWNER, Settings};

/// Where the passwords of the engine's own users lie.
#[derive(Clone, Debug)]
pub struct Passwords {
    folder: PathBuf,
    owner: Option<PathBuf>,
}

impl Passwords {
    /// Those of an engine with these settings.
    pub fn of(settings: &Settings) -> Self {
        Self { folder: folder(&settings.path), owner: settings.password_file.clone() }
    }

    /// The password of a user.
    ///
    /// # Errors
    ///
    /// [`Error::Password`] when it cannot be read; before the engine's first start it is not there yet.
    pub fn read(&self, user: &str) -> Result<String, Error> {
        let path = self.file(user)?;
        let failed = |source| Error::Password { user: user.to_owned(), path: path.clone(), source };
        let text = fs::read_to_string(&path).map_err(failed)?;
        match text.lines().next().map(str::trim_end).filter(|line| !line.is_empty()) {
            Some(password) => Ok(password.to_owned()),
            None => Err(failed(io::Error::new(io::ErrorKind::InvalidData, "its first line is empty"))),
        }
    }

    /// The password of a user, which is made when no file is named for it and there is none yet.
    ///
    /// # Errors
    ///
    /// [`Error::Name`], [`Error::Folder`] and [`Error::Password`].
    pub fn read_or_make(&self, user: &str) -> Result<String, Error> {
        let path = self.file(user)?;
        let is_ours = path.starts_with(&self.folder);
        if is_ours && !path.exists() {
            make_folder(&self.folder)?;
            write(&path, &format!("{}\n", new_password()?))?;
        }
        self.read(user)
    }

    fn file(&self, user: &str) -> Result<PathBuf, Error> {
        // The name becomes part of a path.
        plain("the user", user)?;
        Ok(match &self.owner {
            Some(file) if user == OWNER => file.clone(),
            _ => self.folder.join(format!("{user}.password")),
        })
    }
}

/// A password that nobody knows yet: 48 hexadecimal digits.
///
/// # Errors
///
/// [`Error::Random`].
pub fn new_password() -> Result<String, Error> {
    let mut bytes = [0; 24];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(hex(&bytes))
}

/// The SHA-256 of a password, as `users.xml` has it.
pub fn password_hash(password: &str) -> String {
    hex(digest::digest(&digest::SHA256, password.as_bytes()).as_ref())
}

/// The folder itself.
pub(super) fn folder(data: &Path) -> PathBuf {
    data.join("access")
}

/// Makes a folder that only this user can enter.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    // It may have been there, and open to others.
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// Writes a file that only this user can read, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    let mut file = options.open(&new).map_err(failed)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::READER;

    #[test]
    fn passwords_are_made_once_and_are_private() {
        let data = tempfile::tempdir().unwrap();
        make_folder(&folder(data.path())).unwrap();
        let passwords = Passwords::of(&Settings { path: data.path().to_owned(), ..Settings::default() });
        assert!(passwords.read(OWNER).unwrap_err().to_string().contains("first time"));
        let [owner, reader] = [OWNER, READER].map(|user| passwords.read_or_make(user).unwrap());
        assert!(owner != reader && owner.len() == 48);
        assert_eq!(passwords.read_or_make(OWNER).unwrap(), owner);
        for entry in fs::read_dir(folder(data.path())).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(folder(data.path())).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_named_file_is_read_and_never_made() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("password");
        let settings = Settings { password_file: Some(file.clone()), ..Settings::default() };
        let passwords = Passwords::of(&settings);
        assert!(passwords.read_or_make(OWNER).is_err() && !file.exists());
        fs::write(&file, "\n").unwrap();
        assert!(passwords.read_or_make(OWNER).is_err());
        fs::write(&file, "secret \nmore\n").unwrap();
        assert_eq!(passwords.read_or_make(OWNER).unwrap(), "secret");
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(password_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
