//! Days and moments of the proleptic Gregorian calendar, UTC, in the forms that mails and reports use.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A UTC day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Day(i64);

impl Day {
    /// The present UTC day.
    pub fn today() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self(seconds as i64 / SECONDS)
    }

    /// The day that lies `days` after this one, or before it.
    pub fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    /// Midnight at its start, in Unix seconds.
    pub fn begin(self) -> i64 {
        self.0 * SECONDS
    }

    /// Saturday or Sunday.
    pub fn is_weekend(self) -> bool {
        matches!(self.weekday(), 5 | 6)
    }

    /// The day that lies so many days after 1970-01-01.
    pub fn from_number(days: u32) -> Self {
        Self(days.into())
    }

    /// Days since 1970-01-01; 0 for days before.
    pub fn number(self) -> u32 {
        u32::try_from(self.0).unwrap_or_default()
    }

    /// Days since Monday.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7) as usize
    }

    /// Year, month (1 to 12) and day of the month, by Hinnant's days-to-civil method.
    fn civil(self) -> (i64, i64, i64) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, of_year - (153 * from_march + 2) / 5 + 1)
    }

    fn from_civil(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let year_of_era = year.rem_euclid(400);
        let from_march = (month + 9) % 12;
        let of_era =
            year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * from_march + 2) / 5 + day - 1;
        Self(year.div_euclid(400) * 146_097 + of_era - 719_468)
    }
}

impl fmt::Display for Day {
    /// `2026-11-20`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let refuse = || NotADay { text: text.to_owned() };
        let mut numbers = text.splitn(3, '-').map(|part| part.parse::<i64>());
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            return Err(refuse());
        };
        let read = Self::from_civil(year, month, day);
        // The round trip refuses 2026-02-30 and month 13.
        if (1970..=9999).contains(&year) && read.civil() == (year, month, day) {
            Ok(read)
        } else {
            Err(refuse())
        }
    }
}

/// A text that is not a day.
#[derive(Debug, thiserror::Error)]
#[error("{text} is not a day like 2026-11-20")]
pub struct NotADay {
    /// What was given.
    text: String,
}

/// A second, in Unix time.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(pub i64);

impl Moment {
    /// The day it lies in.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(SECONDS))
    }

    /// RFC 5322 `date-time` as a clock `offset` hours from UTC shows it: `Tue, 08 Nov 2022 02:26:38 +0300`.
    pub fn mail_date(self, offset: i64) -> String {
        let local = Self(self.0 + offset * 3_600);
        let (year, month, day) = local.day().civil();
        let weekday = WEEKDAYS.get(local.day().weekday()).copied().unwrap_or_default();
        let month = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
        let sign = if offset < 0 { '-' } else { '+' };
        format!("{weekday}, {day:02} {month} {year} {} {sign}{:02}00", local.clock(), offset.abs())
    }

    /// RFC 3339: `2022-11-08T23:26:38Z`.
    pub fn internet(self) -> String {
        format!("{}T{}Z", self.day(), self.clock())
    }

    fn clock(self) -> String {
        let seconds = self.0.rem_euclid(SECONDS);
        format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

const SECONDS: i64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        let day: Day = "2022-11-08".parse().unwrap();
        assert_eq!(day.begin(), 1_667_865_600);
        assert_eq!(day.to_string(), "2022-11-08");
        assert!(!day.is_weekend());
        assert!("2022-11-13".parse::<Day>().unwrap().is_weekend());
        assert_eq!("2024-02-29".parse::<Day>().unwrap().plus(1).to_string(), "2024-03-01");
    }

    #[test]
    fn refuses_what_is_no_day() {
        for text in ["", "2026", "2026-13-01", "2026-02-30", "2026-00-10", "2026-1-1x", "-5-01-01"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_as_mails_write_them() {
        let moment = Moment(1_667_949_998);
        assert_eq!(moment.mail_date(3), "Wed, 09 Nov 2022 02:26:38 +0300");
        assert_eq!(moment.mail_date(-8), "Tue, 08 Nov 2022 15:26:38 -0800");
        assert_eq!(moment.internet(), "2022-11-08T23:26:38Z");
    }
}
