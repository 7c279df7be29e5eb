//! A message on its way in.

use std::mem;

use crc32fast::Hasher;
use tokio::{
    sync::oneshot,
    task::{JoinError, spawn_blocking},
};

use super::{
    Envelope, Spool, SpoolError,
    buffer::Buffer,
    frame::{HEADER_BYTES, Header, Place},
    large::LargeFile,
    writer::{Commit, Order},
};

/// A message that is being received. Dropped before [`Self::commit`], it leaves nothing behind.
pub struct Incoming {
    spool: Spool,
    body: Body,
    length: u64,
    checksum: Hasher,
}

/// The bytes so far.
pub(super) enum Body {
    /// All of them.
    Memory(Buffer),
    /// A file, and the bytes that are not in it yet.
    File(LargeFile, Buffer),
    /// Not known: a write failed or was cancelled.
    Lost,
}

impl Incoming {
    pub(super) fn new(spool: Spool) -> Self {
        let body = Body::Memory(spool.shared().budget.buffer());
        Self { spool, body, length: 0, checksum: Hasher::new() }
    }

    /// Adds the message's next bytes. They are not durable before [`Self::commit`] has returned.
    ///
    /// A large message goes to a file in pieces, so this can fail as a disk does, and also when the disk falls below
    /// its low-water mark. After an error, or when the future was dropped before it was ready, the message is lost.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let fits = match &mut self.body {
            Body::Memory(buffer) => buffer.push(bytes, self.spool.shared().settings.memory_message_bytes),
            Body::File(_, buffer) => buffer.push(bytes, FILE_PIECE_BYTES),
            Body::Lost => return Err(SpoolError::Incomplete),
        };
        if !fits {
            let body = mem::replace(&mut self.body, Body::Lost);
            self.body = self.write_through(body, bytes).await?;
        }
        self.length += bytes.len() as u64;
        self.checksum.update(bytes);
        Ok(())
    }

    /// Makes the message durable: when this returns `Ok` it will be handed out once, whatever happens. Dropped before
    /// it is ready, the message may or may not have been kept.
    ///
    /// # Errors
    ///
    /// When the message could not be made durable; nothing of it is kept then.
    pub async fn commit(self, envelope: Envelope) -> Result<(), SpoolError> {
        let envelope = envelope.encode()?;
        let body = match self.body {
            Body::Memory(buffer) => Body::Memory(buffer),
            Body::File(file, buffer) => {
                Body::File(spawn_blocking(|| finish(file, buffer)).await??, Buffer::none())
            }
            Body::Lost => return Err(SpoolError::Incomplete),
        };
        let header = Header {
            number: 0,
            envelope_bytes: u32::try_from(envelope.len()).unwrap_or(u32::MAX), // it was found to be below the limit
            body_bytes: self.length,
            envelope_checksum: crc32fast::hash(&envelope),
            body_checksum: self.checksum.finalize(),
            place: if matches!(body, Body::Memory(_)) { Place::Inline } else { Place::File },
        };
        let mut head = Vec::with_capacity(HEADER_BYTES + envelope.len());
        head.extend_from_slice(&[0; HEADER_BYTES]);
        head.extend_from_slice(&envelope);
        let (answer, durable) = oneshot::channel();
        let commit = Commit { header, head, body, answer };
        self.spool.order(Order::Commit(commit))?;
        durable.await.unwrap_or(Err(SpoolError::Closed))
    }

    /// Bytes written so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts what has gathered, and `bytes`, into the message's file.
    async fn write_through(&self, body: Body, bytes: &[u8]) -> Result<Body, SpoolError> {
        self.spool.has_room()?;
        let spool = self.spool.clone();
        let bytes = bytes.to_vec();
        spawn_blocking(move || {
            let (mut file, mut buffer) = match body {
                Body::File(file, buffer) => (file, buffer),
                Body::Memory(buffer) => (LargeFile::create(&spool.shared().layout)?, buffer),
                Body::Lost => return Err(SpoolError::Incomplete),
            };
            file.append(buffer.bytes())?;
            file.append(&bytes)?;
            buffer.clear();
            Ok(Body::File(file, buffer))
        })
        .await?
    }
}

impl From<JoinError> for SpoolError {
    /// The runtime is going down, or the task has panicked.
    fn from(_: JoinError) -> Self {
        Self::Closed
    }
}

fn finish(mut file: LargeFile, buffer: Buffer) -> Result<LargeFile, SpoolError> {
    file.append(buffer.bytes())?;
    file.sync()?;
    Ok(file)
}

/// How much of a large message is gathered before it goes to its file.
const FILE_PIECE_BYTES: u64 = 64 * 1024;
