//! The reporters that have earned their standing, held in memory: a row never waits for the question.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{intake::telemetry, store::Store};

/// The organizational domains with a history of genuine reports; nothing until the store was asked.
#[derive(Debug, Default)]
pub(super) struct Established(RwLock<Option<Arc<HashSet<String>>>>);

impl Established {
    /// Those that are known now. Before the first answer the store is asked once: the caller has just had one from it, and
    /// a report that was taken for a stranger's stays one. Without an answer nobody has a history yet.
    pub(super) async fn current(&self, store: &Store) -> Arc<HashSet<String>> {
        if let Some(known) = self.known() {
            return known;
        }
        self.refresh(store).await;
        self.known().unwrap_or_default()
    }

    /// Asks again from time to time, until `stop`.
    pub(super) async fn keep_fresh(&self, store: &Store, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(BETWEEN) => {}
                () = stop.cancelled() => return,
            }
            self.refresh(store).await;
        }
    }

    async fn refresh(&self, store: &Store) {
        match store.established_reporters().await {
            Ok(names) => {
                telemetry::established(names.len());
                let names = Arc::new(names.into_iter().collect());
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(names);
            }
            Err(error) => telemetry::established_unknown(&error),
        }
    }

    fn known(&self) -> Option<Arc<HashSet<String>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const BETWEEN: Duration = Duration::from_secs(3_600);
