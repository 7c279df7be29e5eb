//! A domain's snapshot with its score.

use ruad::health::Snapshot;
use ruad_dns::profile::{Profile, Score};
use ruad_dns::{Check, Status};
use serde::Serialize;

/// What is printed about a domain.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) profile: &'static str,
    /// None when a question was not answered that may matter; then the next is what it can be at most.
    pub(super) score: Option<Score>,
    pub(super) score_at_most: Score,
    pub(super) status: Status,
    #[serde(flatten)]
    pub(super) snapshot: Snapshot,
}

impl Report {
    pub(super) fn new(snapshot: Snapshot, profile: &'static Profile) -> Self {
        let checks = snapshot.checks();
        // What this installation has no data for is nobody's fault.
        let status = checks.iter().filter(|check| !is_without_data(check)).map(|check| check.status());
        let status = status.fold(Status::Ok, super::worse);
        let codes = checks.iter().flat_map(|check| &check.findings).map(|finding| finding.code);
        let score_at_most = profile.score(codes);
        let score = checks.iter().all(|check| check.is_told()).then_some(score_at_most);
        Self { profile: &profile.name, score, score_at_most, status, snapshot }
    }
}

/// Whether a check is unknown for want of data that this installation could have.
pub(super) fn is_without_data(check: &Check) -> bool {
    check.status() == Status::Unknown && check.is_told()
}
