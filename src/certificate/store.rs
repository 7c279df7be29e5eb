//! What [`crate::certificate`] keeps and asks.

pub mod tables;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::certificate::{Latest, Serial};
use crate::{
    certificate::store::tables::Certificates,
    store::{Store, StoreError},
};

/// A row of `certificates`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Row)]
pub struct StoredCertificate {
    /// Its number.
    pub serial: String,
    /// The domain.
    pub domain: String,
    /// Customer when it was issued.
    pub group: String,
    /// When that was; seconds since 1970.
    pub issued_at: u32,
    /// What it says.
    pub statement: String,
    /// The signature in base64.
    pub signature: String,
    /// The key in base64.
    pub public_key: String,
}

/// A row to be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateRow {
    /// Its number.
    pub serial: String,
    /// The domain.
    pub domain: String,
    /// Customer.
    pub group: String,
    /// When it was issued; seconds since 1970.
    pub issued_at: u64,
    /// What it says.
    pub statement: String,
    /// The signature in base64.
    pub signature: String,
    /// The key in base64.
    pub public_key: String,
}

/// That there is a certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Row)]
pub struct IssuedCertificate {
    /// Its number.
    pub serial: String,
    /// The domain.
    pub domain: String,
    /// When it was issued; seconds since 1970.
    pub issued_at: u32,
    /// Whether it was signed with the given key for the given address.
    pub is_ours: bool,
}

impl Store {
    /// Keeps certificates under a token: rows that went in with it before are taken for done.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_certificates(&self, rows: &[CertificateRow], token: Uuid) -> Result<(), StoreError> {
        let mut block = Certificates::default();
        rows.iter().for_each(|row| block.add(row));
        self.insert(&block, 0..rows.len(), &[], &format!("certificates/{token}")).await.map(|_| ())
    }

    /// The certificate of that number.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn certificate(&self, serial: Serial) -> Result<Option<StoredCertificate>, StoreError> {
        let query = self.client().query(&format!("{STORED} WHERE serial = ? LIMIT 1"));
        self.timed(query.bind(serial.as_str()).fetch_optional()).await
    }

    /// Every certificate, by domain, the newest first.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn certificates(&self) -> Result<Vec<StoredCertificate>, StoreError> {
        let query = self.client().query(&format!("{STORED} ORDER BY domain, issued_at DESC, serial"));
        self.timed(query.fetch_all()).await
    }

    /// Every certificate, and whether this key signed it for this address.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn issued_certificates(
        &self,
        public_key: &str,
        address: &str,
    ) -> Result<Vec<IssuedCertificate>, StoreError> {
        let query = self.client().query(
            "SELECT serial, toString(domain) AS domain, toUInt32(issued_at) AS issued_at, \
                public_key = ? AND position(statement, concat('\\nverify: ', ?, '/c/', serial, '\\n')) > 0 AS is_ours \
             FROM certificates FINAL ORDER BY domain, serial",
        );
        self.timed(query.bind(public_key).bind(address).fetch_all()).await
    }

    /// The last event of each certificate: its number and the kind of the event.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn certificate_events(&self) -> Result<Vec<(String, String)>, StoreError> {
        let query = self.client().query(
            "SELECT subject, toString(argMax(kind, seen_at)) AS kind FROM domain_events \
             WHERE check = 'certificate' GROUP BY subject",
        );
        self.timed(query.fetch_all()).await
    }

    /// The latest plan of each of these domains, as far as certificates depend on it.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn latest_plans(&self, domains: &[&str]) -> Result<Vec<Latest>, StoreError> {
        let mut found = Vec::new();
        for domains in domains.chunks(DOMAINS_AT_ONCE) {
            let query = self.client().query(LATEST).bind(domains);
            let rows: Vec<Latest> = self.timed(query.fetch_all()).await?;
            found.extend(rows);
        }
        Ok(found)
    }
}

const STORED: &str = "SELECT serial, toString(domain) AS domain, toString(group_name) AS group, \
    toUInt32(issued_at) AS issued_at, statement, signature, public_key FROM certificates FINAL";

/// A score that is not known is -1: `argMax` passes over NULL, and would give an older one.
const LATEST: &str = "\
    SELECT toString(domain) AS domain, toUInt32(last) AS computed_at, toFloat32(points) AS score, \
        toString(policy) AS policy, toUInt16(arrayMin(arrayFilter(day -> day > perfect_day, lost_days))) AS lost_day \
    FROM ( \
        SELECT domain, max(computed_at) AS last, argMax(points, computed_at) AS points, \
            argMax(policy, computed_at) AS policy, maxIf(day, is_perfect) AS perfect_day, \
            groupArrayIf(day, is_lost) AS lost_days \
        FROM ( \
            SELECT domain, day, computed_at, ifNull(score, -1) AS points, policy, \
                policy = 'reject' AND points >= 5 AS is_perfect, \
                (points >= 0 AND points < 5) OR policy IN ('none', 'quarantine') \
                    OR (policy = '' AND points >= 0) AS is_lost \
            FROM domain_stages FINAL WHERE domain IN ? \
        ) GROUP BY domain \
    ) ORDER BY domain";

/// A statement may have 256 KiB; a name takes up to 256 bytes of it.
const DOMAINS_AT_ONCE: usize = 900;
