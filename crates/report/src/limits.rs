//! How much of one report is looked at.

use serde::Deserialize;

/// Bounds of one report. What goes past one ends in a `limit_…` error, except where a field says otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How deep XML elements may nest.
    pub depth: usize,
    /// How many attributes one XML element may have.
    pub attributes: usize,
    /// Bytes of text between two XML tags, of one tag, comment or CDATA section, after decoding to UTF-8.
    pub text_bytes: usize,
    /// Bytes of text of all values of one record, and of all values outside the records.
    pub record_bytes: usize,
    /// DKIM results of one record; further ones are left out with a warning. RFC 9990 section 3.1.3 asks
    /// reporters to stay below 100.
    pub dkim_results: usize,
    /// SPF results of one record; further ones are left out with a warning.
    pub spf_results: usize,
    /// Override reasons of one record; further ones are left out with a warning.
    pub reasons: usize,
    /// Warnings that are told one by one; a last one says that there were more.
    pub warnings: usize,
    /// Bytes of one TLS report, unpacked.
    pub tls_bytes: u64,
    /// Policies and failure details of one TLS report, taken together.
    pub tls_entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 32,
            attributes: 64,
            text_bytes: 64 * 1024,
            record_bytes: 1024 * 1024,
            dkim_results: 256,
            spf_results: 64,
            reasons: 64,
            warnings: 1_000,
            tls_bytes: 16 * 1024 * 1024,
            tls_entries: 100_000,
        }
    }
}
