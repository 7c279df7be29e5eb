use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr::NonNull;

use crate::api::Api;
use crate::{Connection, Error};

/// A loaded libchdb. It is never unloaded: its threads and exit handlers live as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    api: &'static Api,
}

impl Library {
    /// Loads the library from `path` and switches its signal handlers off, so that the host's own work.
    ///
    /// The file's initialisers run: only name a file that is trusted to be libchdb.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] when the file is no shared library of this platform, [`Error::MissingFunction`] when
    /// it is one, but not a libchdb of a version that has all the functions used here.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // SAFETY: loading runs the library's initialisers; those of libchdb have no preconditions.
        let library = unsafe { libloading::Library::new(path) }
            .map_err(|source| Error::Load { path: path.to_owned(), source })?;
        // Dropping it would unload the code under the engine's own threads.
        let library = Box::leak(Box::new(library));
        // SAFETY: the signatures are those of chdb.h, and the library has just been leaked.
        let api = unsafe { Api::load(library) }?;
        let api: &'static Api = Box::leak(Box::new(api));
        // SAFETY: no precondition; the header asks for the call to come before the first connection, as it
        // does.
        unsafe { (api.chdb_set_signal_handlers_enabled)(0) };
        Ok(Self { api })
    }

    /// The library's own version, such as `26.7.3`.
    pub fn version(self) -> String {
        // SAFETY: the function returns a static NUL-terminated string, or null.
        let version = unsafe { (self.api.chdb_version)() };
        if version.is_null() {
            return String::new();
        }
        // SAFETY: not null, and NUL-terminated by the library's contract.
        unsafe { CStr::from_ptr(version) }.to_string_lossy().into_owned()
    }

    /// Opens a connection. Arguments are `--name=value`: `--path=…` (the data folder, the same in every
    /// connection) and server options count in the first connection of a process, query settings in each.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`]: the library does not say why, it only writes to its log. Common reasons are a
    /// folder that cannot be written or that another process holds, and an unknown value for a setting.
    pub fn connect(self, arguments: &[String]) -> Result<Connection, Error> {
        let arguments: Vec<CString> = std::iter::once("clickhouse")
            .chain(arguments.iter().map(String::as_str))
            .map(|argument| {
                CString::new(argument).map_err(|_| Error::NulByte { argument: argument.to_owned() })
            })
            .collect::<Result<_, _>>()?;
        let mut pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
        let count = i32::try_from(pointers.len()).map_err(|_| Error::Connect)?;
        // SAFETY: `pointers` holds `count` NUL-terminated strings that live until the call returns; the
        // library copies them and does not write to them.
        let handle = unsafe { (self.api.chdb_connect)(count, pointers.as_mut_ptr()) };
        let handle = NonNull::new(handle).ok_or(Error::Connect)?;
        Ok(Connection::new(self.api, handle))
    }
}
