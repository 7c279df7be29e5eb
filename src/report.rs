//! Models and parsers of the three kinds of report.

pub mod failure;

use serde::Serialize;

/// Bounds of the parsers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one text.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text_bytes: 64 * 1024 }
    }
}

/// Something repaired, missing or left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// What.
    pub code: &'static str,
    /// Where.
    pub at: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is none.
    #[error("this is not a report: {reason}")]
    NotAReport {
        /// Why not.
        reason: &'static str,
    },
}
