//! Throw-away: stands here until the senders' branch brings the real one.

use std::collections::{BTreeMap, HashMap};

use super::{Store, StoreError};
use crate::advice::{Decision, SenderId};

impl Store {
    /// What owners said of senders with `ruad source`, by domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn decisions(
        &self,
        _domains: &[&str],
    ) -> Result<HashMap<String, BTreeMap<SenderId, Decision>>, StoreError> {
        Ok(HashMap::new())
    }
}
