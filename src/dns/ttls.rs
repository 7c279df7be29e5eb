use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long the answers that a resolver gave may be remembered, by name.
#[derive(Clone, Debug, Default)]
pub struct Ttls(Arc<Mutex<HashMap<String, Duration>>>);

impl Ttls {
    /// That of the records of a name, the longest when there were several; none when it has no records.
    pub fn of(&self, name: &str) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    pub(super) fn note(&self, name: &str, ttl: Duration) {
        let mut ttls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = ttls.entry(name.to_owned()).or_default();
        *longest = ttl.max(*longest);
    }
}
