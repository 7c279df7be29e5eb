//! Reports, understood: pure parsers that turn bytes into typed values or typed errors. They know nothing of
//! mail, sockets or storage and can be used on their own.
//!
//! - [`aggregate`]: DMARC aggregate reports (RFC 7489, RFC 9990), XML, streamed;
//! - [`tls`]: SMTP TLS reports (RFC 8460), JSON;
//! - [`failure`]: DMARC failure reports (RFC 6591, RFC 9991).
//!
//! A parser keeps what the reporter wrote and makes nothing up: a missing value is `None`, an unknown one is
//! kept as it stands, and whatever had to be repaired, skipped or guessed is told by a [`Warning`].
#![forbid(unsafe_code)]

pub mod aggregate;
mod canonical;
pub mod error;
pub mod failure;
pub mod limits;
pub mod mail;
mod number;
mod plausible;
pub mod tls;
pub mod warning;

pub use error::ReportError;
pub use limits::Limits;
pub use plausible::LONGEST_RANGE;
pub(crate) use plausible::{MOST_A_RECORD, MOST_A_REPORT};
pub use warning::Warning;
