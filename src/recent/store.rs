//! What was stored lately, for alerts.

use clickhouse::Row;
use serde::Deserialize;

use crate::store::{Store, StoreError};

/// A reporter that writes on most days.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct SteadyReporter {
    /// Who reports, as the reports have it.
    pub reporter: String,
    /// When its last report that is believed arrived; seconds since 1970.
    pub last: u32,
}

/// Something that happened to a domain.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct RecentEvent {
    /// The domain.
    pub domain: String,
    /// What; docs/events.md has them all.
    pub kind: String,
    /// What it is about within the domain; empty for the domain itself.
    pub subject: String,
    /// When it was seen the last time; seconds since 1970.
    pub at: u32,
}

impl Store {
    /// The reporters that are believed, with reports on so many of the last 30 days, by volume, at most so many.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn steady_reporters(&self, days: u32, most: u32) -> Result<Vec<SteadyReporter>, StoreError> {
        let query = self.client().query(
            "SELECT toString(reporter) AS reporter, toUInt32(toDateTime(max(received_at), 'UTC')) AS last \
             FROM aggregate_reports WHERE believed AND reporter != '' \
                AND received_at BETWEEN now() - toIntervalDay(30) AND now() + toIntervalDay(1) \
             GROUP BY reporter HAVING uniqExact(toDate(received_at, 'UTC')) >= ? \
             ORDER BY sum(messages) DESC, reporter LIMIT ?",
        );
        self.timed(query.bind(days).bind(most).fetch_all()).await
    }

    /// The last time of everything that happened to domains within these seconds, the newest so many of each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn recent_events(&self, seconds: u64, each: u32) -> Result<Vec<RecentEvent>, StoreError> {
        let query = self.client().query(
            "SELECT toString(domain) AS domain, toString(kind) AS kind, subject, toUInt32(max(seen_at)) AS at \
             FROM domain_events WHERE seen_at BETWEEN now() - toIntervalSecond(?) AND now() + toIntervalDay(1) \
             GROUP BY domain, kind, subject ORDER BY domain, at DESC, kind, subject LIMIT ? BY domain",
        );
        self.timed(query.bind(seconds).bind(each).fetch_all()).await
    }
}
