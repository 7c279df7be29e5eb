//! Memory for messages in flight: together they never take more than was set.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Memory that is left for messages.
#[derive(Debug)]
pub(super) struct Budget {
    free: AtomicU64,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { free: AtomicU64::new(bytes) })
    }

    pub(super) fn buffer(self: &Arc<Self>) -> Buffer {
        Buffer { budget: Some(self.clone()), taken: 0, bytes: Vec::new() }
    }

    fn take(&self, bytes: u64) -> bool {
        let take = |free: u64| free.checked_sub(bytes);
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.free.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Bytes whose capacity is taken from a [`Budget`], and returned to it on drop.
#[derive(Debug)]
pub(super) struct Buffer {
    budget: Option<Arc<Budget>>,
    taken: u64,
    bytes: Vec<u8>,
}

impl Buffer {
    /// One that holds nothing.
    pub(super) fn none() -> Self {
        Self { budget: None, taken: 0, bytes: Vec::new() }
    }

    /// Adds `more`, unless that makes more than `limit` bytes or the budget is used up: then it changes nothing and
    /// returns `false`.
    pub(super) fn push(&mut self, more: &[u8], limit: u64) -> bool {
        let length = self.bytes.len() + more.len();
        if length as u64 > limit || !self.make_room(length) {
            return false;
        }
        self.bytes.extend_from_slice(more);
        true
    }

    /// Forgets the bytes and keeps the room.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn make_room(&mut self, length: usize) -> bool {
        let capacity = self.bytes.capacity();
        if length <= capacity {
            return true;
        }
        let Some(budget) = &self.budget else { return false };
        let wanted = length.max(capacity * 2).max(MIN_CAPACITY);
        let more = (wanted - capacity) as u64;
        if !budget.take(more) {
            return false;
        }
        self.bytes.reserve_exact(wanted - self.bytes.len());
        self.taken += more;
        true
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.give_back(self.taken);
        }
    }
}

const MIN_CAPACITY: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_takes_more_than_the_budget_and_returns_all() {
        let budget = Budget::new(100_000);
        let mut buffers: Vec<_> = (0..40).map(|_| budget.buffer()).collect();
        let held =
            buffers.iter_mut().filter_map(|buffer| buffer.push(&[1; 5000], 65536).then_some(())).count();
        assert_eq!(held, 20);
        let capacity: usize = buffers.iter().map(|buffer| buffer.bytes.capacity()).sum();
        assert!(capacity <= 100_000, "{capacity}");
        drop(buffers);
        assert_eq!(budget.free.load(Ordering::Relaxed), 100_000);
    }

    #[test]
    fn refuses_what_passes_the_limit_and_stays_as_it_was() {
        let budget = Budget::new(1_000_000);
        let mut buffer = budget.buffer();
        assert!(buffer.push(&[1; 10], 15));
        assert!(!buffer.push(&[2; 6], 15));
        assert_eq!(buffer.bytes(), [1; 10]);
        assert!(buffer.push(&[2; 5], 15));
    }
}
