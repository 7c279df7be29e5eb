//! Why something is not a report, or not one that can be kept.

use std::io;

/// Why a report was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The input is something else: empty, text, another kind of XML or JSON.
    #[error("not a report: {reason}")]
    NotAReport {
        /// What was found instead.
        reason: String,
    },
    /// The input is XML of a report, but cut off or mangled beyond what can be repaired without guessing.
    #[error("malformed XML near byte {offset}: {reason}")]
    MalformedXml {
        /// What is wrong.
        reason: String,
        /// Where, counted in bytes of the text after decoding to UTF-8.
        offset: u64,
    },
    /// The input starts like JSON and is not.
    #[error("malformed JSON: {reason}")]
    MalformedJson {
        /// What is wrong, with line and column.
        reason: String,
    },
    /// The XML has a document type definition. No report needs one, and attacks do.
    #[error("a document type definition near byte {offset}")]
    Dtd {
        /// Where, counted in bytes of the text after decoding to UTF-8.
        offset: u64,
    },
    /// A record says a negative number of messages.
    #[error("negative count {count} in record {record}")]
    NegativeCount {
        /// The reporter's words.
        count: String,
        /// Which record, counted from 1.
        record: u64,
    },
    /// A count, or the sum of all counts, is beyond what a receiver can see in a day.
    #[error("{count} messages or sessions in record {record}, more than the {limit} that are plausible")]
    ImplausibleCount {
        /// The count, or the sum so far; `u64::MAX` stands for all that is larger.
        count: u64,
        /// The bound.
        limit: u64,
        /// Which record (or TLS policy), counted from 1; 0 where there are none.
        record: u64,
    },
    /// Elements nest too deep.
    #[error("elements nested deeper than {limit}")]
    LimitDepth {
        /// The limit.
        limit: usize,
    },
    /// An element has too many attributes.
    #[error("an element with more than {limit} attributes")]
    LimitAttributes {
        /// The limit.
        limit: usize,
    },
    /// A text, tag, comment or CDATA section is too long.
    #[error("a text or tag of more than {limit} bytes")]
    LimitTextBytes {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The values of one record, or those outside of the records, are too long together.
    #[error("a record with more than {limit} bytes of values")]
    LimitRecordBytes {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A TLS report is too long.
    #[error("a TLS report of more than {limit} bytes")]
    LimitTlsBytes {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A TLS report has too many policies and failure details.
    #[error("a TLS report with more than {limit} policies and failure details")]
    LimitTlsEntries {
        /// The limit.
        limit: usize,
    },
    /// The input could not be read to its end; a limit of the unpacking comes this way too.
    #[error("cannot read the report: {0}")]
    Io(#[from] io::Error),
}

impl ReportError {
    /// A fixed word for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAReport { .. } => "not_a_report",
            Self::MalformedXml { .. } => "malformed_xml",
            Self::MalformedJson { .. } => "malformed_json",
            Self::Dtd { .. } => "dtd",
            Self::NegativeCount { .. } => "negative_count",
            Self::ImplausibleCount { .. } => "count_implausible",
            Self::LimitDepth { .. } => "limit_depth",
            Self::LimitAttributes { .. } => "limit_attributes",
            Self::LimitTextBytes { .. } => "limit_text_bytes",
            Self::LimitRecordBytes { .. } => "limit_record_bytes",
            Self::LimitTlsBytes { .. } => "limit_tls_bytes",
            Self::LimitTlsEntries { .. } => "limit_tls_entries",
            Self::Io(_) => "io",
        }
    }

    pub(crate) fn not_a_report(reason: impl Into<String>) -> Self {
        Self::NotAReport { reason: reason.into() }
    }

    pub(crate) fn malformed_xml(reason: impl Into<String>) -> Self {
        Self::MalformedXml { reason: reason.into(), offset: 0 }
    }

    /// The same error with the place where it was found, if it has one.
    pub(crate) fn at(mut self, place: u64) -> Self {
        if let Self::MalformedXml { offset, .. } | Self::Dtd { offset } = &mut self {
            *offset = place;
        }
        self
    }
}
