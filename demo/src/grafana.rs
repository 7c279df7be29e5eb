//! From what a dashboard holds to what a database is sent: Grafana puts the variables in, then the ClickHouse data source
//! puts its macros in. For the tests and the bench of the dashboards; nothing here asks a database.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::day::Moment;

/// A time range as Grafana's picker has it; seconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// Its first second.
    pub from: i64,
    /// Its last second.
    pub to: i64,
}

impl Range {
    /// The last so many seconds.
    pub fn until_now(seconds: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) as i64;
        Self { from: now - seconds, to: now }
    }

    fn begin(self) -> String {
        format!("toDateTime({})", self.from)
    }

    fn end(self) -> String {
        format!("toDateTime({})", self.to)
    }
}

/// What is chosen for a variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Choice {
    /// All, which is sent as the variable's own value for it, without any format.
    All(&'static str),
    /// These.
    Some(Vec<String>),
    /// One that cannot be several.
    One(String),
}

/// Why a query cannot be expanded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A variable that does not end.
    #[error("no end: ${{{text}")]
    NoEnd {
        /// What follows its start.
        text: String,
    },
    /// A variable for which nothing is chosen.
    #[error("no variable is called {name}")]
    UnknownVariable {
        /// The name.
        name: String,
    },
    /// A format that is not `percentencode`, the only one no value can break.
    #[error("the format {format:?}")]
    Format {
        /// The format; empty when there is none.
        format: String,
    },
    /// A macro that is not known.
    #[error("no macro is called {name}")]
    UnknownMacro {
        /// The name.
        name: String,
    },
    /// A macro without its argument.
    #[error("no argument: {text}")]
    NoArgument {
        /// What follows its name.
        text: String,
    },
}

/// The statement that ClickHouse is sent for a panel that asks for so many points, with what is chosen by the variable's
/// name.
///
/// # Errors
///
/// When the text has a variable, a format or a macro that is not known here.
pub fn expand(text: &str, choices: &[(&str, Choice)], range: Range, points: u64) -> Result<String, Error> {
    macros(&variables(text, choices)?, range, points)
}

/// Grafana's part: `${name}` and `${name:format}`.
fn variables(text: &str, choices: &[(&str, Choice)]) -> Result<String, Error> {
    let mut parts = text.split("${");
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inside, rest) = part.split_once('}').ok_or_else(|| Error::NoEnd { text: part.to_owned() })?;
        let (name, format) = inside.split_once(':').unwrap_or((inside, ""));
        let choice = choices.iter().find(|(known, _)| *known == name);
        let (_, choice) = choice.ok_or_else(|| Error::UnknownVariable { name: name.to_owned() })?;
        done.push_str(&formatted(choice, format)?);
        done.push_str(rest);
    }
    Ok(done)
}

fn formatted(choice: &Choice, format: &str) -> Result<String, Error> {
    match choice {
        Choice::All(value) => Ok((*value).to_owned()),
        // Any other format leaves a value that can end the literal it stands in.
        _ if format != "percentencode" => Err(Error::Format { format: format.to_owned() }),
        Choice::One(value) => Ok(percent_encoded(value)),
        Choice::Some(values) => Ok(percent_encoded(&format!("{{{}}}", values.join(",")))),
    }
}

/// Everything but the unreserved characters of RFC 3986 section 2.3, as Grafana's `percentencode` does it: JavaScript's
/// `encodeURIComponent`, and `!'()*` too.
fn percent_encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut done, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                done.push(char::from(byte))
            }
            _ => done.push_str(&format!("%{byte:02X}")),
        }
        done
    })
}

/// The data source's part: `$__name` and `$__name(argument)`.
fn macros(text: &str, range: Range, points: u64) -> Result<String, Error> {
    let mut parts = text.split("$__");
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let (value, rest) = match name {
            "fromTime" => (range.begin(), rest),
            "toTime" => (range.end(), rest),
            "timeFilter" => {
                let (column, rest) = argument(rest)?;
                let (from, to) = (range.begin(), range.end());
                (format!("{column} >= {from} AND {column} <= {to}"), rest)
            }
            "dateFilter" => {
                let (column, rest) = argument(rest)?;
                let [from, to] = [range.from, range.to].map(|at| format!("toDate('{}')", Moment(at).day()));
                (format!("{column} >= {from} AND {column} <= {to}"), rest)
            }
            "timeInterval" => {
                let (column, rest) = argument(rest)?;
                let seconds = interval(range, points).max(1);
                (format!("toStartOfInterval(toDateTime({column}), INTERVAL {seconds} second)"), rest)
            }
            other => return Err(Error::UnknownMacro { name: other.to_owned() }),
        };
        done.push_str(&value);
        done.push_str(rest);
    }
    Ok(done)
}

/// Seconds between two points when there may be so many: Grafana rounds to times that people like.
fn interval(range: Range, points: u64) -> u64 {
    let exact = u64::try_from((range.to - range.from) * 1_000).unwrap_or_default() / points.max(1);
    let rounded =
        ROUNDED.iter().find(|(below, _)| exact < *below).map_or(31_536_000_000, |(_, interval)| *interval);
    rounded / 1_000
}

/// Milliseconds: below the first it is the second. What is below a second does not matter here.
const ROUNDED: [(u64, u64); 24] = [
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
    (u64::MAX, 31_536_000_000),
];

/// What stands in the parentheses at the start, and what follows them.
fn argument(text: &str) -> Result<(&str, &str), Error> {
    let inside = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    inside.ok_or_else(|| Error::NoArgument { text: text.to_owned() })
}

/// PromQL as the Prometheus data source sends it, for series that are scraped every `scrape` seconds and drawn with a point
/// every `step` seconds.
pub fn promql(text: &str, scrape: u64, step: u64) -> String {
    // Four scrapes, so that one which is missed leaves a rate.
    let rate = (step + scrape).max(4 * scrape);
    text.replace("$__rate_interval", &format!("{rate}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range { from: 1_795_305_600, to: 1_795_392_000 };

    fn some(values: &[&str]) -> Choice {
        Choice::Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn expanded(text: &str, choice: Choice) -> Result<String, Error> {
        expand(text, &[("group", choice)], RANGE, 30)
    }

    #[test]
    fn all_is_sent_as_it_is() {
        let text = "'${group:percentencode}' = '*'";
        assert_eq!(expanded(text, Choice::All("*")).unwrap(), "'*' = '*'");
        assert_eq!(expanded(text, Choice::One("*".to_owned())).unwrap(), "'%2A' = '*'");
    }

    #[test]
    fn values_are_encoded_as_grafana_does() {
        let text = "'${group:percentencode}'";
        assert_eq!(expanded(text, some(&["a.example", "b's"])).unwrap(), "'%7Ba.example%2Cb%27s%7D'");
        assert_eq!(expanded(text, some(&["a"])).unwrap(), "'%7Ba%7D'");
        assert_eq!(expanded(text, Choice::One(String::new())).unwrap(), "''");
        // Grafana 13: encodeURIComponentStrict("-_.~!*'()\\ü😀\u202e").
        let all = "-_.~!*'()\\ü😀\u{202e}";
        assert_eq!(
            expanded(text, Choice::One(all.to_owned())).unwrap(),
            "'-_.~%21%2A%27%28%29%5C%C3%BC%F0%9F%98%80%E2%80%AE'"
        );
    }

    #[test]
    fn what_nobody_knows_is_an_error() {
        assert!(expanded("${other}", some(&[])).unwrap_err().to_string().contains("other"));
        for format in ["csv", "doublequote", "json", "pipe", "raw", "singlequote", "sqlstring"] {
            let text = format!("${{group:{format}}}");
            assert!(expanded(&text, some(&["a"])).unwrap_err().to_string().contains(format));
        }
        assert!(expanded("${group}", Choice::One("a".to_owned())).is_err());
        assert!(expanded("$__interval", some(&[])).unwrap_err().to_string().contains("interval"));
        assert!(expanded("$__dateFilter day", some(&[])).is_err());
        assert!(expanded("${group", some(&[])).is_err());
    }

    #[test]
    fn times_and_days() {
        assert_eq!(
            macros("$__timeFilter(l.received_at)", RANGE, 30).unwrap(),
            "l.received_at >= toDateTime(1795305600) AND l.received_at <= toDateTime(1795392000)"
        );
        assert_eq!(
            macros("x $__dateFilter(day) y", RANGE, 30).unwrap(),
            "x day >= toDate('2026-11-22') AND day <= toDate('2026-11-23') y"
        );
        assert_eq!(
            macros("$__toTime - INTERVAL 2 DAY, toDate($__fromTime, 'UTC')", RANGE, 30).unwrap(),
            "toDateTime(1795392000) - INTERVAL 2 DAY, toDate(toDateTime(1795305600), 'UTC')"
        );
    }

    #[test]
    fn points_have_intervals_that_people_like() {
        let days = |days: i64| Range { from: 0, to: days * 86_400 };
        assert_eq!(interval(days(7), 30), 6 * 3_600);
        assert_eq!(interval(days(30), 30), 86_400);
        assert_eq!(interval(Range { from: 0, to: 3_600 }, 30), 120);
        assert_eq!(
            macros("$__timeInterval(m.received_at) AS time", Range { from: 0, to: 60 }, 30).unwrap(),
            "toStartOfInterval(toDateTime(m.received_at), INTERVAL 2 second) AS time"
        );
    }

    #[test]
    fn a_rate_reaches_back_four_scrapes_at_least() {
        assert_eq!(promql("rate(a[$__rate_interval])", 1, 1), "rate(a[4s])");
        assert_eq!(promql("rate(a[$__rate_interval])", 15, 120), "rate(a[135s])");
    }
}
