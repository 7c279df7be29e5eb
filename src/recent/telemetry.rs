//! Events of [`crate::recent`].

use std::{fmt::Display, time::Duration};

use metrics::{counter, describe_counter};

/// What was stored lately could not be read; it is tried again, and what was read before is shown meanwhile.
pub fn not_read(error: &dyn Display, pause: Duration) {
    counter!("ruad_recent_failures_total").increment(1);
    tracing::warn!(%error, ?pause, "Failed to read recent reports and events; retrying.");
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!("ruad_recent_failures_total", "Failed reads of recent reports and events.");
}
