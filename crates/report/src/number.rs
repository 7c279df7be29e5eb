//! Numbers as reporters write them: with blanks around, as `123.0`, with a fraction of a second.

use std::fmt;

/// A number that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Number {
    /// The whole part, towards zero; saturates at the ends.
    pub(crate) whole: i128,
    /// There was a fraction other than zero, which is gone.
    pub(crate) fraction: bool,
    /// It is less than zero, perhaps by a fraction alone.
    pub(crate) negative: bool,
}

impl Number {
    /// Reads a decimal number with optional sign, fraction and exponent, exactly; `None` for everything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Nearly all numbers are small, and 128 bits cost time.
        if let Ok(whole) = text.parse::<i64>() {
            return Some(i128::from(whole).into());
        }
        if let Ok(whole) = text.parse::<i128>() {
            return Some(whole.into());
        }
        let (unsigned, minus) = match text.strip_prefix('-') {
            Some(unsigned) => (unsigned, true),
            None => (text.strip_prefix('+').unwrap_or(text), false),
        };
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, read_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
        let is_plain = before.bytes().chain(after.bytes()).all(|byte| byte.is_ascii_digit());
        if !is_plain || before.len() + after.len() == 0 {
            return None;
        }
        let all = || before.bytes().chain(after.bytes());
        let is_zero = all().all(|byte| byte == b'0');
        let point = i64::try_from(before.len()).unwrap_or(i64::MAX).saturating_add(exponent);
        let point = usize::try_from(point.max(0)).unwrap_or(usize::MAX);
        let digit = |digit: u8| i128::from(digit - b'0');
        let mut whole =
            all().take(point).fold(0_i128, |sum, byte| sum.saturating_mul(10).saturating_add(digit(byte)));
        // Forty zeros saturate whatever is not zero.
        for _ in 0..point.saturating_sub(before.len() + after.len()).min(40) {
            whole = whole.saturating_mul(10);
        }
        Some(Self {
            whole: if minus { -whole } else { whole },
            fraction: all().skip(point).any(|byte| byte != b'0'),
            negative: minus && !is_zero,
        })
    }
}

impl From<i128> for Number {
    fn from(whole: i128) -> Self {
        Self { whole, fraction: false, negative: whole < 0 }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative && self.whole == 0 { "-" } else { "" };
        write!(f, "{sign}{}{}", self.whole, if self.fraction { ".…" } else { "" })
    }
}

/// The number behind `e`; what is too large stays too large.
fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_as_they_come() {
        let number = |text| Number::parse(text).map(|number| (number.whole, number.fraction));
        assert_eq!(number("123"), Some((123, false)));
        assert_eq!(number("\t 123 \n"), Some((123, false)));
        assert_eq!(number("123.0"), Some((123, false)));
        assert_eq!(number("123."), Some((123, false)));
        assert_eq!(number("1700000000.5"), Some((1_700_000_000, true)));
        assert_eq!(number(".5"), Some((0, true)));
        assert_eq!(number("-1"), Some((-1, false)));
        assert_eq!(number("+7"), Some((7, false)));
        assert_eq!(number("1e3"), Some((1000, false)));
        assert_eq!(number("1.5E+1"), Some((15, false)));
        assert_eq!(number("12e-1"), Some((1, true)));
        assert_eq!(number("1e-400"), Some((0, true)), "not zero");
        assert_eq!(number("0e999999999999999999999"), Some((0, false)));
        assert_eq!(number("1e999999999999999999999"), Some((i128::MAX, false)));
        assert_eq!(number("1e-999999999999999999999"), Some((0, true)));
        assert_eq!(number("9007199254740993.0e0"), Some((9_007_199_254_740_993, false)), "no float has it");
        assert_eq!(number("1.00000000000000000000001e3"), Some((1000, true)), "no float has it");
        assert_eq!(number("18446744073709551616"), Some((1 << 64, false)));
        assert_eq!(number(&"9".repeat(60)), Some((i128::MAX, false)));
    }

    #[test]
    fn what_is_less_than_zero_is_negative() {
        for text in ["-1", "-0.5", "-.5", "-1e-5", "-1e-400", "-1.5e3", "-9e99"] {
            assert!(Number::parse(text).unwrap().negative, "{text}");
        }
        for text in ["0", "-0", "-0.0", "-0e5", "+0.5", "1e-5"] {
            assert!(!Number::parse(text).unwrap().negative, "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "", " ", "ten", "inf", "-inf", "nan", "1,000", "0x10", "1 2", "-", ".", "1.2.3", "--1", "1e",
            "e5", "1e+", "1e1.5", "1e--1", "+-1", "-e5", "５", "１２", "٣", "5０", "1_000", "−1",
        ] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        /// A number times a power of ten, written in whatever way, is that number.
        #[test]
        fn numbers_are_read_exactly(
            mantissa in -10_i128.pow(20)..10_i128.pow(20), places in 0_usize..25, shift in -15_i64..15,
        ) {
            let sign = if mantissa < 0 { "-" } else { "" };
            let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = places + 1);
            let (before, after) = digits.split_at(digits.len() - places);
            let number = Number::parse(&format!("{sign}{before}.{after}e{shift}")).unwrap();
            let power = shift - places as i64;
            let scale = 10_i128.pow(power.unsigned_abs().min(37) as u32);
            let (whole, fraction) = match power {
                0.. => (mantissa.saturating_mul(scale), false),
                _ => (mantissa / scale, mantissa % scale != 0),
            };
            prop_assert_eq!(number, Number { whole, fraction, negative: mantissa < 0 });
        }

        #[test]
        fn only_decimal_numbers_are_numbers(text in "[-+.eE0-9５٣ ]{0,12}|\\PC{0,8}") {
            if let Some(number) = Number::parse(&text) {
                let value: f64 = text.trim().parse().unwrap();
                prop_assert!(value == 0.0 || number.negative == (value < 0.0));
                prop_assert!((value.trunc() - number.whole as f64).abs() <= value.abs() * 1e-12 || value.abs() > 1e38);
            }
        }
    }
}
