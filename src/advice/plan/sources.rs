//! Who sends: decide about them, and have them sign.

use super::case::{Case, Draft};
use crate::{
    advice::{Class, Instruction, Sender, StepCode, readiness::Shares, step::format_percent},
    health::keys::date,
};
use ruad_dns::dmarc::Policy;
use ruad_registry::Goal;

pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    if case.is_parked() {
        return parked(case);
    }
    let mut drafts: Vec<_> = case.undecided().take(MOST_SENDERS).map(|sender| decide(case, sender)).collect();
    let mut unsigned: Vec<_> = case.legitimate().filter(|sender| needs_dkim(case, sender)).collect();
    unsigned.sort_by_key(|sender| std::cmp::Reverse(sender.counts.messages - signed(sender)));
    drafts.extend(unsigned.into_iter().take(MOST_SENDERS).map(|sender| enable(case, sender)));
    drafts
}

/// A domain that sends no mail, and whose mail passes all the same: somebody has set that up.
fn parked(case: &Case<'_>) -> Vec<Draft> {
    let sending = case.traffic.senders.iter().filter(|sender| sends_for_parked(case, sender));
    sending.take(MOST_SENDERS).map(|sender| decide(case, sender)).collect()
}

/// Whether a sender was set up for a domain that is to send nothing, and its owner has not said anything about that.
pub(super) fn sends_for_parked(case: &Case<'_>, sender: &Sender) -> bool {
    let is_rejected = case.wishes.decisions.contains_key(&sender.id);
    sender.class == Class::Aligned && sender.counts.passed > 0 && !is_rejected
}

/// Whether a sender's own signature would help: because its mail fails, or because what is needed altogether is not reached.
pub(super) fn needs_dkim(case: &Case<'_>, sender: &Sender) -> bool {
    if sender.counts.messages == 0 {
        return false;
    }
    let wanted = case.settings.aligned_share;
    let part = |good: u64| good as f64 / sender.counts.messages as f64;
    let all = |count: fn(&Sender) -> (u64, u64)| Shares::of(case.legitimate(), count).share();
    let fails = sender.class == Class::NeedsWork || part(sender.counts.passed) < case.settings.sender_share;
    let pulls_down =
        || part(sender.counts.passed) < wanted && all(|it| (it.counts.messages, it.counts.passed)) < wanted;
    // RFC 9989 section 7.4: before reject, where people write mail, aligned signatures and not SPF alone.
    let for_lists = || {
        case.wishes.people
            && case.wishes.goal == Goal::Reject
            && part(signed(sender)) < wanted
            && all(|it| (it.counts.messages, it.counts.dkim_aligned)) < wanted
            && case.in_force() != Some(Policy::Reject)
    };
    // What is signed now need not be asked for until the window has forgotten how it was before.
    let recent = &sender.recent;
    let is_mended = recent.is_enough()
        && recent.dkim_aligned as f64 >= recent.messages as f64 * case.settings.sender_share;
    !is_mended && (fails || pulls_down() || for_lists())
}

fn decide(case: &Case<'_>, sender: &Sender) -> Draft {
    let command = |verb: &str| Instruction::Run {
        command: format!("ruad source {verb} {} '{}'", case.posture.domain, sender.id),
    };
    evidence(Draft::new(StepCode::DecideSource, sender.id.as_str()), sender)
        .doing(command("approve"))
        .doing(command("reject"))
}

fn enable(case: &Case<'_>, sender: &Sender) -> Draft {
    let draft = evidence(Draft::new(StepCode::EnableDkim, sender.id.as_str()), sender);
    let draft = draft
        .with("dkim_share", format_percent(signed(sender) as f64 / sender.counts.messages.max(1) as f64));
    match sender.id.as_service() {
        Some(service) => draft.doing(Instruction::Setting {
            service: service.to_owned(),
            hint: sender.setup.hint.clone(),
            link: sender.setup.link.clone(),
        }),
        // A server of one's own signs with a key of one's own.
        None => draft.doing(Instruction::Run { command: format!("ruad dkim new {}", case.posture.domain) }),
    }
}

fn evidence(draft: Draft, sender: &Sender) -> Draft {
    let passing = sender.counts.passed as f64 / sender.counts.messages.max(1) as f64;
    let day = |day: u32| date(u64::from(day) * ruad_common::time::DAY);
    draft
        .with("messages", sender.counts.messages.to_string())
        .with("part", format_percent(sender.share))
        .with("share", format_percent(passing))
        .with("addresses", sender.addresses.to_string())
        .with("first", day(sender.first_day))
        .with("last", day(sender.last_day))
}

fn signed(sender: &Sender) -> u64 {
    sender.counts.dkim_aligned.min(sender.counts.messages)
}

const MOST_SENDERS: usize = 20;
