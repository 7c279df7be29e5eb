//! What [`crate::advice`] asks about who sends, and what owners said of them.
//!
//! Everything here adds up in ClickHouse and gives a bounded answer for each domain. The caller says what day it is.

mod rows;

use std::collections::BTreeMap;

use clickhouse::{
    Row,
    query::{Query, RowCursor},
};
use serde::Deserialize;

pub use rows::{KnownSender, ReportedPolicies, SenderAddress, SenderFirst, SenderSums, SignedWith};

use crate::store::{Store, StoreError};
use ruad_registry::{Decision, SenderId};

/// The days and domains a question is about.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The domains, at most [`DOMAINS_OF_SENDERS`].
    pub domains: &'a [&'a str],
    /// The first day of the window; days since 1970.
    pub from: u16,
    /// The last day of the window: nothing later is looked at.
    pub to: u16,
    /// The first day of those whose messages are given day by day.
    pub daily_from: u16,
    /// The first of the last days, of which some sums are given once more.
    pub recent_from: u16,
}

/// Who said something of a sender.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub note: &'a str,
    /// When; seconds since 1970.
    pub at: u32,
}

impl Store {
    /// The policies that reports show, day by day up to `to`. Reports that are not believed are left out.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn reported_policies(
        &self,
        domains: &[&str],
        to: u16,
    ) -> Result<Vec<ReportedPolicies>, StoreError> {
        let query = self.about(domains, REPORTED_POLICIES)?.bind(domains).bind(to);
        self.timed(query.fetch_all()).await
    }

    /// Who sent in the names of these domains: this many each, and the others together as `net:others`. Kept apart before others
    /// are services, those named, and whoever passed, was forwarded or has a mail server's name; then whoever has most
    /// mail on most days.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn sender_sums(
        &self,
        span: &Span<'_>,
        named: &[&str],
        each: u32,
    ) -> Result<Vec<SenderSums>, StoreError> {
        let since = span.since();
        let arrival = since.saturating_sub(1);
        let query = self
            .about(span.domains, SENDER_SUMS)?
            .bind(named)
            .bind(each)
            .bind(span.from)
            .bind(span.from.max(span.recent_from))
            .bind(span.domains)
            .bind(span.domains)
            .bind(span.domains)
            .bind(since)
            .bind(span.to)
            .bind(arrival)
            .bind(span.domains)
            .bind(since)
            .bind(span.to)
            .bind(arrival);
        self.timed(query.fetch_all()).await
    }

    /// Since when everybody has sent who sent before the days that [`Store::sender_sums`] looks at, one by one.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub fn senders_before(&self, span: &Span<'_>) -> Result<RowCursor<SenderFirst>, StoreError> {
        let query = self
            .about(span.domains, SENDERS_BEFORE)?
            .bind(span.domains)
            .bind(span.domains)
            .bind(span.domains)
            .bind(span.since());
        Ok(query.fetch()?)
    }

    /// Every address from which mail came in the names of these domains from `from` to `to`, one by one.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub fn sender_addresses(
        &self,
        domains: &[&str],
        from: u16,
        to: u16,
    ) -> Result<RowCursor<SenderAddress>, StoreError> {
        let query = self
            .about(domains, SENDER_ADDRESSES)?
            .bind(domains)
            .bind(domains)
            .bind(domains)
            .bind(from)
            .bind(to)
            .bind(from.saturating_sub(1));
        Ok(query.fetch()?)
    }

    /// The selectors with which these domains' mail was signed, this many each, those used last first.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn signed_with(
        &self,
        domains: &[&str],
        to: u16,
        each: u32,
    ) -> Result<Vec<SignedWith>, StoreError> {
        let query = self
            .client()
            .query(
                "SELECT toString(domain) AS domain, selector, toUInt16(max(last_day)) AS last \
                 FROM dkim_selectors FINAL WHERE domain IN ? AND messages > 0 AND last_day <= toDate(?) \
                 GROUP BY domain, selector ORDER BY domain, last DESC, selector LIMIT ? BY domain",
            )
            .bind(domains)
            .bind(to)
            .bind(each);
        self.timed(query.fetch_all()).await
    }

    /// What is kept about the senders of a domain, those that sent most first.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn known_senders(&self, domain: &str) -> Result<Vec<KnownSender>, StoreError> {
        let query = self.client().query(
            "SELECT sender, name, toString(class) AS class, toString(rule) AS rule, messages, passed, \
                toString(first_day) AS first_day, toString(last_day) AS last_day \
             FROM domain_senders FINAL WHERE domain = ? ORDER BY messages DESC, sender",
        );
        self.timed(query.bind(domain).fetch_all()).await
    }

    /// What owners said of the senders of these domains with `ruad source`.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn decisions(
        &self,
        domains: &[&str],
    ) -> Result<BTreeMap<String, BTreeMap<SenderId, Decision>>, StoreError> {
        let mut decisions: BTreeMap<String, BTreeMap<SenderId, Decision>> = BTreeMap::new();
        for domains in domains.chunks(DOMAINS_OF_SENDERS) {
            let query = self.client().query(
                "SELECT toString(domain) AS domain, sender, toString(decision) AS decision \
                 FROM sender_decisions FINAL WHERE domain IN ? AND decision != ''",
            );
            let rows: Vec<Decided> = self.timed(query.bind(domains).fetch_all()).await?;
            for row in rows {
                // What another program wrote there is nobody's decision.
                let said = SenderId::parse(&row.sender).zip(Decision::named(&row.decision));
                if let Some((sender, decision)) = said {
                    decisions.entry(row.domain).or_default().insert(sender, decision);
                }
            }
        }
        Ok(decisions)
    }

    /// Keeps what an owner says of a sender, or that nothing is said any more.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn decide(
        &self,
        domain: &str,
        sender: &SenderId,
        decision: Option<Decision>,
        said: &Said<'_>,
    ) -> Result<(), StoreError> {
        let query = self
            .client()
            .query(
                "INSERT INTO sender_decisions (domain, sender, decision, decided_at, decided_by, note) \
                 SELECT ?, ?, ?, toDateTime(?, 'UTC'), ?, ?",
            )
            .with_setting("insert_distributed_sync", "1")
            .bind(domain)
            .bind(sender.as_str())
            .bind(decision.map_or("", Decision::name))
            .bind(said.at)
            .bind(said.by)
            .bind(said.note);
        self.timed(query.execute()).await
    }

    /// A question about so many domains, which names each of them several times.
    fn about(&self, domains: &[&str], statement: &str) -> Result<Query, StoreError> {
        if domains.len() > DOMAINS_OF_SENDERS {
            let message =
                format!("a question about {} domains; {DOMAINS_OF_SENDERS} are the most", domains.len());
            return Err(StoreError::Answer { message });
        }
        Ok(self.client().query(statement).with_setting("max_query_size", LONGEST_STATEMENT))
    }
}

impl Span<'_> {
    /// The first day that is looked at as a whole.
    fn since(&self) -> u16 {
        self.from.min(self.daily_from)
    }
}

#[derive(Deserialize, Row)]
struct Decided {
    domain: String,
    sender: String,
    decision: String,
}

const REPORTED_POLICIES: &str = include_str!("senders/policies.sql");

const SENDER_SUMS: &str = include_str!("senders/sums.sql");

const SENDERS_BEFORE: &str = include_str!("senders/first.sql");

const SENDER_ADDRESSES: &str = include_str!("senders/addresses.sql");

/// Domains that one question is about. Neighbours in the order of their names lie together on the disk.
pub const DOMAINS_OF_SENDERS: usize = 500;

/// Bytes of a statement: five times that many names of up to 256 bytes.
const LONGEST_STATEMENT: &str = "1048576";
