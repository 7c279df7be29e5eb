//! What no real report says. A report that goes beyond is not read further: what it says is in no sum.
//!
//! The bounds are on what one receiver sees of one domain in a day. Google says that Gmail turns away nearly 15 billion
//! unwanted messages a day, of all senders together, and its reports are the largest there are; no domain is two thirds
//! of that. A record is one address that sends: a billion in a day are 11,574 a second, day and night, to one receiver,
//! where a large mail server sends some thousands a second to all. Of 242 real reports that this was tested with,
//! the largest counts 5,326. With ten billion a report, a sum of 64 bits with sign takes 900 million such reports.

use super::ReportError;

/// A bound on a number of messages or sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most(u64);

impl Most {
    /// The count, if it is plausible.
    #[inline]
    pub(crate) fn check(self, count: u64, record: u64) -> Result<u64, ReportError> {
        match count {
            count if count <= self.0 => Ok(count),
            count => Err(ReportError::ImplausibleCount { count, limit: self.0, record }),
        }
    }

    /// The sum, if it is plausible.
    #[inline]
    pub(crate) fn add(self, sum: u64, count: u64, record: u64) -> Result<u64, ReportError> {
        self.check(sum.saturating_add(count), record)
    }
}

/// Messages of one record, sessions of one TLS policy or failure, incidents of one failure report.
pub(crate) const MOST_A_RECORD: Most = Most(1_000_000_000);

/// Messages or sessions of one report.
pub(crate) const MOST_A_REPORT: Most = Most(10_000_000_000);

/// Seconds. Ranges of weeks are seen in the wild (Trustwave); a month and some days is as far as belief goes.
pub const LONGEST_RANGE: i64 = 35 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_itself_is_plausible() {
        assert_eq!(MOST_A_RECORD.check(1_000_000_000, 1).ok(), Some(1_000_000_000));
        assert!(MOST_A_RECORD.check(1_000_000_001, 1).is_err());
        assert_eq!(MOST_A_REPORT.add(9_000_000_000, 1_000_000_000, 1).ok(), Some(10_000_000_000));
    }

    #[test]
    fn no_sum_wraps() {
        let error = MOST_A_REPORT.add(5, u64::MAX, 7).unwrap_err();
        assert_eq!(
            error.to_string(),
            "18446744073709551615 messages or sessions in record 7, more than the 10000000000 that are plausible"
        );
    }
}
