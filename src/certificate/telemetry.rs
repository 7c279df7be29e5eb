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
    tracing::warn!(%error, "Certificates cannot be issued, trying again.");
}

/// Somebody asked how a certificate stands; `answer` is a standing, `unknown` or `away`.
pub fn asked(answer: &'static str) {
    counter!("ruad_certificate_requests_total", "answer" => answer).increment(1);
}

/// The store could not be asked about one.
pub fn store_failed(error: &dyn Display) {
    tracing::warn!(%error, "A certificate cannot be looked up; its page says so.");
}

/// A row of the store is not what this installation has signed.
pub fn not_ours(serial: &str, reason: &dyn Display) {
    counter!("ruad_certificate_foreign_total").increment(1);
    tracing::warn!(serial, %reason, "A stored certificate was not signed with our key; it is taken for unknown.");
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!("ruad_certificate_events_total", "Certificates issued, void and valid again, by kind.");
    describe_counter!("ruad_certificate_failures_total", "Times certificates could not be issued.");
    describe_counter!("ruad_certificate_requests_total", "Requests for certificates, by answer.");
    describe_counter!("ruad_certificate_foreign_total", "Stored certificates that another key signed.");
}
