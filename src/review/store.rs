//! What [`crate::review`] asks: a month of some domains. Every number is a sum of messages; reports that are not
//! believed are left out unless it says so. Days are the UTC days of the reports' ranges.

mod history;

use clickhouse::{Row, RowOwned, RowRead, query::Query};
use serde::Deserialize;

use crate::store::{Store, StoreError};

pub use history::{DayState, KeyMonth, LastCertificate, StepRow, StoredEvent};

/// The domains and the days that are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Policy domains: what is listed, and what is below it.
    pub names: &'a [String],
    /// The listed domain that each of them belongs to.
    pub owners: &'a [String],
    /// The listed domains.
    pub domains: &'a [&'a str],
    /// First day; days since 1970.
    pub from: u32,
    /// The day after the last one.
    pub to: u32,
}

/// Messages of a day by class of their senders.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct DayClass {
    /// The listed domain.
    pub domain: String,
    /// Days since 1970.
    pub day: u16,
    /// Class of the senders; empty when nothing was decided.
    pub class: String,
    /// Messages.
    pub messages: u64,
    /// Of these: DMARC passed.
    pub passed: u64,
    /// Of these: put into quarantine.
    pub quarantined: u64,
    /// Of these: refused.
    pub rejected: u64,
}

/// A sender in the month.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct SenderMonth {
    /// The listed domain.
    pub domain: String,
    /// What people call the sender.
    pub name: String,
    /// Its class; empty when nothing was decided.
    pub class: String,
    /// Messages.
    pub messages: u64,
    /// Of these: DMARC passed.
    pub passed: u64,
    /// The first day it was ever seen; 0 when not known.
    pub first_day: u16,
    /// Senders that the domain has in the month.
    pub senders: u64,
}

/// Forged messages by where they came from.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct Origin {
    /// The listed domain.
    pub domain: String,
    /// Country or network; empty when not known.
    pub origin: String,
    /// Messages.
    pub messages: u64,
}

/// Who reported.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct Reporting {
    /// The listed domain.
    pub domain: String,
    /// Organisations.
    pub reporters: u64,
    /// Days.
    pub days: u64,
    /// Messages in reports that are not believed.
    pub discredited: u64,
}

/// The author's domain, and its mail.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct AuthorMonth {
    /// The listed domain.
    pub domain: String,
    /// It, or one below it.
    pub author: String,
    /// Messages.
    pub messages: u64,
    /// Of these: DMARC passed.
    pub passed: u64,
}

impl Store {
    /// The policy domains with reports on these days that are one of `domains` or below one: those with most messages, a
    /// hundred at most.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn names_below(&self, domains: &[&str], from: u32, to: u32) -> Result<Vec<String>, StoreError> {
        let query = self.client().query(
            "SELECT policy_domain FROM ( \
                SELECT policy_domain, splitByChar('.', policy_domain) AS labels, sum(messages) AS m FROM daily_domains \
                WHERE day >= toDate(?) AND day < toDate(?) AND believed GROUP BY policy_domain \
             ) WHERE arrayExists(place -> has(?, arrayStringConcat(arraySlice(labels, place), '.')), \
                range(1, length(labels) + 1)) ORDER BY m DESC, policy_domain LIMIT 100",
        );
        self.timed(query.bind(from).bind(to).bind(domains).fetch_all()).await
    }

    /// Messages by day and class.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn mail_by_day(&self, scope: &Scope<'_>) -> Result<Vec<DayClass>, StoreError> {
        let select = "SELECT d AS domain, toUInt16(day) AS day, class, toUInt64(greatest(sum(m), 0)) AS messages, \
            toUInt64(greatest(sum(p), 0)) AS passed, toUInt64(greatest(sum(q), 0)) AS quarantined, \
            toUInt64(greatest(sum(r), 0)) AS rejected";
        self.judged(select, "GROUP BY d, day, class", scope).await
    }

    /// Who sent most, this many for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn senders_of_month(
        &self,
        scope: &Scope<'_>,
        each: u32,
    ) -> Result<Vec<SenderMonth>, StoreError> {
        let select = "SELECT d AS domain, any(label) AS name, any(class) AS class, toUInt64(greatest(sum(m), 0)) AS messages, \
            toUInt64(greatest(sum(p), 0)) AS passed, any(first) AS first_day, \
            count() OVER (PARTITION BY d) AS senders";
        let rest = format!("GROUP BY d, sender ORDER BY d, messages DESC, sender LIMIT {each} BY d");
        self.judged(select, &rest, scope).await
    }

    /// The countries that most forged mail came from, this many for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn forged_by_country(&self, scope: &Scope<'_>, each: u32) -> Result<Vec<Origin>, StoreError> {
        let select = "SELECT d AS domain, country AS origin, toUInt64(greatest(sum(m - p), 0)) AS messages";
        self.judged(select, &format!("{FORGED} GROUP BY d, country {MOST} LIMIT {each} BY d"), scope).await
    }

    /// The networks that most forged mail came from, this many for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn forged_by_network(&self, scope: &Scope<'_>, each: u32) -> Result<Vec<Origin>, StoreError> {
        let select =
            "SELECT d AS domain, any(as_name) AS origin, toUInt64(greatest(sum(m - p), 0)) AS messages";
        self.judged(select, &format!("{FORGED} GROUP BY d, asn {MOST} LIMIT {each} BY d"), scope).await
    }

    /// How many addresses sent forged mail.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn forging_addresses(&self, scope: &Scope<'_>) -> Result<Vec<Origin>, StoreError> {
        let select = "SELECT d AS domain, '' AS origin, uniqExact(ip) AS messages";
        self.judged(select, &format!("{FORGED} GROUP BY d"), scope).await
    }

    /// Who reported, and how much of it is not believed.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn reporting(&self, scope: &Scope<'_>) -> Result<Vec<Reporting>, StoreError> {
        let query = self.client().query(
            "SELECT d AS domain, uniqExactIf(reporter, is_believed) AS reporters, \
                uniqExactIf(day, is_believed) AS days, \
                toUInt64(greatest(sumIf(m, NOT is_believed), 0)) AS discredited FROM ( \
                SELECT transform(policy_domain, ?, ?, '') AS d, day, toString(reporter) AS reporter, \
                    believed AS is_believed, sum(messages) AS m FROM daily_domains \
                WHERE policy_domain IN ? AND day >= toDate(?) AND day < toDate(?) \
                GROUP BY d, day, reporter, is_believed HAVING m > 0 \
             ) GROUP BY d",
        );
        self.timed(scope.mail(query).fetch_all()).await
    }

    /// The authors' domains with most messages, this many for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn authors(&self, scope: &Scope<'_>, each: u32) -> Result<Vec<AuthorMonth>, StoreError> {
        let query = self.client().query(
            "SELECT transform(policy_domain, ?, ?, '') AS domain, lower(trimRight(header_from, '.')) AS author, \
                sum(count) AS messages, sumIf(count, dmarc_pass) AS passed FROM aggregate_records FINAL \
             WHERE policy_domain IN ? AND day >= toDate(?) AND day < toDate(?) AND believed \
                AND (author = domain OR subdomain OR endsWith(author, concat('.', domain))) AND length(author) <= 253 \
             GROUP BY domain, author ORDER BY domain, passed > 0 DESC, messages DESC, author LIMIT ? BY domain",
        );
        self.timed(scope.mail(query).bind(each).fetch_all()).await
    }

    /// Asks about mail of which it is known who sent it: `select` and `rest` see the columns d, day, ip, m(essages), p(assed),
    /// q(uarantined), r(ejected), country, asn, as_name, sender, label, class and first.
    async fn judged<T: RowOwned + RowRead>(
        &self,
        select: &str,
        rest: &str,
        scope: &Scope<'_>,
    ) -> Result<Vec<T>, StoreError> {
        let statement = format!(
            "{select} FROM ( \
                SELECT k.d AS d, k.day AS day, k.ip AS ip, k.m AS m, k.p AS p, k.q AS q, k.r AS r, \
                    k.country AS country, k.asn AS asn, k.as_name AS as_name, k.sender AS sender, \
                    multiIf(c.name != '', c.name, k.network != '', k.network, sender) AS label, \
                    if(c.sender = '', o.class, c.class) AS class, c.first AS first \
                FROM ( \
                    SELECT t.d AS d, t.day AS day, t.source_ip AS ip, t.m AS m, t.p AS p, t.q AS q, t.r AS r, \
                        w.country AS country, w.asn AS asn, w.as_name AS as_name, {SENDER} AS sender, \
                        if(startsWith(sender, 'service:'), w.service, w.as_name) AS network \
                    FROM ( \
                        SELECT transform(policy_domain, ?, ?, '') AS d, day, source_ip, sum(messages) AS m, \
                            sum(passed) AS p, sum(quarantined) AS q, sum(rejected) AS r FROM daily_sources \
                        WHERE {MONTH} GROUP BY d, day, source_ip HAVING m > 0 \
                    ) AS t LEFT JOIN ( \
                        SELECT source_ip, sender, toString(country) AS country, asn, toString(as_name) AS as_name, \
                            toString(service) AS service \
                        FROM sources FINAL \
                        WHERE source_ip GLOBAL IN (SELECT source_ip FROM daily_sources WHERE {MONTH}) \
                    ) AS w ON w.source_ip = t.source_ip \
                ) AS k LEFT JOIN ( \
                    SELECT toString(domain) AS d, sender, name, toString(class) AS class, toUInt16(first_day) AS first \
                    FROM domain_senders FINAL WHERE domain IN ? \
                ) AS c ON c.d = k.d AND c.sender = k.sender LEFT JOIN ( \
                    SELECT toString(domain) AS d, toString(class) AS class FROM domain_senders FINAL \
                    WHERE domain IN ? AND sender = 'net:others' \
                ) AS o ON o.d = k.d \
             ) {rest} SETTINGS join_use_nulls = 0"
        );
        let query =
            scope.mail(self.client().query(&statement)).bind(scope.names).bind(scope.from).bind(scope.to);
        self.timed(query.bind(scope.domains).bind(scope.domains).fetch_all()).await
    }
}

impl Scope<'_> {
    /// Binds what picks mail: names, owners, names again, first day and end.
    fn mail(&self, query: Query) -> Query {
        query.bind(self.names).bind(self.owners).bind(self.names).bind(self.from).bind(self.to)
    }
}

const MONTH: &str = "policy_domain IN ? AND day >= toDate(?) AND day < toDate(?) AND believed";
const FORGED: &str = "WHERE class = 'threat' AND m > p";
const MOST: &str = "ORDER BY d, messages DESC, origin";

/// Who an address is: what `sources` says, else the network it lies in, as [`ruad_registry::SenderId`] writes it.
const SENDER: &str = "multiIf(w.sender != '', w.sender, startsWith(toString(t.source_ip), '::ffff:'), \
    concat('net:', replaceOne(toString(tupleElement(IPv6CIDRToRange(t.source_ip, 120), 1)), '::ffff:', ''), '/24'), \
    concat('net:', toString(tupleElement(IPv6CIDRToRange(t.source_ip, 48), 1)), '/48'))";
