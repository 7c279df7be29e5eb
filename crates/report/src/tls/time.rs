//! Times as TLS reports write them.

/// A time that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Time {
    /// Seconds since the epoch; a fraction is gone.
    pub(super) seconds: i64,
    /// It said which zone it is in; else UTC is assumed (Microsoft left it out for a while).
    pub(super) has_zone: bool,
}

impl Time {
    /// Reads RFC 3339, also with a blank for the `T`, without a zone, without a time of day, or as plain
    /// seconds since the epoch. `None` for everything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 8
            && let Ok(seconds) = text.parse()
        {
            return Some(Self { seconds, has_zone: true });
        }
        let mut rest = text.as_bytes();
        let year = digits(&mut rest, 4)?;
        expect(&mut rest, b"-")?;
        let month = digits(&mut rest, 2)?;
        expect(&mut rest, b"-")?;
        let day = digits(&mut rest, 2)?;
        if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
            return None;
        }
        let midnight = days_since_epoch(year, month, day) * 86_400;
        if rest.is_empty() {
            return Some(Self { seconds: midnight, has_zone: false });
        }
        expect(&mut rest, b"Tt ")?;
        let hour = digits(&mut rest, 2)?;
        expect(&mut rest, b":")?;
        let minute = digits(&mut rest, 2)?;
        let second = if expect(&mut rest, b":").is_some() { digits(&mut rest, 2)? } else { 0 };
        // 60 is a leap second, which the epoch does not count; 24:00 ends a day.
        let ends_day = (hour, minute, second) == (24, 0, 0);
        if (hour > 23 && !ends_day) || minute > 59 || second > 60 {
            return None;
        }
        if expect(&mut rest, b".,").is_some() {
            digits(&mut rest, 1)?;
            while digits(&mut rest, 1).is_some() {}
        }
        let offset = zone(rest.trim_ascii_start())?;
        let seconds = midnight + hour * 3600 + minute * 60 + second.min(59) - offset.unwrap_or(0);
        Some(Self { seconds, has_zone: offset.is_some() })
    }
}

/// The offset from UTC in seconds, if one is given.
fn zone(text: &[u8]) -> Option<Option<i64>> {
    let mut rest = text;
    let sign = match text {
        [] => return Some(None),
        b"Z" | b"z" | b"UTC" | b"GMT" => return Some(Some(0)),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    expect(&mut rest, b"+-")?;
    let hours = digits(&mut rest, 2)?;
    let _colon = expect(&mut rest, b":");
    let minutes = if rest.is_empty() { 0 } else { digits(&mut rest, 2)? };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(Some(sign * (hours * 3600 + minutes * 60)))
}

/// A number of exactly so many digits.
fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (digits, after) = rest.split_at_checked(count)?;
    let mut number = 0;
    for digit in digits {
        number = number * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    *rest = after;
    Some(number)
}

/// One of these bytes.
fn expect(rest: &mut &[u8], any_of: &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    any_of.contains(first).then(|| {
        *rest = after;
        *first
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is the
/// last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Five months from March or August have 153 days.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // 719,468 days lie between 0000-03-01 and the epoch.
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        Time::parse(text).map(|time| time.seconds)
    }

    #[test]
    fn times_as_they_come() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2016-04-01T00:00:00Z"), Some(1_459_468_800));
        assert_eq!(seconds("2016-04-01T23:59:59Z"), Some(1_459_555_199));
        assert_eq!(seconds("2024-02-29t12:00:00.123456z"), Some(1_709_208_000));
        assert_eq!(seconds("2024-02-29T12:00:00+02:00"), Some(1_709_200_800));
        assert_eq!(seconds("2024-02-29T12:00:00-0130"), Some(1_709_213_400));
        assert_eq!(seconds("2024-02-29 12:00:00 UTC"), Some(1_709_208_000));
        assert_eq!(seconds(" 2024-02-29T12:00Z "), Some(1_709_208_000));
        assert_eq!(seconds("2016-12-31T23:59:60Z"), Some(1_483_228_799));
        assert_eq!(seconds("2024-02-28T24:00:00Z"), Some(1_709_164_800));
        assert_eq!(seconds("1709208000"), Some(1_709_208_000));
        assert_eq!(seconds("1969-12-31T23:59:59Z"), Some(-1));
    }

    #[test]
    fn a_missing_zone_is_told() {
        let time = |text| Time::parse(text).map(|time| (time.seconds, time.has_zone));
        assert_eq!(time("2024-02-29T12:00:00"), Some((1_709_208_000, false)));
        assert_eq!(time("2024-02-29"), Some((1_709_164_800, false)));
        assert_eq!(time("2024-02-29T12:00:00Z"), Some((1_709_208_000, true)));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+1",
            "2024-01-01T00:00:00X",
            "2024-1-1",
            "20240101",
        ] {
            assert_eq!(Time::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn days_follow_one_another(days in -700_000_i64..2_000_000) {
            // Walks the calendar a day at a time from the first of a year nearby.
            let mut year = 1970 + days.div_euclid(if days < 0 { 365 } else { 366 });
            let mut left = days - days_since_epoch(year, 1, 1);
            let (mut month, mut day) = (1, 1);
            while left > 0 {
                let step = left.min(days_in(year, month) - day + 1);
                left -= step;
                day += step;
                if day > days_in(year, month) {
                    (month, day) = (month + 1, 1);
                }
                if month > 12 {
                    (year, month) = (year + 1, 1);
                }
            }
            prop_assert_eq!(days_since_epoch(year, month, day), days);
        }

        #[test]
        fn anything_may_be_asked(text in ".{0,40}") {
            let _: Option<Time> = Time::parse(&text);
        }
    }
}
