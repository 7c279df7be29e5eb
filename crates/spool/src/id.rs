//! Names of segments.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::SpoolError;

/// A segment's name: a UUIDv7, globally unique, greater than every earlier one of this spool.
///
/// Its 74 random bits also mark the segment's frames, so that nobody outside can put into a mail
/// what recovery would take for a frame.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SegmentId(Uuid);

impl SegmentId {
    /// When the segment was begun, in milliseconds since the epoch.
    pub fn created_at(&self) -> u64 {
        u64::try_from(self.0.as_u128() >> TIME_SHIFT).unwrap_or_default()
    }

    /// The name as a number of 128 bits.
    pub fn uuid(&self) -> Uuid {
        self.0
    }

    pub(super) fn bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// A new name, without regard to the names in the spool: for a segment that is made beside a running daemon.
    pub(super) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The name itself when it is later than `last`, else one a millisecond after `last`.
    fn after(self, last: Option<Self>) -> Self {
        match last {
            Some(last) if self <= last => {
                let random = self.0.as_u128() & (u128::MAX >> TIME_BITS);
                let time = (u128::from(last.created_at()) + 1) << TIME_SHIFT;
                Self(Uuid::from_u128(time | random))
            }
            _ => self,
        }
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

impl FromStr for SegmentId {
    type Err = SpoolError;

    /// Reads the one form [`fmt::Display`] writes: two names of one segment would be two segments.
    fn from_str(text: &str) -> Result<Self, SpoolError> {
        Uuid::try_parse(text)
            .ok()
            .map(Self)
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| SpoolError::Name { text: text.to_owned(), expected: "a segment's id" })
    }
}

/// Makes names, each later than the one before, also when the clock is set back.
#[derive(Debug)]
pub(super) struct Ids {
    last: Mutex<Option<SegmentId>>,
}

impl Ids {
    pub(super) fn after(last: Option<SegmentId>) -> Self {
        Self { last: Mutex::new(last) }
    }

    pub(super) fn next(&self) -> SegmentId {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let next = SegmentId::new().after(*last);
        *last = Some(next);
        next
    }
}

// RFC 9562, section 5.7: 48 bits of milliseconds, then version, variant and 74 random bits.
const TIME_BITS: u32 = 48;
const TIME_SHIFT: u32 = 128 - TIME_BITS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_when_the_clock_jumps_back() {
        let future: SegmentId = "7fffffff-0000-7000-8000-000000000000".parse().unwrap();
        let ids = Ids::after(Some(future));
        let mut last = future;
        for _ in 0..1000 {
            let next = ids.next();
            assert!(next > last, "{next} after {last}");
            assert_eq!(next.0.get_version_num(), 7);
            last = next;
        }
    }

    #[test]
    fn has_one_spelling() {
        let id = SegmentId::new();
        assert_eq!(id.to_string().parse::<SegmentId>().unwrap(), id);
        assert!(id.to_string().to_uppercase().parse::<SegmentId>().is_err());
        assert!(id.0.simple().to_string().parse::<SegmentId>().is_err());
    }
}
