//! As much of a certificate (RFC 5280 section 4.1) as its checks need. Whether it is valid is for others to say.

/// A certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate<'a> {
    /// All of it.
    pub(super) whole: &'a [u8],
    /// Its SubjectPublicKeyInfo.
    pub(super) public_key: &'a [u8],
    /// When it begins to be valid; seconds since 1970.
    pub(super) from: u64,
    /// When it ends.
    pub(super) to: u64,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate in DER; nothing when it is none.
    pub(super) fn read(whole: &'a [u8]) -> Option<Self> {
        let (SEQUENCE, certificate, _) = element(whole)? else { return None };
        let (SEQUENCE, mut rest, _) = element(certificate)? else { return None };
        if rest.first() == Some(&VERSION) {
            rest = element(rest)?.2;
        }
        // The serial number, the signature's algorithm, the issuer.
        for _ in 0..3 {
            rest = element(rest)?.2;
        }
        let (SEQUENCE, validity, rest) = element(rest)? else { return None };
        let (from_kind, from, to) = element(validity)?;
        let (to_kind, to, _) = element(to)?;
        let (_, _, rest) = element(rest)?;
        let (SEQUENCE, _, after) = element(rest)? else { return None };
        let public_key = rest.get(..rest.len() - after.len())?;
        Some(Self { whole, public_key, from: seconds(from_kind, from)?, to: seconds(to_kind, to)? })
    }
}

/// The tag and the content of the first element, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// UTCTime is `YYMMDDhhmmssZ`, of 1950 to 2049; GeneralizedTime has all four digits of the year.
fn seconds(kind: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let mut fields = [0; 5];
    let mut rest = rest;
    for field in &mut fields {
        let (digits, after) = rest.split_at_checked(2)?;
        (*field, rest) = (number(digits)?, after);
    }
    let [month @ 1..=12, day @ 1..=31, hour @ 0..24, minute @ 0..60, second @ 0..=60] = fields else {
        return None;
    };
    // Days since 1 March of the year 0, whose leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(days.checked_sub(DAYS_TO_1970)? * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const DAYS_TO_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_made() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["mx.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2024, 2, 29);
        params.not_after = rcgen::date_time_ymd(2051, 1, 1);
        let made = params.self_signed(&key).unwrap();
        let certificate = Certificate::read(made.der()).unwrap();
        assert_eq!(certificate.public_key, rcgen::PublicKeyData::subject_public_key_info(&key));
        assert_eq!((certificate.from, certificate.to), (1_709_164_800, 2_556_144_000));
        assert_eq!(certificate.whole, made.der().as_ref());
    }

    #[test]
    fn times_are_right() {
        for (kind, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "000301000001Z", Some(951_868_801)),
            (GENERALIZED_TIME, "20991231235959Z", Some(4_102_444_799)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (UTC_TIME, "691231235959Z", None),
            (UTC_TIME, "701301000000Z", None),
            (UTC_TIME, "7001010000Z", None),
            (UTC_TIME, "70+101000000Z", None),
        ] {
            assert_eq!(seconds(kind, text.as_bytes()), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), tag: bool) {
            let mut bytes = bytes;
            if tag {
                bytes.splice(0..0, [0x30, 0x82, 0, 60, 0x30, 0x81, 50]);
            }
            proptest::prop_assert!(Certificate::read(&bytes).is_none_or(|read| read.whole == bytes));
        }
    }
}
