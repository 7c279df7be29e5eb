//! What the store tells.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};
use tracing::{debug, info, warn};

use crate::store::{Inserted, StoredCopy};

/// Help texts of the store's metrics.
pub fn describe() {
    describe_counter!("ruad_store_migrations_total", "Schema migrations applied.");
    describe_counter!("ruad_store_inserted_rows_total", "Rows acknowledged by ClickHouse, by table.");
    describe_counter!("ruad_store_inserted_bytes_total", "Bytes of blocks acknowledged by ClickHouse.");
    describe_histogram!("ruad_store_insert_seconds", "Time until ClickHouse acknowledged a block.");
    describe_counter!(
        "ruad_store_collisions_total",
        "Duplicate copies stored by two receivers at the same time and removed."
    );
    describe_counter!(
        "ruad_store_superseded_total",
        "Copies of a report replaced by a better authenticated copy."
    );
}

/// A migration was applied.
pub(crate) fn migrated(version: u32, name: &str) {
    counter!("ruad_store_migrations_total").increment(1);
    info!(version, name, "Schema migrated.");
}

/// A table keeps its rows for another time from now on.
pub(crate) fn retention_changed(table: &str, months: u32) {
    info!(table, months, "Retention changed.");
}

/// A block went in.
pub(crate) fn inserted(table: &'static str, block: &Inserted, took: Duration) {
    counter!("ruad_store_inserted_rows_total", "table" => table).increment(block.rows);
    counter!("ruad_store_inserted_bytes_total").increment(block.bytes);
    histogram!("ruad_store_insert_seconds").record(took.as_secs_f64());
    debug!(table, rows = block.rows, bytes = block.bytes, took = ?took, "Block stored.");
}

/// A copy of a report lost its place to another.
pub(crate) fn superseded(loser: &StoredCopy, winner: &StoredCopy) {
    let (policy_domain, losing_segment) = (&loser.policy_domain, loser.segment);
    let (was, is) = (loser.verdict.as_str(), winner.verdict.as_str());
    if was == is {
        counter!("ruad_store_collisions_total").increment(1);
        warn!(policy_domain, %losing_segment, "Two receivers stored the same report; removed one copy.");
    } else {
        counter!("ruad_store_superseded_total").increment(1);
        info!(policy_domain, %losing_segment, was, is, "Replaced a report by a better authenticated copy.");
    }
}

/// A person changed what counts.
pub(crate) fn changed(action: &'static str, copies: usize, by: &str, reason: &str) {
    info!(action, copies, by, reason, "Stored reports changed.");
}
