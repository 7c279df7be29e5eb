//! What of an examination is kept in ClickHouse.

use std::sync::Arc;

use super::{events::Event, state::Fact};
use ruad_dns::{Finding, Mechanism, Status, check::Unanswered, dkim::Kind};

/// A row of `dns_checks`.
#[derive(Clone, Debug)]
pub struct CheckRow {
    /// The domain, normalized.
    pub domain: Arc<str>,
    /// Customer.
    pub group: Arc<str>,
    /// What was examined.
    pub mechanism: Mechanism,
    /// When; seconds since 1970.
    pub checked_at: u64,
    /// How it stands.
    pub status: Status,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was not answered.
    pub unknown: Vec<Unanswered>,
    /// Whether facts that are not listed are certain not to be there.
    pub settled: bool,
    /// What is certain.
    pub facts: Vec<(String, Fact)>,
    /// DNS lookups that evaluating SPF takes.
    pub spf_lookups: Option<u32>,
    /// Score of the whole domain.
    pub score: Option<f32>,
}

/// A row of `dns_records`: seen now.
#[derive(Clone, Debug)]
pub struct RecordRow {
    /// The domain, normalized.
    pub domain: Arc<str>,
    /// Customer.
    pub group: Arc<str>,
    /// The name that was asked for.
    pub name: String,
    /// `TXT`, `MX`, …
    pub kind: &'static str,
    /// Its data.
    pub text: String,
    /// When; seconds since 1970.
    pub seen_at: u64,
}

/// A row of `dkim_sightings`.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// The domain, normalized.
    pub domain: Arc<str>,
    /// Customer.
    pub group: Arc<str>,
    /// Under which selector.
    pub selector: String,
    /// Which key.
    pub fingerprint: String,
    /// Its type.
    pub kind: Kind,
    /// Its size; 0 when not known.
    pub bits: u32,
    /// When it was seen first; seconds since 1970.
    pub first_seen: u64,
    /// When it was seen last; seconds since 1970.
    pub last_seen: u64,
}

/// A row of `domain_events`.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Customer.
    pub group: Arc<str>,
    /// What happened.
    pub event: Event,
    /// When a second examination agreed; seconds since 1970.
    pub confirmed_at: u64,
}
