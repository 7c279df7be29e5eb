use std::ptr::NonNull;

use crate::answer::{Handle, exception};
use crate::api::RawInsert;
use crate::{Connection, Error, Exception, Statistics};

/// A running `INSERT`. Dropping it before [`Insert::finish`] cancels it: what the engine has not yet written
/// as a part (a part is written for every `max_insert_block_size` rows or `min_insert_block_size_bytes`
/// bytes) is gone.
#[derive(Debug)]
pub struct Insert<'connection> {
    connection: &'connection mut Connection,
    handle: NonNull<std::ffi::c_void>,
}

// SAFETY: as for `Connection`: any thread may make the next call, one at a time.
unsafe impl Send for Insert<'_> {}

impl<'connection> Insert<'connection> {
    pub(crate) fn new(connection: &'connection mut Connection, handle: RawInsert) -> Result<Self, Error> {
        let handle = NonNull::new(handle).ok_or(Error::NoResult)?;
        // Built before the check, so that a failed start is destroyed too.
        let insert = Self { connection, handle };
        match insert.error() {
            Some(exception) => Err(Error::Exception(exception)),
            None => Ok(insert),
        }
    }

    /// Hands over the next bytes of the data, cut anywhere; waits while the engine has 16 chunks to read.
    ///
    /// # Errors
    ///
    /// [`Error::InsertEnded`] when the engine has given up; [`Insert::finish`] then returns its reason.
    pub fn append(&mut self, data: &[u8]) -> Result<(), Error> {
        if data.is_empty() {
            return Ok(());
        }
        // SAFETY: the stream is alive; the library copies `data.len()` bytes before it returns.
        let state = unsafe {
            (self.connection.api.chdb_stream_append)(self.handle.as_ptr(), data.as_ptr().cast(), data.len())
        };
        if state == 0 { Ok(()) } else { Err(Error::InsertEnded) }
    }

    /// Ends the data and waits until the engine has stored it.
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] with the engine's words; nothing of the last block is stored then.
    pub fn finish(self) -> Result<Statistics, Error> {
        // SAFETY: the stream is alive; it is destroyed after this by drop.
        let result = unsafe { (self.connection.api.chdb_stream_done)(self.handle.as_ptr()) };
        Ok(Handle::new(self.connection.api, result)?.into_answer()?.statistics)
    }

    /// Ends the statement without storing what has not been stored yet.
    pub fn cancel(self) {
        // SAFETY: the stream is alive; it is destroyed after this by drop.
        unsafe { (self.connection.api.chdb_stream_cancel_insert)(self.handle.as_ptr()) }
    }

    fn error(&self) -> Option<Exception> {
        // SAFETY: the stream is alive, and the text lives as long as it.
        unsafe { exception((self.connection.api.chdb_stream_insert_error)(self.handle.as_ptr())) }
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        // SAFETY: the stream is alive and this is its only owner; the library cancels it if it is still open.
        unsafe { (self.connection.api.chdb_destroy_insert_stream)(self.handle.as_ptr()) }
    }
}
