//! The system's clock as numbers. A clock before 1970 reads as 0.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// Seconds since 1970.
pub fn unix_seconds() -> u64 {
    since_epoch().as_secs()
}

/// Milliseconds since 1970.
pub fn unix_millis() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
