//! What an aggregate report says besides its records.

use serde::Serialize;

use crate::Warning;

/// The schema a report follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 7489 appendix C, and everything that cannot be told from it.
    Rfc7489,
    /// RFC 9990: its namespace, or an element only it has (`testing`, `discovery_method`, `generator`). The
    /// `version` proves nothing, and neither does `np`: Google writes it in reports of the older kind.
    Rfc9990,
}

impl Format {
    /// The word for it: `rfc7489` or `rfc9990`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfc7489 => "rfc7489",
            Self::Rfc9990 => "rfc9990",
        }
    }
}

/// An aggregate report without its records. Values are the reporter's words without surrounding white space;
/// what was missing or empty is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aggregate {
    /// The schema it follows.
    #[serde(skip)]
    pub format: Format,
    /// The namespace of the root element.
    #[serde(skip)]
    pub namespace: Option<String>,
    /// `version`.
    pub version: Option<String>,
    /// `report_metadata/org_name`: who reports.
    pub org_name: Option<String>,
    /// `report_metadata/email`.
    pub email: Option<String>,
    /// `report_metadata/extra_contact_info`.
    pub extra_contact_info: Option<String>,
    /// `report_metadata/report_id`, as written.
    pub report_id: Option<String>,
    /// Start of the period, in seconds since the epoch.
    pub begin: Option<i64>,
    /// End of the period, in seconds since the epoch.
    pub end: Option<i64>,
    /// `report_metadata/error`.
    pub errors: Vec<String>,
    /// `report_metadata/generator`.
    pub generator: Option<String>,
    /// The policy the reporter found.
    pub policy: Policy,
    /// Names of what the report is extended by at file level, `{namespace}name` where it has a namespace.
    pub extensions: Vec<String>,
    /// What was repaired, skipped or unreadable.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
    /// How many usable records there were.
    #[serde(skip)]
    pub records: u64,
    /// The sum of their counts.
    #[serde(skip)]
    pub messages: u64,
    /// Tells the same content from another under the same identity; `aggregate/hash.rs` says what it
    /// covers. The same for every layout, encoding, prefix and order of elements or records.
    #[serde(skip)]
    pub content_hash: u128,
    /// The same whatever the case of `org_name`, `email` and the policy's domain. Reports are no longer stored under it.
    #[serde(skip)]
    pub half_folded_hash: u128,
    /// The same whatever the spelling of domains, selectors, `org_name`, `email` and `report_id`: capitals, a final dot,
    /// U-labels. Equal to `content_hash` where they are spelled in lower case.
    #[serde(skip)]
    pub folded_hash: u128,
}

/// `policy_published`: the DMARC record the reporter applied.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Policy {
    /// Where the record was found, or the From domain in older reports.
    pub domain: Option<String>,
    /// Policy for the domain.
    pub p: Option<String>,
    /// Policy for subdomains.
    pub sp: Option<String>,
    /// Policy for names that do not exist.
    pub np: Option<String>,
    /// Alignment mode of DKIM.
    pub adkim: Option<String>,
    /// Alignment mode of SPF.
    pub aspf: Option<String>,
    /// Percentage, RFC 7489 only.
    pub pct: Option<i64>,
    /// Failure reporting options.
    pub fo: Option<String>,
    /// The record's `t`.
    pub testing: Option<String>,
    /// How the record was found: `psl` or `treewalk`.
    pub discovery_method: Option<String>,
}
