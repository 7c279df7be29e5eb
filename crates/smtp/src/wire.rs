//! The byte stream of one session: bounded buffers and batched replies.

use std::{io, time::Duration};

use bytes::{Buf, BytesMut};
use memchr::memchr;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::{
    clock::{Clock, Phase},
    end::End,
    foreign::{is_binary, is_foreign},
    reply::Reply,
};

/// A stream with its buffers. Replies are collected and sent when the client has to be waited for, so that a
/// pipelined group of commands (RFC 2920) gets one packet back.
pub(super) struct Wire<S> {
    stream: S,
    input: BytesMut,
    output: BytesMut,
    clock: Clock,
    line_bytes: usize,
    /// Room for the next piece of a message: it grows with what the client sends, so that a slow one is small.
    message_read: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// With the longest command line that is read.
    pub(super) fn new(stream: S, clock: Clock, line_bytes: usize) -> Self {
        // Nothing is allocated before there is something to hold.
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            clock,
            line_bytes,
            message_read: COMMAND_READ,
        }
    }

    /// Waits for one line and puts it, with its LF, into `line`. `false`: the line was longer than allowed; it is
    /// skipped, and never held as a whole.
    pub(super) async fn read_line(&mut self, line: &mut Vec<u8>, phase: Phase) -> Result<bool, End> {
        let until = self.clock.command_deadline();
        let limit = self.line_bytes;
        let mut too_long = false;
        let mut searched = 0;
        loop {
            if self.input.first().is_some_and(|&byte| is_binary(byte)) {
                return Err(End::Foreign);
            }
            let unseen = self.input.get(searched..).unwrap_or_default();
            if let Some(at) = memchr(b'\n', unseen) {
                let length = searched + at + 1;
                too_long |= length > limit;
                line.clear();
                if !too_long {
                    line.extend_from_slice(self.input.get(..length).unwrap_or_default());
                }
                self.input.advance(length);
                return Ok(!too_long);
            }
            searched = self.input.len();
            if searched >= limit {
                if is_foreign(self.input.get(..limit).unwrap_or_default()) {
                    return Err(End::Foreign);
                }
                too_long = true;
                searched = 0;
                self.input.clear();
            }
            self.fill(until, phase, COMMAND_READ).await?;
        }
    }

    /// Waits for more of a message; [`Self::input`] then has it.
    pub(super) async fn read_message(&mut self) -> Result<(), End> {
        let read = self.fill(self.clock.command_deadline(), Phase::Message, self.message_read).await?;
        if read >= self.message_read {
            self.message_read = (self.message_read * 2).min(MESSAGE_READ);
        }
        if let Some(slot) = self.clock.slot() {
            slot.entry().received(read);
        }
        Ok(())
    }

    /// Waits for more of a PROXY protocol header.
    pub(super) async fn read_header(&mut self, until: Instant) -> Result<(), End> {
        self.fill(until, Phase::Command, COMMAND_READ).await.map(drop)
    }

    /// Takes bytes off the front of the input.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.input.advance(bytes.min(self.input.len()));
    }

    /// Gives the large buffer of a message back; a session that waits for a command is small.
    pub(super) fn shrink(&mut self) {
        self.input = BytesMut::from(self.input.as_ref());
        self.message_read = COMMAND_READ;
    }

    /// Adds a reply to what is sent before the next read.
    pub(super) fn say(&mut self, reply: Reply) {
        reply.write(&mut self.output);
    }

    /// Adds a reply made beforehand, line ends included.
    pub(super) fn say_lines(&mut self, lines: &str) {
        self.output.extend_from_slice(lines.as_bytes());
    }

    /// Sends what was said so far. While the client does not read it, nothing more is read from the client.
    pub(super) async fn deliver_replies(&mut self, phase: Phase) -> Result<(), End> {
        self.flush(self.clock.command_deadline(), phase).await
    }

    /// Sends what was said.
    pub(super) async fn flush(&mut self, until: Instant, phase: Phase) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        let Self { stream, output, clock, .. } = self;
        clock.within(until, phase, send(stream, output)).await??;
        if output.capacity() > OUTPUT_KEPT {
            *output = BytesMut::new();
        }
        Ok(())
    }

    /// Sends the last words and closes. With `linger` it waits until the client has closed too, for a moment: bytes
    /// that arrive at a closed socket reset the connection and may destroy the reply before the client reads it.
    pub(super) async fn close(mut self, linger: bool) {
        let Self { stream, input, output, .. } = &mut self;
        let close = async {
            send(stream, output).await?;
            stream.shutdown().await?;
            let mut left = LINGER_BYTES;
            while linger && left > 0 {
                input.clear();
                input.reserve(COMMAND_READ);
                match stream.read_buf(input).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Ok::<_, io::Error>(())
        };
        // Whatever goes wrong here, the session is over.
        drop(timeout(LINGER, close).await);
    }

    /// The parts, for an upgrade to TLS, and how many bytes the client sent ahead of it. Those are thrown away: they
    /// came unencrypted, anybody could have put them there (CVE-2011-0411).
    pub(super) fn into_parts(self) -> (S, Clock, usize) {
        (self.stream, self.clock, self.input.len())
    }

    /// What was read and not yet consumed.
    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn clock_mut(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// Whether more was said than is held back for a batch.
    pub(super) fn has_much_to_say(&self) -> bool {
        self.output.len() > OUTPUT_KEPT
    }

    async fn fill(&mut self, until: Instant, phase: Phase, size: usize) -> Result<usize, End> {
        self.flush(until, phase).await?;
        self.clock.check(until, phase)?;
        self.input.reserve(size);
        match self.clock.within(until, phase, self.stream.read_buf(&mut self.input)).await?? {
            0 => Err(End::Closed),
            read => Ok(read),
        }
    }
}

/// Takes off what is written, so that nothing is said twice when this is cut short.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, output: &mut BytesMut) -> io::Result<()> {
    while !output.is_empty() {
        match stream.write(output).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => output.advance(written),
        }
    }
    stream.flush().await
}

/// Room for the commands of one read.
const COMMAND_READ: usize = 1024;

/// Room for the part of a message of one read.
const MESSAGE_READ: usize = 32 * 1024;

/// A reply buffer larger than this is not kept.
const OUTPUT_KEPT: usize = 1024;

/// How long, and for how many bytes, a closing session listens for the client's own close.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;
