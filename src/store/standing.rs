//! What makes a reporter one that can be believed.

use super::{Store, StoreError};

impl Store {
    /// The organizational domains that have sent genuine aggregate reports for weeks, about several customers.
    ///
    /// Times are those of arrival, which no reporter chooses.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn established_reporters(&self) -> Result<Vec<String>, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT toString(organization) AS organization FROM deliveries \
                 WHERE received_at BETWEEN now() - toIntervalDay(?) AND now() + toIntervalDay(1) \
                    AND kind = 'aggregate' AND verdict = 'genuine' AND standing != 'suspect' AND organization != '' \
                    AND group_name != ? \
                    AND (report_key, content_hash, segment) GLOBAL NOT IN ( \
                        SELECT report_key, content_hash, segment FROM report_corrections \
                        GROUP BY report_key, content_hash, segment HAVING argMax(action, step) = 'withdrawn') \
                 GROUP BY organization HAVING uniqExact(toDate(received_at, 'UTC')) >= ? \
                    AND dateDiff('day', min(received_at), max(received_at)) >= ? AND uniqExact(group_name) >= ? \
                 ORDER BY count() DESC, organization LIMIT ?",
            )
            .bind(REMEMBERED_DAYS)
            .bind(ruad_registry::UNASSIGNED)
            .bind(DAYS_WITH_REPORTS)
            .bind(DAYS_BETWEEN)
            .bind(GROUPS)
            .bind(MOST_ESTABLISHED);
        self.timed(query.fetch_all()).await
    }
}

/// How far back is looked; a reporter that has been silent for so long has to earn its standing again.
const REMEMBERED_DAYS: u32 = 90;

/// Four weeks between the first report and the last, and reports on half of their days.
const DAYS_BETWEEN: u32 = 28;
const DAYS_WITH_REPORTS: u32 = 14;

/// Customers. Whoever is after one of them seldom has mail from three.
const GROUPS: u32 = 3;

/// What is held in memory, a name of up to 255 bytes each.
const MOST_ESTABLISHED: u32 = 10_000;
