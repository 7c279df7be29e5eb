//! The calls whose failure decides over an acknowledgement, in one place so that tests can make them fail.

use std::{
    fs::{self, File},
    io::{self, IoSlice, Write},
    path::Path,
};

/// The disk as the writer sees it.
#[derive(Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) hook: std::sync::Mutex<Option<Box<Hook>>>,
}

/// Told of every call before it is made; its error is the call's.
#[cfg(test)]
pub(super) type Hook = dyn FnMut(Call) -> io::Result<()> + Send;

/// What is about to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Call {
    Append,
    Rename,
    SyncData,
    SyncFolder,
    Truncate,
}

impl Disk {
    /// Appends all of `slices`, or fails with some of them appended.
    pub(super) fn append(&self, mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.about_to(Call::Append)?;
        while !slices.is_empty() {
            match file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut slices, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.about_to(Call::Rename)?;
        fs::rename(from, to)
    }

    pub(super) fn sync_data(&self, file: &File) -> io::Result<()> {
        self.about_to(Call::SyncData)?;
        file.sync_data()
    }

    pub(super) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.about_to(Call::SyncFolder)?;
        File::open(folder)?.sync_all()
    }

    pub(super) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.about_to(Call::Truncate)?;
        file.set_len(length)
    }

    #[cfg(not(test))]
    fn about_to(&self, _: Call) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn about_to(&self, call: Call) -> io::Result<()> {
        self.hook.lock().unwrap().as_mut().map_or(Ok(()), |hook| hook(call))
    }
}
