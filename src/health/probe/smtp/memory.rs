use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OnceCell, Semaphore};

use ruad_dns::dane::Session;

/// What servers showed a moment ago, by address and name. Who asks for one that is being asked waits for its answer.
pub(super) struct Memory {
    sessions: Mutex<HashMap<(IpAddr, String), Entry>>,
    conversations: Semaphore,
}

struct Entry {
    since: Instant,
    session: Arc<OnceCell<Session>>,
}

impl Memory {
    /// What is remembered for `key`, or else what `ask` gives.
    pub(super) async fn get_or(&self, key: (IpAddr, String), ask: impl Future<Output = Session>) -> Session {
        let cell = self.cell(key);
        let ask = async {
            // The semaphore is never closed.
            let _permit = self.conversations.acquire().await;
            ask.await
        };
        cell.get_or_init(|| ask).await.clone()
    }

    fn cell(&self, key: (IpAddr, String)) -> Arc<OnceCell<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_fresh = |entry: &Entry| now.duration_since(entry.since) < REMEMBERED;
        if sessions.len() >= CAPACITY && !sessions.contains_key(&key) {
            sessions.retain(|_, entry| is_fresh(entry));
            if sessions.len() >= CAPACITY {
                sessions.clear();
            }
        }
        let new = || Entry { since: now, session: Arc::default() };
        let entry = sessions.entry(key).or_insert_with(new);
        if !is_fresh(entry) {
            *entry = new();
        }
        entry.session.clone()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { sessions: Mutex::default(), conversations: Semaphore::new(CONVERSATIONS) }
    }
}

/// Long enough for all domains of a run, short enough for somebody who repairs a server and looks again.
const REMEMBERED: Duration = Duration::from_secs(300);
/// A chain of certificates has a few kilobytes.
const CAPACITY: usize = 1_000;
/// Conversations at the same time, with all servers.
const CONVERSATIONS: usize = 50;
