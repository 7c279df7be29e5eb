//! The one thread that writes segments: group commit.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{Shared, SpoolError, frame::Header, incoming::Body, open::OpenSegment};
use crate::telemetry;

/// What the writer is asked to do.
pub(super) enum Order {
    Commit(Commit),
    /// Seal the open segment and end.
    Close(oneshot::Sender<Result<(), SpoolError>>),
}

/// A whole message that waits to be durable.
pub(super) struct Commit {
    pub(super) header: Header,
    /// Room for the header, then the envelope.
    pub(super) head: Vec<u8>,
    pub(super) body: Body,
    pub(super) answer: oneshot::Sender<Result<(), SpoolError>>,
}

/// The writer's state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    open: Option<OpenSegment>,
    waiting: VecDeque<Commit>,
    closing: Option<oneshot::Sender<Result<(), SpoolError>>>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, open: None, waiting: VecDeque::new(), closing: None }
    }

    /// Takes orders until it is told to close or nobody is left to give any.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        while self.closing.is_none() {
            match self.next(orders) {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // Whoever comes while a batch is being written waits for the next one.
            loop {
                while let Ok(order) = orders.try_recv() {
                    self.take(order);
                }
                if self.waiting.is_empty() {
                    break;
                }
                self.commit_some();
                self.seal_if_due();
            }
            self.seal_if_due();
        }
        let sealed = self.seal();
        let closing = self.closing.take();
        drop(self);
        if let Some(answer) = closing {
            // Nobody to hear it is no error.
            drop(answer.send(sealed));
        }
    }

    /// The next order; `Timeout` when the open segment has become old. Without an open segment nothing ever wakes it.
    fn next(&self, orders: &Receiver<Order>) -> Result<Order, RecvTimeoutError> {
        let Some(open) = &self.open else {
            return orders.recv().map_err(|_| RecvTimeoutError::Disconnected);
        };
        let patience =
            if open.is_doomed() { RETRY } else { open.time_left(self.shared.settings.segment_age) };
        orders.recv_timeout(patience)
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Commit(commit) => self.waiting.push_back(commit),
            Order::Close(answer) => self.closing = Some(answer),
        }
    }

    /// Commits as many of those who wait as the segment has room for, at least one.
    fn commit_some(&mut self) {
        let mut room = match &self.open {
            Some(open) => self.shared.settings.segment_bytes.saturating_sub(open.weight()),
            None => self.shared.settings.segment_bytes,
        };
        let mut batch = Vec::new();
        while let Some(commit) = self.waiting.pop_front() {
            let weight = commit.weight();
            if !batch.is_empty() && weight > room {
                self.waiting.push_front(commit);
                break;
            }
            room = room.saturating_sub(weight);
            batch.push(commit);
        }
        let began = Instant::now();
        if let Err(error) = self.commit(&mut batch) {
            telemetry::CommitFailed { messages: batch.len(), error: &error }.record();
            *self.shared.trouble() = Some(error.clone());
            for commit in batch {
                commit.answer(Err(error.clone()));
            }
            return;
        }
        *self.shared.trouble() = None;
        let bytes = batch.iter().map(Commit::weight).sum();
        telemetry::Committed { messages: batch.len(), bytes, took: began.elapsed() }.record();
        for commit in batch {
            commit.answer(Ok(()));
        }
    }

    /// All of the batch, or none of it, is durable afterwards.
    fn commit(&mut self, batch: &mut [Commit]) -> Result<(), SpoolError> {
        if self.open.as_ref().is_some_and(OpenSegment::is_doomed) {
            self.seal()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(OpenSegment::create(&self.shared)?),
        };
        open.append(&self.shared, batch)
    }

    fn seal_if_due(&mut self) {
        let settings = &self.shared.settings;
        let due = self.open.as_ref().is_some_and(|open| {
            open.is_doomed()
                || open.weight() >= settings.segment_bytes
                || open.time_left(settings.segment_age).is_zero()
        });
        if due && let Err(error) = self.seal() {
            telemetry::SealFailed { error: &error }.record();
            *self.shared.trouble() = Some(error);
        }
    }

    /// Closes the open segment. When that fails it stays, takes no more messages, and is tried again.
    fn seal(&mut self) -> Result<(), SpoolError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.seal(&self.shared)?;
        self.open = None;
        Ok(())
    }
}

impl Drop for Writer {
    /// However it ended, no message should be begun any more.
    fn drop(&mut self) {
        self.shared.writer_ended();
    }
}

impl Commit {
    /// Bytes it adds to the work of doing its segment.
    fn weight(&self) -> u64 {
        self.head.len() as u64 + self.header.body_bytes
    }

    fn answer(self, result: Result<(), SpoolError>) {
        let Self { answer, body, .. } = self;
        // A refused file and the memory are gone before anybody hears of it.
        drop(body);
        // The session may have gone; the message is durable, or not, all the same.
        drop(answer.send(result));
    }
}

/// How long until sealing is tried again after it has failed.
const RETRY: Duration = Duration::from_secs(1);
