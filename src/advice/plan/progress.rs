//! How far a domain is.

use super::{case::Case, parked, policy};
use crate::advice::{Gate, Stage, Step, StepCode};
use ruad_common::time::DAY;
use ruad_dns::{Mechanism, dmarc::Policy};

/// The stage, and since when it is that.
pub(super) fn stage(case: &Case<'_>, steps: &[Step]) -> (Stage, u64) {
    if !case.posture.knows(Mechanism::Dmarc) {
        // What was not answered has not changed.
        return case.memory.stage.unwrap_or((Stage::Unprotected, case.now));
    }
    let by_policy = by_policy(case);
    let held_since = since(case, by_policy);
    let stage = if is_maintained(case, steps, held_since) { Stage::Maintained } else { by_policy };
    match case.memory.stage {
        Some((known, at)) if known == stage => (stage, at),
        None if stage != Stage::Maintained => (stage, held_since),
        _ => (stage, case.now),
    }
}

fn by_policy(case: &Case<'_>) -> Stage {
    match case.in_force() {
        None => Stage::Unprotected,
        Some(Policy::Reject) => Stage::Reject,
        Some(Policy::Quarantine) => Stage::Quarantine,
        Some(Policy::None) => {
            let remembered = case.memory.stage.map(|(stage, _)| stage);
            // Reports that came are proof enough that they can.
            let came = case.traffic.reported.is_some() || remembered > Some(Stage::Unprotected);
            let come =
                case.posture.reports_to_us != Some(false) && (case.posture.unauthorized.is_empty() || came);
            if !come {
                Stage::Unprotected
            } else if remembered == Some(Stage::Aligning) || has_learned(case) {
                Stage::Aligning
            } else {
                Stage::Monitoring
            }
        }
    }
}

/// Whether reports have told who sends.
fn has_learned(case: &Case<'_>) -> bool {
    reported_days(case) >= LEARNING_DAYS && case.traffic.window.messages > 0
}

fn reported_days(case: &Case<'_>) -> u32 {
    case.traffic.reported.map_or(0, |(first, last)| last.saturating_sub(first).saturating_add(1))
}

/// Since when the policy in force is what it is: as remembered, or as reports tell.
fn since(case: &Case<'_>, stage: Stage) -> u64 {
    let published = case.record().and_then(|record| record.policy);
    let reported = case.traffic.policies.first().filter(|days| Some(days.policy) == published);
    let reported = reported.map(|days| u64::from(days.first) * DAY).filter(|at| *at <= case.now);
    match case.memory.stage {
        Some((known, at)) if known == stage || known == Stage::Maintained => at,
        Some(_) => case.now,
        None => match stage {
            Stage::Quarantine | Stage::Reject => reported.unwrap_or(case.now),
            _ => case.now,
        },
    }
}

/// Whether what the owner wants has stood for long enough, and nothing is left to do but upkeep. Who got there leaves only when
/// the policy falls, or the records that protect the domain need work.
fn is_maintained(case: &Case<'_>, steps: &[Step], held_since: u64) -> bool {
    let is_reached = case.in_force().is_some_and(|policy| policy >= case.goal());
    let open = || steps.iter().filter(|step| step.is_open());
    if !is_reached {
        return false;
    }
    if case.memory.stage.is_some_and(|(stage, _)| stage == Stage::Maintained) {
        return !open().any(|step| PROTECTING.contains(&step.code));
    }
    let held = case.now.saturating_sub(held_since) >= u64::from(case.settings.days_at_policy) * DAY;
    held && open().all(|step| step.code.is_upkeep())
}

/// How much of the way lies behind a domain, from 0 to 1; docs/steps.md explains it.
pub(super) fn progress(case: &Case<'_>, stage: Stage, since: u64) -> f64 {
    if case.is_parked() && stage != Stage::Maintained {
        let (said, all) = parked::said(case);
        return 0.80 * said as f64 / all.max(1) as f64 + 0.15 * held(case, stage, since);
    }
    let at_goal = |policy: Policy| policy >= case.goal();
    match stage {
        Stage::Unprotected => 0.0,
        Stage::Monitoring => 0.10 + 0.10 * part(f64::from(reported_days(case)), f64::from(LEARNING_DAYS)),
        Stage::Aligning => 0.20 + 0.30 * ready(case, Policy::Quarantine),
        Stage::Quarantine if !at_goal(Policy::Quarantine) => 0.50 + 0.30 * ready(case, Policy::Reject),
        Stage::Quarantine | Stage::Reject => 0.80 + 0.15 * held(case, stage, since),
        Stage::Maintained => 1.0,
    }
}

/// How much of the conditions for `target` is met. Each kind counts once, so that a sender more does not move much.
fn ready(case: &Case<'_>, target: Policy) -> f64 {
    let gates = policy::measured(case, target);
    let parts: Vec<f64> = Gate::ALL
        .iter()
        .filter_map(|name| {
            let kind: Vec<_> = gates.iter().filter(|gate| gate.name == *name).collect();
            let worst = kind.iter().map(|gate| gate.fraction()).reduce(f64::min)?;
            Some(worst)
        })
        .collect();
    if parts.is_empty() { 0.0 } else { parts.iter().sum::<f64>() / parts.len() as f64 }
}

fn held(case: &Case<'_>, stage: Stage, since: u64) -> f64 {
    if !matches!(stage, Stage::Quarantine | Stage::Reject) {
        return 0.0;
    }
    part(case.now.saturating_sub(since) as f64, (u64::from(case.settings.days_at_policy) * DAY) as f64)
}

fn part(found: f64, wanted: f64) -> f64 {
    if wanted > 0.0 { (found / wanted).clamp(0.0, 1.0) } else { 1.0 }
}

/// Days of reports after which it is known who sends, by and large.
const LEARNING_DAYS: u32 = 7;
/// Steps that a domain cannot count as protected with.
const PROTECTING: [StepCode; 13] = [
    StepCode::PublishDmarc,
    StepCode::RepairDmarc,
    StepCode::ParkDmarc,
    StepCode::ParkSpf,
    StepCode::PublishSpf,
    StepCode::RepairSpf,
    StepCode::DropPercentage,
    StepCode::RaiseToQuarantine,
    StepCode::EndTesting,
    StepCode::RaiseToReject,
    StepCode::ProtectSubdomains,
    StepCode::AddReportAddress,
    StepCode::EnableDkim,
];
