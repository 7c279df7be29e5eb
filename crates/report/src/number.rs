//! Numbers as reporters write them: with blanks around, as `123.0`, with a fraction of a second.

/// A number that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Number {
    /// The whole part, towards zero; saturates at the ends.
    pub(crate) whole: i128,
    /// There was a fraction other than zero, which is gone.
    pub(crate) fraction: bool,
}

impl Number {
    /// Reads a decimal number with optional sign, fraction and exponent; `None` for everything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(whole) = text.parse() {
            return Some(Self { whole, fraction: false });
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        // The standard library also reads "inf", "nan" and the like, which are no numbers here.
        let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        if !plain || !digits.starts_with(|first: char| first == '.' || first.is_ascii_digit()) {
            return None;
        }
        if let Some((whole, fraction)) = text.split_once('.')
            && fraction.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(whole) = whole.parse()
        {
            return Some(Self { whole, fraction: fraction.bytes().any(|byte| byte != b'0') });
        }
        let value: f64 = text.parse().ok()?;
        // A cast of a float saturates, so what is too large stays too large.
        #[allow(clippy::cast_possible_truncation)]
        let whole = value.trunc() as i128;
        Some(Self { whole, fraction: value.fract() != 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_come() {
        let number = |text| Number::parse(text).map(|number| (number.whole, number.fraction));
        assert_eq!(number("123"), Some((123, false)));
        assert_eq!(number("\t 123 \n"), Some((123, false)));
        assert_eq!(number("123.0"), Some((123, false)));
        assert_eq!(number("123."), Some((123, false)));
        assert_eq!(number("1700000000.5"), Some((1_700_000_000, true)));
        assert_eq!(number("-1"), Some((-1, false)));
        assert_eq!(number("+7"), Some((7, false)));
        assert_eq!(number("1e3"), Some((1000, false)));
        assert_eq!(number("18446744073709551616"), Some((1 << 64, false)));
        assert_eq!(number(&"9".repeat(60)), Some((i128::MAX, false)));
    }

    #[test]
    fn what_is_no_number() {
        for text in
            ["", " ", "ten", "inf", "-inf", "nan", "1,000", "0x10", "1 2", "-", ".", "1.2.3", "--1", "1e"]
        {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }
}
