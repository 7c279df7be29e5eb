//! What `/readyz` says.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The parts that report their state; cheap to clone.
///
/// Ready means *able to take mail*: the receiver listens and the spool has room. ClickHouse being away is shown
/// but does not count, because taking the receiver out of service would turn a backlog into lost reports.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<Part, Result<(), String>>>>);

impl Health {
    /// Records that `part` works, or in one sentence why not.
    pub fn set(&self, part: Part, state: Result<(), String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part, state);
    }

    /// Whether mail can be taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        [Part::Smtp, Part::Spool].iter().all(|part| matches!(parts.get(part), Some(Ok(()))))
    }

    /// Whether `part` has reported that it works.
    #[must_use]
    pub fn works(&self, part: Part) -> bool {
        matches!(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&part), Some(Ok(())))
    }
}

/// A part of the daemon whose state is shown.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Part {
    /// The SMTP listeners.
    Smtp,
    /// The queue on disk.
    Spool,
    /// ClickHouse, reached and migrated.
    Store,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for part in [Part::Smtp, Part::Spool, Part::Store] {
            match parts.get(&part) {
                Some(Ok(())) => writeln!(f, "{part}: ok")?,
                Some(Err(reason)) => writeln!(f, "{part}: {reason}")?,
                None => writeln!(f, "{part}: starting")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smtp => "smtp",
            Self::Spool => "spool",
            Self::Store => "store",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_store_does_not_stop_the_receiver() {
        let health = Health::default();
        assert!(!health.is_ready());
        health.set(Part::Smtp, Ok(()));
        health.set(Part::Spool, Ok(()));
        health.set(Part::Store, Err("connection refused".to_owned()));
        assert!(health.is_ready());
        assert_eq!(health.to_string(), "smtp: ok\nspool: ok\nstore: connection refused\n");
    }

    #[test]
    fn a_full_spool_does() {
        let health = Health::default();
        health.set(Part::Smtp, Ok(()));
        health.set(Part::Spool, Err("disk low".to_owned()));
        assert!(!health.is_ready());
    }
}
