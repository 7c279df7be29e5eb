//! Events of [`crate::certificate`].

use std::fmt::Display;

use metrics::{counter, describe_counter};

use crate::health::events::Event;
use ruad_dns::Severity;

/// A certificate was issued, holds no longer, or holds again.
#[derive(Debug)]
pub struct Changed<'a> {
    /// What happened.
    pub event: &'a Event,
    /// Customer.
    pub group: &'a str,
}

impl Changed<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let Event { domain, kind, severity, subject: serial, text, .. } = self.event;
        let group = self.group;
        counter!("ruad_certificate_events_total", "kind" => *kind).increment(1);
        match severity {
            Severity::Info => tracing::info!(domain, group, kind, serial, "{text}"),
            _ => tracing::warn!(domain, group, kind, serial, "{text}"),
        }
    }
}

/// Certificates were not issued.
pub fn failed(error: &dyn Display) {
    counter!("ruad_certificate_failures_total").increment(1);
    tracing::warn!(%error, "Failed to issue certificates; retrying.");
}

/// Somebody asked how a certificate stands; `answer` is a standing, `unknown` or `away`.
pub fn asked(answer: &'static str) {
    counter!("ruad_certificate_requests_total", "answer" => answer).increment(1);
}

/// The store could not be asked about one.
pub fn store_failed(error: &dyn Display) {
    tracing::warn!(%error, "Failed to look up a certificate; its page reports this.");
}

/// A row of the store is not what this installation has signed.
pub fn not_ours(serial: &str, reason: &dyn Display) {
    counter!("ruad_certificate_foreign_total").increment(1);
    tracing::warn!(serial, %reason, "A stored certificate was not signed with our key; treating it as unknown.");
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!(
        "ruad_certificate_events_total",
        "Certificate events (issued, voided, restored), by kind."
    );
    describe_counter!("ruad_certificate_failures_total", "Failed attempts to issue certificates.");
    describe_counter!("ruad_certificate_requests_total", "HTTP requests for certificates, by result.");
    describe_counter!("ruad_certificate_foreign_total", "Stored certificates signed with a different key.");
}
