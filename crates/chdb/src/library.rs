use std::ffi::{CStr, CString, c_char};
use std::path::Path;

use crate::Error;
use crate::api::Api;

/// A loaded libchdb. It is never unloaded: its threads and exit handlers live as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    api: &'static Api,
}

impl Library {
    /// Loads the library from `path`.
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
        Ok(Self { api: Box::leak(Box::new(api)) })
    }

    /// The library's own version, such as `26.7.3`.
    pub fn version(self) -> String {
        // SAFETY: the function returns a static NUL-terminated string, or null.
        text(unsafe { (self.api.chdb_version)() })
    }

    /// Runs ClickHouse's command-line program (`clickhouse local`) with these arguments, the first of which is its
    /// name, and returns when its last statement has ended. It may be run once in a process.
    ///
    /// ClickHouse takes over the handling of SEGV, ABRT and TSTP; it reads standard input when a statement does.
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] with the words of an exception that ended the program, as far as the library tells them;
    /// some are only written to standard error, and then nothing is returned.
    pub fn run(self, arguments: &[String]) -> Result<(), Error> {
        let arguments: Vec<CString> = arguments
            .iter()
            .map(|argument| {
                CString::new(argument.as_str()).map_err(|_| Error::NulByte { argument: argument.clone() })
            })
            .collect::<Result<_, _>>()?;
        let mut pointers: Vec<*mut c_char> =
            arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
        let count = i32::try_from(pointers.len()).map_err(|_| Error::Arguments { count: pointers.len() })?;
        // As `main` gets it.
        pointers.push(std::ptr::null_mut());
        // SAFETY: `pointers` holds `count` NUL-terminated strings and a null pointer, which live until the call
        // returns; the library does not write to the strings.
        let result = unsafe { (self.api.chdb_query_cmdline)(count, pointers.as_mut_ptr()) };
        if result.is_null() {
            return Err(Error::Exception { text: String::new() });
        }
        // SAFETY: `result` comes from the library and is destroyed below only.
        let error = text(unsafe { (self.api.chdb_result_error)(result) });
        // SAFETY: as above; nothing points into it any more.
        unsafe { (self.api.chdb_destroy_query_result)(result) };
        if error.is_empty() { Ok(()) } else { Err(Error::Exception { text: error }) }
    }
}

/// A text of the library's.
fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: not null, and NUL-terminated by the library's contract.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}
