//! Which message makes the process die? Attempts at a segment are counted on disk before they begin. From the third
//! on, each message's number is written down before it is read; the one at which the process has died three times
//! running is not read again. Three times, because a machine may be switched off at any message.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::spool::{SegmentId, Spool, SpoolError};

/// The watch over one attempt at a segment.
#[derive(Debug)]
pub(super) struct Watch {
    spool: Spool,
    segment: SegmentId,
    is_careful: bool,
    notes: Notes,
}

/// What is known from earlier attempts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Notes {
    /// The message that was being read.
    number: Option<u32>,
    /// How often running the process died at it.
    deaths: u32,
    /// Messages that are not read any more.
    culprits: BTreeSet<u32>,
}

impl Watch {
    /// Begins an attempt.
    ///
    /// # Errors
    ///
    /// When the spool's disk refuses.
    pub(super) fn begin(spool: &Spool, segment: SegmentId) -> Result<Self, SpoolError> {
        let attempt = spool.begin_attempt(segment)?;
        let notes = spool.read_side(segment, SIDE_FILE)?;
        let mut notes: Notes =
            notes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        if let Some(number) = notes.number {
            notes.deaths += 1;
            if notes.deaths >= DEATHS {
                notes.culprits.insert(number);
            }
        }
        Ok(Self { spool: spool.clone(), segment, is_careful: attempt >= FIRST_CAREFUL, notes })
    }

    /// Whether messages have to be read one after the other.
    pub(super) fn is_careful(&self) -> bool {
        self.is_careful
    }

    /// Whether the process died at this message too often.
    pub(super) fn is_culprit(&self, number: u32) -> bool {
        self.notes.culprits.contains(&number)
    }

    /// The message is about to be read.
    ///
    /// # Errors
    ///
    /// When the spool's disk refuses.
    pub(super) fn reading(&mut self, number: u32) -> Result<(), SpoolError> {
        if !self.is_careful {
            return Ok(());
        }
        if self.notes.number != Some(number) {
            self.notes.number = Some(number);
            self.notes.deaths = 0;
        }
        self.write()
    }

    /// All messages have been read.
    ///
    /// # Errors
    ///
    /// When the spool's disk refuses.
    pub(super) fn passed(&mut self) -> Result<(), SpoolError> {
        if !self.is_careful {
            return Ok(());
        }
        self.notes.number = None;
        self.notes.deaths = 0;
        self.write()
    }

    fn write(&self) -> Result<(), SpoolError> {
        // Numbers and a set of numbers always serialise.
        let bytes = serde_json::to_vec(&self.notes).unwrap_or_default();
        self.spool.write_side(self.segment, SIDE_FILE, &bytes)
    }
}

const SIDE_FILE: &str = "reading";

const FIRST_CAREFUL: u32 = 3;

const DEATHS: u32 = 3;
