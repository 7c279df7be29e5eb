//! One message on its way into the spool.

use std::time::Instant;

use super::{reply::Reply, settings::Settings};
use crate::telemetry;
use ruad_spool::{Envelope, Incoming, Spool, SpoolError};

/// Takes the bytes of a message as they come. After a failure it goes on counting them, but stores no more.
pub(super) struct Receiver {
    state: State,
    received: u64,
    message_bytes: u64,
    discard_bytes: u64,
    started: Instant,
}

enum State {
    Storing(Incoming),
    Failed(Reply),
}

impl Receiver {
    pub(super) fn new(spool: &Spool, settings: &Settings) -> Self {
        Self {
            state: State::Storing(spool.incoming()),
            received: 0,
            message_bytes: settings.message_bytes,
            discard_bytes: settings.discard_bytes,
            started: Instant::now(),
        }
    }

    /// Takes a piece of the message.
    pub(super) async fn take(&mut self, bytes: &[u8]) {
        self.received = self.received.saturating_add(bytes.len() as u64);
        if self.received > self.message_bytes {
            self.fail(Reply::TOO_BIG);
        }
        let State::Storing(incoming) = &mut self.state else {
            return;
        };
        if let Err(error) = incoming.write(bytes).await {
            telemetry::spool_failed(&error);
            self.fail(spool_reply(&error));
        }
    }

    /// Gives the message up, and what was stored of it; the first reason is the one that is said.
    pub(super) fn fail(&mut self, reply: Reply) {
        if let State::Storing(_) = self.state {
            self.state = State::Failed(reply);
        }
    }

    /// Stores the message durably. The reply is [`Reply::STORED`] only when that is done.
    pub(super) async fn finish(self, envelope: Envelope) -> Reply {
        let incoming = match self.state {
            State::Storing(incoming) => incoming,
            State::Failed(reply) => return reply,
        };
        match incoming.commit(envelope).await {
            Ok(()) => Reply::STORED,
            Err(error) => {
                telemetry::spool_failed(&error);
                spool_reply(&error)
            }
        }
    }

    /// What was said against the message so far.
    pub(super) fn failure(&self) -> Option<Reply> {
        match self.state {
            State::Storing(_) => None,
            State::Failed(reply) => Some(reply),
        }
    }

    /// Whether the message, with so many bytes more, would be beyond what is read to its end.
    pub(super) fn overruns(&self, more: u64) -> bool {
        self.received.saturating_add(more) > self.discard_bytes.max(self.message_bytes)
    }

    /// Whether the message, with so many bytes more, would be larger than allowed.
    pub(super) fn exceeds(&self, more: u64) -> bool {
        self.received.saturating_add(more) > self.message_bytes
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }
}

/// What the client hears when the spool did not take a message.
pub(super) fn spool_reply(error: &SpoolError) -> Reply {
    if error.is_full() { Reply::SPOOL_FULL } else { Reply::SPOOL_FAILED }
}
