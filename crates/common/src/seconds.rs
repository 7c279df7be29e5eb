//! Durations in settings: a number of seconds, fractions allowed.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

/// Reads a number of seconds.
///
/// # Errors
///
/// When the value is not a number, or is negative, not finite or too large for a duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| D::Error::custom(format_args!("{seconds} is not a duration in seconds")))
}
