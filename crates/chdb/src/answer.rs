use std::ffi::{CStr, c_char};
use std::ptr::NonNull;
use std::time::Duration;

use crate::api::{Api, RawResult};
use crate::{Error, Exception};

/// A result, or a chunk of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The bytes in the format that was asked for.
    pub bytes: Vec<u8>,
    /// What was read and written.
    pub statistics: Statistics,
}

/// What a statement, or the part of it that made one chunk, read and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Time the engine spent.
    pub elapsed: Duration,
    /// Rows of the result.
    pub result_rows: u64,
    /// Bytes of the result in the engine's own representation.
    pub result_bytes: u64,
    /// Rows read from storage.
    pub read_rows: u64,
    /// Bytes read from storage.
    pub read_bytes: u64,
    /// Rows written, those by materialized views included.
    pub written_rows: u64,
    /// Bytes written, those by materialized views included.
    pub written_bytes: u64,
}

/// Owns a `chdb_result *`.
#[derive(Debug)]
pub(crate) struct Handle {
    api: &'static Api,
    raw: NonNull<std::ffi::c_void>,
}

// SAFETY: a result is a plain heap object that the library does not touch again until it is destroyed, on
// whatever thread. (The handle of a running stream is only used together with its connection, see `Stream`.)
unsafe impl Send for Handle {}

impl Handle {
    pub(crate) fn new(api: &'static Api, raw: RawResult) -> Result<Self, Error> {
        let raw = NonNull::new(raw).ok_or(Error::NoResult)?;
        Ok(Self { api, raw })
    }

    pub(crate) fn into_answer(self) -> Result<Answer, Error> {
        match self.error() {
            Some(exception) => Err(Error::Exception(exception)),
            // A copy, because the library wants its results destroyed before their connection is closed.
            None => Ok(Answer { bytes: self.bytes().to_vec(), statistics: self.statistics() }),
        }
    }

    pub(crate) fn raw(&self) -> RawResult {
        self.raw.as_ptr()
    }

    pub(crate) fn error(&self) -> Option<Exception> {
        // SAFETY: the handle is alive; the text returned is NUL-terminated, lives as long as the handle, and
        // is copied here.
        unsafe { exception((self.api.chdb_result_error)(self.raw())) }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the handle is alive.
        let (start, length) =
            unsafe { ((self.api.chdb_result_buffer)(self.raw()), (self.api.chdb_result_length)(self.raw())) };
        if start.is_null() || length == 0 {
            return &[];
        }
        // SAFETY: the library owns `length` initialised bytes at `start` until the handle is destroyed, which
        // the borrow of `self` prevents; nobody writes to them.
        unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }
    }

    fn statistics(&self) -> Statistics {
        let raw = self.raw();
        // SAFETY: the handle is alive; the accessors read a number each.
        unsafe {
            Statistics {
                elapsed: Duration::try_from_secs_f64((self.api.chdb_result_elapsed)(raw)).unwrap_or_default(),
                result_rows: (self.api.chdb_result_rows_read)(raw),
                result_bytes: (self.api.chdb_result_bytes_read)(raw),
                read_rows: (self.api.chdb_result_storage_rows_read)(raw),
                read_bytes: (self.api.chdb_result_storage_bytes_read)(raw),
                written_rows: (self.api.chdb_result_rows_written)(raw),
                written_bytes: (self.api.chdb_result_bytes_written)(raw),
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is alive and this is its only owner.
        unsafe { (self.api.chdb_destroy_query_result)(self.raw()) }
    }
}

/// Copies an error text of the library; null means that there is none.
///
/// # Safety
///
/// `text` is null or points to a NUL-terminated string.
pub(crate) unsafe fn exception(text: *const c_char) -> Option<Exception> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and NUL-terminated by the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    (!text.is_empty()).then(|| Exception::parse(&text))
}
