use serde::Serialize;

use super::{Memory, Posture, Readiness, Settings, Stage, Step, Traffic, Wishes};
use crate::health::Score;

/// What is to be done for a domain, and how far it is.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The domain.
    pub domain: String,
    /// When it was drawn; seconds since 1970.
    pub at: u64,
    /// How far it is.
    pub stage: Stage,
    /// Since when; seconds since 1970.
    pub stage_since: u64,
    /// How much of the way lies behind it, from 0 to 1.
    pub progress: f64,
    /// What is left of five points, by DNS and by what reports tell; none while something was never told.
    pub score: Option<Score>,
    /// Whether it sends no mail and is to say so.
    pub is_parked: bool,
    /// Whether the policy can be raised; nothing when it need not be.
    pub readiness: Option<Readiness>,
    /// Every step: open ones first, in the order in which they are best done, then later ones, then done ones.
    pub steps: Vec<Step>,
    /// Since when score and policy have been what a certificate asks for; seconds since 1970.
    pub perfect_since: Option<u64>,
}

impl Plan {
    /// Draws a plan at `now` (seconds since 1970).
    pub fn draw(
        posture: &Posture,
        _traffic: &Traffic,
        _wishes: &Wishes,
        _memory: &Memory,
        _settings: &Settings,
        now: u64,
    ) -> Self {
        Self {
            domain: posture.domain.clone(),
            at: now,
            stage: Stage::Unprotected,
            stage_since: now,
            progress: 0.0,
            score: None,
            is_parked: false,
            readiness: None,
            steps: Vec::new(),
            perfect_since: None,
        }
    }

    /// The steps that somebody has to do now.
    pub fn open_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_open())
    }
}
