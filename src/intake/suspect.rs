//! Which message makes the process die? Attempts at a segment are counted on disk before they begin. From the third
//! on, each message's number is written down before it is read; the one at which the process has died three times
//! running is not read again. Three times, because a machine may be switched off at any message.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use ruad_spool::{SegmentId, Spool, SpoolError};

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
    /// The message that is being read.
    reading: Option<u32>,
    /// The message at which the last attempt died, and how many running did.
    suspect: Option<(u32, u32)>,
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
        if let Some(number) = notes.reading.take() {
            let before = notes.suspect.filter(|(suspect, _)| *suspect == number);
            let deaths = before.map_or(0, |(_, deaths)| deaths) + 1;
            notes.suspect = Some((number, deaths));
            if deaths >= DEATHS {
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
        self.notes.reading = Some(number);
        self.write()
    }

    /// What follows can take long and is not about the message: dying now accuses nobody.
    ///
    /// # Errors
    ///
    /// When the spool's disk refuses.
    pub(super) fn pausing(&mut self) -> Result<(), SpoolError> {
        if self.notes.reading.take().is_some() { self.write() } else { Ok(()) }
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
        self.notes.reading = None;
        self.notes.suspect = None;
        self.write()
    }

    fn write(&self) -> Result<(), SpoolError> {
        // Numbers and a set of numbers always serialise.
        let bytes = serde_json::to_vec(&self.notes).unwrap_or_default();
        self.spool.note_side(self.segment, SIDE_FILE, &bytes)
    }
}

const SIDE_FILE: &str = "reading";

const FIRST_CAREFUL: u32 = 3;

const DEATHS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use ruad_spool::{Envelope, Settings};

    async fn spool(folder: &std::path::Path) -> Spool {
        let settings = Settings { path: folder.join("spool"), min_free_bytes: 0, ..Settings::default() };
        let spool = Spool::open(&settings).unwrap();
        let mut incoming = spool.incoming();
        incoming.write(b"x").await.unwrap();
        let envelope = Envelope {
            received_at: 0,
            client_ip: [127, 0, 0, 1].into(),
            helo: String::new(),
            tls: None,
            mail_from: String::new(),
            rcpt_to: Vec::new(),
        };
        incoming.commit(envelope).await.unwrap();
        spool.close().await.unwrap();
        spool
    }

    /// What an attempt does that dies while it reads this message, or at none.
    fn attempt(spool: &Spool, segment: SegmentId, dies_at: Option<u32>) -> Vec<u32> {
        let mut watch = Watch::begin(spool, segment).unwrap();
        let mut read = Vec::new();
        for number in 0..5 {
            if watch.is_culprit(number) {
                continue;
            }
            watch.reading(number).unwrap();
            if dies_at == Some(number) {
                return read;
            }
            read.push(number);
        }
        watch.passed().unwrap();
        read
    }

    #[tokio::test]
    async fn the_message_that_kills_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(folder.path()).await;
        let segment = spool.next_closed().await;
        // Two attempts are not watched, three die under watch.
        for _ in 0..5 {
            assert_eq!(attempt(&spool, segment, Some(3)), [0, 1, 2]);
        }
        assert_eq!(attempt(&spool, segment, Some(3)), [0, 1, 2, 4], "it is not read again");
        assert_eq!(attempt(&spool, segment, None), [0, 1, 2, 4], "and stays left out");
    }

    #[tokio::test]
    async fn power_cuts_accuse_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(folder.path()).await;
        let segment = spool.next_closed().await;
        for number in [0, 1, 2, 3, 4, 0, 1, 2, 3, 4] {
            attempt(&spool, segment, Some(number));
        }
        assert_eq!(attempt(&spool, segment, None), [0, 1, 2, 3, 4]);
    }
}
