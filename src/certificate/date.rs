use ruad_common::time::DAY;
use std::{fmt, str::FromStr};

/// A day in UTC, as days since 1970.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date(u32);

impl Date {
    /// The day of a time in seconds since 1970.
    pub fn of(seconds: u64) -> Self {
        Self(u32::try_from(seconds / DAY).unwrap_or(LAST).min(LAST))
    }

    /// A day in days since 1970.
    pub const fn from_days(days: u32) -> Self {
        Self(if days < LAST { days } else { LAST })
    }

    /// Year, month (1 to 12) and day of the month.
    pub fn parts(self) -> (u32, u32, u32) {
        // Years begin in March here, so that the leap day is the last one; 146,097 days are 400 years.
        let days = self.0 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (era * 400 + year + u32::from(month <= 2), month, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = ();

    /// Reads what is displayed and nothing else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<u32>().ok()).ok_or(());
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        if year < 1970 || !(1..=12).contains(&month) || day > 31 {
            return Err(());
        }
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let year = year - u32::from(month <= 2);
        let of_year = (153 * shifted + 2) / 5 + day;
        let days = 365 * year + year / 4 - year / 100 + year / 400 + of_year;
        let date = Self(days.checked_sub(719_469).ok_or(())?);
        (date.to_string() == text).then_some(date).ok_or(())
    }
}

/// 9999-12-31.
const LAST: u32 = 2_932_896;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_known() {
        for (days, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_778, "2026-11-21"),
            (LAST, "9999-12-31"),
        ] {
            assert_eq!(Date::from_days(days).to_string(), text);
        }
        assert_eq!(Date::of(1_795_219_199).to_string(), "2026-11-20");
        assert_eq!(Date::of(1_795_219_200).to_string(), "2026-11-21");
        assert_eq!(Date::of(u64::MAX).to_string(), "9999-12-31");
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2026-11-2",
            "2026-13-01",
            "2026-02-30",
            "1969-12-31",
            "2026-00-10",
            "2026-1121",
            "2026-11-00",
            "+026-11-21",
            "2026-11-21 ",
        ] {
            assert_eq!(text.parse::<Date>(), Err(()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_written_is_read(days in 0..=LAST) {
            let date = Date::from_days(days);
            proptest::prop_assert_eq!(date.to_string().parse(), Ok(date));
        }
    }
}
