//! The questions other rooms ask.

use std::{fmt::Write as _, net::IpAddr};

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::{Identity, Store, StoreError, copies::Place, tables::Sources};
use crate::{provenance::Verdict, sources::SourceRow};

/// A report that has been stored.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its identity.
    pub report_key: u128,
    /// What it says.
    pub content_hash: u128,
    /// Its id as written.
    pub report_id: String,
    /// What provenance said of it.
    pub verdict: Verdict,
    /// Whether it is in the sums: it was not withdrawn, and no other copy took its place.
    pub counts: bool,
}

/// What a client delivered on a day.
#[derive(Clone, Copy, Debug)]
pub struct ReportingClient {
    /// Days since the epoch.
    pub day: u64,
    /// Its address.
    pub client: IpAddr,
    /// Whether this is what believed reporters delivered from it, or what is bound.
    pub is_believed: bool,
    /// Records, policies and failure reports stored.
    pub records: u64,
}

/// What the reports say about a domain.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct DomainSummary {
    /// Customer.
    pub group_name: String,
    /// Domain.
    pub policy_domain: String,
    /// Messages reported.
    pub messages: i64,
    /// Of these: aligned DKIM or aligned SPF passed.
    pub passed: i64,
    /// Reports stored.
    pub reports: u64,
    /// The `p` of the latest report; empty when it gave none.
    pub policy: String,
}

/// How much mail an address sent in a domain's name.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct SourceCount {
    /// Domain.
    pub policy_domain: String,
    /// The address as text, IPv4 in its own form.
    pub address: String,
    /// Name of the service it belongs to, else the reverse name, else empty.
    pub source_name: String,
    /// Messages reported.
    pub messages: i64,
    /// Of these: aligned DKIM or aligned SPF passed.
    pub passed: i64,
}

impl Store {
    /// Which of these reports have been stored, by anybody but this segment: its own rows may be there from an attempt that
    /// was cut short, and are no reason to take the report for a duplicate.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn known(&self, report_keys: &[u128], segment: Uuid) -> Result<Vec<Known>, StoreError> {
        let copies = self.copies_of(report_keys, false).await?;
        let others = copies.into_iter().filter(|copy| copy.segment != segment);
        let known = others.map(|copy| Known {
            report_key: copy.report_key,
            content_hash: copy.content_hash,
            report_id: copy.report_id,
            verdict: copy.verdict,
            counts: copy.place == Place::Counted,
        });
        Ok(known.collect())
    }

    /// Whether there are deliveries of versions that gave a report another identity; they had no standing either.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn has_earlier_deliveries(&self) -> Result<bool, StoreError> {
        let statement = "SELECT count() > 0 FROM (SELECT 1 FROM deliveries WHERE standing = '' LIMIT 1)";
        self.timed(self.client().query_raw(statement).fetch_one()).await
    }

    /// Takes rows of `messages` out, each named by its segment and its number there: the messages came again from quarantine,
    /// and other rows tell what became of them.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub async fn forget_messages(&self, messages: &[(Uuid, u32)]) -> Result<(), StoreError> {
        let cluster = self.settings().cluster.as_deref();
        let (local, on) =
            cluster.map_or(("", String::new()), |name| ("_local", format!(" ON CLUSTER {name}")));
        for messages in messages.chunks(KEYS_AT_ONCE) {
            let mut names = String::new();
            for (segment, number) in messages {
                // Writing to a string does not fail.
                _ = write!(names, "('{segment}', {number}),");
            }
            let statement = format!(
                "DELETE FROM messages{local}{on} WHERE (segment, number) IN ({})",
                names.trim_end_matches(',')
            );
            self.timed(self.client().query_raw(&statement).execute()).await?;
        }
        Ok(())
    }

    /// Who delivered reports in the last eight days, but for those in this segment; the largest first.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn reporting_clients(&self, segment: Uuid) -> Result<Vec<ReportingClient>, StoreError> {
        let statement = format!(
            "SELECT toUInt64(toUInt16(day)) AS arrived, toString(client_ip) AS client, \
             (segment, number) GLOBAL IN (SELECT segment, number FROM deliveries \
                WHERE believed AND received_at >= today() - 8) AS is_believed, \
             sum(records) AS stored FROM messages FINAL \
             WHERE day >= today() - 8 AND records > 0 AND segment != '{segment}' \
             AND (is_believed OR verdict != 'genuine') \
             GROUP BY arrived, client, is_believed ORDER BY stored DESC LIMIT {MOST_CLIENTS}"
        );
        let rows: Vec<(u64, String, bool, u64)> =
            self.timed(self.client().query_raw(&statement).fetch_all()).await?;
        let clients = rows.into_iter().filter_map(|(day, client, is_believed, records)| {
            Some(ReportingClient { day, client: client.parse().ok()?, is_believed, records })
        });
        Ok(clients.collect())
    }

    /// What the reports of these verdicts say about each domain; all verdicts when none is named.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn domain_summaries(&self, verdicts: &[&str]) -> Result<Vec<DomainSummary>, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT s.latest_group AS group_name, s.policy_domain AS policy_domain, s.total AS messages, \
                    s.total_passed AS passed, r.reports AS reports, r.policy AS policy FROM ( \
                    SELECT policy_domain, argMax(group_name, day) AS latest_group, sum(messages) AS total, \
                        sumIf(messages, dkim_aligned OR spf_aligned) AS total_passed \
                    FROM daily_domains WHERE empty(?) OR has(?, verdict) GROUP BY policy_domain \
                 ) AS s LEFT JOIN ( \
                    SELECT policy_domain, uniqExact(report_key, content_hash) AS reports, \
                        argMax(ifNull(p, ''), ifNull(begin, toDateTime64(0, 0))) AS policy \
                    FROM aggregate_reports WHERE empty(?) OR has(?, verdict) GROUP BY policy_domain \
                 ) AS r ON r.policy_domain = s.policy_domain ORDER BY group_name, policy_domain",
            )
            .bind(verdicts)
            .bind(verdicts)
            .bind(verdicts)
            .bind(verdicts);
        self.timed(query.fetch_all()).await
    }

    /// The addresses that sent most by reports that are believed, this many for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn top_sources(&self, each: u32) -> Result<Vec<SourceCount>, StoreError> {
        let query = self.client().query(
            "SELECT t.policy_domain AS policy_domain, \
                replaceOne(toString(t.source_ip), '::ffff:', '') AS address, \
                if(n.service = '', n.reverse_name, n.service) AS source_name, \
                t.total AS messages, t.total_passed AS passed FROM ( \
                    SELECT policy_domain, source_ip, sum(messages) AS total, sum(passed) AS total_passed \
                    FROM daily_sources WHERE believed GROUP BY policy_domain, source_ip \
                    ORDER BY total DESC, source_ip LIMIT ? BY policy_domain \
                ) AS t LEFT JOIN (SELECT source_ip, service, reverse_name FROM sources FINAL) AS n \
                ON n.source_ip = t.source_ip ORDER BY policy_domain, messages DESC, address",
        );
        self.timed(query.bind(each).fetch_all()).await
    }

    /// Keeps what was found out about addresses.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_sources(&self, found: &[SourceRow]) -> Result<(), StoreError> {
        let mut rows = Sources::default();
        found.iter().for_each(|row| rows.add(row));
        // Later rows replace earlier ones, so the same rows may well come twice.
        let token = Uuid::now_v7().to_string();
        self.insert(&rows, 0..found.len(), &[], &token).await.map(|_| ())
    }

    /// Addresses that sent mail in the last days and of which `sources` does not know enough: no row, or one that is
    /// due again. Those that sent most by reports that are believed come first.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn addresses_to_look_up(&self, days: u32, limit: u32) -> Result<Vec<String>, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT replaceOne(toString(source_ip), '::ffff:', '') FROM daily_sources \
                 WHERE received_month >= toStartOfMonth(today() - ?) AND source_ip NOT IN ( \
                    SELECT source_ip FROM sources GROUP BY source_ip HAVING argMax(recheck_at, checked_at) > now()) \
                 GROUP BY source_ip ORDER BY sumIf(messages, believed) DESC, sum(messages) DESC, source_ip LIMIT ?",
            )
            .bind(days)
            .bind(limit);
        self.timed(query.fetch_all()).await
    }
}

/// Identities as they stand in a statement.
pub(crate) fn list(identities: &[u128]) -> String {
    let mut text = String::with_capacity(identities.len() * 39);
    for identity in identities {
        let separator = if text.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        write!(text, "{separator}'{}'", Uuid::from_u128(*identity)).unwrap_or_default();
    }
    text
}

pub(crate) fn identity(text: &str) -> Result<u128, StoreError> {
    let parsed = Uuid::try_parse(text).map_err(|error| StoreError::Answer { message: error.to_string() })?;
    Ok(parsed.as_u128())
}

impl From<Uuid> for Identity {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.as_u128())
    }
}

/// Rows of [`Store::reporting_clients`]: some megabytes.
const MOST_CLIENTS: usize = 20_000;

/// A statement may have 256 KiB; an identity takes 39 bytes of it.
pub(crate) const KEYS_AT_ONCE: usize = 4000;
