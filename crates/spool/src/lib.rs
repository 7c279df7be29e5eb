//! The durable queue between SMTP and the store.
//!
//! Sessions append messages to the open segment; a writer thread makes all that wait durable with one `fdatasync`, and
//! only then they are acknowledged. A segment closes by size or age and is immutable from then on: it is handed out,
//! done, and deleted; a crash in between hands it out again. The folder's contents are described in
//! `spool/layout.rs`, a segment's in `spool/frame.rs`.
#![forbid(unsafe_code)]

use std::{
    fmt,
    fs::TryLockError,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::oneshot;

mod arrivals;
mod buffer;
mod disk;
mod envelope;
mod error;
mod frame;
mod id;
mod incoming;
mod inspect;
mod large;
mod layout;
mod listing;
mod open;
mod quarantine;
mod queue;
mod recovery;
mod requeue;
mod reserve;
mod scan;
mod segment;
mod settings;
mod side;
mod space;
pub mod telemetry;
mod writer;

pub use envelope::Envelope;
pub use error::SpoolError;
pub use id::SegmentId;
pub use incoming::Incoming;
pub use inspect::{Inspector, MessageId, Quarantined, SegmentSummary};
pub use quarantine::{Rank, Reason};
pub use segment::{Message, Segment};
pub use settings::Settings;

use arrivals::Arrivals;
use buffer::Budget;
use disk::Disk;
use id::Ids;
use layout::Layout;
use quarantine::{Content, Entry, Quarantine};
use queue::Queue;
use segment::MessageBody;
use space::Space;
use writer::{Order, Writer};

use ruad_common::lock::Lock;

/// A handle on the spool; cheap to clone. When the last one is dropped the open segment is closed and the spool's lock
/// released.
#[derive(Clone)]
pub struct Spool {
    inner: Arc<Inner>,
}

/// What waits in the spool.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Backlog {
    /// Bytes of the messages that wait.
    pub bytes: u64,
    /// Segments that wait, the open one included.
    pub segments: u64,
    /// When the oldest of them was begun, in milliseconds since the epoch.
    pub oldest: Option<u64>,
    /// Messages in quarantine.
    pub quarantined: u64,
    /// What they take of the disk, in bytes.
    pub quarantined_bytes: u64,
}

/// A message of a segment that is to be set aside, and why.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Its number in the segment.
    pub number: u32,
    /// A short name of what is wrong.
    pub code: &'a str,
    /// What is wrong, in a sentence.
    pub reason: &'a str,
    /// What it has proven about its sender.
    pub rank: Rank,
}

impl Backlog {
    /// How long the oldest segment has waited; nothing when none waits.
    pub fn age(&self) -> Duration {
        let Some(oldest) = self.oldest else { return Duration::ZERO };
        let since = UNIX_EPOCH + Duration::from_millis(oldest);
        SystemTime::now().duration_since(since).unwrap_or_default()
    }
}

impl Spool {
    /// Opens the spool's folder, making it when it is missing; recovers what the last run left, and starts the writer.
    ///
    /// # Errors
    ///
    /// When another process has it, a setting is out of bounds, or the disk refuses.
    pub fn open(settings: &Settings) -> Result<Self, SpoolError> {
        settings.validate()?;
        let layout = Layout::create(&settings.path)?;
        let lock = exclusive(&layout)?;
        let requeue = layout.requeue_lock();
        // Held while recovery looks for files without a segment, which `requeue` makes first.
        let requeue =
            layout::lock_file(&requeue).and_then(Lock::wait).map_err(SpoolError::io("lock", &requeue))?;
        let segments = recovery::recover(&layout)?;
        let quarantine = Quarantine::default();
        quarantine.recount(&layout)?;
        drop(requeue);
        if let Err(error) = reserve::restore(&layout, settings.segment_bytes) {
            telemetry::NoReserve { error: &error }.record();
        }

        let last = segments.keys().next_back().copied();
        let queue = Queue::default();
        for (id, closed) in segments {
            queue.closed(id, closed);
        }
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            layout,
            ids: Ids::after(last),
            queue,
            arrivals: Arrivals::default(),
            quarantine,
            budget: Budget::new(settings.memory_bytes),
            space: Space::default(),
            disk: Disk::default(),
            trouble: Mutex::default(),
            ended: AtomicBool::new(false),
            _lock: lock,
        });
        let (orders, taken) = mpsc::channel();
        let writer = Writer::new(shared.clone());
        let writer = thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || writer.run(&taken))
            .map_err(SpoolError::io("start the writer of", shared.layout.root()))?;
        let inner = Inner { shared, orders: Some(orders), writer: Mutex::new(Some(writer)) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether another message should be taken. Cheap enough to ask for each.
    ///
    /// # Errors
    ///
    /// When the disk is below its low-water mark, too much waits, or the spool is closed.
    pub fn has_room(&self) -> Result<(), SpoolError> {
        self.shared().has_room()
    }

    /// Bytes that this user may still write to the spool's disk; 0 when its file system is out of inodes.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn free_bytes(&self) -> Result<u64, SpoolError> {
        let shared = self.shared();
        shared.space.free(shared.layout.root())
    }

    /// Whether a commit has failed since the last one that succeeded and the last [`Self::check`].
    pub fn is_troubled(&self) -> bool {
        self.shared().trouble().is_some()
    }

    /// Whether a message could be made durable now: writes a small file and removes it. Blocks for as long as the disk takes.
    ///
    /// # Errors
    ///
    /// As [`Self::has_room`]; what the disk says; what the last commit failed with, once.
    pub fn check(&self) -> Result<(), SpoolError> {
        let shared = self.shared();
        let trouble = shared.trouble().take();
        shared.has_room()?;
        layout::probe(&shared.layout)?;
        trouble.map_or(Ok(()), Err)
    }

    /// Begins a message.
    pub fn incoming(&self) -> Incoming {
        Incoming::new(self.clone())
    }

    /// Waits for the oldest closed segment that is not handed out, and hands it out: until it is given back or the
    /// process ends, nobody else gets it. The future may be dropped at any time: no segment is lost with it.
    pub async fn next_closed(&self) -> SegmentId {
        loop {
            self.look_for_arrivals().await;
            if let Ok(id) = tokio::time::timeout(arrivals::LOOK_EVERY, self.shared().queue.next()).await {
                return id;
            }
        }
    }

    /// The closed segments, oldest first, whether handed out or not.
    pub fn closed(&self) -> Vec<SegmentId> {
        self.shared().queue.ids()
    }

    /// A closed segment.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn segment(&self, id: SegmentId) -> Result<Segment, SpoolError> {
        Segment::new(self.inner.shared.clone(), id)
    }

    /// Looks into the folder from outside, as an operator does.
    pub fn inspector(&self) -> Inspector {
        Inspector::new(&self.shared().settings)
    }

    /// Deletes a segment that is done, and its side files. After an error it may be called again.
    ///
    /// # Errors
    ///
    /// When there is no such segment or the disk refuses.
    pub fn finish(&self, id: SegmentId) -> Result<(), SpoolError> {
        let Shared { layout, queue, arrivals, .. } = self.shared();
        let closed = queue.get(id)?;
        let _nobody_looks = arrivals.pause();
        layout::remove_if_there(&layout.closed_segment(id, closed.count))?;
        // A segment that came back without its side files would be decided anew, so it goes for good first.
        layout::sync_folder(layout.root())?;
        for number in closed.large {
            layout::remove_if_there(&layout.large(id, number))?;
        }
        side::remove_all(layout, id)?;
        queue.remove(id);
        if let Err(error) = reserve::restore(layout, self.shared().settings.segment_bytes)
            && !error.is_full()
        {
            telemetry::NoReserve { error: &error }.record();
        }
        Ok(())
    }

    /// Lets a segment be handed out again, after all those that were given back less often.
    pub fn give_back(&self, id: SegmentId) {
        self.shared().queue.give_back(id);
    }

    /// Sets messages of a segment aside with the reasons, durably. Does nothing with those that are there already.
    ///
    /// # Errors
    ///
    /// When the segment has no such message or the disk refuses.
    pub fn quarantine(&self, segment: &Segment, refused: &[Refused<'_>]) -> Result<(), SpoolError> {
        for some in refused.chunks(SET_ASIDE_AT_ONCE) {
            let mut messages = Vec::with_capacity(some.len());
            for one in some {
                // Perhaps it is there as what is left of a damaged one, which could not be read again.
                if !self.shared().layout.quarantine(segment.id(), one.number).exists() {
                    messages.push((one, segment.message(one.number)?));
                }
            }
            let entries: Vec<_> = messages
                .iter()
                .map(|(one, message)| {
                    let Refused { number, code, reason, rank } = **one;
                    let envelope = Some(&message.envelope);
                    let content = match &message.body {
                        MessageBody::Memory(bytes) => Content::Bytes(bytes),
                        MessageBody::File(path) => Content::Message(path),
                    };
                    (Entry { segment: segment.id(), number, code, reason, rank, envelope }, content)
                })
                .collect();
            self.shared().quarantine(&entries)?;
        }
        Ok(())
    }

    /// Writes the file `name` beside a segment: durable and whole when this returns. On a full disk it takes the place that
    /// was reserved for the decisions of one segment at a time.
    ///
    /// # Errors
    ///
    /// When the name has other characters than `a`–`z`, `0`–`9`, `-` and `_`, or the disk refuses.
    pub fn write_side(&self, id: SegmentId, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        side::write_surely(&self.shared().layout, id, name, bytes)
    }

    /// The same for what only helps; on a full disk it is not written.
    ///
    /// # Errors
    ///
    /// As [`Self::write_side`], but for a full disk.
    pub fn note_side(&self, id: SegmentId, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        match side::write(&self.shared().layout, id, name, bytes) {
            Err(error) if error.is_full() => Ok(()),
            outcome => outcome,
        }
    }

    /// The file `name` beside a segment, when it was written.
    ///
    /// # Errors
    ///
    /// As [`Self::write_side`].
    pub fn read_side(&self, id: SegmentId, name: &str) -> Result<Option<Vec<u8>>, SpoolError> {
        side::read(&self.shared().layout, id, name)
    }

    /// Notes durably that an attempt at the segment begins; which one, counted from 1.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn begin_attempt(&self, id: SegmentId) -> Result<u32, SpoolError> {
        side::begin_attempt(&self.shared().layout, id)
    }

    /// What waits. Cheap.
    pub fn backlog(&self) -> Backlog {
        let Shared { queue, quarantine, .. } = self.shared();
        Backlog {
            quarantined: quarantine.entries(),
            quarantined_bytes: quarantine.bytes(),
            ..queue.backlog()
        }
    }

    /// Closes the open segment and takes no more messages; segments can still be read and finished.
    ///
    /// # Errors
    ///
    /// When the segment could not be closed: nothing is lost, the next start closes it.
    pub async fn close(&self) -> Result<(), SpoolError> {
        let (answer, closed) = oneshot::channel();
        if self.order(Order::Close(answer)).is_err() {
            return Ok(());
        }
        // No answer: another call was first.
        closed.await.unwrap_or(Ok(()))
    }

    async fn look_for_arrivals(&self) {
        if !self.shared().arrivals.due() {
            return;
        }
        let shared = self.inner.shared.clone();
        let looked = tokio::task::spawn_blocking(move || {
            shared.arrivals.look(&shared.layout, &shared.queue, &shared.quarantine)
        });
        if let Ok(Err(error)) = looked.await {
            telemetry::RescanFailed { error: &error }.record();
        }
    }

    fn order(&self, order: Order) -> Result<(), SpoolError> {
        let orders = self.inner.orders.as_ref().ok_or(SpoolError::Closed)?;
        orders.send(order).map_err(|_| SpoolError::Closed)
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("path", &self.shared().layout.root()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

/// What the handles share and the writer does not need.
struct Inner {
    shared: Arc<Shared>,
    orders: Option<mpsc::Sender<Order>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.orders = None;
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            drop(writer.join());
        }
    }
}

/// What everybody shares.
struct Shared {
    settings: Settings,
    layout: Layout,
    ids: Ids,
    queue: Queue,
    arrivals: Arrivals,
    quarantine: Quarantine,
    budget: Arc<Budget>,
    space: Space,
    disk: Disk,
    /// Why the last commit failed, unless that has been said or one has succeeded since.
    trouble: Mutex<Option<SpoolError>>,
    ended: AtomicBool,
    _lock: Lock,
}

impl Shared {
    fn has_room(&self) -> Result<(), SpoolError> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(SpoolError::Closed);
        }
        let (bytes, limit) = (self.queue.bytes(), self.settings.max_bytes);
        if bytes >= limit {
            return Err(SpoolError::BacklogFull { bytes, limit });
        }
        let (free, limit) = (self.space.free(self.layout.root())?, self.settings.min_free_bytes);
        if free < limit {
            return Err(SpoolError::DiskLow { path: self.layout.root().to_path_buf(), free, limit });
        }
        Ok(())
    }

    fn trouble(&self) -> MutexGuard<'_, Option<SpoolError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn quarantine(&self, entries: &[(Entry<'_>, Content<'_>)]) -> Result<u64, SpoolError> {
        self.quarantine.put(&self.layout, self.settings.quarantine_bytes, entries)
    }

    fn writer_ended(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// The lock that keeps a second daemon out.
fn exclusive(layout: &Layout) -> Result<Lock, SpoolError> {
    let path = layout.lock();
    let file = layout::lock_file(&path).map_err(SpoolError::io("open", &path))?;
    Lock::attempt(file).map_err(|error| match error {
        TryLockError::WouldBlock => SpoolError::Locked { path: layout.root().to_path_buf() },
        TryLockError::Error(error) => SpoolError::io("lock", &path)(error),
    })
}

/// Messages whose bytes are in memory at once while they are set aside.
const SET_ASIDE_AT_ONCE: usize = 64;
