//! Events of [`crate::advice`].

use std::{fmt::Display, time::Duration};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::health::events::Event;
use ruad_dns::Severity;

/// Plans were drawn.
#[derive(Debug)]
pub struct Ran {
    /// For so many domains.
    pub domains: usize,
    /// When; seconds since 1970.
    pub at: u64,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// Logs and counts.
    pub fn record(&self) {
        let Self { domains, at, took } = self;
        counter!("ruad_advice_runs_total", "outcome" => "done").increment(1);
        histogram!("ruad_advice_run_seconds").record(*took);
        gauge!("ruad_advice_last_success_timestamp_seconds").set(*at as f64);
        gauge!("ruad_advice_domains").set(*domains as f64);
        tracing::debug!(domains, ?took, "Plans updated.");
    }
}

/// Plans could not be drawn; it is tried again.
pub fn failed(error: &dyn Display, pause: Duration) {
    counter!("ruad_advice_runs_total", "outcome" => "failed").increment(1);
    tracing::warn!(%error, ?pause, "Failed to update or store the plans; retrying.");
}

/// What the last run of an earlier process found could not be read; the page is empty until the next run.
pub fn not_restored(error: &dyn Display) {
    tracing::warn!(%error, "Failed to read the stored plans; domain metrics appear after the next run.");
}

/// Something on the way of a domain has changed.
pub struct Noticed<'a> {
    /// What.
    pub event: &'a Event,
    /// Customer.
    pub group: &'a str,
}

impl Noticed<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let Event { domain, kind, severity, text, .. } = self.event;
        let group = self.group;
        counter!("ruad_advice_events_total", "kind" => *kind, "severity" => severity.name()).increment(1);
        match severity {
            Severity::Info => tracing::info!(domain, group, kind, "{text}"),
            _ => tracing::warn!(domain, group, kind, severity = severity.name(), "{text}"),
        }
    }
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!("ruad_advice_runs_total", "Planning runs, by outcome.");
    describe_histogram!("ruad_advice_run_seconds", "Duration of a planning run.");
    describe_gauge!(
        "ruad_advice_last_success_timestamp_seconds",
        "Unix time of the last successful planning run."
    );
    describe_gauge!("ruad_advice_domains", "Domains in the last planning run.");
    describe_counter!("ruad_advice_events_total", "Advice events, by kind and severity.");
}
