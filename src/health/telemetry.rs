//! Events of [`crate::health`].

use std::{fmt::Display, time::Duration};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::health::events::Event;
use ruad_dns::Severity;

/// A domain was examined.
#[derive(Debug)]
pub struct Examined<'a> {
    /// The domain.
    pub domain: &'a str,
    /// `answered`, `partly` (a question was not answered), `unanswered` (none was) or `failed`.
    pub outcome: &'static str,
    /// How long it took.
    pub took: Duration,
}

impl Examined<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let Self { domain, outcome, took } = self;
        counter!("ruad_health_examinations_total", "outcome" => *outcome).increment(1);
        histogram!("ruad_health_examination_seconds").record(*took);
        if *outcome == "failed" {
            tracing::error!(domain, "Failed to examine a domain; retrying.");
        } else {
            tracing::debug!(domain, outcome, ?took, "Domain examined.");
        }
    }
}

/// The files that RPKI needs were read.
#[derive(Debug)]
pub struct RoutingRead {
    /// Validated payloads of ROAs.
    pub payloads: usize,
    /// Routes.
    pub routes: usize,
}

impl RoutingRead {
    /// Logs.
    pub fn record(&self) {
        let Self { payloads, routes } = self;
        tracing::info!(payloads, routes, "ROA payloads and routes read.");
    }
}

/// A file that RPKI needs cannot be used; what was read before holds for two days.
#[derive(Debug)]
pub struct RoutingUnreadable<'a> {
    /// What is wrong with it.
    pub error: &'a crate::health::RoutingError,
}

impl RoutingUnreadable<'_> {
    /// Logs.
    pub fn record(&self) {
        tracing::warn!(error = %self.error, "Failed to read the RPKI files; retrying.");
    }
}

/// Something about a domain has changed.
pub struct Changed<'a> {
    /// What.
    pub event: &'a Event,
    /// Customer.
    pub group: &'a str,
}

impl Changed<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let Event { domain, kind, severity, text, .. } = self.event;
        let group = self.group;
        counter!("ruad_health_events_total", "kind" => *kind, "severity" => severity.name()).increment(1);
        match severity {
            Severity::Info => tracing::info!(domain, group, kind, "{text}"),
            _ => tracing::warn!(domain, group, kind, severity = severity.name(), "{text}"),
        }
    }
}

/// No question was answered for some time, or they are again.
pub fn resolver_answers(answers: bool) {
    gauge!("ruad_health_resolver_silent").set(f64::from(u8::from(!answers)));
    if answers {
        tracing::info!("The resolver answers again.");
    } else {
        tracing::warn!("The resolver does not answer; probing with one domain at a time.");
    }
}

/// How many domains are watched, and how many of them are examined now.
pub fn watched(domains: usize, running: usize) {
    gauge!("ruad_health_domains").set(domains as f64);
    gauge!("ruad_health_running").set(running as f64);
}

/// Somebody asked for an examination; `answer` is `queued`, `unknown` or `busy`.
pub fn asked(answer: &'static str) {
    counter!("ruad_health_requests_total", "answer" => answer).increment(1);
}

/// The system's clock says something that cannot be.
pub fn clock_jumped(seconds: i64) {
    counter!("ruad_health_clock_jumps_total").increment(1);
    tracing::warn!(
        seconds,
        "The system clock jumped; keeping the old time until the new one has been stable for an hour."
    );
}

/// Rows wait to be stored.
pub fn waiting(table: &'static str, rows: usize) {
    gauge!("ruad_health_waiting_rows", "table" => table).set(rows as f64);
}

/// Rows were given up because too many wait.
pub fn dropped(table: &'static str, rows: usize) {
    counter!("ruad_health_dropped_rows_total", "table" => table).increment(rows as u64);
    if table == "domain_events" {
        tracing::error!(table, rows, "Event queue full; dropped the oldest events.");
    } else {
        tracing::warn!(table, rows, "Result queue full; dropped the oldest results.");
    }
}

/// Rows that ClickHouse will never take were given up.
pub fn refused(table: &'static str, rows: usize, error: &dyn Display) {
    counter!("ruad_health_dropped_rows_total", "table" => table).increment(rows as u64);
    tracing::error!(table, rows, %error, "ClickHouse rejected examination results; dropped them.");
}

/// The daemon ends while results of examinations wait. Domains are examined again after the start, so a change that is left out is
/// noticed then.
pub fn last_rows_left_out(rows: usize, error: &dyn Display) {
    if rows > 0 {
        tracing::warn!(rows, %error, "Stopping before all examination results were stored.");
    }
}

/// The store could not be asked or written to; it is tried again.
pub fn store_failed(what: &'static str, error: &dyn Display) {
    counter!("ruad_health_store_failures_total", "what" => what).increment(1);
    tracing::warn!(what, %error, "Failed to store or read examination results; retrying.");
}

/// What an earlier run knew was read.
pub fn restored(domains: usize, keys: usize) {
    tracing::info!(domains, keys, "Restored the state of the domains.");
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!("ruad_health_examinations_total", "Examinations of domains, by outcome.");
    describe_histogram!("ruad_health_examination_seconds", "Time one examination took.");
    describe_counter!("ruad_health_events_total", "DNS events, by kind and severity.");
    describe_gauge!("ruad_health_resolver_silent", "1 while the resolver answers no query, 0 otherwise.");
    describe_gauge!("ruad_health_domains", "Watched domains.");
    describe_gauge!("ruad_health_running", "Examinations in progress.");
    describe_counter!("ruad_health_requests_total", "POST /check requests, by result.");
    describe_counter!("ruad_health_clock_jumps_total", "Jumps of the system clock.");
    describe_gauge!("ruad_health_waiting_rows", "Rows waiting to be stored, by table.");
    describe_counter!("ruad_health_dropped_rows_total", "Rows dropped without being stored, by table.");
    // What an alert looks for is there before it happens: the step from nothing to 1 is no increase to Prometheus.
    for table in ["domain_events", "dns_records", "dkim_sightings", "dns_checks"] {
        counter!("ruad_health_dropped_rows_total", "table" => table).increment(0);
    }
    describe_counter!("ruad_health_store_failures_total", "Failed ClickHouse operations, by operation.");
}
