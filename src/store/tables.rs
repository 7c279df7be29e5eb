//! The tables' columns, each table's listed once, and how rows are made.
//!
//! What the reporter wrote is kept next to what is concluded from it; a missing value stays missing, or is the empty
//! string where the schema says so.

mod aggregate;
mod corrections;
mod deliveries;
mod failure;
mod messages;
mod sources;
mod tls;

use uuid::Uuid;

use super::column::{Day, Identity, Millis, Timestamp};
use crate::provenance::Verdict;
use ruad_report::Warning;

pub use aggregate::{AggregateRecords, AggregateReports};
pub use corrections::ReportCorrections;
pub use deliveries::{Deliveries, Delivery};
pub use failure::FailureReports;
pub use messages::{MessageRow, Messages, RefusedPart};
pub use sources::Sources;
pub use tls::{TlsFailures, TlsPolicies};

/// Where a report came from and what was decided about it: what its rows have in common.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Spool segment of the message.
    pub segment: Uuid,
    /// Number of the message in it.
    pub number: u32,
    /// When the message arrived; milliseconds since the epoch.
    pub received_at: u64,
    /// Where in the message the report was found.
    pub path: &'a [String],
    /// Identity of the report.
    pub report_key: u128,
    /// Hash of what it says.
    pub content_hash: u128,
    /// Domain it is about, normalized.
    pub policy_domain: &'a str,
    /// UTC day it is about.
    pub day: Day,
    /// Customer.
    pub group_name: &'a str,
    /// Who reports, lower case.
    pub reporter: &'a str,
    /// What provenance says.
    pub verdict: &'static str,
    /// Whether it can be believed.
    pub standing: &'static str,
    /// Its identity was stored before with other content.
    pub conflict: bool,
    /// Its range of dates cannot be right.
    pub date_suspect: bool,
}

impl Context<'_> {
    fn received_at(&self) -> Millis {
        millis(self.received_at)
    }

    fn report_key(&self) -> Identity {
        Identity(self.report_key)
    }

    fn content_hash(&self) -> Identity {
        Identity(self.content_hash)
    }

    fn precedence(&self) -> u64 {
        precedence(self.segment, Verdict::of_word(self.verdict))
    }
}

/// Of two copies of a report, ClickHouse keeps the rows with the larger value: those of the better proven copy, and of two
/// that prove the same, those of the smaller, earlier segment. The rollups count for the same copy.
///
/// The first byte is larger than that of [`precedence_without_proof`], so a copy that takes the place of an old one wins.
/// What follows is the UUIDv7's time in milliseconds, up to the year 2109, and 12 random bits.
pub(super) fn precedence(segment: Uuid, verdict: Verdict) -> u64 {
    let high = (segment.as_u128() >> 64) as u64;
    let place = (high >> 16 << 12 | high & 0xfff) & LARGEST_PLACE;
    0xff << 56 | u64::from(verdict.proof()) << 54 | (LARGEST_PLACE - place)
}

/// The precedence of rows that were stored before the proof was part of it.
pub(super) fn precedence_without_proof(segment: Uuid) -> u64 {
    u64::MAX - (segment.as_u128() >> 64) as u64
}

/// Messages of one record, sessions of one policy, incidents of one report that are stored at most. Readers refuse more as
/// beyond any real day; this is what keeps every sum in range: nine billion such rows fit into 64 bits with sign.
const MOST_A_RECORD: u64 = 1_000_000_000;

/// The same of a whole report.
const MOST_A_REPORT: u64 = 10_000_000_000;

const LARGEST_PLACE: u64 = (1 << 54) - 1;

pub(crate) fn millis(milliseconds: u64) -> Millis {
    Millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

pub(crate) fn timestamp(seconds: u64) -> Timestamp {
    Timestamp(u32::try_from(seconds).unwrap_or(u32::MAX))
}

fn codes(warnings: &[Warning]) -> impl Iterator<Item = &str> {
    warnings.iter().map(|warning| warning.code)
}

fn places(warnings: &[Warning]) -> impl Iterator<Item = &str> {
    warnings.iter().map(|warning| warning.at.as_str())
}

fn strings(values: &[String]) -> impl Iterator<Item = &str> {
    values.iter().map(String::as_str)
}
