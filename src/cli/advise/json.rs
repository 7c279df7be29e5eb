//! A domain as one JSON object.

use ruad::advice::{Advised, Step, Traffic};
use ruad_common::texts::Language;
use ruad_dns::Mechanism;
use ruad_registry::Preferences;
use serde::Serialize;

/// What is printed about a domain.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    domain: &'a str,
    group: &'a str,
    at: u64,
    stage: ruad::advice::Stage,
    stage_since: u64,
    progress: f64,
    score: Option<ruad_dns::profile::Score>,
    is_parked: bool,
    /// What name servers did not tell.
    unknown: Vec<Mechanism>,
    readiness: Option<Readiness<'a>>,
    perfect_since: Option<u64>,
    wishes: &'a Preferences,
    traffic: &'a Traffic,
    steps: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Readiness<'a> {
    is_ready: bool,
    #[serde(flatten)]
    readiness: &'a ruad::advice::Readiness,
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    step: &'a Step,
    title: String,
    why: String,
    how: String,
    verified: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(advised: &'a Advised, language: Language) -> Self {
        let Advised { plan, traffic, posture, wishes, group } = advised;
        let told = |step: &'a Step| {
            let text = step.text(language);
            Told { step, title: text.title, why: text.why, how: text.how, verified: text.verified }
        };
        Self {
            domain: &plan.domain,
            group,
            at: plan.at,
            stage: plan.stage,
            stage_since: plan.stage_since,
            progress: plan.progress,
            score: plan.score,
            is_parked: plan.is_parked,
            unknown: posture.unknown.iter().copied().collect(),
            readiness: plan
                .readiness
                .as_ref()
                .map(|readiness| Readiness { is_ready: readiness.is_ready(), readiness }),
            perfect_since: plan.perfect_since,
            wishes,
            traffic,
            steps: plan.steps.iter().map(told).collect(),
        }
    }
}
