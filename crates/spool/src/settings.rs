//! What an operator can set about the spool.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{SpoolError, frame};

/// Where the spool is and how much it may hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder; made when missing, private to its user.
    pub path: PathBuf,
    /// A segment closes when its messages together have this many bytes.
    pub segment_bytes: u64,
    /// A segment closes this long after its first message, in seconds.
    #[serde(with = "ruad_common::seconds")]
    pub segment_age: Duration,
    /// A message up to this size is held in memory until it is committed; a larger one streams into a file.
    pub memory_message_bytes: u64,
    /// Memory for all messages that are being received; when it is used up, small ones stream into files too.
    pub memory_bytes: u64,
    /// No more mail is taken while the messages waiting for the store have this many bytes.
    pub max_bytes: u64,
    /// No more mail is taken while fewer bytes than this are free on the spool's disk.
    pub min_free_bytes: u64,
    /// The quarantine's share of the disk; past it the oldest entries are deleted, loudly.
    pub quarantine_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: PathBuf::from("ruad-data/spool"),
            segment_bytes: 8 * MIB,
            segment_age: Duration::from_secs(1),
            memory_message_bytes: 64 * 1024,
            memory_bytes: 16 * MIB,
            max_bytes: 16 * 1024 * MIB,
            min_free_bytes: 256 * MIB,
            quarantine_bytes: 1024 * MIB,
        }
    }
}

impl Settings {
    pub(super) fn validate(&self) -> Result<(), SpoolError> {
        let bounds = [
            ("segment_bytes", self.segment_bytes, 4096, 1024 * MIB),
            ("memory_message_bytes", self.memory_message_bytes, 0, frame::MAX_INLINE_BYTES),
        ];
        for (key, value, min, max) in bounds {
            if !(min..=max).contains(&value) {
                return Err(SpoolError::Setting { key, value, min, max });
            }
        }
        Ok(())
    }
}

const MIB: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_bounds() {
        assert!(Settings::default().validate().is_ok());
        assert!(Settings { segment_bytes: 1, ..Settings::default() }.validate().is_err());
    }

    #[test]
    fn ages_are_seconds_and_unknown_keys_are_refused() {
        let settings: Settings = toml::from_str("segment_age = 0.25").unwrap();
        assert_eq!(settings.segment_age, Duration::from_millis(250));
        assert!(toml::from_str::<Settings>("segment_size = 1").is_err());
    }
}
