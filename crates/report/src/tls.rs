//! SMTP TLS reports (RFC 8460), JSON.
//!
//! Members are known by their names whatever the case, with `_` for `-`; the last of several of the same name
//! counts. Strings where lists belong, numbers in strings and `null` are taken for what they mean.

mod announced;
mod context;
mod json;
mod model;
mod object;
mod seed;
#[cfg(test)]
mod tests;
mod time;
mod value;

use std::io::Read;

pub use self::{
    announced::announced_domain,
    model::{TlsFailure, TlsPolicy, TlsReport},
};
use super::{Limits, ReportError};

/// Reads one report.
///
/// # Errors
///
/// When the input is no report, is no JSON to its end, goes past a limit, has a count that is negative or
/// implausible, or cannot be read.
pub fn read<R: Read>(input: R, limits: &Limits) -> Result<TlsReport, ReportError> {
    let mut bytes = Vec::new();
    input.take(limits.tls_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits.tls_bytes {
        return Err(ReportError::LimitTlsBytes { limit: limits.tls_bytes });
    }
    json::parse(&bytes, limits)
}
