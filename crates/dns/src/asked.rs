//! What was asked during one examination.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::sync::OnceCell;

/// Answers by question, so that a question that several checks have is asked once, and all of them judge by the same
/// answer. The caches of the library do not do that: a full one keeps what is asked for often and turns away what is new.
/// Cheap to clone; clones share the answers.
#[derive(Debug)]
pub(super) struct Asked<T>(Arc<Mutex<Cells<T>>>);

#[derive(Debug)]
struct Cells<T>(HashMap<(Name, RecordType), Arc<OnceCell<T>>>);

impl<T: Clone> Asked<T> {
    /// The answer to a question, by `ask` when nobody asked yet. Who comes meanwhile waits for the same answer.
    pub(super) async fn once(&self, name: &Name, kind: RecordType, ask: impl Future<Output = T>) -> T {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cells.0.entry((name.clone(), kind)).or_default().clone()
        };
        cell.get_or_init(|| ask).await.clone()
    }
}

impl<T> Clone for Asked<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Cells(HashMap::new()))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_question_is_asked_once() {
        let (asked, count) = (Asked::default(), AtomicU32::new(0));
        let ask = || async {
            tokio::task::yield_now().await;
            count.fetch_add(1, Ordering::Relaxed)
        };
        let (name, other) = (Name::from_ascii("a.example.").unwrap(), Name::root());
        let (first, second) =
            tokio::join!(asked.once(&name, RecordType::A, ask()), asked.once(&name, RecordType::A, ask()));
        assert_eq!((first, second), (0, 0));
        assert_eq!(asked.once(&name, RecordType::AAAA, ask()).await, 1);
        assert_eq!(asked.once(&other, RecordType::A, ask()).await, 2);
        assert_eq!(asked.clone().once(&name, RecordType::A, ask()).await, 0);
    }
}
