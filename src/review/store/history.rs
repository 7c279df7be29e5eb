//! How far domains were, what was done and what has changed.

use clickhouse::Row;
use serde::Deserialize;

use crate::store::{Store, StoreError};

/// How far a domain was on a day.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct DayState {
    /// The domain.
    pub domain: String,
    /// Days since 1970.
    pub day: u16,
    /// Name of its stage.
    pub stage: String,
    /// From 0 to 1.
    pub progress: f32,
    /// From 0 to 5.
    pub score: Option<f32>,
    /// Policy in force.
    pub policy: String,
    /// Whether it sends no mail.
    pub parked: bool,
    /// Whether score and policy are what a certificate asks for.
    pub perfect: bool,
}

/// A step.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StepRow {
    /// The domain.
    pub domain: String,
    /// Which.
    pub code: String,
    /// What it is about within the domain.
    pub subject: String,
    /// `open`, `regressed` or `done`.
    pub state: String,
    /// When it was found done; days since 1970, 0 for never.
    pub done_on: u16,
    /// Who has to do it.
    pub who: String,
    /// How much work it is.
    pub effort: String,
    /// In English.
    pub title: String,
    /// In English.
    pub why: String,
    /// As JSON.
    pub instructions: String,
    /// Names of the texts' placeholders.
    pub names: Vec<String>,
    /// What they stand for.
    pub values: Vec<String>,
}

/// Something that has changed.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StoredEvent {
    /// The domain.
    pub domain: String,
    /// Days since 1970.
    pub day: u16,
    /// What happened.
    pub kind: String,
    /// How bad it is.
    pub severity: String,
    /// What it is about within the domain.
    pub subject: String,
    /// What was there before.
    pub old: Option<String>,
    /// What is there now.
    pub new: Option<String>,
    /// In English.
    pub text: String,
    /// How many there are of the domain.
    pub events: u64,
}

/// A DKIM key.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct KeyMonth {
    /// The domain.
    pub domain: String,
    /// The selector.
    pub selector: String,
    /// Its type.
    pub kind: String,
    /// Its size.
    pub bits: u32,
    /// The first day DNS had it; days since 1970.
    pub first_day: u16,
    /// The last day the selector was used; 0 for never.
    pub used_on: u16,
}

/// The certificate that was issued last.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct LastCertificate {
    /// The domain.
    pub domain: String,
    /// Its number.
    pub serial: String,
    /// Days since 1970.
    pub issued_on: u16,
}

impl Store {
    /// How far each domain was, from `from` (days since 1970) to before `to`.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn states_by_day(
        &self,
        domains: &[&str],
        from: u32,
        to: u32,
    ) -> Result<Vec<DayState>, StoreError> {
        let query = self.client().query(
            "SELECT toString(domain) AS domain, toUInt16(day) AS day, toString(stage) AS stage, progress, score, \
                toString(policy) AS policy, parked, isNotNull(perfect_since) AS perfect \
             FROM domain_stages AS s FINAL WHERE s.domain IN ? AND s.day >= toDate(?) AND s.day < toDate(?) \
             ORDER BY domain, day",
        );
        self.timed(query.bind(domains).bind(from).bind(to).fetch_all()).await
    }

    /// The steps that are open now, and those that were found done from `from` (days since 1970) to before `to`; this many of
    /// each kind for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn steps_of_month(
        &self,
        domains: &[&str],
        from: u32,
        to: u32,
        each: u32,
    ) -> Result<Vec<StepRow>, StoreError> {
        let query = self.client().query(
            "SELECT toString(domain) AS domain, toString(code) AS code, subject, toString(state) AS state, \
                toUInt16(toDate(ifNull(done_at, toDateTime(0, 'UTC')), 'UTC')) AS done_on, toString(who) AS who, \
                toString(effort) AS effort, title, why, instructions, \
                arrayMap(name -> toString(name), mapKeys(s.`values`)) AS names, mapValues(s.`values`) AS `values` \
             FROM domain_steps AS s FINAL WHERE s.domain IN ? AND (s.state IN ('open', 'regressed') OR s.state = 'done' \
                AND toDate(s.done_at, 'UTC') >= toDate(?) AND toDate(s.done_at, 'UTC') < toDate(?)) \
             ORDER BY domain, position, code, subject LIMIT ? BY domain, s.state = 'done'",
        );
        self.timed(query.bind(domains).bind(from).bind(to).bind(each).fetch_all()).await
    }

    /// What has changed, from `from` (days since 1970) to before `to`: the gravest, this many for each domain. What `omitted`
    /// names is left out, and senders are called by their names.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn events_of_month(
        &self,
        domains: &[&str],
        [from, to]: [u32; 2],
        omitted: &[&str],
        each: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let query = self.client().query(
            "SELECT e.d AS domain, e.day AS day, e.kind AS kind, e.severity AS severity, \
                if(startsWith(kind, 'sender.') AND n.name != '', n.name, e.subject) AS subject, e.old AS old, \
                e.new AS new, e.text AS text, count() OVER (PARTITION BY e.d) AS events \
             FROM ( \
                SELECT toString(domain) AS d, toUInt16(toDate(seen_at, 'UTC')) AS day, toString(kind) AS kind, \
                    toString(severity) AS severity, subject, old, new, text FROM domain_events AS s FINAL \
                WHERE s.domain IN ? AND toDate(s.seen_at, 'UTC') >= toDate(?) AND toDate(s.seen_at, 'UTC') < toDate(?) \
                    AND s.kind NOT IN ? \
             ) AS e LEFT JOIN ( \
                SELECT toString(domain) AS d, sender, name FROM domain_senders FINAL WHERE domain IN ? \
             ) AS n ON n.d = e.d AND n.sender = e.subject \
             ORDER BY domain, indexOf(['error', 'warning', 'info'], severity), day DESC, kind, subject \
             LIMIT ? BY domain SETTINGS join_use_nulls = 0",
        );
        let query = query.bind(domains).bind(from).bind(to).bind(omitted).bind(domains).bind(each);
        self.timed(query.fetch_all()).await
    }

    /// The DKIM keys that DNS had at any time from `from` (days since 1970) to before `to`, this many for each domain.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keys_of_month(
        &self,
        domains: &[&str],
        from: u32,
        to: u32,
        each: u32,
    ) -> Result<Vec<KeyMonth>, StoreError> {
        let query = self.client().query(
            "SELECT k.d AS domain, k.s AS selector, k.t AS kind, k.b AS bits, k.first AS first_day, u.last AS used_on \
             FROM ( \
                SELECT toString(domain) AS d, selector AS s, fingerprint AS f, toString(max(type)) AS t, max(bits) AS b, \
                    toUInt16(toDate(min(first_seen), 'UTC')) AS first, toUInt16(toDate(max(last_seen), 'UTC')) AS last \
                FROM dkim_sightings WHERE domain IN ? AND fingerprint NOT IN ('', 'revoked') GROUP BY d, s, f \
             ) AS k LEFT JOIN ( \
                SELECT toString(domain) AS d, selector AS s, toUInt16(max(last_day)) AS last \
                FROM dkim_selectors FINAL WHERE domain IN ? AND messages > 0 GROUP BY d, s \
             ) AS u ON u.d = k.d AND u.s = k.s WHERE k.last >= ? AND k.first < ? \
             ORDER BY domain, selector, first_day LIMIT ? BY domain SETTINGS join_use_nulls = 0",
        );
        let query = query.bind(domains).bind(domains).bind(from).bind(to).bind(each);
        self.timed(query.fetch_all()).await
    }

    /// The last certificate of each domain that has one.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn last_certificates(&self, domains: &[&str]) -> Result<Vec<LastCertificate>, StoreError> {
        let query = self.client().query(
            "SELECT toString(domain) AS domain, argMax(serial, issued_at) AS serial, \
                toUInt16(toDate(max(issued_at), 'UTC')) AS issued_on \
             FROM certificates AS c FINAL WHERE c.domain IN ? GROUP BY domain ORDER BY domain",
        );
        self.timed(query.bind(domains).fetch_all()).await
    }
}
