//! Raising the policy, one thing at a time.

use super::{
    case::{Case, Draft, text_record},
    dmarc,
    dmarc_edit::Edited,
};
use crate::advice::{
    Gate, Readiness, StepCode,
    readiness::{Shares, gates, subdomain_gate},
    step::format_percent,
};
use ruad_dns::{
    Mechanism,
    dmarc::{Policy, Record},
};

/// Whether the policy can be raised; nothing when it need not be, or when nobody knows what it is.
pub(super) fn readiness(case: &Case<'_>) -> Option<Readiness> {
    if case.is_parked() || !case.posture.knows(Mechanism::Dmarc) {
        return None;
    }
    let in_force = case.in_force()?;
    let target = raised(in_force).filter(|_| in_force < case.goal())?;
    Some(Readiness { target, gates: measured(case, target) })
}

/// Every condition for `target`, from what the record says now.
pub(super) fn measured(case: &Case<'_>, target: Policy) -> Vec<Gate> {
    // What was not answered is what it was when it was reported last.
    let reported = || case.traffic.policies.first().map(|days| days.policy);
    let published = match case.record() {
        Some(record) => record.policy,
        None if !case.posture.knows(Mechanism::Dmarc) => reported(),
        None => None,
    };
    let published = published.unwrap_or(Policy::None);
    gates(case.traffic, case.wishes, case.settings, published, target, case.today())
}

/// Steps that change what receivers do. Only one of them is open at a time, and none while the record is put right.
pub(super) fn drafts(case: &Case<'_>, housekeeping: &[Draft]) -> Vec<Draft> {
    let Some(in_force) = case.in_force().filter(|_| case.posture.knows(Mechanism::Dmarc)) else {
        return Vec::new();
    };
    if case.is_parked() {
        return Vec::new();
    }
    let name = dmarc::name(case);
    let publishes = |draft: &&Draft| {
        let mut records = draft.instructions.iter().filter_map(|instruction| instruction.published());
        records.any(|(published, _, _)| published == name)
    };
    let mut before = housekeeping.iter().find(publishes).map(|draft| draft.code);
    let candidates =
        [whole(case, in_force), subdomains(case, in_force), tested(case, in_force), next(case, in_force)];
    let mut drafts = Vec::new();
    for draft in candidates.into_iter().flatten() {
        let draft = match before {
            Some(code) => draft.waiting_for(code, ""),
            None => draft,
        };
        if draft.is_open() {
            before = Some(draft.code);
        }
        drafts.push(draft);
    }
    drafts.extend(last(case, in_force, &drafts));
    drafts
}

/// The policy for all mail, where old receivers apply it to a part.
fn whole(case: &Case<'_>, in_force: Policy) -> Option<Draft> {
    let share = dmarc::percentage(case).filter(|_| in_force != Policy::None)?;
    let record = case.posture.own_record()?;
    let mut edited = Edited::of(&record.text);
    edited.remove("pct");
    let draft = Draft::new(StepCode::DropPercentage, "").with("percentage", share.to_string());
    let gates = measured(case, in_force);
    let draft = draft.gated(&without(&gates, &[Gate::DAYS]));
    Some(draft.doing(text_record(dmarc::name(case), edited.text(), Some(&record.text))))
}

/// Subdomains like the domain.
fn subdomains(case: &Case<'_>, in_force: Policy) -> Option<Draft> {
    let (record, policies) = (case.posture.own_record()?, case.posture.policies?);
    let weakest = policies.subdomains.min(policies.nonexistent);
    if !is_organization(case) || weakest >= in_force || in_force == Policy::None || record.testing {
        return None;
    }
    let mut edited = Edited::of(&record.text);
    for (tag, policy) in [("sp", record.subdomain_policy), ("np", record.nonexistent_policy)] {
        if policy.is_some_and(|policy| policy < in_force) {
            edited.set_policy(tag, in_force);
        }
    }
    if edited == Edited::of(&record.text) {
        return None;
    }
    let gates = measured(case, in_force);
    let mut needed = without(&gates, &[Gate::DAYS, Gate::DKIM]);
    needed.push(subdomain_gate(case.traffic, case.settings));
    let senders = || case.legitimate();
    let shares = Shares::of(senders(), |sender| (sender.counts.subdomain, sender.counts.subdomain_passed));
    let draft = Draft::new(StepCode::ProtectSubdomains, "")
        .with("policy", in_force.name())
        .with("present", weakest.name())
        .with("messages", shares.messages.to_string())
        .with("share", format_percent(shares.share()))
        .gated(&needed);
    Some(draft.doing(text_record(dmarc::name(case), edited.text(), Some(&record.text))))
}

/// The policy that is only tried out with `t=y`.
fn tested(case: &Case<'_>, in_force: Policy) -> Option<Draft> {
    let record = case.posture.own_record().filter(|record| record.testing)?;
    let meant = record.policies()?.domain;
    if meant <= in_force || meant > case.goal() {
        return None;
    }
    let mut edited = Edited::of(&record.text);
    edited.remove("t");
    let draft = evidence(case, Draft::new(StepCode::EndTesting, ""), meant);
    let draft = draft.gated(&wanted(case, StepCode::EndTesting, meant));
    Some(draft.doing(text_record(dmarc::name(case), edited.text(), Some(&record.text))))
}

/// The next policy.
fn next(case: &Case<'_>, in_force: Policy) -> Option<Draft> {
    let target = raised(in_force).filter(|_| in_force < case.goal())?;
    if tested(case, in_force).is_some() {
        return None;
    }
    let code = raising(target);
    let (value, replaces) = match case.posture.own_record() {
        Some(record) => (raise(case, record, target).text(), Some(record.text.as_str())),
        None => (dmarc::own_copy(case, target).text(), None),
    };
    let draft = evidence(case, Draft::new(code, ""), target).gated(&wanted(case, code, target));
    Some(draft.doing(text_record(dmarc::name(case), value, replaces)))
}

/// Reject, when quarantine comes first.
fn last(case: &Case<'_>, in_force: Policy, drafts: &[Draft]) -> Option<Draft> {
    let first = raised(in_force)?;
    let code = StepCode::RaiseToReject;
    let is_there = drafts.iter().any(|draft| draft.code == code);
    if is_there || first >= case.goal() || case.goal() != Policy::Reject {
        return None;
    }
    let before = drafts
        .iter()
        .find(|draft| matches!(draft.code, StepCode::EndTesting | StepCode::RaiseToQuarantine))?;
    Some(evidence(case, Draft::new(code, ""), Policy::Reject).waiting_for(before.code, ""))
}

/// The record with `target`. Subdomains that would follow it but whose mail does not pass keep what they have.
fn raise(case: &Case<'_>, record: &Record, target: Policy) -> Edited {
    let mut edited = Edited::of(&record.text);
    let follows = record.subdomain_policy.is_none() && is_organization(case);
    if follows && !subdomain_gate(case.traffic, case.settings).is_met {
        let present = case.posture.policies.map_or(Policy::None, |policies| policies.subdomains);
        edited.set_policy("sp", present);
    }
    edited.set_policy("p", target);
    if record.testing {
        edited.remove("t");
    }
    edited
}

/// What must be met. What was in force once is put back as soon as nothing would be lost by it.
fn wanted(case: &Case<'_>, code: StepCode, target: Policy) -> Vec<Gate> {
    let gates = measured(case, target);
    if case.was_done(code) || case.reached_policy() >= target {
        return without(&gates, &[Gate::DAYS, Gate::MESSAGES, Gate::RECENT]);
    }
    gates
}

fn without(gates: &[Gate], names: &[&str]) -> Vec<Gate> {
    gates.iter().filter(|gate| !names.contains(&gate.name)).cloned().collect()
}

/// The numbers that the step rests on.
fn evidence(case: &Case<'_>, draft: Draft, target: Policy) -> Draft {
    let passing = Shares::of(case.legitimate(), |sender| (sender.counts.messages, sender.counts.passed));
    let signed = Shares::of(case.legitimate(), |sender| (sender.counts.messages, sender.counts.dkim_aligned));
    let lost = passing.messages.saturating_sub(passing.good);
    draft
        .with("policy", target.name())
        .with("messages", passing.messages.to_string())
        .with("share", format_percent(passing.share()))
        .with("dkim_share", format_percent(signed.share()))
        .with("failing", lost.to_string())
        .with("days", case.traffic.window.days.to_string())
}

/// Only the record of an organization's domain says anything about what is below it.
fn is_organization(case: &Case<'_>) -> bool {
    case.posture.organization.as_ref().is_none_or(|name| *name == case.posture.domain)
}

fn raising(target: Policy) -> StepCode {
    match target {
        Policy::Reject => StepCode::RaiseToReject,
        Policy::None | Policy::Quarantine => StepCode::RaiseToQuarantine,
    }
}

/// The policy one step higher.
pub(super) fn raised(policy: Policy) -> Option<Policy> {
    match policy {
        Policy::None => Some(Policy::Quarantine),
        Policy::Quarantine => Some(Policy::Reject),
        Policy::Reject => None,
    }
}
