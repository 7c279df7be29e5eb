//! What the store tells.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};
use tracing::{debug, info, warn};

use crate::store::Inserted;

/// Help texts of the store's metrics.
pub fn describe() {
    describe_counter!("ruad_store_migrations_total", "Migrations of the schema applied.");
    describe_counter!("ruad_store_inserted_rows_total", "Rows that ClickHouse acknowledged, by table.");
    describe_counter!("ruad_store_inserted_bytes_total", "Bytes of the blocks that ClickHouse acknowledged.");
    describe_histogram!("ruad_store_insert_seconds", "Time ClickHouse took to acknowledge a block.");
    describe_counter!(
        "ruad_store_collisions_total",
        "Copies of a report that two receivers stored at the same time and that were taken out of the rollups."
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

/// A copy of a report was taken out of the rollups.
pub(crate) fn collision(policy_domain: &str, losing_segment: &str) {
    counter!("ruad_store_collisions_total").increment(1);
    warn!(policy_domain, losing_segment, "Two receivers stored the same report; one copy no longer counts.");
}
