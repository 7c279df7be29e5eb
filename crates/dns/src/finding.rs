//! What can be wrong: every finding has a stable code, and every code its texts.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::bounds::{LONGEST_DETAIL, LONGEST_EVIDENCE, clipped};
use ruad_common::texts::Language;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing needs to be done.
    Info,
    /// Works, but is weak, fragile or about to become a fault.
    Warning,
    /// Mail is lost, can be forged, or what was meant is not in force.
    Error,
}

/// What is wrong. The name is stable: dashboards, alerts and scores refer to it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code {
    /// `mechanism.what_is_wrong`, in lower case.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
}

/// One thing that is wrong, and what shows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// What is wrong.
    #[serde(flatten, serialize_with = "code_and_severity")]
    pub code: Code,
    /// One sentence with the values of this case.
    pub detail: String,
    /// What shows it.
    pub evidence: Evidence,
}

/// What shows a finding.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// The name that was asked for.
    pub name: String,
    /// The record as it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Which bytes of the record are meant, for a fault of syntax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Range<usize>>,
}

/// What people read about a code, in plain words. The files in `texts/` hold them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What is wrong: a few words without a full stop.
    pub title: String,
    /// Why it matters: a sentence or two.
    pub why: String,
    /// What exactly to change: a sentence or two.
    pub change: String,
}

impl Severity {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Code {
    /// What people read about it; in English.
    pub fn text(self) -> Option<&'static Text> {
        self.text_in(Language::En)
    }

    /// What people read about it in their language.
    pub fn text_in(self, language: Language) -> Option<&'static Text> {
        TEXTS.get(&language)?.get(self.name)
    }

    /// A finding of this kind without a position.
    pub fn at(self, name: &str, record: Option<&str>, detail: impl Into<String>) -> Finding {
        let evidence = Evidence { name: name.to_owned(), record: record.map(str::to_owned), position: None };
        Finding { code: self, detail: detail.into(), evidence }
    }
}

impl Finding {
    /// The same, with the bytes of the record that are meant.
    #[must_use]
    pub fn with_position(mut self, position: Range<usize>) -> Self {
        self.evidence.position = Some(position);
        self
    }

    /// The same without the record it is about.
    pub(super) fn without_record(mut self) -> Self {
        (self.evidence.record, self.evidence.position) = (None, None);
        self
    }

    /// The same with no more of strangers' words than fits. A place behind the end of the record is not shown.
    pub(super) fn bounded(mut self) -> Self {
        self.detail = clipped(self.detail, LONGEST_DETAIL);
        self.evidence.name = clipped(self.evidence.name, LONGEST_DETAIL);
        if let Some(record) = self.evidence.record.take_if(|record| record.len() > LONGEST_EVIDENCE) {
            let record = clipped(record, LONGEST_EVIDENCE);
            self.evidence.position = self.evidence.position.filter(|at| record.get(at.clone()).is_some());
            self.evidence.record = Some(record);
        }
        self
    }
}

/// Declares a mechanism's codes: a constant each, and all of them as `CODES`.
macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $severity:ident;)*) => {
        $($(#[$doc])* pub const $constant: $crate::Code =
            $crate::Code { name: $name, severity: $crate::Severity::$severity };)*
        /// Every code of this mechanism.
        pub const CODES: &[$crate::Code] = &[$($constant),*];
    };
}
pub(super) use codes;

fn code_and_severity<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("code", code.name)?;
    map.serialize_entry("severity", &code.severity)?;
    if let Some(text) = code.text() {
        map.serialize_entry("title", &text.title)?;
        map.serialize_entry("change", &text.change)?;
    }
    map.end()
}

macro_rules! files {
    ($language:literal) => {
        files!($language, "bimi", "caa", "dane", "dkim", "dmarc", "dnsbl", "dnssec", "mta_sts", "mx", "ns", "reverse", "rpki", "spf", "tls_rpt")
    };
    ($language:literal, $($mechanism:literal),*) => {
        [$(include_str!(concat!("../../../texts/", $language, "/findings/", $mechanism, ".toml"))),*]
    };
}

pub(super) static TEXTS: LazyLock<HashMap<Language, HashMap<String, Text>>> = LazyLock::new(|| {
    // The files are part of the program and a test reads them all; a text that cannot be read is a missing one.
    let read = |files: [&str; 14]| {
        files.iter().filter_map(|file| toml::from_str::<HashMap<String, Text>>(file).ok()).flatten().collect()
    };
    [(Language::En, read(files!("en"))), (Language::Nl, read(files!("nl")))].into()
});
