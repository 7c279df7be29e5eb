use std::cell::Cell;

use super::{Limits, MailError};

/// What all archives of one message may use together.
#[derive(Debug)]
pub(super) struct Budget {
    packed: Cell<u64>,
    ratio: u64,
    unpacked: Cell<u64>,
    unpacked_bytes: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            packed: Cell::new(0),
            ratio: limits.ratio,
            unpacked: Cell::new(0),
            unpacked_bytes: limits.unpacked_bytes,
        }
    }

    /// Notes that an outermost archive was read on by `bytes`.
    pub(super) fn packed(&self, bytes: u64) {
        self.packed.set(self.packed.get().saturating_add(bytes));
    }

    /// Notes `bytes` that came out of an archive of any depth.
    pub(super) fn unpacked(&self, bytes: u64) -> Result<(), MailError> {
        let unpacked = self.unpacked.get().saturating_add(bytes);
        self.unpacked.set(unpacked);
        if unpacked > self.unpacked_bytes {
            return Err(MailError::LimitUnpackedBytes { limit: self.unpacked_bytes });
        }
        let packed = self.packed.get();
        if unpacked > RATIO_FROM && unpacked / self.ratio.max(1) > packed {
            return Err(MailError::LimitRatio { limit: self.ratio, packed, unpacked });
        }
        Ok(())
    }
}

/// Below this much output a high ratio is no danger, and a short run of equal records may reach one.
const RATIO_FROM: u64 = 10 * 1024 * 1024;
