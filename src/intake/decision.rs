//! What was decided about each message of a segment, written beside the segment before the first row is inserted. A
//! later attempt reads it and decides nothing again: by then the store holds rows of the earlier attempt.

use std::net::IpAddr;

use ruad_spool::Rank;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::identity::Identity;
use crate::{
    provenance::{Evidence, Standing, Verdict},
    store::tables::RefusedPart,
};

/// The name of the side file.
pub(super) const SIDE_FILE: &str = "decisions";

/// What was decided about one message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct MessageDecision {
    /// The message's number in its segment.
    pub(super) number: u32,
    /// Who delivered it; not in the decisions of a version that did not need it.
    #[serde(default)]
    pub(super) client: Option<IpAddr>,
    pub(super) outcome: Outcome,
    /// Why a copy of it is kept in quarantine, if so: nothing of it could be used, or not all.
    pub(super) reason: Option<Reason>,
    pub(super) evidence: Evidence,
    pub(super) reports: Vec<ReportDecision>,
    /// Parts that gave no report.
    pub(super) refused: Vec<RefusedPart>,
    /// What it has proven, for the quarantine; not in the decisions of a version that did not ask.
    #[serde(default)]
    pub(super) rank: Option<Rank>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// At least one report of it was stored.
    Stored,
    /// All its reports were stored before.
    Duplicate,
    /// Nothing in it was a report.
    Rejected,
    /// It holds reports, but they are not taken.
    Quarantined,
}

/// Why, as a code for machines and a sentence for people.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) text: String,
}

/// What was decided about one report.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct ReportDecision {
    /// Position among everything that reading the message brought up, refused parts included.
    pub(super) part: u32,
    pub(super) path: Vec<String>,
    pub(super) identity: Identity,
    pub(super) group: String,
    pub(super) verdict: Verdict,
    /// Not in the decisions of a version that did not ask.
    #[serde(default)]
    pub(super) standing: Standing,
    pub(super) decision: Decision,
}

/// Whether a report is stored.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decision {
    /// Stored: nothing with its identity was there, or only copies whose place it takes.
    Stored,
    /// Not stored: the same report with the same content is there, and proves as much.
    Duplicate,
    /// Stored and flagged: the same identity is there with other content.
    Conflict,
    /// Not stored: `intake.require` asks for more than its message proved.
    Withheld,
    /// Not stored: senders who prove as little have stored as much as `intake.stranger_rows` allows in a day.
    OverQuota,
    /// Not stored: a genuine report with its identity says something else, or too many reports with its identity do.
    Outranked,
}

impl MessageDecision {
    /// The reports that get rows.
    pub(super) fn stored(&self) -> impl Iterator<Item = &ReportDecision> {
        self.reports.iter().filter(|report| report.decision.is_stored())
    }

    /// What the message has proven. One without a rank was decided by an earlier version and may be a genuine report's.
    pub(super) fn rank(&self) -> Rank {
        self.rank.unwrap_or(Rank::Believed)
    }

    /// How many reports were decided so.
    pub(super) fn count(&self, decision: Decision) -> usize {
        self.reports.iter().filter(|report| report.decision == decision).count()
    }
}

impl Outcome {
    /// The word that is stored.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
        }
    }
}

impl Decision {
    /// Whether the report gets rows.
    pub(super) fn is_stored(self) -> bool {
        matches!(self, Self::Stored | Self::Conflict)
    }

    /// Whether the ledger tells of it: not of what is kept in quarantine and is new when it comes from there.
    pub(super) fn is_in_ledger(self) -> bool {
        !matches!(self, Self::Withheld | Self::OverQuota | Self::Outranked)
    }

    /// The word that is stored.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Withheld => "withheld",
            Self::OverQuota => "over_quota",
            Self::Outranked => "outranked",
        }
    }
}

/// The bytes of the side file: a line with the version, then a line for each message.
pub(super) fn encode(decisions: &[MessageDecision]) -> Result<Vec<u8>, DecisionError> {
    let mut bytes = format!("{{\"version\":{VERSION}}}\n").into_bytes();
    for decision in decisions {
        serde_json::to_writer(&mut bytes, decision).map_err(DecisionError::Malformed)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Reads the side file back.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<MessageDecision>, DecisionError> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let head: Head =
        serde_json::from_slice(lines.next().unwrap_or_default()).map_err(DecisionError::Malformed)?;
    if head.version != VERSION {
        return Err(DecisionError::Version { found: head.version, known: VERSION });
    }
    lines.map(|line| serde_json::from_slice(line).map_err(DecisionError::Malformed)).collect()
}

/// Why a side file cannot be used. The segment stays where it is: deciding again could store a report twice.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(super) enum DecisionError {
    /// Not what this program writes.
    #[error("the decisions beside the segment cannot be read: {0}")]
    Malformed(serde_json::Error),
    /// Written by another version of this program.
    #[error("the decisions beside the segment are of version {found}, this program knows {known}")]
    Version {
        /// In the file.
        found: u32,
        /// Of this program.
        known: u32,
    },
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// The code of a part that is something other than a report.
pub(super) const NOT_A_REPORT: &str = "not_a_report";

const VERSION: u32 = 1;
