use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// A set whose members are forgotten after a while, and which never holds more than so many of them.
#[derive(Debug)]
pub struct Expiring<K> {
    members: Mutex<HashMap<K, Instant>>,
    capacity: usize,
}

impl<K: Eq + Hash> Expiring<K> {
    /// An empty set for at most `capacity` members.
    pub fn new(capacity: usize) -> Self {
        Self { members: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Remembers `member` until the moment `until`. When the set is full of members that have not expired,
    /// everything is forgotten: what is kept here only saves work, and making room must not cost a walk each
    /// time.
    pub fn insert(&self, member: K, until: Instant) {
        let mut members = self.lock();
        if members.len() >= self.capacity && !members.contains_key(&member) {
            let now = Instant::now();
            members.retain(|_, until| *until > now);
            if members.len() > self.capacity * 3 / 4 {
                members.clear();
            }
        }
        members.insert(member, until);
    }

    /// Forgets `member`.
    pub fn remove<Q: Eq + Hash + ?Sized>(&self, member: &Q)
    where
        K: Borrow<Q>,
    {
        self.lock().remove(member);
    }

    /// Whether `member` is remembered still.
    pub fn contains<Q: Eq + Hash + ?Sized>(&self, member: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.lock().get(member).is_some_and(|until| *until > Instant::now())
    }

    /// How many members take up memory, expired ones included.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        // A panic while the lock was held leaves a map that is still a map.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn forgets_what_has_expired() {
        let set = Expiring::new(2);
        let now = Instant::now();
        set.insert("kept", now + Duration::from_secs(60));
        set.insert("over", now);
        assert!(set.contains("kept"));
        assert!(!set.contains("over"));
        set.insert("new", now + Duration::from_secs(60));
        assert!(set.contains("kept") && set.contains("new"));
        set.remove("kept");
        assert!(!set.contains("kept"));
    }

    #[test]
    fn never_outgrows_its_capacity() {
        let set = Expiring::new(10);
        for member in 0..1_000 {
            set.insert(member, Instant::now() + Duration::from_secs(60));
            assert!(set.len() <= 10);
            assert!(set.contains(&member));
        }
    }
}
