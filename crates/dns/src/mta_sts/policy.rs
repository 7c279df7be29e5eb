//! The policy: which hosts a sender may deliver to, and how strict it has to be (RFC 8461 section 3.2).

use std::{fmt, ops::Range};

use serde::Serialize;

use super::record::is_name;
use ruad_common::domain_name;

/// A policy that can be used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Policy {
    /// What senders do when a host does not fulfil it.
    pub mode: Mode,
    /// How long senders may remember it; seconds.
    pub max_age: u64,
    /// The hosts that may be delivered to, in lower case: names, or `*.` and a name for any one label more.
    pub mx: Vec<String>,
}

/// What senders do when a host does not fulfil the policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They do not deliver.
    Enforce,
    /// They deliver, and report.
    Testing,
    /// The policy is given up.
    None,
}

/// What was read from a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reading {
    /// The policy, when everything it needs is there and valid.
    pub policy: Option<Policy>,
    /// What is wrong with the file, in the order of its lines; no more than a few.
    pub faults: Vec<Fault>,
}

/// Something wrong with a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Which line, counted from 1; 0 for what is missing.
    pub line: usize,
    /// The line, or its beginning.
    pub text: String,
    /// Which bytes of that text.
    pub at: Range<usize>,
}

/// What can be wrong with a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A line is not `name: value`.
    Syntax,
    /// A field that every policy has is not there.
    Missing(&'static str),
    /// The value of a field is not one it can have.
    Value(&'static str),
    /// A field occurs again; the first one counts.
    Repeated,
    /// A field nobody knows, which senders pass over.
    Unknown,
}

impl Reading {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Self {
        let mut fields = Fields::default();
        for (index, line) in text.split('\n').enumerate() {
            fields.line(index + 1, line.strip_suffix('\r').unwrap_or(line));
        }
        fields.finish()
    }
}

impl Policy {
    /// Whether a host may be delivered to.
    pub fn covers(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| matches(pattern, host))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        })
    }
}

/// RFC 8461 section 4.1: `*` stands for exactly one label, the first.
pub(super) fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => pattern == host,
    }
}

#[derive(Default)]
struct Fields {
    version: Option<bool>,
    mode: Option<Option<Mode>>,
    max_age: Option<Option<u64>>,
    mx: Vec<String>,
    has_mx: bool,
    faults: Vec<Fault>,
}

impl Fields {
    fn line(&mut self, number: usize, line: &str) {
        let line = line.trim_end_matches(WHITE_SPACE);
        if line.is_empty() {
            return;
        }
        let Some((name, rest)) = line.split_once(':').filter(|(name, _)| is_name(name)) else {
            return self.fault(Kind::Syntax, number, line, 0..line.len());
        };
        let value = rest.trim_start_matches(WHITE_SPACE);
        let at = line.len() - value.len()..line.len();
        let is_repeated = match name {
            "version" => self.version.is_some(),
            "mode" => self.mode.is_some(),
            "max_age" => self.max_age.is_some(),
            _ => false,
        };
        if is_repeated {
            return self.fault(Kind::Repeated, number, line, 0..name.len());
        }
        let wrong = match name {
            "version" => {
                self.version = Some(value == "STSv1");
                (value != "STSv1").then_some("version")
            }
            "mode" => {
                let mode = mode(value);
                self.mode = Some(mode);
                mode.is_none().then_some("mode")
            }
            "max_age" => {
                let max_age = max_age(value);
                self.max_age = Some(max_age);
                max_age.is_none().then_some("max_age")
            }
            "mx" => {
                self.has_mx = true;
                let pattern = pattern(value);
                let is_wrong = pattern.is_none();
                self.mx.extend(pattern.filter(|_| self.mx.len() < PATTERNS));
                is_wrong.then_some("mx")
            }
            _ => return self.fault(Kind::Unknown, number, line, 0..name.len()),
        };
        if let Some(field) = wrong {
            self.fault(Kind::Value(field), number, line, at);
        }
    }

    fn finish(mut self) -> Reading {
        let mode = self.mode.flatten();
        let needs_mx = !matches!(mode, Some(Mode::None));
        for (name, is_there) in [
            ("version", self.version.is_some()),
            ("mode", self.mode.is_some()),
            ("max_age", self.max_age.is_some()),
            ("mx", self.has_mx || !needs_mx),
        ] {
            if !is_there {
                self.fault(Kind::Missing(name), 0, "", 0..0);
            }
        }
        let policy = match (self.version, mode, self.max_age.flatten()) {
            (Some(true), Some(mode), Some(max_age)) if !self.mx.is_empty() || !needs_mx => {
                Some(Policy { mode, max_age, mx: self.mx })
            }
            _ => None,
        };
        Reading { policy, faults: self.faults }
    }

    fn fault(&mut self, kind: Kind, line: usize, text: &str, at: Range<usize>) {
        if self.faults.len() < FAULTS {
            let end = text.floor_char_boundary(SHOWN);
            let at = at.start.min(end)..at.end.min(end);
            self.faults.push(Fault { kind, line, text: text.get(..end).unwrap_or_default().to_owned(), at });
        }
    }
}

fn mode(value: &str) -> Option<Mode> {
    match value {
        "enforce" => Some(Mode::Enforce),
        "testing" => Some(Mode::Testing),
        "none" => Some(Mode::None),
        _ => None,
    }
}

fn max_age(value: &str) -> Option<u64> {
    let is_number = (1..=10).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|seconds| is_number && *seconds <= LONGEST)
}

fn pattern(value: &str) -> Option<String> {
    let name = value.strip_prefix("*.").unwrap_or(value);
    // RFC 5321 section 4.1.2: no dot at the end; an internationalized name in its ASCII form.
    let is_name = name.is_ascii() && !name.ends_with('.') && !name.contains('_');
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    (is_name && !is_address && domain_name::normalize(name).is_some()).then(|| value.to_ascii_lowercase())
}

const WHITE_SPACE: [char; 2] = [' ', '\t'];

/// A year (RFC 8461 section 3.2); seconds.
const LONGEST: u64 = 31_557_600;
const FAULTS: usize = 8;
const PATTERNS: usize = 256;
/// Bytes of a line that are shown.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(Kind, usize, String)> {
        let faults = Reading::parse(text).faults.into_iter();
        faults.map(|fault| (fault.kind, fault.line, fault.text.get(fault.at).unwrap().to_owned())).collect()
    }

    #[test]
    fn both_line_ends_and_any_order() {
        let policy = Policy {
            mode: Mode::Enforce,
            max_age: 604_800,
            mx: vec!["mail.example.com".to_owned(), "*.example.net".to_owned()],
        };
        for text in [
            "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n",
            "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800",
            "max_age:604800 \nmx:\tMAIL.example.com\t\n\nmx: *.Example.net\nmode:enforce\nversion:STSv1\n\n",
        ] {
            assert_eq!(Reading::parse(text), Reading { policy: Some(policy.clone()), faults: Vec::new() });
        }
        let none = Reading::parse("version: STSv1\nmode: none\nmax_age: 86400\n");
        assert_eq!(none.policy.unwrap().mode, Mode::None);
        assert_eq!(none.faults, []);
    }

    #[test]
    fn what_is_wrong_and_where() {
        let right = "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 604800\n";
        for (wrong, instead, expected, usable) in [
            ("version: STSv1\n", "", (Kind::Missing("version"), 0, ""), false),
            ("mode: enforce\n", "", (Kind::Missing("mode"), 0, ""), false),
            ("mx: a.example\n", "", (Kind::Missing("mx"), 0, ""), false),
            ("max_age: 604800\n", "", (Kind::Missing("max_age"), 0, ""), false),
            ("STSv1", "STSv2", (Kind::Value("version"), 1, "STSv2"), false),
            ("enforce", "Enforce", (Kind::Value("mode"), 2, "Enforce"), false),
            ("604800", "31557601", (Kind::Value("max_age"), 4, "31557601"), false),
            ("604800", "-1", (Kind::Value("max_age"), 4, "-1"), false),
            ("604800", "", (Kind::Value("max_age"), 4, ""), false),
            ("a.example", "*", (Kind::Value("mx"), 3, "*"), false),
            ("a.example", ".a.example", (Kind::Value("mx"), 3, ".a.example"), false),
            ("a.example", "a.*.example", (Kind::Value("mx"), 3, "a.*.example"), false),
            ("a.example", "a.example.", (Kind::Value("mx"), 3, "a.example."), false),
            ("a.example", "192.0.2.1", (Kind::Value("mx"), 3, "192.0.2.1"), false),
            ("a.example", "a.example b.example", (Kind::Value("mx"), 3, "a.example b.example"), false),
            ("a.example\n", "a.example\nmx: ü.example\n", (Kind::Value("mx"), 4, "ü.example"), true),
            ("mx: ", "mx a.example\nmx: ", (Kind::Syntax, 3, "mx a.example"), true),
            ("version", "\u{feff}version: STSv1\nversion", (Kind::Syntax, 1, "\u{feff}version: STSv1"), true),
            ("max_age", "max-age: 1\nmax_age", (Kind::Unknown, 4, "max-age"), true),
            ("max_age", "mode: none\nmax_age", (Kind::Repeated, 4, "mode"), true),
        ] {
            let text = right.replacen(wrong, instead, 1);
            let (kind, line, at) = expected;
            assert_eq!(faults(&text), [(kind, line, at.to_owned())], "{text}");
            assert_eq!(Reading::parse(&text).policy.is_some(), usable, "{text}");
        }
        assert_eq!(Reading::parse(&right.replace("604800", "31557600")).policy.unwrap().max_age, 31_557_600);
    }

    #[test]
    fn a_web_page_gives_few_faults() {
        let page = "<html>\n".repeat(1_000) + &"é".repeat(50_000);
        let reading = Reading::parse(&page);
        assert!(reading.policy.is_none() && reading.faults.len() <= FAULTS);
        assert!(reading.faults.iter().all(|fault| fault.text.len() <= SHOWN));
    }

    #[test]
    fn a_star_is_one_label() {
        for (pattern, host, expected) in [
            ("mx.example", "mx.example", true),
            ("mx.example", "a.mx.example", false),
            ("*.example", "mx.example", true),
            ("*.example", "a.mx.example", false),
            ("*.example", "example", false),
            ("*.mail.example", "mail.example", false),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_read(text in "(version|mode|mx|max_age|x|ä|[ -~\r\n]|: |STSv1|\n){0,40}") {
            for fault in Reading::parse(&text).faults {
                proptest::prop_assert!(fault.text.get(fault.at).is_some());
            }
        }
    }
}
