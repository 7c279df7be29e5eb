//! A domain's snapshot with its score.

use ruad::{
    dns::Status,
    health::{Profile, Score, Snapshot},
};
use serde::Serialize;

/// What is printed about a domain.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) profile: &'static str,
    /// None when a question was not answered that may matter.
    pub(super) score: Option<Score>,
    pub(super) status: Status,
    #[serde(flatten)]
    pub(super) snapshot: Snapshot,
}

impl Report {
    pub(super) fn new(snapshot: Snapshot, profile: &'static Profile) -> Self {
        let checks = snapshot.checks();
        let status = checks.iter().map(|check| check.status()).fold(Status::Ok, super::worse);
        let codes = checks.iter().flat_map(|check| &check.findings).map(|finding| finding.code);
        let score = checks.iter().all(|check| check.unknown.is_empty()).then(|| profile.score(codes));
        Self { profile: &profile.name, score, status, snapshot }
    }
}
