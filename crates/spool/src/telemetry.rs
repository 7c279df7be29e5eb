//! What the spool tells.

use std::{path::Path, time::Duration};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tracing::{debug, error, info, warn};

use crate::{Backlog, Rank, SegmentId, SpoolError};

/// Help texts of the spool's metrics.
pub fn describe() {
    describe_counter!("ruad_spool_messages_total", "Messages made durable and acknowledged.");
    describe_counter!("ruad_spool_bytes_total", "Bytes of messages made durable, including envelopes.");
    describe_histogram!("ruad_spool_commit_seconds", "Time to write and fsync a batch of messages.");
    describe_histogram!("ruad_spool_batch_messages", "Messages per fsync.");
    describe_counter!(
        "ruad_spool_refused_messages_total",
        "Messages refused because they could not be made durable, by cause."
    );
    describe_counter!("ruad_spool_segments_total", "Segments closed.");
    describe_counter!("ruad_spool_seal_failures_total", "Failed attempts to close a segment.");
    describe_counter!("ruad_spool_torn_bytes_total", "Unacknowledged bytes truncated at start.");
    describe_counter!("ruad_spool_orphans_total", "Files of unacknowledged messages removed at start.");
    describe_counter!(
        "ruad_spool_lost_messages_total",
        "Acknowledged messages found damaged or missing on disk."
    );
    describe_counter!("ruad_spool_quarantined_messages_total", "Messages moved to quarantine, by reason.");
    describe_counter!(
        "ruad_spool_quarantine_dropped_total",
        "Quarantine entries deleted to stay within spool.quarantine_bytes, by rank."
    );
    describe_counter!(
        "ruad_spool_junk_dropped_total",
        "Messages without a report that were deleted from quarantine or not kept."
    );
    describe_counter!(
        "ruad_spool_set_aside_total",
        "Unexpected entries of the spool folder that were renamed."
    );
    describe_gauge!("ruad_spool_takes_mail", "1 while the spool can store messages, 0 otherwise.");
    // What an alert looks for is there before it happens: the step from nothing to 1 is no increase to Prometheus.
    counter!("ruad_spool_lost_messages_total").increment(0);
    for rank in Rank::ALL.into_iter().filter(|rank| *rank != Rank::Junk) {
        counter!("ruad_spool_quarantine_dropped_total", "rank" => rank.as_str()).increment(0);
    }
    describe_gauge!("ruad_spool_backlog_bytes", "Bytes of messages waiting for ClickHouse.");
    describe_gauge!("ruad_spool_backlog_segments", "Segments waiting for ClickHouse.");
    describe_gauge!("ruad_spool_backlog_age_seconds", "Age of the oldest waiting segment; 0 without one.");
    describe_gauge!("ruad_spool_quarantine_messages", "Messages in quarantine.");
    describe_gauge!("ruad_spool_quarantine_bytes", "Disk space used by the quarantine.");
    describe_gauge!("ruad_spool_disk_free_bytes", "Free bytes on the spool's file system.");
}

/// Sets the gauges; to be called when they are about to be read.
pub fn observe(backlog: &Backlog) {
    gauge!("ruad_spool_backlog_bytes").set(backlog.bytes as f64);
    gauge!("ruad_spool_backlog_segments").set(backlog.segments as f64);
    gauge!("ruad_spool_backlog_age_seconds").set(backlog.age().as_secs_f64());
    gauge!("ruad_spool_quarantine_messages").set(backlog.quarantined as f64);
    gauge!("ruad_spool_quarantine_bytes").set(backlog.quarantined_bytes as f64);
}

/// Sets the gauge of the disk's room.
pub fn observe_disk(free: u64) {
    gauge!("ruad_spool_disk_free_bytes").set(free as f64);
}

/// A batch is durable.
pub(crate) struct Committed {
    pub(crate) messages: usize,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

impl Committed {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_messages_total").increment(self.messages as u64);
        counter!("ruad_spool_bytes_total").increment(self.bytes);
        histogram!("ruad_spool_commit_seconds").record(self.took.as_secs_f64());
        histogram!("ruad_spool_batch_messages").record(self.messages as f64);
    }
}

/// A batch could not be made durable; its senders were told.
pub(crate) struct CommitFailed<'a> {
    pub(crate) messages: usize,
    pub(crate) error: &'a SpoolError,
}

impl CommitFailed<'_> {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_refused_messages_total", "cause" => self.error.code())
            .increment(self.messages as u64);
        warn!(messages = self.messages, error = %self.error, "Messages refused.");
    }
}

/// A segment is closed.
pub(crate) struct Sealed {
    pub(crate) id: SegmentId,
    pub(crate) messages: u32,
    pub(crate) bytes: u64,
}

impl Sealed {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_segments_total").increment(1);
        debug!(segment = %self.id, messages = self.messages, bytes = self.bytes, "Segment closed.");
    }
}

/// A segment could not be closed; it is tried again, and no message is taken meanwhile.
pub(crate) struct SealFailed<'a> {
    pub(crate) error: &'a SpoolError,
}

impl SealFailed<'_> {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_seal_failures_total").increment(1);
        error!(error = %self.error, "Failed to close a segment.");
    }
}

/// Recovery cut off what was acknowledged to nobody.
pub(crate) struct TornTail {
    pub(crate) id: SegmentId,
    pub(crate) cut: u64,
    pub(crate) messages: u32,
}

impl TornTail {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_torn_bytes_total").increment(self.cut);
        warn!(segment = %self.id, cut_bytes = self.cut, messages = self.messages, "Truncated an unacknowledged tail.");
    }
}

/// Recovery removed a large file that no acknowledged message has.
pub(crate) struct OrphanRemoved<'a> {
    pub(crate) path: &'a Path,
}

impl OrphanRemoved<'_> {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_orphans_total").increment(1);
        info!(path = %self.path.display(), "Removed the file of an unacknowledged message.");
    }
}

/// An acknowledged message cannot be read.
pub(crate) struct Lost<'a> {
    pub(crate) error: &'a SpoolError,
}

impl Lost<'_> {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_lost_messages_total").increment(1);
        error!(error = %self.error, "An acknowledged message is damaged; its remains are in quarantine.");
    }
}

/// A message was set aside. The reason in words may quote the message, so it stays in the quarantine.
pub(crate) struct Quarantined<'a> {
    pub(crate) id: SegmentId,
    pub(crate) number: u32,
    pub(crate) code: &'a str,
    pub(crate) rank: Rank,
}

impl Quarantined<'_> {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_quarantined_messages_total", "code" => self.code.to_owned()).increment(1);
        if self.rank == Rank::Junk {
            // The intake warns of all those of a segment at once.
            debug!(segment = %self.id, number = self.number, code = self.code, "Message quarantined.");
        } else {
            warn!(segment = %self.id, number = self.number, code = self.code, "Message quarantined.");
        }
    }
}

/// Entries were deleted from the quarantine, or not kept, to make room.
pub(crate) struct Dropped {
    pub(crate) rank: Rank,
    pub(crate) entries: u64,
    pub(crate) limit: u64,
}

impl Dropped {
    pub(crate) fn record(&self) {
        let Self { rank, entries, limit } = *self;
        let rank = rank.as_str();
        if self.rank == Rank::Junk {
            counter!("ruad_spool_junk_dropped_total").increment(entries);
            warn!(entries, limit, "Deleted messages without a report from quarantine.");
        } else {
            counter!("ruad_spool_quarantine_dropped_total", "rank" => rank).increment(entries);
            error!(rank, entries, limit, "Quarantine full; deleted the oldest entries of this rank.");
        }
    }
}

/// Something has a name of the spool's and is of another kind.
pub(crate) struct SetAside<'a> {
    pub(crate) path: &'a Path,
    pub(crate) aside: &'a Path,
}

impl SetAside<'_> {
    pub(crate) fn record(&self) {
        counter!("ruad_spool_set_aside_total").increment(1);
        error!(path = %self.path.display(), now = %self.aside.display(), "Renamed an unexpected entry of the spool folder.");
    }
}

/// There is no room to keep some back for draining a full disk.
pub(crate) struct NoReserve<'a> {
    pub(crate) error: &'a SpoolError,
}

impl NoReserve<'_> {
    pub(crate) fn record(&self) {
        warn!(error = %self.error, "Failed to reserve disk space for draining the spool.");
    }
}

/// Whether mail can be taken, as the health page says.
pub fn observe_taking(takes_mail: bool) {
    gauge!("ruad_spool_takes_mail").set(f64::from(u8::from(takes_mail)));
}

/// The spool cannot take mail any more, or can again.
pub fn taking_changed(trouble: Option<&str>) {
    match trouble {
        Some(error) => error!(error, "The spool cannot store messages; senders get a temporary error."),
        None => info!("The spool stores messages again."),
    }
}

/// The folder cannot be looked through for requeued segments.
pub(crate) struct RescanFailed<'a> {
    pub(crate) error: &'a SpoolError,
}

impl RescanFailed<'_> {
    pub(crate) fn record(&self) {
        warn!(error = %self.error, "Failed to read the spool folder.");
    }
}
