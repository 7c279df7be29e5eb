use super::*;
use crate::advice::{
    Class,
    world::{TODAY, key, sender},
};
use ruad_common::time::DAY;
use ruad_dns::{Mechanism, dkim};

fn aged() -> World {
    World::at("none")
        .with(|world| world.posture.keys[0].age_days = Some(400))
        .found(dkim::KEY_OLD, "s1._domainkey.a.example")
}

#[test]
fn a_key_is_rotated_with_two_selectors() {
    let world = aged();
    assert_eq!(open(&world), ["rotate_key s1", "raise_to_quarantine"]);
    assert!(later(&world).starts_with(&["switch_key s1".to_owned(), "remove_key s1".to_owned()]));
    let plan = world.plan();
    let step = plan.open_steps().next().unwrap();
    let command = "ruad dkim new a.example --selector ruad202612".to_owned();
    assert_eq!(step.instructions, [Instruction::Run { command }]);

    let published = world.remembering(&plan).later(3).with(|world| {
        world.posture.keys.push(key("ruad202612", 2_048, 1));
    });
    let plan = published.plan();
    assert_eq!(named(&plan, |step| step.is_open()), ["switch_key s1", "raise_to_quarantine"]);
    assert!(named(&plan, |step| step.state == State::Done).contains(&"rotate_key s1".to_owned()));

    let switched = published.remembering(&plan).with(|world| {
        world.traffic.selectors.push(("ruad202612".to_owned(), TODAY + 2));
    });
    let plan = switched.plan();
    assert_eq!(named(&plan, |step| step.is_open()), ["raise_to_quarantine"], "mail is still on its way");
    assert!(named(&plan, |step| step.state == State::Blocked).contains(&"remove_key s1".to_owned()));

    let quiet = switched.remembering(&plan).later(9).with(|world| world.traffic.selectors[0].1 = TODAY + 2);
    let plan = quiet.plan();
    assert!(named(&plan, |step| step.is_open()).contains(&"remove_key s1".to_owned()));
    assert_eq!(
        removed(&quiet, StepCode::RemoveKey),
        ["; delete: s1._domainkey.a.example. IN TXT \"v=DKIM1; p=MIIB\""]
    );
    let stale = quiet.clone().with(|world| world.now += 30 * DAY);
    assert!(!open(&stale).contains(&"remove_key s1".to_owned()), "nobody reports any more");

    let unanswered = quiet.clone().remembering(&plan).with(|world| {
        world.posture.keys.remove(0);
        world.posture.findings.clear();
        world.posture.unknown_selectors.insert("s1".to_owned());
    });
    let done =
        |plan: &Plan| named(plan, |step| step.state == State::Done).contains(&"remove_key s1".to_owned());
    assert!(!done(&unanswered.plan()), "nobody knows whether it is gone");
    let gone = unanswered.with(|world| world.posture.unknown_selectors.clear());
    assert!(done(&gone.plan()));
}

#[test]
fn a_successor_is_newer_than_the_advice() {
    let other = aged().with(|world| world.posture.keys.push(key("news", 2_048, 200)));
    let plan = other.plan();
    let other = other.remembering(&plan).later(3);
    assert!(open(&other).contains(&"rotate_key s1".to_owned()), "the key of another service is no successor");
    let weak = other.with(|world| world.posture.keys.push(key("new", 1_024, 1)));
    assert!(open(&weak).contains(&"rotate_key s1".to_owned()));
}

#[test]
fn a_weak_key_is_replaced() {
    let world = World::at("none").with(|world| world.posture.keys[0].bits = 1_024);
    assert_eq!(open(&world), ["replace_key s1", "raise_to_quarantine"]);
    let hidden = world.clone().with(|world| {
        world.posture.unknown_selectors.insert("s1".to_owned());
    });
    assert_eq!(open(&hidden), ["raise_to_quarantine"]);
    assert_eq!(open(&world.clone().unknown(Mechanism::Dkim)), ["raise_to_quarantine"]);
    let elliptic = world.clone().with(|world| {
        world.posture.keys[0].kind = dkim::Kind::Ed25519;
        world.posture.keys[0].bits = 256;
    });
    assert_eq!(open(&elliptic), ["raise_to_quarantine"]);
    let alias = world.with(|world| world.posture.keys[0].alias = Some("s1.service.example".to_owned()));
    let plan = alias.plan();
    let step = plan.open_steps().next().unwrap();
    assert_eq!((step.code, step.who), (StepCode::ReplaceKey, crate::advice::Who::Sender));
    assert!(matches!(step.instructions.as_slice(), [Instruction::Setting { .. }]), "the service keeps it");
    assert!(!later(&alias).contains(&"switch_key s1".to_owned()));
}

#[test]
fn a_key_that_nobody_uses_goes() {
    let name = "old._domainkey.a.example";
    let old = |code| {
        let mut world = World::at("none").found(code, name);
        world.posture.keys.push(key("old", 1_024, 500));
        world
    };
    assert!(open(&old(dkim::KEY_UNUSED)).contains(&"remove_key old".to_owned()));
    assert!(!open(&old(dkim::KEY_UNUSED)).contains(&"replace_key old".to_owned()));
    assert!(open(&old(dkim::REVOKED)).contains(&"remove_key old".to_owned()));
    assert!(!open(&old(dkim::REVOKED_IN_USE)).contains(&"remove_key old".to_owned()));
    let used =
        old(dkim::KEY_UNUSED).with(|world| world.traffic.selectors.push(("old".to_owned(), TODAY - 2)));
    assert!(!open(&used).contains(&"remove_key old".to_owned()), "it was used the day before yesterday");
    let alias =
        old(dkim::KEY_UNUSED).with(|world| world.posture.keys[1].alias = Some("k.x.example".to_owned()));
    assert_eq!(removed(&alias, StepCode::RemoveKey), [format!("; delete: {name}. IN CNAME k.x.example.")]);
}

#[test]
fn a_sender_that_fails_is_to_sign() {
    let world = World::at("none").sender(sender("service:mail", Class::NeedsWork, 100, 40));
    assert_eq!(open(&world), ["enable_dkim service:mail"]);
    let plan = world.plan();
    let step = plan.open_steps().next().unwrap();
    assert!(matches!(&step.instructions[0], Instruction::Setting { service, .. } if service == "mail"));
    assert_eq!((step.values["share"].as_str(), step.values["messages"].as_str()), ("40 %", "100"));
    let own = World::at("none").sender(sender("net:AS64500", Class::NeedsWork, 100, 40));
    let plan = own.plan();
    let step = plan.open_steps().next().unwrap();
    assert_eq!(step.instructions, [Instruction::Run { command: "ruad dkim new a.example".to_owned() }]);
    let nearly = World::at("none").sender(sender("service:mail", Class::Aligned, 2_000, 1_920));
    assert_eq!(open(&nearly), ["enable_dkim service:mail"], "it pulls all of them below what is needed");
}
