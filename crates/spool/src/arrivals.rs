//! Closed segments that others put into the folder while the daemon runs, as `ruad spool requeue` does.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    SpoolError,
    layout::Layout,
    listing::{LargeFiles, Listing},
    quarantine::Quarantine,
    queue::Queue,
};

/// When the folder was last looked through. The lock is held while looking and while a segment is deleted, so that none
/// that has just been done is taken for a new one.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    looked: Mutex<Option<Instant>>,
}

impl Arrivals {
    /// Whether it is time to look again.
    pub(super) fn due(&self) -> bool {
        // Held: somebody looks right now, or will have deleted a segment in a moment.
        self.looked.try_lock().is_ok_and(|looked| looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY))
    }

    /// Nobody looks while this is held.
    pub(super) fn pause(&self) -> MutexGuard<'_, Option<Instant>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the segments that are not known.
    pub(super) fn look(
        &self,
        layout: &Layout,
        queue: &Queue,
        quarantine: &Quarantine,
    ) -> Result<(), SpoolError> {
        let mut looked = self.pause();
        *looked = Some(Instant::now());
        let mut arrived = Listing::tidied(layout)?.closed;
        arrived.retain(|id, _| !queue.knows(*id));
        if arrived.is_empty() {
            return Ok(());
        }
        let large = LargeFiles::new(layout)?;
        for (id, count) in arrived {
            queue.closed(id, large.measure(layout, id, count)?);
        }
        // They came out of the quarantine.
        quarantine.recount(layout)
    }
}

/// How long a requeued message may have to wait.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
