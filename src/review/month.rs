use std::{fmt, ops::Range, str::FromStr};

use mail_parser::DateTime;
use thiserror::Error;

/// A month of the calendar. Its days are days since 1970, UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Month {
    year: u16,
    /// 1 to 12.
    number: u8,
}

/// A date of the calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Date {
    /// Its year.
    pub year: u16,
    /// Its month, 1 to 12.
    pub month: u8,
    /// Its day, from 1.
    pub day: u8,
}

/// It is no month.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{text:?} is not a month such as 2026-10")]
pub struct NoMonth {
    /// What was written.
    pub text: String,
}

impl Month {
    /// The month that a day (days since 1970) lies in.
    pub fn of(day: u32) -> Self {
        let date = Date::of(day);
        Self { year: date.year, number: date.month }
    }

    /// The month before.
    #[must_use]
    pub fn before(self) -> Self {
        match self.number {
            1 => Self { year: self.year.saturating_sub(1), number: 12 },
            number => Self { year: self.year, number: number - 1 },
        }
    }

    /// The month after.
    #[must_use]
    pub fn after(self) -> Self {
        match self.number {
            12 => Self { year: self.year.saturating_add(1), number: 1 },
            number => Self { year: self.year, number: number + 1 },
        }
    }

    /// Its days.
    pub fn days(self) -> Range<u32> {
        self.first()..self.after().first()
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 for January.
    pub fn number(self) -> u8 {
        self.number
    }

    fn first(self) -> u32 {
        Date { year: self.year, month: self.number, day: 1 }.day_number()
    }
}

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let parse = || {
            let (year, number) = text.split_once('-')?;
            let is_plain =
                |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            let (year, number) = (is_plain(year, 4) && is_plain(number, 2)).then_some((year, number))?;
            let month = Self { year: year.parse().ok()?, number: number.parse().ok()? };
            // Tables hold days from 1970 to 2149.
            ((1..=12).contains(&month.number) && (1970..=2148).contains(&month.year)).then_some(month)
        };
        parse().ok_or_else(|| NoMonth { text: text.to_owned() })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

impl Date {
    /// The date of a day; days since 1970.
    pub fn of(day: u32) -> Self {
        let DateTime { year, month, day, .. } = DateTime::from_timestamp(i64::from(day) * 86_400);
        Self { year, month, day }
    }

    /// Days since 1970; 0 for what comes before.
    fn day_number(self) -> u32 {
        let Self { year, month, day } = self;
        let at = DateTime {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            tz_before_gmt: false,
            tz_hour: 0,
            tz_minute: 0,
        };
        u32::try_from(at.to_timestamp() / 86_400).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_exact_ends() {
        for (text, first, days) in [
            ("1970-01", 0, 31),
            ("2024-02", 19_754, 29),
            ("2026-02", 20_485, 28),
            ("2026-10", 20_727, 31),
            ("2026-12", 20_788, 31),
        ] {
            let month: Month = text.parse().unwrap();
            assert_eq!((month.days().start, month.days().len()), (first, days), "{text}");
            assert_eq!(month.to_string(), text);
            assert_eq!(Month::of(month.days().start), month);
            assert_eq!(Month::of(month.days().end - 1), month);
            assert_eq!(Month::of(month.days().end), month.after());
            assert_eq!(month.after().before(), month);
        }
        assert_eq!(Date::of(20_788), Date { year: 2026, month: 12, day: 1 });
    }

    #[test]
    fn what_is_no_month_is_named() {
        for text in ["", "2026", "2026-13", "2026-00", "26-10", "2026-1", "+026-10", "2026-10-01", "9999-01"]
        {
            let error = text.parse::<Month>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
