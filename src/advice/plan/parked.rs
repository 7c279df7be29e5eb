//! A domain that sends no mail says so.

use super::{
    case::{Case, Draft, TTL, text_record},
    dmarc,
    dmarc_edit::Edited,
    sources::sends_for_parked,
};
use crate::advice::{Instruction, RecordType, StepCode};
use ruad_dns::{Mechanism, dmarc::Policy, mx, spf};

pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    if !case.is_parked() {
        return Vec::new();
    }
    // Mail that passes was set up by somebody: the owner says first whether it is to end.
    let sending = case.traffic.senders.iter().find(|sender| sends_for_parked(case, sender));
    let hold = |draft: Draft| match sending {
        Some(sender) => draft.waiting_for(StepCode::DecideSource, sender.id.as_str()),
        None => draft,
    };
    let refusing = [policy(case), senders(case)].into_iter().flatten().map(hold);
    refusing.chain(receivers(case)).chain(keys(case)).collect()
}

/// How many of the things a parked domain says are said, and how many there are.
pub(super) fn said(case: &Case<'_>) -> (usize, usize) {
    let steps = [policy(case), senders(case), receivers(case), keys(case)];
    let unknown = [Mechanism::Dmarc, Mechanism::Spf, Mechanism::Mx, Mechanism::Dkim];
    let open = steps
        .iter()
        .zip(unknown)
        .filter(|(step, mechanism)| step.is_some() || !case.posture.knows(*mechanism))
        .count();
    (steps.len() - open, steps.len())
}

fn policy(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    if !posture.knows(Mechanism::Dmarc) {
        return None;
    }
    let is_refused = posture.policies.is_some_and(|policies| {
        policies.domain.min(policies.subdomains).min(policies.nonexistent) == Policy::Reject
    });
    let ignored = dmarc::ignored(case);
    let is_whole = dmarc::percentage(case).is_none() && ignored.is_empty();
    if is_refused && is_whole && posture.reports_to_us != Some(false) {
        return None;
    }
    let (mut edited, replaces) = match posture.own_record() {
        Some(record) => (Edited::repaired(&record.text), Some(record.text.as_str())),
        None => (dmarc::own_copy(case, Policy::Reject), None),
    };
    edited.set_policy("p", Policy::Reject);
    for tag in ["sp", "np"] {
        if edited.find(tag).is_some() {
            edited.set_policy(tag, Policy::Reject);
        }
    }
    edited.remove("t");
    edited.remove("pct");
    dmarc::add_ours(case, &mut edited);
    let mut draft = Draft::new(StepCode::ParkDmarc, "");
    for finding in ignored {
        for value in finding.evidence.record.iter().flat_map(|record| record.split('\n')) {
            let (name, value) = (finding.evidence.name.clone(), value.to_owned());
            draft = draft.doing(Instruction::Remove { name, kind: RecordType::Txt, value });
        }
    }
    if replaces.is_some_and(|text| Edited::of(text) == edited) {
        // Only what stands beside it has to go; or the policy below it is another record's.
        return Some(draft).filter(|draft| !draft.instructions.is_empty());
    }
    Some(draft.doing(text_record(dmarc::name(case), edited.text(), replaces)))
}

fn senders(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    let is_said = posture.allows_nobody();
    if !posture.knows(Mechanism::Spf) || is_said {
        return None;
    }
    let mut draft = Draft::new(StepCode::ParkSpf, "");
    let several =
        case.found(&[spf::SEVERAL_RECORDS]).filter(|finding| finding.evidence.name == posture.domain);
    for value in
        several.filter_map(|finding| finding.evidence.record.as_deref()).flat_map(|all| all.split('\n'))
    {
        let (name, value) = (posture.domain.clone(), value.to_owned());
        draft = draft.doing(Instruction::Remove { name, kind: RecordType::Txt, value });
    }
    let record = text_record(posture.domain.clone(), "v=spf1 -all".to_owned(), posture.spf.as_deref());
    Some(draft.doing(record))
}

/// RFC 7505: only where mail would be offered to the domain's own address. A domain may receive and not send.
fn receivers(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    let is_offered = case.found(&[mx::check::IMPLICIT]).next().is_some();
    if !posture.knows(Mechanism::Mx) || posture.has_null_mx || !is_offered {
        return None;
    }
    let record = Instruction::Publish {
        name: posture.domain.clone(),
        kind: RecordType::Mx,
        ttl: TTL,
        value: "0 .".to_owned(),
        replaces: None,
    };
    Some(Draft::new(StepCode::ParkMx, "").doing(record))
}

fn keys(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    if !posture.knows(Mechanism::Dkim) || posture.has_revoked_wildcard {
        return None;
    }
    let name = format!("*._domainkey.{}", posture.domain);
    let record = text_record(name, "v=DKIM1; p=".to_owned(), None);
    Some(Draft::new(StepCode::ParkDkim, "").doing(record))
}
