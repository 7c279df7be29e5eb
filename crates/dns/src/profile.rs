//! What findings cost: a profile is a table of points, and the score of a domain is what is left of five.

use std::{collections::BTreeMap, collections::BTreeSet, fmt, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::{Code, Severity};

/// A table of what each finding costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is called on the command line and in the registry.
    pub name: String,
    /// For whom it is: one line.
    pub title: String,
    /// Points that a finding costs which the table does not name, by how bad it is.
    pub otherwise: Otherwise,
    /// Points of single findings, by code; `mechanism.*` stands for those of a mechanism that are not named.
    pub points: BTreeMap<String, f64>,
    /// Codes that cost nothing beside another: a record that cannot be read has no policy that could be too weak.
    #[serde(default)]
    pub covers: BTreeMap<String, Vec<String>>,
}

/// Points by how bad a finding is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// What an error costs.
    pub error: f64,
    /// What a warning costs.
    pub warning: f64,
}

/// From 0.0 to 5.0, in steps of a tenth.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Score {
    tenths: u16,
}

impl Profile {
    /// Every profile; the first is the one that holds when none is named.
    pub fn all() -> &'static [Self] {
        &*PROFILES
    }

    /// The profile of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|profile| profile.name == name)
    }

    /// What one finding costs. Information never costs anything unless the table says so.
    pub fn points(&self, code: Code) -> f64 {
        let mechanism = code.name.split('.').next().unwrap_or_default();
        let named = self.points.get(code.name).or_else(|| self.points.get(&format!("{mechanism}.*")));
        named.copied().unwrap_or(match code.severity {
            Severity::Error => self.otherwise.error,
            Severity::Warning => self.otherwise.warning,
            Severity::Info => 0.0,
        })
    }

    /// What is left of five points. A code costs its points once, however often it was found.
    pub fn score(&self, findings: impl IntoIterator<Item = Code>) -> Score {
        let codes: BTreeSet<_> = findings.into_iter().collect();
        let covered: BTreeSet<_> = codes
            .iter()
            .filter_map(|code| self.covers.get(code.name))
            .flatten()
            .map(String::as_str)
            .collect();
        let counted = codes.into_iter().filter(|code| !covered.contains(code.name));
        let lost: u16 = counted.map(|code| tenths(self.points(code))).fold(0, u16::saturating_add);
        Score { tenths: FULL.saturating_sub(lost) }
    }
}

impl Default for &'static Profile {
    fn default() -> Self {
        // There is always one: the list is a constant of the program.
        &PROFILES[0]
    }
}

impl Score {
    /// Nothing is left to improve.
    pub const BEST: Self = Self { tenths: FULL };

    /// What is left after so many tenths are taken off.
    #[must_use]
    pub fn less(self, tenths: u16) -> Self {
        Self { tenths: self.tenths.saturating_sub(tenths) }
    }

    /// As a number of tenths.
    pub fn tenths(self) -> u16 {
        self.tenths
    }

    /// As a number.
    pub fn value(self) -> f64 {
        f64::from(self.tenths) / 10.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.tenths / 10, self.tenths % 10)
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

/// Points are whole tenths from 0 to 5, which a test makes sure of.
fn tenths(points: f64) -> u16 {
    (points * 10.0).round().clamp(0.0, f64::from(FULL)) as u16
}

const FULL: u16 = 50;

static PROFILES: LazyLock<[Profile; 2]> = LazyLock::new(|| {
    [include_str!("profile/default.toml"), include_str!("profile/nl-gov.toml")].map(|text| {
        // The files are part of the program and the tests below read them.
        #[allow(clippy::expect_used, reason = "constants of the program")]
        toml::from_str(text).expect("a profile that can be read")
    })
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mechanism;

    const ERROR: Code = Code { name: "test.error", severity: Severity::Error };
    const WARNING: Code = Code { name: "test.warning", severity: Severity::Warning };
    const INFO: Code = Code { name: "test.info", severity: Severity::Info };

    fn profile() -> Profile {
        let points = [("test.special", 2.3), ("other.*", 0.1)];
        let points = points.map(|(code, points)| (code.to_owned(), points)).into();
        let otherwise = Otherwise { error: 1.0, warning: 0.3 };
        let covers = [("test.special".to_owned(), vec!["test.error".to_owned()])].into();
        Profile { name: "test".into(), title: "Test".into(), otherwise, points, covers }
    }

    #[test]
    fn each_code_costs_its_points_once() {
        let special = Code { name: "test.special", severity: Severity::Info };
        let score = |codes: &[Code]| profile().score(codes.iter().copied()).to_string();
        assert_eq!(score(&[]), "5.0");
        assert_eq!(score(&[INFO, INFO]), "5.0");
        assert_eq!(score(&[WARNING, WARNING, INFO]), "4.7");
        assert_eq!(score(&[ERROR, WARNING]), "3.7");
        assert_eq!(score(&[special]), "2.7");
        assert_eq!(score(&[special, ERROR, WARNING]), "2.4");
        let other = Code { name: "other.thing", severity: Severity::Error };
        assert_eq!(score(&[other]), "4.9");
        let many = ["a", "b", "c", "d", "e", "f"].map(|name| Code { name, severity: Severity::Error });
        assert_eq!(score(&many), "0.0");
        assert_eq!(serde_json::to_string(&profile().score([WARNING])).unwrap(), "4.7");
    }

    #[test]
    fn profiles_name_codes_that_exist_and_points_in_tenths() {
        for profile in Profile::all() {
            assert_eq!(Profile::named(&profile.name).unwrap().title, profile.title);
            for code in profile.covers.iter().flat_map(|(code, covered)| covered.iter().chain([code])) {
                assert!(Code::named(code).is_some(), "{}: {code} is not a code", profile.name);
            }
            for (code, points) in &profile.points {
                let is_known = match code.strip_suffix(".*") {
                    Some(name) => Mechanism::ALL.iter().any(|mechanism| mechanism.name() == name),
                    None => Code::named(code).is_some(),
                };
                assert!(is_known, "{}: {code} is not a code", profile.name);
                let tenths = points * 10.0;
                assert!((0.0..=50.0).contains(&tenths) && (tenths - tenths.round()).abs() < 1e-9);
            }
        }
        assert_eq!(<&Profile>::default().name, "default");
        assert!(Profile::named("none such").is_none());
    }
}
