//! From what is known to what is to be done. Everything here is pure.

mod case;
mod dmarc;
mod dmarc_edit;
mod keys;
mod parked;
mod policy;
mod progress;
mod receiving;
mod remember;
mod repair;
mod sources;
mod spf;
mod spf_edit;

use serde::Serialize;

use self::case::{Case, Draft};
use super::{Memory, Readiness, Settings, Stage, Step, Traffic, score};
use crate::health::posture::Posture;
use ruad_dns::profile::Score;
use ruad_dns::{Mechanism, dmarc::Policy};
use ruad_registry::Preferences;

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
    /// Every step: open ones first, in the order in which they are best done, then later ones, then done ones. A step about
    /// which nobody can tell anything now is left out: it stays as it was.
    pub steps: Vec<Step>,
    /// Since when score and policy have been what a certificate asks for.
    pub perfect_since: Option<u64>,
}

impl Plan {
    /// Draws a plan at `now` (seconds since 1970).
    ///
    /// Advice about a record rests on what DNS says now, never on what a report said of it. What was not answered leads to no
    /// advice, and missing reports hold a policy where it is: nothing here ever lowers one.
    pub fn draw(
        posture: &Posture,
        traffic: &Traffic,
        wishes: &Preferences,
        memory: &Memory,
        settings: &Settings,
        now: u64,
    ) -> Self {
        let case = Case { posture, traffic, wishes, memory, settings, now };
        let steps = remember::steps(&case, drafts(&case));
        let (stage, stage_since) = progress::stage(&case, &steps);
        let score = score::score(posture, traffic, settings, case.is_parked(), case.today());
        Self {
            domain: posture.domain.clone(),
            at: now,
            stage,
            stage_since,
            progress: progress::progress(&case, stage, stage_since),
            score,
            is_parked: case.is_parked(),
            readiness: policy::readiness(&case),
            perfect_since: perfect_since(&case, score),
            steps,
        }
    }

    /// The steps that somebody has to do now.
    pub fn open_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_open())
    }
}

fn drafts(case: &Case<'_>) -> Vec<Draft> {
    let mut drafts = dmarc::drafts(case);
    let policy = policy::drafts(case, &drafts);
    drafts.extend(policy);
    drafts.extend(parked::drafts(case));
    drafts.extend(sources::drafts(case));
    drafts.extend(spf::drafts(case));
    drafts.extend(keys::drafts(case));
    drafts.extend(receiving::drafts(case));
    let others = repair::drafts(case, &drafts);
    drafts.extend(others);
    drafts
}

/// All points, and `p=reject` in force. What could not be told changes nothing.
fn perfect_since(case: &Case<'_>, score: Option<Score>) -> Option<u64> {
    let known = case.posture.knows(Mechanism::Dmarc);
    match score.filter(|_| known) {
        None => case.memory.perfect_since,
        Some(score) if score == Score::BEST && case.in_force() == Some(Policy::Reject) => {
            Some(case.memory.perfect_since.unwrap_or(case.now))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
