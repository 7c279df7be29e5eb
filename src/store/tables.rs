//! The tables' columns, each table's listed once, and how rows are made.
//!
//! What the reporter wrote is kept next to what is concluded from it; a missing value stays missing, or is the empty
//! string where the schema says so.

mod advice;
mod aggregate;
mod certificates;
mod deliveries;
mod failure;
mod health;
mod messages;
mod sources;
mod tls;

use uuid::Uuid;

use super::column::{Day, Identity, Millis, Timestamp};
use crate::report::Warning;

pub use advice::{DomainSenders, DomainStages, DomainSteps};
pub use aggregate::{AggregateRecords, AggregateReports};
pub use certificates::Certificates;
pub use deliveries::{Deliveries, Delivery};
pub use failure::FailureReports;
pub use health::{DkimSightings, DnsChecks, DnsRecords, DomainEvents};
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

    /// Of two copies that two receivers stored, ClickHouse keeps the rows with the larger value: those of the
    /// smaller, earlier segment, for which the rollups count too.
    fn precedence(&self) -> u64 {
        u64::MAX - (self.segment.as_u128() >> 64) as u64
    }
}

fn millis(milliseconds: u64) -> Millis {
    Millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

fn timestamp(seconds: u64) -> Timestamp {
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
