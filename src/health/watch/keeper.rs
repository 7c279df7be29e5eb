//! What waits to be stored. Nothing here ever makes an examination wait.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    health::{
        rows::{CheckRow, EventRow, KeyRow, RecordRow},
        telemetry,
    },
    store::{Kind, Store, StoreError},
};
use ruad_dns::Finding;

/// Rows on their way to ClickHouse.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    waiting: Mutex<Waiting>,
    came: Notify,
}

/// What an examination leaves to be stored.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) events: Vec<EventRow>,
    pub(super) records: Vec<RecordRow>,
    pub(super) keys: Vec<KeyRow>,
    pub(super) checks: Vec<CheckRow>,
}

#[derive(Debug)]
struct Waiting {
    events: Queue<EventRow>,
    records: Queue<RecordRow>,
    keys: Queue<KeyRow>,
    checks: Queue<CheckRow>,
}

/// Rows of one table: those that come, and those that were sent and not acknowledged, which are sent again as they are.
#[derive(Debug)]
struct Queue<R> {
    table: &'static str,
    most: usize,
    rows: VecDeque<R>,
    /// Bytes of strangers' words in a row, and in all that wait.
    weigh: fn(&R) -> usize,
    bytes: usize,
    sent: Option<Batch<R>>,
}

#[derive(Clone, Debug)]
struct Batch<R> {
    token: Uuid,
    rows: std::sync::Arc<[R]>,
}

impl Keeper {
    /// Takes rows; never waits.
    pub(super) fn put(&self, rows: Rows) {
        let mut waiting = self.lock();
        waiting.events.put(rows.events);
        waiting.records.put(rows.records);
        waiting.keys.put(rows.keys);
        waiting.checks.put(rows.checks);
        drop(waiting);
        self.came.notify_one();
    }

    /// Waits until there is something to store.
    pub(super) async fn filled(&self) {
        while self.is_empty() {
            self.came.notified().await;
        }
    }

    /// Stores everything there is. Events go before the state they changed: should the daemon die between the two, they are
    /// noticed again with the same identity, and not lost.
    ///
    /// # Errors
    ///
    /// When ClickHouse cannot take it now; the rows stay.
    pub(super) async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        while !self.is_empty() {
            // Cut together, so that no state is sent whose events came after the cut.
            let (events, records, keys, checks) = {
                let mut waiting = self.lock();
                let Waiting { events, records, keys, checks } = &mut *waiting;
                (events.batch(), records.batch(), keys.batch(), checks.batch())
            };
            if let Some(batch) = events {
                let kept = store.keep_events(&batch.rows, batch.token).await;
                self.lock().events.settle(kept)?;
            }
            if let Some(batch) = records {
                let kept = store.keep_records(&batch.rows, batch.token).await;
                self.lock().records.settle(kept)?;
            }
            if let Some(batch) = keys {
                let kept = store.keep_keys(&batch.rows, batch.token).await;
                self.lock().keys.settle(kept)?;
            }
            if let Some(batch) = checks {
                let kept = store.keep_checks(&batch.rows, batch.token).await;
                self.lock().checks.settle(kept)?;
            }
        }
        Ok(())
    }

    /// How many rows wait.
    pub(super) fn len(&self) -> usize {
        let waiting = self.lock();
        waiting.events.len() + waiting.records.len() + waiting.keys.len() + waiting.checks.len()
    }

    fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.events.is_empty()
            && waiting.records.is_empty()
            && waiting.keys.is_empty()
            && waiting.checks.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while the lock was held leaves queues that are still queues.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            events: Queue::new("domain_events", MOST_EVENTS, |_| 0),
            records: Queue::new("dns_records", MOST_ROWS, |row| row.text.len()),
            keys: Queue::new("dkim_sightings", MOST_ROWS, |_| 0),
            checks: Queue::new("dns_checks", MOST_ROWS, of_findings),
        }
    }
}

impl<R> Queue<R> {
    fn new(table: &'static str, most: usize, weigh: fn(&R) -> usize) -> Self {
        Self { table, most, rows: VecDeque::new(), weigh, bytes: 0, sent: None }
    }

    fn put(&mut self, rows: Vec<R>) {
        self.bytes += rows.iter().map(self.weigh).sum::<usize>();
        self.rows.extend(rows);
        let mut excess = 0;
        while self.rows.len() > self.most || self.bytes > MOST_BYTES {
            let Some(oldest) = self.rows.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub((self.weigh)(&oldest));
            excess += 1;
        }
        if excess > 0 {
            telemetry::dropped(self.table, excess);
        }
        telemetry::waiting(self.table, self.len());
    }

    /// What is to be sent: what was sent before and not acknowledged, else what has come since.
    fn batch(&mut self) -> Option<Batch<R>>
    where
        R: Clone,
    {
        if self.sent.is_none() && !self.rows.is_empty() {
            self.bytes = 0;
            self.sent = Some(Batch { token: Uuid::now_v7(), rows: self.rows.drain(..).collect() });
        }
        self.sent.clone()
    }

    /// Forgets what was sent, unless it is to be sent again.
    fn settle(&mut self, kept: Result<(), StoreError>) -> Result<(), StoreError> {
        match kept {
            Err(error) if error.kind() == Kind::Transient => return Err(error),
            Err(error) => {
                telemetry::refused(
                    self.table,
                    self.sent.as_ref().map_or(0, |batch| batch.rows.len()),
                    &error,
                );
            }
            Ok(()) => {}
        }
        self.sent = None;
        telemetry::waiting(self.table, self.len());
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.sent.is_none()
    }

    fn len(&self) -> usize {
        self.rows.len() + self.sent.as_ref().map_or(0, |batch| batch.rows.len())
    }
}

fn of_findings(row: &CheckRow) -> usize {
    let of =
        |finding: &Finding| finding.detail.len() + finding.evidence.record.as_ref().map_or(0, String::len);
    row.findings.iter().map(of).sum()
}

/// What waits is cut into one block. Some 20 MB when full.
const MOST_ROWS: usize = 20_000;
/// Bytes of strangers' words in what waits. Ordinary domains have some hundred in a row.
const MOST_BYTES: usize = 16 * 1_024 * 1_024;
const MOST_EVENTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Result<(), StoreError> {
        Err(StoreError::Timeout { seconds: 1 })
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_as_it_was() {
        let mut queue = Queue::new("dns_checks", 10, |_| 0);
        queue.put(vec![1, 2]);
        let first = queue.batch().unwrap();
        queue.put(vec![3]);
        queue.settle(away()).unwrap_err();
        let again = queue.batch().unwrap();
        assert_eq!((again.token, &*again.rows), (first.token, &[1, 2][..]));
        queue.settle(Ok(())).unwrap();
        let next = queue.batch().unwrap();
        assert_ne!(next.token, first.token);
        assert_eq!(&*next.rows, [3]);
    }

    #[test]
    fn the_oldest_go_when_too_many_wait() {
        let mut queue = Queue::new("dns_checks", 3, |_| 0);
        queue.put(vec![1, 2]);
        queue.put(vec![3, 4, 5]);
        assert_eq!(queue.len(), 3);
        assert_eq!(&*queue.batch().unwrap().rows, [3, 4, 5]);
    }

    #[test]
    fn long_rows_fill_the_room_as_many_do() {
        let mut queue = Queue::new("dns_records", 100, |bytes: &usize| *bytes);
        queue.put(vec![MOST_BYTES / 2, 1, MOST_BYTES / 2]);
        assert_eq!(&*queue.batch().unwrap().rows, [1, MOST_BYTES / 2]);
        queue.put(vec![MOST_BYTES; 2]);
        assert_eq!(queue.rows.len(), 1, "what was sent is not counted again");
    }

    #[test]
    fn rows_that_will_never_go_in_are_given_up() {
        let mut queue = Queue::new("dns_checks", 3, |_| 0);
        queue.put(vec![1]);
        assert!(queue.batch().is_some());
        let error = StoreError::Refused { code: 16, message: String::new() };
        queue.settle(Err(error)).unwrap();
        assert!(queue.is_empty());
    }
}
