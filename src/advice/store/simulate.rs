//! What [`crate::advice::simulate`] asks. Alike messages are added up here, so that what comes back does not grow with the
//! number of records.

use clickhouse::{Row, query::Query};
use serde::Deserialize;

use crate::advice::simulate::{Coverage, Portion, Published, Question};
use crate::store::{Store, StoreError};

impl Store {
    /// Of which of these days there are reports about a domain. Those that are not believed do not count, here and
    /// below.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn simulated_days(&self, domain: &str, from: u32, to: u32) -> Result<Coverage, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT uniqExactIf(day, day >= toDate(?)) AS days, uniqExactIf(reporter, day >= toDate(?)) AS reporters, \
                    count() > 0 AS is_any, toUInt16(max(day)) AS newest \
                 FROM daily_domains WHERE policy_domain = ? AND believed AND day <= toDate(?)",
            )
            .bind(from)
            .bind(from)
            .bind(domain)
            .bind(to);
        let row: Days = self.timed(query.fetch_one()).await?;
        let newest = (row.is_any > 0).then(|| u32::from(row.newest));
        Ok(Coverage { from, to, days: row.days, reporters: row.reporters, newest })
    }

    /// What the newest report of these days says is published.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn published_policy(
        &self,
        domain: &str,
        from: u32,
        to: u32,
    ) -> Result<Option<Published>, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT lower(ifNull(p, '')) AS p, lower(ifNull(sp, '')) AS sp, lower(ifNull(adkim, '')) AS adkim, \
                    lower(ifNull(aspf, '')) AS aspf \
                 FROM aggregate_reports WHERE policy_domain = ? AND day BETWEEN toDate(?) AND toDate(?) \
                    AND believed AND ifNull(p, '') != '' \
                 ORDER BY day DESC, end DESC, received_at DESC LIMIT 1",
            )
            .bind(domain)
            .bind(from)
            .bind(to);
        let row: Option<Policy> = self.timed(query.fetch_optional()).await?;
        Ok(row.map(|Policy { p, sp, adkim, aspf }| Published { p, sp, adkim, aspf }))
    }

    /// The subdomains in From with most messages that fail, this many.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn busiest_subdomains(
        &self,
        domain: &str,
        from: u32,
        to: u32,
        most: u32,
    ) -> Result<Vec<String>, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT lower(trimRight(header_from, '.')) AS author FROM aggregate_records FINAL \
                 WHERE policy_domain = ? AND day BETWEEN toDate(?) AND toDate(?) AND believed \
                    AND (subdomain OR endsWith(author, concat('.', policy_domain))) \
                 GROUP BY author ORDER BY sumIf(count, NOT dmarc_pass) DESC, sum(count) DESC, author LIMIT ?",
            )
            .bind(domain)
            .bind(from)
            .bind(to)
            .bind(most);
        self.timed(spilling(query).fetch_all()).await
    }

    /// The messages that a question is about, alike ones together, those of the busiest senders first.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn portions(
        &self,
        question: &Question<'_>,
        from: u32,
        subdomains: &[String],
        mut each: impl FnMut(Portion),
    ) -> Result<(), StoreError> {
        let Question { domain, organization, today, .. } = *question;
        let query = self
            .client()
            .query(PORTIONS)
            .bind(organization)
            .bind(organization)
            .bind(subdomains)
            .bind(domain)
            .bind(from)
            .bind(today)
            .bind(domain)
            .bind(from)
            .bind(today);
        let query = spilling(query);
        self.timed(async {
            let mut rows = query.fetch::<Portion>()?;
            while let Some(portion) = rows.next().await? {
                each(portion);
            }
            Ok(())
        })
        .await
    }
}

/// A domain that everybody forges, from a million addresses and at as many subdomains, costs disk in place of memory.
fn spilling(query: Query) -> Query {
    query.with_setting("max_bytes_before_external_group_by", "268435456")
}

#[derive(Deserialize, Row)]
struct Days {
    days: u64,
    reporters: u64,
    is_any: u8,
    newest: u16,
}

#[derive(Deserialize, Row)]
struct Policy {
    p: String,
    sp: String,
    adkim: String,
    aspf: String,
}

const PORTIONS: &str = include_str!("simulate/portions.sql");
