//! The closed segments that wait to be done, as known in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{Backlog, SegmentId, SpoolError};

/// The queue. Its lock is held for moments only.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    closed: BTreeMap<SegmentId, Closed>,
    closed_bytes: u64,
    open: Option<SegmentId>,
    open_bytes: u64,
}

/// A closed segment.
#[derive(Clone, Debug)]
pub(super) struct Closed {
    /// Its number of messages.
    pub(super) count: u32,
    /// Its bytes, those of large messages included.
    pub(super) bytes: u64,
    /// The numbers of its large messages.
    pub(super) large: Vec<u32>,
    handed_out: bool,
    returns: u32,
}

impl Closed {
    pub(super) fn new(count: u32, bytes: u64, large: Vec<u32>) -> Self {
        Self { count, bytes, large, handed_out: false, returns: 0 }
    }
}

impl Queue {
    pub(super) fn opened(&self, id: SegmentId) {
        self.state().open = Some(id);
    }

    pub(super) fn open_grew_to(&self, bytes: u64) {
        self.state().open_bytes = bytes;
    }

    pub(super) fn open_vanished(&self) {
        let mut state = self.state();
        state.open = None;
        state.open_bytes = 0;
    }

    /// Adds a segment, unless it is known; tells the waiting.
    pub(super) fn closed(&self, id: SegmentId, closed: Closed) {
        let mut state = self.state();
        if state.open == Some(id) {
            state.open = None;
            state.open_bytes = 0;
        }
        let bytes = closed.bytes;
        if let std::collections::btree_map::Entry::Vacant(entry) = state.closed.entry(id) {
            entry.insert(closed);
            state.closed_bytes += bytes;
        }
        drop(state);
        self.arrived.notify_waiters();
    }

    /// Waits until there is a segment to hand out, and hands it out.
    pub(super) async fn next(&self) -> SegmentId {
        let mut arrived = std::pin::pin!(self.arrived.notified());
        loop {
            arrived.as_mut().enable();
            if let Some(id) = self.state().hand_out() {
                return id;
            }
            arrived.as_mut().await;
            arrived.set(self.arrived.notified());
        }
    }

    pub(super) fn give_back(&self, id: SegmentId) {
        if let Some(closed) = self.state().closed.get_mut(&id) {
            closed.handed_out = false;
            closed.returns = closed.returns.saturating_add(1);
        }
        self.arrived.notify_waiters();
    }

    pub(super) fn remove(&self, id: SegmentId) {
        let mut state = self.state();
        if let Some(closed) = state.closed.remove(&id) {
            state.closed_bytes -= closed.bytes;
        }
    }

    pub(super) fn get(&self, id: SegmentId) -> Result<Closed, SpoolError> {
        self.state().closed.get(&id).cloned().ok_or(SpoolError::UnknownSegment { segment: id })
    }

    pub(super) fn ids(&self) -> Vec<SegmentId> {
        self.state().closed.keys().copied().collect()
    }

    pub(super) fn knows(&self, id: SegmentId) -> bool {
        let state = self.state();
        state.open == Some(id) || state.closed.contains_key(&id)
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> u64 {
        let state = self.state();
        state.closed_bytes + state.open_bytes
    }

    /// What waits; the quarantine is left for the caller to fill in.
    pub(super) fn backlog(&self) -> Backlog {
        let state = self.state();
        let oldest = state.closed.keys().next().copied().or(state.open);
        Backlog {
            bytes: state.closed_bytes + state.open_bytes,
            segments: (state.closed.len() + usize::from(state.open.is_some())) as u64,
            oldest: oldest.map(|id| id.created_at()),
            ..Backlog::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The oldest that was given back least often: one that cannot be done does not hold up the others.
    fn hand_out(&mut self) -> Option<SegmentId> {
        let waiting = self.closed.iter_mut().filter(|(_, closed)| !closed.handed_out);
        let (id, closed) = waiting.min_by_key(|(_, closed)| closed.returns)?;
        closed.handed_out = true;
        Some(*id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment() -> Closed {
        Closed::new(1, 10, Vec::new())
    }

    #[tokio::test]
    async fn hands_out_the_oldest_and_returned_ones_last() {
        let queue = Queue::default();
        let ids: Vec<_> = std::iter::repeat_with(SegmentId::new).take(3).collect();
        for id in ids.iter().rev() {
            queue.closed(*id, segment());
        }
        assert_eq!(queue.next().await, ids[0]);
        queue.give_back(ids[0]);
        assert_eq!(queue.next().await, ids[1]);
        assert_eq!(queue.next().await, ids[2]);
        assert_eq!(queue.next().await, ids[0]);
        assert_eq!(queue.backlog().segments, 3);
        for id in ids {
            queue.remove(id);
        }
        assert_eq!(queue.bytes(), 0);
    }

    #[tokio::test]
    async fn wakes_each_of_several_waiters() {
        let queue = std::sync::Arc::new(Queue::default());
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        let ids: Vec<_> = std::iter::repeat_with(SegmentId::new).take(3).collect();
        for id in &ids {
            queue.closed(*id, segment());
        }
        let mut handed = Vec::new();
        for waiter in waiters {
            handed.push(waiter.await.unwrap());
        }
        handed.sort();
        assert_eq!(handed, ids);
    }
}
