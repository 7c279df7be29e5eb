use crate::answer::Handle;
use crate::{Answer, Connection, Error};

/// A running `SELECT`. Dropping it before its end cancels it.
#[derive(Debug)]
pub struct Stream<'connection> {
    connection: &'connection mut Connection,
    handle: Handle,
    ended: bool,
}

impl<'connection> Stream<'connection> {
    pub(crate) fn new(connection: &'connection mut Connection, handle: Handle) -> Self {
        Self { connection, handle, ended: false }
    }

    /// Waits for the next chunk; `None` at the end. The last chunk may come with no rows but with the end of
    /// the format (the foot of a JSON document).
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] with the engine's words; the stream has then ended.
    pub fn fetch(&mut self) -> Result<Option<Answer>, Error> {
        if self.ended {
            return Ok(None);
        }
        // SAFETY: the connection is open and borrowed by this stream alone; the handle belongs to it.
        let chunk = unsafe {
            (self.connection.api.chdb_stream_fetch_result)(self.connection.raw(), self.handle.raw())
        };
        let chunk = Handle::new(self.connection.api, chunk).and_then(Handle::into_answer);
        self.ended = !matches!(&chunk, Ok(chunk) if !chunk.bytes.is_empty());
        chunk.map(|chunk| (!self.ended).then_some(chunk))
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: the connection is open, the handle belongs to it and is destroyed only after this.
            unsafe {
                (self.connection.api.chdb_stream_cancel_query)(self.connection.raw(), self.handle.raw());
            }
        }
    }
}
