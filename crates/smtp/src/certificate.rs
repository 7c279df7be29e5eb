//! How long a certificate is valid: the one field of X.509 that is needed here.

use std::ops::Range;

use rustls::pki_types::CertificateDer;

/// The end of the validity of a certificate, in Unix seconds; `None` when it cannot be read.
pub(super) fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    validity(certificate).map(|validity| validity.end)
}

/// From when until when a certificate is valid, in Unix seconds; `None` when it cannot be read.
pub fn validity(certificate: &CertificateDer<'_>) -> Option<Range<i64>> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    // RFC 5280 section 4.1: [0] version (optional), serial number, signature, issuer, validity.
    if fields.first() == Some(&VERSION) {
        (_, _, fields) = element(fields)?;
    }
    for _ in 0..3 {
        (_, _, fields) = element(fields)?;
    }
    let (_, validity, _) = element(fields)?;
    let (start_tag, start, end) = element(validity)?;
    let (end_tag, end, _) = element(end)?;
    let seconds = |tag, time| unix_seconds(tag, std::str::from_utf8(time).ok()?);
    Some(seconds(start_tag, start)?..seconds(end_tag, end)?)
}

/// Tag, content and rest of the DER element at the start.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81..=0x83 => {
            let (digits, bytes) = bytes.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn unix_seconds(tag: u8, text: &str) -> Option<i64> {
    let digits =
        text.strip_suffix('Z').filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, rest) = match tag {
        UTC_TIME => match number(0, 2)? {
            year @ 0..50 => (2000 + year, 2),
            year => (1900 + year, 2),
        },
        GENERALIZED_TIME => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |index: usize| number(rest + 2 * index, rest + 2 * index + 2);
    let days = days_since_1970(year, part(0)?, part(1)?);
    Some(((days * 24 + part(2)?) * 60 + part(3)?) * 60 + part(4)?)
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - DAYS_BEFORE_1970
}

const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_time_formats() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "261121181326Z", Some(1_795_284_806)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "20240229120000Z", Some(1_709_208_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (UTC_TIME, "261121181326+0100", None),
            (UTC_TIME, "2611Z", None),
            (0x30, "261121181326Z", None),
        ] {
            assert_eq!(unix_seconds(tag, text), seconds, "{text}");
        }
    }

    #[test]
    fn finds_the_end_of_a_real_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["mx.reports.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2030, 3, 17);
        params.not_after = rcgen::date_time_ymd(2031, 7, 9);
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(not_after(certificate.der()), Some(1_941_321_600));
        assert_eq!(validity(certificate.der()), Some(1_899_936_000..1_941_321_600));
        for length in 0..certificate.der().len() {
            let cut = CertificateDer::from(certificate.der().get(..length).unwrap());
            assert_eq!(not_after(&cut), None);
        }
    }
}
