use super::*;
use crate::advice::{
    Class,
    world::{OURS, sender},
};
use ruad_common::time::DAY;
use ruad_dns::profile::Score;
use ruad_dns::{Mechanism, mx};

fn state(plan: &Plan, code: StepCode) -> Option<(State, u64, Option<u64>)> {
    let step = plan.steps.iter().find(|step| step.code == code)?;
    Some((step.state, step.opened_at, step.done_at))
}

#[test]
fn a_step_is_opened_done_and_undone() {
    let code = StepCode::AddReportAddress;
    let without = "v=DMARC1; p=none";
    let world = World::at("none").dmarc(without);
    let start = world.now;
    let plan = world.plan();
    assert_eq!(state(&plan, code), Some((State::Open, start, None)));
    let world = world.remembering(&plan).later(1);
    assert_eq!(state(&world.plan(), code), Some((State::Open, start, None)), "it stays the same step");

    let unknown = world.clone().unknown(Mechanism::Dmarc);
    assert_eq!(state(&unknown.plan(), code), None, "it stays as it was");
    let vague = world.clone().with(|world| world.posture.reports_to_us = None);
    assert_eq!(state(&vague.plan(), code), None);

    let done = world.dmarc(&format!("{without}; rua=mailto:{OURS}"));
    let at = done.now;
    let plan = done.plan();
    assert_eq!(state(&plan, code), Some((State::Done, start, Some(at))));
    let text =
        plan.steps.iter().find(|step| step.code == code).unwrap().text(ruad_common::texts::Language::Nl);
    assert!(text.how.is_empty() && !text.title.contains('{') && !text.verified.contains('{'));
    let done = done.remembering(&plan).later(1);
    assert_eq!(state(&done.plan(), code), Some((State::Done, start, Some(at))), "it is done once");

    let undone = done.dmarc(without).later(1);
    let plan = undone.plan();
    assert_eq!(state(&plan, code), Some((State::Regressed, undone.now, Some(at))));
    let again = undone.remembering(&plan).dmarc(&format!("{without}; rua=mailto:{OURS}")).later(1);
    assert_eq!(state(&again.plan(), code).unwrap().0, State::Done);
    assert_eq!(state(&again.plan(), code).unwrap().2, Some(again.now));
}

#[test]
fn a_step_that_does_not_matter_any_more_is_moot() {
    let world = World::at("none").sender(sender("service:mail", Class::NeedsWork, 100, 40));
    let plan = world.plan();
    let rejected =
        world.clone().remembering(&plan).with(|world| world.traffic.senders[1].class = Class::Threat);
    assert_eq!(state(&rejected.plan(), StepCode::EnableDkim).unwrap().0, State::Obsolete);
    let silent = world.clone().remembering(&plan).with(|world| {
        world.traffic.senders.truncate(1);
        world.now += 30 * DAY;
    });
    assert_eq!(state(&silent.plan(), StepCode::EnableDkim), None, "missing reports prove nothing");
    let gone = world.clone().remembering(&plan).with(|world| world.traffic.senders.truncate(1));
    assert_eq!(state(&gone.plan(), StepCode::EnableDkim).unwrap().0, State::Obsolete);
    let fixed = world.remembering(&plan).with(|world| {
        world.traffic.senders[1] = sender("service:mail", Class::Aligned, 100, 100);
    });
    assert_eq!(state(&fixed.plan(), StepCode::EnableDkim).unwrap().0, State::Done);
}

#[test]
fn a_finding_that_is_gone_was_repaired() {
    let world = World::at("none").found(mx::check::ADDRESS, "x");
    let plan = world.plan();
    let after = world
        .remembering(&plan)
        .with(|world| world.posture.findings.retain(|it| it.code != mx::check::ADDRESS));
    assert_eq!(state(&after.clone().unknown(Mechanism::Mx).plan(), StepCode::Repair), None);
    assert_eq!(state(&after.plan(), StepCode::Repair).unwrap().0, State::Done);
}

#[test]
fn a_changed_goal_makes_a_raise_moot() {
    let world = World::at("quarantine");
    let plan = world.plan();
    let content = world.remembering(&plan).with(|world| world.wishes.goal = ruad_registry::Goal::Quarantine);
    assert_eq!(state(&content.plan(), StepCode::RaiseToReject).unwrap().0, State::Obsolete);
}

#[test]
fn open_steps_come_first_and_in_order() {
    let world =
        World::at("none").dmarc("v=DMARC1; p=none").sender(sender("net:AS1", Class::Undecided, 50, 0));
    let plan = world.plan();
    let ranks: Vec<_> = plan.steps.iter().map(|step| (!step.is_open(), step.code.place())).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert_eq!(named(&plan, |step| step.is_open()), ["add_report_address", "decide_source net:AS1"]);
}

#[test]
fn reports_take_points_off() {
    let score = |world: &World| world.plan().score.unwrap().to_string();
    let perfect = World::at("reject");
    assert_eq!(score(&perfect), "5.0");
    for (change, expected) in [
        (sender("service:x", Class::NeedsWork, 400, 0), "2.7"),
        (sender("service:x", Class::NeedsWork, 100, 0), "3.7"),
        (sender("service:x", Class::NeedsWork, 30, 0), "4.2"),
        (sender("service:x", Class::NeedsWork, 5, 0), "4.7"),
        (sender("net:AS1", Class::Undecided, 100, 0), "4.8"),
        (sender("net:AS1", Class::Undecided, 5, 0), "5.0"),
        (sender("net:AS1", Class::Threat, 9_000, 0), "5.0"),
        (sender("service:l", Class::Forwarder, 9_000, 0), "5.0"),
    ] {
        let case = format!("{} {:?}", change.counts.messages, change.class);
        assert_eq!(score(&perfect.clone().sender(change)), expected, "{case}");
    }
    let silent = perfect.clone().with(|world| world.now += 30 * DAY);
    assert_eq!(score(&silent), "4.5", "nothing is shown to work");
    let parked = World::new().parked().with(|world| world.posture.score = Some(Score::BEST));
    assert_eq!(score(&parked), "5.0", "nobody reports about what is not sent");
    assert_eq!(perfect.with(|world| world.posture.score = None).plan().score, None);
}

#[test]
fn perfection_is_reject_with_all_points() {
    let perfect = World::at("reject");
    let plan = perfect.plan();
    assert_eq!(plan.perfect_since, Some(perfect.now));
    let held = perfect.clone().remembering(&plan).later(5);
    assert_eq!(held.plan().perfect_since, Some(perfect.now));
    let unknown = held.clone().unknown(Mechanism::Dmarc);
    assert_eq!(unknown.plan().perfect_since, Some(perfect.now));
    let fault = held.clone().found(mx::check::ADDRESS, "x");
    assert_eq!(fault.plan().perfect_since, None);
    let lower = held.dmarc(&format!("v=DMARC1; p=quarantine; rua=mailto:{OURS}"));
    assert_eq!(lower.plan().perfect_since, None);
}
