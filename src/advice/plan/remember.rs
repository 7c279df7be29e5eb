//! What rules want now, compared with what earlier runs knew.

use super::{
    case::{Case, Draft, since},
    dmarc, keys, parked, repair, sources, spf_edit,
};
use crate::advice::{Remembered, State, Step, StepCode, Who};
use ruad_dns::{Code, dkim, dmarc::Policy};

/// What became of a step that no rule asks for now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Done,
    Obsolete,
    /// Nobody can tell; it stays as it was.
    Unknown,
}

/// Every step: open ones first, in the order in which they are best done, then later ones, then done ones, then those that do
/// not matter any more. A step about which nobody can tell anything now is left out, and stays as it was stored.
pub(super) fn steps(case: &Case<'_>, drafts: Vec<Draft>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for draft in drafts {
        let is_new = !steps.iter().any(|step| step.code == draft.code && step.subject == draft.subject);
        if is_new {
            steps.push(drafted(case, draft));
        }
    }
    for remembered in &case.memory.steps {
        let is_drafted =
            steps.iter().any(|step| step.code == remembered.code && step.subject == remembered.subject);
        if !is_drafted {
            steps.extend(ended(case, remembered));
        }
    }
    let rank = |state: State| match state {
        State::Open | State::Regressed => 0,
        State::Blocked => 1,
        State::Done => 2,
        State::Obsolete => 3,
    };
    steps.sort_by_cached_key(|step| (rank(step.state), step.code.place(), step.subject.clone()));
    let most = steps.iter().take_while(|step| rank(step.state) < 2).count() + MOST_ENDED;
    steps.truncate(most);
    steps
}

fn drafted(case: &Case<'_>, draft: Draft) -> Step {
    let remembered = case.remembered(draft.code, &draft.subject);
    let done_at = remembered.and_then(|step| step.done_at);
    let state = match (draft.is_open(), done_at) {
        (true, Some(_)) => State::Regressed,
        (true, None) => State::Open,
        (false, _) => State::Blocked,
    };
    let opened_at = remembered.map_or(case.now, |step| since(step, case.now));
    let kind = draft.code.kind();
    let mut values = named(case, draft.code, &draft.subject);
    values.extend(draft.values);
    Step {
        code: draft.code,
        subject: draft.subject,
        state,
        opened_at,
        done_at,
        instructions: draft.instructions,
        waits: draft.waits,
        who: if draft.is_senders { Who::Sender } else { kind.who },
        effort: kind.effort,
        risk: kind.risk,
        values,
    }
}

/// A remembered step that no rule asks for.
fn ended(case: &Case<'_>, remembered: &Remembered) -> Option<Step> {
    let (state, done_at) = match (remembered.state, verdict(case, remembered)) {
        (State::Done, _) => (State::Done, remembered.done_at),
        (State::Obsolete, _) => (State::Obsolete, remembered.done_at),
        (_, Verdict::Unknown) => return None,
        (_, Verdict::Done) => (State::Done, Some(case.now)),
        (_, Verdict::Obsolete) => (State::Obsolete, remembered.done_at),
    };
    let kind = remembered.code.kind();
    Some(Step {
        code: remembered.code,
        subject: remembered.subject.clone(),
        state,
        opened_at: remembered.opened_at,
        done_at,
        instructions: Vec::new(),
        waits: Vec::new(),
        who: kind.who,
        effort: kind.effort,
        risk: kind.risk,
        values: named(case, remembered.code, &remembered.subject),
    })
}

/// What titles speak of, known for ended steps too.
fn named(case: &Case<'_>, code: StepCode, subject: &str) -> std::collections::BTreeMap<&'static str, String> {
    let mut values = std::collections::BTreeMap::new();
    values.insert("domain", case.posture.domain.clone());
    values.insert("subject", subject.to_owned());
    if code.is_about_sender() {
        let name = case.sender(subject).map_or(subject, |sender| &sender.name);
        values.insert("sender", name.to_owned());
    }
    if code == StepCode::Repair {
        let title = Code::named(subject).and_then(Code::text).map_or(subject, |text| &text.title);
        values.insert("problem", title.trim().to_owned());
    }
    values
}

fn verdict(case: &Case<'_>, step: &Remembered) -> Verdict {
    let posture = case.posture;
    let (code, subject) = (step.code, step.subject.as_str());
    if code.kind().mechanism.is_some_and(|mechanism| !posture.knows(mechanism)) {
        return Verdict::Unknown;
    }
    let done = |is_done: bool| if is_done { Verdict::Done } else { Verdict::Obsolete };
    let known = |answer: Option<bool>| answer.map_or(Verdict::Unknown, done);
    let policy = |wanted: Policy| done(case.in_force().is_some_and(|policy| policy >= wanted));
    let key = posture.keys.iter().find(|key| key.selector == subject);
    match code {
        StepCode::PublishDmarc => done(posture.own_record().is_some()),
        StepCode::RepairDmarc => done(posture.own_record().is_some() && dmarc::ignored(case).is_empty()),
        StepCode::AddReportAddress => known(posture.reports_to_us),
        StepCode::AuthorizeReports => {
            let is_asked =
                |record: &ruad_dns::dmarc::Record| record.rua.iter().any(|uri| uri.host == subject);
            done(case.record().is_some_and(is_asked))
        }
        StepCode::ParkDmarc | StepCode::ParkSpf | StepCode::ParkMx | StepCode::ParkDkim => {
            done(case.is_parked() && !parked::drafts(case).iter().any(|draft| draft.code == code))
        }
        StepCode::DecideSource => {
            let is_decided = case.wishes.decisions.keys().any(|id| id.as_str() == subject);
            let class = case.sender(subject).map(|sender| sender.class);
            let is_told = class.is_some_and(|class| class != crate::advice::Class::Undecided);
            match is_decided || is_told {
                false if !case.is_reported() => Verdict::Unknown,
                is_done => done(is_done),
            }
        }
        StepCode::PublishSpf | StepCode::RepairSpf => done(posture.spf.is_some()),
        StepCode::AddSpfSender => match case.sender(subject) {
            Some(sender) => done(posture.entries.iter().any(|entry| {
                entry
                    .domain
                    .as_deref()
                    .is_some_and(|domain| sender.setup.spf.iter().any(|name| name == domain))
            })),
            None if !case.is_reported() => Verdict::Unknown,
            None => Verdict::Obsolete,
        },
        StepCode::RemoveSpfEntry => {
            let is_there = posture.spf.as_deref().map(|text| spf_edit::Edited::of(text).has(subject));
            done(is_there == Some(false))
        }
        StepCode::EnableDkim => match case.sender(subject) {
            Some(sender) if sender.counts.messages > 0 => {
                done(sender.class.is_legitimate() && !sources::needs_dkim(case, sender))
            }
            _ if !case.is_reported() => Verdict::Unknown,
            _ => Verdict::Obsolete,
        },
        _ if posture.unknown_selectors.contains(subject) => Verdict::Unknown,
        StepCode::ReplaceKey | StepCode::RotateKey => match key {
            None => Verdict::Done,
            Some(key) => {
                let reason = keys::reason(case, key);
                done(reason != Some(code) || keys::successor(case, key, code).is_some())
            }
        },
        StepCode::SwitchKey => match key {
            None => Verdict::Done,
            Some(key) => done(keys::reason(case, key).is_some_and(|code| {
                let successor = keys::successor(case, key, code);
                successor.is_some_and(|successor| case.quiet_days(&successor.selector).is_some())
            })),
        },
        StepCode::RemoveKey => done(key.is_none()),
        StepCode::DropPercentage => done(dmarc::percentage(case).is_none()),
        StepCode::RaiseToQuarantine => policy(Policy::Quarantine),
        StepCode::RaiseToReject => policy(Policy::Reject),
        StepCode::EndTesting => done(posture.own_record().is_some_and(|record| !record.testing)),
        StepCode::ProtectSubdomains => done(posture.policies.is_some_and(|policies| {
            policies.domain > Policy::None && policies.subdomains.min(policies.nonexistent) >= policies.domain
        })),
        StepCode::PublishTlsRpt => done(posture.has_tls_rpt),
        StepCode::PublishMtaSts => done(posture.mta_sts_mode.is_some()),
        StepCode::EnforceMtaSts => done(posture.mta_sts_mode.as_deref() == Some("enforce")),
        StepCode::AddLogo => done(posture.has_bimi),
        StepCode::Repair => match Code::named(subject) {
            Some(code) => {
                let is_known = repair::mechanism(code).is_some_and(|mechanism| posture.knows(mechanism));
                if !is_known {
                    return Verdict::Unknown;
                }
                // While another step takes care of it, it is neither.
                let is_keyless = [dkim::ABSENT, dkim::NO_KEY_FOUND].contains(&code);
                done(posture.found(code).next().is_none() || is_keyless && !posture.keys.is_empty())
            }
            None => Verdict::Obsolete,
        },
        StepCode::Unknown(_) => Verdict::Obsolete,
    }
}

/// A domain that has senders come and go for years keeps no more than this.
const MOST_ENDED: usize = 200;
