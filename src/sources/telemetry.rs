//! Events of [`crate::sources`].

use std::{error::Error, fmt::Display, time::Duration};

use metrics::{counter, describe_counter, describe_histogram, histogram};

/// A file was read again.
#[derive(Debug)]
pub struct Reloaded<'a> {
    /// Which: `catalogue` or `databases`.
    pub what: &'static str,
    /// Why it was not taken, if so.
    pub outcome: Option<&'a dyn Error>,
}

impl Reloaded<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let what = self.what;
        let outcome = match self.outcome {
            None => {
                tracing::info!(what, "Source catalogue reloaded.");
                "taken"
            }
            Some(error) => {
                tracing::error!(what, %error, "Failed to reload the source catalogue; keeping the previous one.");
                "refused"
            }
        };
        counter!("ruad_sources_reloads_total", "what" => what, "outcome" => outcome).increment(1);
    }
}

/// The name of an address was asked for.
#[derive(Debug)]
pub struct LookedUp {
    /// Whether there is one.
    pub named: bool,
    /// Whether it leads back to the address.
    pub confirmed: bool,
    /// Whether every question was answered.
    pub certain: bool,
    /// How long it took.
    pub took: Duration,
}

impl LookedUp {
    /// Counts. An address is no event worth a line.
    pub fn record(&self) {
        let outcome = match self {
            Self { confirmed: true, .. } => "confirmed",
            Self { certain: false, .. } => "unanswered",
            Self { named: true, .. } => "unconfirmed",
            _ => "nameless",
        };
        counter!("ruad_sources_lookups_total", "outcome" => outcome).increment(1);
        histogram!("ruad_sources_lookup_seconds").record(self.took);
    }
}

/// Rows were handed over to be kept.
pub struct Stored<'a> {
    /// How many.
    pub rows: usize,
    /// Why they were not kept, if so.
    pub error: Option<&'a dyn Display>,
}

impl Stored<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let Self { rows, error } = self;
        let outcome = match error {
            None => "stored",
            Some(error) => {
                tracing::warn!(rows, %error, "Failed to store source rows; retrying later.");
                "refused"
            }
        };
        counter!("ruad_sources_rows_total", "outcome" => outcome).increment(*rows as u64);
    }
}

/// The store did not say which addresses lack a row.
#[derive(Debug)]
pub struct RefillFailed {
    /// Why.
    pub error: String,
}

impl RefillFailed {
    /// Logs and counts.
    pub fn record(&self) {
        tracing::warn!(error = self.error, "Failed to list addresses without a source row; retrying later.");
        counter!("ruad_sources_refill_failures_total").increment(1);
    }
}

/// An address was passed over because too many are waiting.
pub fn queue_full() {
    counter!("ruad_sources_queue_full_total").increment(1);
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!(
        "ruad_sources_reloads_total",
        "Reloads of the source catalogue and databases, by outcome."
    );
    describe_counter!("ruad_sources_lookups_total", "Reverse DNS lookups, by outcome.");
    describe_histogram!("ruad_sources_lookup_seconds", "Time to look up and confirm one reverse name.");
    describe_counter!("ruad_sources_rows_total", "Source rows written, by outcome.");
    describe_counter!(
        "ruad_sources_refill_failures_total",
        "Failed queries for addresses without a source row."
    );
    describe_counter!("ruad_sources_queue_full_total", "Addresses skipped because the queue was full.");
}
