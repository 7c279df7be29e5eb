//! What [`crate::health`] keeps and asks.

pub mod tables;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::health::rows::{CheckRow, EventRow, KeyRow, RecordRow};
use crate::{
    health::store::tables::{DkimSightings, DnsChecks, DnsRecords, DomainEvents},
    store::{Block, Store, StoreError},
};

/// What was known about one mechanism of a domain when it was examined last.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StoredCheck {
    /// The domain.
    pub domain: String,
    /// The mechanism's name.
    pub check: String,
    /// When that was; seconds since 1970.
    pub last: u32,
    /// Whether facts that are not listed are certain not to be there.
    pub settled: bool,
    /// The facts' names; the next three belong to them.
    pub names: Vec<String>,
    /// Their values.
    pub values: Vec<String>,
    /// Which are certain not to be there.
    pub absent: Vec<bool>,
    /// Since when.
    pub since: Vec<u32>,
    /// Whether every question was answered at least once.
    pub answered: bool,
    /// The codes of what was found when every question was answered last.
    pub codes: Vec<String>,
    /// How it stood at the last one.
    pub status: String,
}

/// A key that DNS has had.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StoredKey {
    /// The domain.
    pub domain: String,
    /// Under which selector.
    pub selector: String,
    /// Which key.
    pub fingerprint: String,
    /// `rsa`, `ed25519`; empty when not known.
    pub kind: String,
    /// Its size; 0 when not known.
    pub bits: u32,
    /// When it was seen first; seconds since 1970.
    pub first: u32,
    /// When it was seen last, to the day.
    pub last: u32,
}

/// A selector that reports tell of. Days and messages are those of reports that are believed.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct SelectorUse {
    /// The domain that signs.
    pub domain: String,
    /// The selector.
    pub selector: String,
    /// First day with signatures that verified; days since 1970. It means nothing when none did.
    pub first: u16,
    /// Last day with signatures; 0 when only reports that are not believed name it.
    pub last: u16,
    /// Messages whose signatures verified.
    pub messages: u64,
}

/// The days for which there are reports about a domain.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct ReportedDays {
    /// The domain.
    pub domain: String,
    /// The first one; days since 1970.
    pub first: u16,
    /// The last one.
    pub last: u16,
}

/// An address that sends as a domain.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct Sender {
    /// The domain.
    pub domain: String,
    /// The address as text, IPv4 in its own form.
    pub address: String,
}

impl Store {
    /// Keeps results of examinations under a token: rows that went in with it before are taken for done.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_checks(&self, rows: &[CheckRow], token: Uuid) -> Result<(), StoreError> {
        let mut block = DnsChecks::default();
        rows.iter().for_each(|row| block.add(row));
        self.keep(&block, token).await
    }

    /// Keeps records that were seen, likewise.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_records(&self, rows: &[RecordRow], token: Uuid) -> Result<(), StoreError> {
        let mut block = DnsRecords::default();
        rows.iter().for_each(|row| block.add(row));
        self.keep(&block, token).await
    }

    /// Keeps keys that were seen, likewise.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_keys(&self, rows: &[KeyRow], token: Uuid) -> Result<(), StoreError> {
        let mut block = DkimSightings::default();
        rows.iter().for_each(|row| block.add(row));
        self.keep(&block, token).await
    }

    /// Keeps events, likewise.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_events(&self, rows: &[EventRow], token: Uuid) -> Result<(), StoreError> {
        let mut block = DomainEvents::default();
        rows.iter().for_each(|row| block.add(row));
        self.keep(&block, token).await
    }

    /// What is known about each domain that was examined in the last weeks.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn last_checks(&self) -> Result<Vec<StoredCheck>, StoreError> {
        // A row from the future is that of a clock that was wrong.
        let query = self.client().query(
            "SELECT toString(domain) AS domain, toString(check) AS check, toUInt32(max(checked_at)) AS last, \
                argMax(settled, checked_at) AS settled, \
                argMax(arrayMap(name -> toString(name), facts.name), checked_at) AS names, \
                argMax(facts.value, checked_at) AS values, argMax(facts.absent, checked_at) AS absent, \
                argMax(arrayMap(since -> toUInt32(since), facts.since), checked_at) AS since, \
                countIf(empty(unknown.name)) > 0 AS answered, \
                argMaxIf(arrayMap(code -> toString(code), findings.code), checked_at, empty(unknown.name)) AS codes, \
                toString(argMax(status, checked_at)) AS status \
             FROM dns_checks WHERE checked_at BETWEEN now() - toIntervalDay(35) AND now() + toIntervalDay(1) \
             GROUP BY domain, check ORDER BY domain, check",
        );
        self.timed(query.fetch_all()).await
    }

    /// Every key that DNS has had.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn seen_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let query = self.client().query(
            "SELECT toString(domain) AS domain, selector, fingerprint, toString(max(type)) AS kind, max(bits) AS bits, \
                toUInt32(min(first_seen)) AS first, toUInt32(max(last_seen)) AS last \
             FROM dkim_sightings GROUP BY domain, selector, fingerprint ORDER BY domain, selector, first",
        );
        self.timed(query.fetch_all()).await
    }

    /// The selectors with which mail was signed, this many for each domain: those that DNS had a key for first, then those
    /// that verified, of these those used last. What strangers name comes last: it may be their invention, and only DNS can
    /// tell.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn selector_uses(&self, each: u32) -> Result<Vec<SelectorUse>, StoreError> {
        let query = self.client().query(
            "SELECT toString(domain) AS domain, selector, toUInt16(minIf(first_day, s.messages > 0)) AS first, \
                toUInt16(max(last_day)) AS last, sum(s.messages) AS messages \
             FROM dkim_selectors AS s FINAL GROUP BY domain, selector \
             ORDER BY domain, (toString(s.domain), selector) GLOBAL IN ( \
                SELECT toString(domain), selector FROM dkim_sightings \
             ) DESC, sum(s.messages) > 0 DESC, last DESC, messages DESC, sum(s.claimed) DESC, selector LIMIT ? BY domain",
        );
        self.timed(query.bind(each).fetch_all()).await
    }

    /// The days for which there are reports about these domains that are believed.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn reported_days(&self, domains: &[&str]) -> Result<Vec<ReportedDays>, StoreError> {
        let mut days = Vec::new();
        for domains in domains.chunks(DOMAINS_AT_ONCE) {
            let query = self.client().query(
                "SELECT policy_domain AS domain, toUInt16(min(day)) AS first, toUInt16(least(max(day), today())) AS last \
                 FROM daily_domains WHERE policy_domain IN ? AND believed GROUP BY policy_domain",
            );
            let rows: Vec<ReportedDays> = self.timed(query.bind(domains).fetch_all()).await?;
            days.extend(rows);
        }
        Ok(days)
    }

    /// The days of arrival whose reports have not been looked through for selectors, or not to their end; days since 1970.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn days_to_add_up(&self) -> Result<Vec<u16>, StoreError> {
        let last = self.client().query("SELECT toUInt16(max(received_at)) FROM dkim_selectors");
        let last: u16 = self.timed(last.fetch_one()).await?;
        let from = last.saturating_sub(DAYS_AGAIN);
        let query = self
            .client()
            .query(
                "SELECT DISTINCT toUInt16(toDate(received_at)) AS day FROM ( \
                    SELECT received_at FROM aggregate_reports WHERE received_at >= toDateTime64(toDate(?), 3, 'UTC') \
                    UNION ALL \
                    SELECT received_at FROM failure_reports WHERE received_at >= toDateTime64(toDate(?), 3, 'UTC') \
                    UNION ALL \
                    SELECT received_at FROM report_corrections WHERE kind != 'tls' \
                        AND changed_at >= (SELECT max(computed_at) FROM dkim_selectors) - toIntervalHour(3) \
                 ) ORDER BY day",
            )
            .bind(from)
            .bind(from);
        self.timed(query.fetch_all()).await
    }

    /// Looks through the reports that arrived on a day for selectors; the same day may be done again and again.
    ///
    /// A day a report tells of counts as at most five weeks before its arrival, and not after it.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn add_up_selectors(&self, day: u16) -> Result<(), StoreError> {
        let now: u32 = self.timed(self.client().query("SELECT toUInt32(now())").fetch_one()).await?;
        let query = self.client().query(ADD_UP_SELECTORS).with_setting("insert_distributed_sync", "1");
        self.timed(query.bind(day).bind(MOST_SELECTORS).execute()).await?;
        // A selector of withdrawn reports alone has no new row that replaces the old one. That is rare, and a DELETE takes seconds.
        let of_old = format!("received_at = toDate({day}) AND computed_at < toDateTime({now})");
        let stale = format!("SELECT count() FROM dkim_selectors FINAL WHERE {of_old}");
        if self.timed(self.client().query_raw(&stale).fetch_one::<u64>()).await? == 0 {
            return Ok(());
        }
        let cluster = self.settings().cluster.as_deref();
        let (local, on) =
            cluster.map_or(("", String::new()), |name| ("_local", format!(" ON CLUSTER {name}")));
        let delete = format!("DELETE FROM dkim_selectors{local}{on} WHERE {of_old}");
        self.timed(self.client().query_raw(&delete).execute()).await
    }

    /// The addresses from which most mail came that passed SPF for these domains in the last month, this many for each. One
    /// that passes DKIM alone may be anybody's who forwards mail.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn senders(&self, domains: &[&str], each: u32) -> Result<Vec<Sender>, StoreError> {
        let mut senders = Vec::new();
        for domains in domains.chunks(DOMAINS_AT_ONCE) {
            let query = self.client().query(
                "SELECT policy_domain AS domain, replaceOne(toString(source_ip), '::ffff:', '') AS address \
                 FROM daily_sources WHERE policy_domain IN ? AND day >= today() - 31 AND believed \
                    AND received_month >= toStartOfMonth(today() - 62) \
                 GROUP BY policy_domain, source_ip HAVING sum(spf_aligned) > 0 \
                 ORDER BY policy_domain, sum(spf_aligned) DESC, source_ip LIMIT ? BY policy_domain",
            );
            let rows: Vec<Sender> = self.timed(query.bind(domains).bind(each).fetch_all()).await?;
            senders.extend(rows);
        }
        Ok(senders)
    }

    async fn keep(&self, block: &dyn Block, token: Uuid) -> Result<(), StoreError> {
        self.insert(block, 0..block.rows(), &[], &format!("{}/{token}", block.table())).await.map(|_| ())
    }
}

/// A selector that signed a message twice counts it once: a record stands for its messages, whatever they were signed with.
const ADD_UP_SELECTORS: &str = "\
    INSERT INTO dkim_selectors \
        (domain, selector, received_at, group_name, first_day, last_day, messages, failed, claimed, computed_at) \
    WITH toDate(?) AS arrival \
    SELECT signer, selector, arrival, any(group_name), minIf(near, is_believed AND is_verified), \
        maxIf(near, is_believed), sumIf(messages, is_believed AND is_verified) AS verified, \
        sumIf(messages, is_believed AND NOT is_verified) AS refuted, sumIf(messages, NOT is_believed) AS claims, now() \
    FROM ( \
        SELECT signed.1 AS signer, signed.2 AS selector, has(verifying, signed) AS is_verified, group_name, near, \
            messages, policy_domain, is_believed \
        FROM ( \
            SELECT toString(group_name) AS group_name, least(greatest(day, arrival - 35), arrival) AS near, \
                least(count, 1000000000000) AS messages, policy_domain, believed AS is_believed, \
                arraySlice(arrayDistinct(arrayMap((domain, selector) -> (lower(trimRight(domain, '.')), lower(selector)), \
                    dkim_results.domain, dkim_results.selector)), 1, 64) AS signatures, \
                arrayMap((domain, selector, result) -> (lower(trimRight(domain, '.')), lower(selector)), \
                    arrayFilter((domain, result) -> lower(result) = 'pass', dkim_results.domain, dkim_results.result), \
                    arrayFilter((selector, result) -> lower(result) = 'pass', dkim_results.selector, dkim_results.result), \
                    arrayFilter(result -> lower(result) = 'pass', dkim_results.result)) AS verifying \
            FROM aggregate_records \
            WHERE received_at >= toDateTime64(arrival, 3, 'UTC') \
                AND received_at < toDateTime64(arrival + 1, 3, 'UTC') AND verdict != 'forged' \
        ) ARRAY JOIN signatures AS signed \
        UNION ALL \
        SELECT lower(trimRight(ifNull(dkim_domain, ''), '.')), lower(ifNull(dkim_selector, '')), false, \
            toString(group_name), least(greatest(day, arrival - 35), arrival), \
            least(ifNull(incidents, 1), 1000000000000), toString(policy_domain), believed \
        FROM failure_reports WHERE received_at >= toDateTime64(arrival, 3, 'UTC') \
            AND received_at < toDateTime64(arrival + 1, 3, 'UTC') AND verdict != 'forged' \
    ) WHERE match(selector, '^[a-z0-9_-]{1,63}([.][a-z0-9_-]{1,63})*$') AND length(selector) <= 128 \
        AND match(signer, '^[a-z0-9_.-]{1,253}$') AND (signer = policy_domain OR endsWith(signer, concat('.', policy_domain)) \
            OR endsWith(policy_domain, concat('.', signer))) \
    GROUP BY signer, selector \
    ORDER BY signer, (signer, selector) GLOBAL IN (SELECT toString(domain), selector FROM dkim_sightings) DESC, \
        verified DESC, refuted DESC, claims DESC, selector LIMIT ? BY signer";

/// Selectors of one domain that are kept for each day.
const MOST_SELECTORS: u32 = 200;

/// Days before the last one that was done: what waited in a spool is stored under the day it arrived.
const DAYS_AGAIN: u16 = 2;

/// A statement may have 256 KiB; a name takes up to 256 bytes of it.
const DOMAINS_AT_ONCE: usize = 900;
