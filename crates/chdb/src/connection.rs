use std::ffi::c_char;
use std::ptr::NonNull;

use crate::answer::Handle;
use crate::api::{Api, Begin, RawConnection};
use crate::{Answer, Error, Insert, Stream};

/// One session with the engine: its settings, its current database, its temporary tables. Closed on drop.
#[derive(Debug)]
pub struct Connection {
    pub(crate) api: &'static Api,
    handle: NonNull<RawConnection>,
}

/// A value for a `{name:Type}` placeholder, in ClickHouse's escaped text form (as in a TSV cell).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// The placeholder's name.
    pub name: String,
    /// The value; the engine reads it as the placeholder's type, it never becomes part of the statement.
    pub value: Vec<u8>,
}

// SAFETY: the library keeps no thread-local state for a connection: every call attaches its thread for the
// call's duration, and a connection may be used from any thread as long as one statement runs at a time,
// which `&mut` ensures. It is not `Sync`.
unsafe impl Send for Connection {}

impl Connection {
    pub(crate) fn new(api: &'static Api, handle: NonNull<RawConnection>) -> Self {
        Self { api, handle }
    }

    /// Runs one or more statements to their end and returns the whole result in `format` (a statement's own
    /// `FORMAT` clause wins). An `INSERT` may carry its data in the text.
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] with the engine's words.
    pub fn query(
        &mut self,
        statement: &[u8],
        format: &str,
        parameters: &[Parameter],
    ) -> Result<Answer, Error> {
        // SAFETY: `chdb.h` has it read its arguments and keep none of them.
        let result = unsafe { self.begin(self.api.chdb_query_with_params_n, statement, format, parameters) };
        Handle::new(self.api, result)?.into_answer()
    }

    /// Starts a `SELECT` whose result is fetched chunk by chunk.
    ///
    /// # Errors
    ///
    /// [`Error::NotStreamable`] when the statement is something else, has more than one part, or is no
    /// statement: nothing was run; use [`Connection::query`]. [`Error::Exception`] with the engine's words
    /// otherwise. Most mistakes only come out of the first [`Stream::fetch`].
    pub fn stream(
        &mut self,
        statement: &[u8],
        format: &str,
        parameters: &[Parameter],
    ) -> Result<Stream<'_>, Error> {
        // SAFETY: `chdb.h` has it read its arguments and keep none of them.
        let result =
            unsafe { self.begin(self.api.chdb_stream_query_with_params_n, statement, format, parameters) };
        let result = Handle::new(self.api, result)?;
        match result.error() {
            None => Ok(Stream::new(self, result)),
            Some(exception) if exception.text.contains(NOT_STREAMABLE) => Err(Error::NotStreamable),
            Some(exception) => Err(Error::Exception(exception)),
        }
    }

    /// Starts an `INSERT` whose data is appended chunk by chunk. `statement` has neither a `FORMAT` clause
    /// nor data: `INSERT INTO t (a, b) SETTINGS x = 1`, or ends in `VALUES` with an empty `format`.
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] with the engine's words: no such table, no such format, read-only.
    pub fn insert(
        &mut self,
        statement: &[u8],
        format: &str,
        parameters: &[Parameter],
    ) -> Result<Insert<'_>, Error> {
        // SAFETY: `chdb.h` has it read its arguments and keep none of them.
        let handle =
            unsafe { self.begin(self.api.chdb_stream_insert_with_params_n, statement, format, parameters) };
        Insert::new(self, handle)
    }

    /// Hands a statement to one of the library's three functions that begin one.
    ///
    /// # Safety
    ///
    /// `function` is one of this connection's library that reads its pointers, each for the length beside it, during the
    /// call only.
    unsafe fn begin<R>(
        &mut self,
        function: Begin<R>,
        statement: &[u8],
        format: &str,
        parameters: &[Parameter],
    ) -> R {
        let parameters = Parameters::new(parameters);
        // SAFETY: every pointer comes with its length and outlives the call, the four arrays have the one length
        // given, the handle is open, and `&mut self` means that no other statement runs on it. The caller vouches for
        // the function.
        unsafe {
            function(
                self.raw(),
                statement.as_ptr().cast(),
                statement.len(),
                format.as_ptr().cast(),
                format.len(),
                parameters.names.as_ptr(),
                parameters.name_lengths.as_ptr(),
                parameters.values.as_ptr(),
                parameters.value_lengths.as_ptr(),
                parameters.names.len(),
            )
        }
    }

    /// The handle that statements take.
    pub(crate) fn raw(&self) -> RawConnection {
        // SAFETY: `chdb_connect` returned a valid pointer to the handle; only `drop` ends its life.
        unsafe { *self.handle.as_ptr() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle is open and no statement borrows this connection any more. The library ends what
        // a forgotten stream may have left.
        unsafe { (self.api.chdb_close_conn)(self.handle.as_ptr()) }
    }
}

/// Parallel arrays, as the C functions take them.
struct Parameters {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl Parameters {
    /// Borrows from `parameters`, which therefore must live until the call has returned.
    fn new(parameters: &[Parameter]) -> Self {
        Self {
            names: parameters.iter().map(|parameter| parameter.name.as_ptr().cast()).collect(),
            name_lengths: parameters.iter().map(|parameter| parameter.name.len()).collect(),
            values: parameters.iter().map(|parameter| parameter.value.as_ptr().cast()).collect(),
            value_lengths: parameters.iter().map(|parameter| parameter.value.len()).collect(),
        }
    }
}

/// How the library words its refusal to stream.
const NOT_STREAMABLE: &str = "Streaming query is not supported";
