use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hickory_resolver::proto::rr::{RData, Record};

/// Until when a cache on the way may give the answers of an examination again. Cheap to clone; clones share what they note.
#[derive(Clone, Debug, Default)]
pub struct Ttls(Arc<Mutex<Latest>>);

#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    present: Option<Instant>,
    absent: Option<Instant>,
}

/// For how long a cache on the way may give the same answers again, counted from the beginning of the examination: an answer
/// that comes earlier may be a copy, and confirms nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Copies {
    /// Of the records that were found.
    pub present: Duration,
    /// Of the answers that there is none, which resolvers keep as well (RFC 2308 section 5).
    pub absent: Duration,
}

impl Ttls {
    /// What was noted, counted from `began`.
    pub fn since(&self, began: Instant) -> Copies {
        let latest = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left =
            |until: Option<Instant>| until.map_or(Duration::ZERO, |at| at.saturating_duration_since(began));
        Copies { present: left(latest.present), absent: left(latest.absent) }
    }

    /// These records were found.
    pub(crate) fn present(&self, records: &[Record]) {
        if let Some(ttl) = records.iter().map(|record| record.ttl).max() {
            self.note(ttl, |latest| &mut latest.present);
        }
    }

    /// There is nothing, for so many seconds; `None` where the answer does not say for how long.
    pub(crate) fn absent(&self, ttl: Option<u32>) {
        self.note(ttl.unwrap_or(UNTOLD), |latest| &mut latest.absent);
    }

    /// There is nothing; the SOA record among `authorities` says for how long (RFC 2308 section 3).
    pub(crate) fn absent_by(&self, authorities: &[Record]) {
        let ttl = authorities.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
            _ => None,
        });
        self.absent(ttl);
    }

    fn note(&self, ttl: u32, of: impl Fn(&mut Latest) -> &mut Option<Instant>) {
        let until = Instant::now() + Duration::from_secs(u64::from(ttl.min(LONGEST)));
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = of(&mut latest);
        *latest = Some(latest.map_or(until, |known| known.max(until)));
    }
}

impl Copies {
    /// The longer of each.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { present: self.present.max(other.present), absent: self.absent.max(other.absent) }
    }
}

/// What resolvers keep at most that keep answers for longer than a moment at all (unbound's `cache-max-ttl`); seconds.
const LONGEST: u32 = 86_400;
/// An answer without an SOA record should not be kept (RFC 2308 section 5), and is by some, for as long as they like; seconds.
const UNTOLD: u32 = 300;
