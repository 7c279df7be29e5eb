//! What happens to messages on their way from the spool to the store.

use std::{
    fmt::Display,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tracing::{debug, error, info, warn};

use crate::store::StoreError;
use ruad_spool::{Message, SegmentId};

/// Registers the help texts.
pub fn describe() {
    describe_counter!(MESSAGES, "Messages processed, by outcome.");
    describe_counter!(REPORTS, "Reports found in messages, by kind, decision, verdict and standing.");
    describe_counter!(
        DATE_SUSPECT,
        "Reports stored with an impossible date range, by kind. They are not used as evidence."
    );
    describe_counter!(RECORDS, "Records, policies and failure reports stored.");
    describe_counter!(
        WITHHELD,
        "Reports quarantined because of their sender, by reason: stranger_quota, not_authenticated."
    );
    describe_counter!(JUNK_LEFT_OUT, "Messages without a report that were not kept in quarantine.");
    describe_counter!(REFUSED, "Message parts without a usable report, by reason.");
    describe_counter!(STORE_RETRIES, "Retried ClickHouse requests, by operation.");
    describe_counter!(FAILED, "Failed attempts to process a segment.");
    describe_gauge!(
        ESTABLISHED,
        "Reporters believed because of their history, not because of the table of organisations."
    );
    describe_histogram!(SEGMENT, Unit::Seconds, "Time to process a segment, up to its last row.");
    describe_histogram!(DELAY, Unit::Seconds, "Time from a message's 250 to its last row.");
}

/// A message whose rows are stored, or that has none.
pub(crate) struct Done<'a> {
    pub(crate) segment: SegmentId,
    pub(crate) number: u32,
    pub(crate) received_at: u64,
    pub(crate) client: std::net::IpAddr,
    pub(crate) from_domain: &'a str,
    pub(crate) outcome: &'static str,
    /// Why it was not used, or not whole; empty otherwise.
    pub(crate) code: &'a str,
    pub(crate) stored: usize,
    pub(crate) duplicates: usize,
    pub(crate) records: u64,
}

impl Done<'_> {
    pub(crate) fn record(&self) {
        let Self { segment, number, client, from_domain, outcome, code, stored, duplicates, records, .. } =
            self;
        info!(%segment, number, %client, from = from_domain, outcome, code, stored, duplicates, records, "Message processed.");
        counter!(MESSAGES, "outcome" => *outcome).increment(1);
        counter!(RECORDS).increment(*records);
        let received = UNIX_EPOCH + Duration::from_millis(self.received_at);
        histogram!(DELAY).record(SystemTime::now().duration_since(received).unwrap_or_default());
    }
}

/// A report that was decided about.
pub(crate) fn report(
    kind: &'static str,
    decision: &'static str,
    verdict: &'static str,
    standing: &'static str,
) {
    counter!(REPORTS, "kind" => kind, "decision" => decision, "verdict" => verdict, "standing" => standing)
        .increment(1);
}

/// A report that is stored under the day of its arrival, since its own range cannot be right.
pub(crate) fn date_suspect(kind: &'static str) {
    counter!(DATE_SUSPECT, "kind" => kind).increment(1);
}

/// A report that waits in quarantine because of who sent it. Codes are the program's own words, so there are few.
pub(crate) fn withheld(segment: SegmentId, message: &Message, from_domain: &str, code: &str) {
    let (number, client) = (message.number, message.envelope.client_ip);
    warn!(%segment, number, %client, from = from_domain, code, "Report withheld; its message is in quarantine.");
    counter!(WITHHELD, "code" => code.to_owned()).increment(1);
}

/// Messages of a segment in which nothing is a report, and how many of them no copy is kept of.
pub(crate) fn junk(segment: SegmentId, messages: u64, left_out: u64) {
    warn!(%segment, messages, left_out, "Messages without a report.");
    counter!(JUNK_LEFT_OUT).increment(left_out);
}

/// A part that gave no report. Codes are the program's own words, so there are few.
pub(crate) fn refused(code: &str) {
    counter!(REFUSED, "code" => code.to_owned()).increment(1);
}

/// A segment has gone from the spool.
pub(crate) fn segment_done(segment: SegmentId, messages: u32, took: Duration) {
    debug!(%segment, messages, ?took, "Segment processed.");
    histogram!(SEGMENT).record(took);
}

/// A segment stays in the spool and will be tried again.
pub(crate) fn segment_failed(segment: SegmentId, reason: &dyn Display) {
    error!(%segment, %reason, "Failed to process a segment; it stays in the spool, retrying.");
    counter!(FAILED).increment(1);
}

/// The reporters with a history were counted anew.
pub(crate) fn established(count: usize) {
    gauge!(ESTABLISHED).set(count as f64);
}

/// The ledger could not be asked for them; those known so far stay.
pub(crate) fn established_unknown(reason: &StoreError) {
    warn!(%reason, "Failed to update the established reporters; keeping the previous ones.");
}

/// Messages whose senders could not be verified are in the queue again.
pub(crate) fn verified_again(messages: u64) {
    info!(messages, "Requeued messages whose senders could not be verified.");
}

/// They could not be put there; nothing is lost.
pub(crate) fn not_verified_again(reason: &dyn Display) {
    warn!(%reason, "Failed to requeue messages whose senders could not be verified.");
}

/// ClickHouse did not take a request now.
pub(crate) fn store_refuses(what: &'static str, reason: &StoreError, pause: Duration) {
    warn!(what, %reason, ?pause, "ClickHouse request failed; retrying.");
    counter!(STORE_RETRIES, "what" => what).increment(1);
}

/// ClickHouse will never take the rows of this message.
pub(crate) fn hopeless(segment: SegmentId, number: u32, table: &'static str, reason: &StoreError) {
    error!(%segment, number, table, %reason, "ClickHouse rejected the rows of a message; moving it to quarantine.");
    counter!(REFUSED, "code" => "refused_by_store").increment(1);
}

/// A message that the spool cannot give back.
pub(crate) fn unreadable(segment: SegmentId, reason: &dyn Display) {
    error!(%segment, %reason, "Failed to read a message of the spool.");
}

/// A worker ended by a fault of the program.
pub(crate) fn spool_unreadable(reason: &dyn Display) {
    error!(%reason, "Failed to read the spool; nothing is stored until this works.");
}

pub(crate) fn worker_died(reason: &dyn Display) {
    error!(%reason, "An intake worker panicked; its segment waits for the next start.");
}

const MESSAGES: &str = "ruad_intake_messages_total";
const REPORTS: &str = "ruad_intake_reports_total";
const WITHHELD: &str = "ruad_intake_withheld_total";
const DATE_SUSPECT: &str = "ruad_intake_date_suspect_total";
const RECORDS: &str = "ruad_intake_records_total";
const JUNK_LEFT_OUT: &str = "ruad_intake_junk_left_out_total";
const REFUSED: &str = "ruad_intake_refused_total";
const ESTABLISHED: &str = "ruad_intake_established_reporters";
const STORE_RETRIES: &str = "ruad_intake_store_retries_total";
const FAILED: &str = "ruad_intake_segment_failures_total";
const SEGMENT: &str = "ruad_intake_segment_seconds";
const DELAY: &str = "ruad_intake_delay_seconds";
