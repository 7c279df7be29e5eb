//! Throw-away: stands here until the senders' branch brings the real one.

use std::collections::HashMap;

use super::SenderId;
use crate::store::{Store, StoreError};

/// Something unusual about a sender.
#[derive(Clone, Debug, PartialEq)]
pub enum Unusual {
    /// It was never seen before.
    New {
        /// Who.
        sender: SenderId,
        /// What people call it.
        name: String,
        /// The first day; days since 1970.
        day: u32,
        /// Messages so far.
        messages: u64,
    },
    /// It sent far more than it does.
    Spike {
        /// Who.
        sender: SenderId,
        /// What people call it.
        name: String,
        /// On which day; days since 1970.
        day: u32,
        /// Messages on that day.
        messages: u64,
        /// Messages on a usual day.
        usual: f64,
    },
}

/// What is unusual about the senders of these domains.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn noticed(
    _store: &Store,
    _domains: &[&str],
    _today: u32,
) -> Result<HashMap<String, Vec<Unusual>>, StoreError> {
    Ok(HashMap::new())
}
