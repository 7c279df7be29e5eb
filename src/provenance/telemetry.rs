//! Events of [`crate::provenance`].

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::provenance::{Evidence, Verdict};

/// A message was examined.
#[derive(Debug)]
pub struct Checked<'a> {
    /// What was found.
    pub evidence: &'a Evidence,
    /// How long it took.
    pub took: Duration,
}

impl Checked<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let Self { evidence, took } = self;
        let doubt = evidence.doubt.map_or("none", |doubt| doubt.as_str());
        tracing::debug!(
            from = evidence.from_domain,
            dmarc = evidence.dmarc.as_str(),
            doubt,
            spf = evidence.spf_summary(),
            dkim = evidence.dkim_summary(),
            took = took.as_secs_f64(),
            "examined a message's provenance",
        );
        counter!("ruad_provenance_checks_total", "dmarc" => evidence.dmarc.as_str(), "doubt" => doubt)
            .increment(1);
        histogram!("ruad_provenance_check_seconds").record(*took);
    }
}

/// A report was judged by its message's evidence.
pub fn judged(verdict: Verdict) {
    counter!("ruad_provenance_verdicts_total", "verdict" => verdict.as_str()).increment(1);
}

/// The daemon starts, and verifies reports or does not.
pub fn started(is_enabled: bool) {
    gauge!(ENABLED).set(f64::from(u8::from(is_enabled)));
    if !is_enabled {
        tracing::warn!(
            "Report verification is off (provenance.enabled = false): anyone who mails a report is believed and influences advice."
        );
    }
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!(
        "ruad_provenance_checks_total",
        "Verified messages, by DMARC result and by reason for a missing verdict."
    );
    describe_counter!("ruad_provenance_verdicts_total", "Reports, by verdict on their message.");
    describe_gauge!(ENABLED, "1 while report verification is on; with 0, all reports are believed.");
    describe_histogram!("ruad_provenance_check_seconds", "Time to verify one message.");
}

const ENABLED: &str = "ruad_provenance_enabled";
