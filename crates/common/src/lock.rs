//! A file that at most one process holds: what keeps a second daemon out of a folder.

use std::{
    fs::{File, TryLockError},
    io,
};

/// A held lock; dropping it lets it go. The kernel does so too when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock on `file` when nobody has it.
    ///
    /// # Errors
    ///
    /// When somebody has it, or the file system cannot lock.
    pub fn attempt(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self { file })
    }

    /// Takes the lock on `file` once everybody else has let it go.
    ///
    /// # Errors
    ///
    /// When the file system cannot lock.
    pub fn wait(file: File) -> io::Result<Self> {
        file.lock()?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do. The lock is the open file's, not the descriptor's (flock(2)), and a child process has a
        // copy of every descriptor from its fork to its exec, whoever started it.
        drop(self.file.unlock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_let_go_is_free_while_a_copy_of_its_descriptor_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::create(folder.path().join("lock")).unwrap();
        let file = open();
        let _as_in_a_forked_child = file.try_clone().unwrap();
        let lock = Lock::attempt(file).unwrap();
        assert!(matches!(Lock::attempt(open()), Err(TryLockError::WouldBlock)));
        drop(lock);
        drop(Lock::attempt(open()).unwrap());
        drop(Lock::wait(open()).unwrap());
    }
}
