use super::*;
use crate::advice::{
    Class, Gate, Stage,
    world::{OURS, TODAY, sender},
};
use ruad_common::texts::Language;
use ruad_common::time::DAY;
use ruad_dns::{Mechanism, dmarc::Policy};
use ruad_registry::{Decision, Goal, SenderId};

/// What is different from a world in which the policy can be raised.
type Change = fn(World) -> World;

fn gate(world: &World, name: &str) -> Gate {
    world.plan().readiness.unwrap().gates.into_iter().find(|gate| gate.name == name).unwrap()
}

#[test]
fn a_month_of_mail_that_passes_raises_the_policy() {
    let world = World::at("none");
    assert_eq!(open(&world), ["raise_to_quarantine"]);
    assert_eq!(later(&world), ["raise_to_reject"]);
    assert_eq!(
        value(&world, StepCode::RaiseToQuarantine),
        format!("v=DMARC1; p=quarantine; rua=mailto:{OURS}")
    );
    let plan = world.plan();
    assert_eq!((plan.stage, plan.readiness.unwrap().target), (Stage::Aligning, Policy::Quarantine));

    let world = World::at("quarantine");
    assert_eq!(open(&world), ["raise_to_reject"]);
    assert_eq!(value(&world, StepCode::RaiseToReject), format!("v=DMARC1; p=reject; rua=mailto:{OURS}"));
    assert_eq!(world.plan().stage, Stage::Quarantine);

    let world = World::at("reject");
    assert_eq!(open(&world), Vec::<String>::new());
    assert!(world.plan().readiness.is_none());
}

#[test]
fn each_condition_holds_the_policy_where_it_is() {
    let cases: [(&str, Change); 8] = [
        ("days", |world| {
            world.reported(29, "none").sender(sender("service:x", Class::Aligned, 1_000, 1_000))
        }),
        ("days", |world| world.with(|world| world.traffic.policies[0].policy = Policy::Quarantine)),
        ("recent", |world| world.with(|world| world.traffic.reported = Some((TODAY - 60, TODAY - 8)))),
        ("messages", |world| world.with(|world| world.traffic.window.messages = 99)),
        ("legitimate", |world| world.with(|world| world.traffic.senders[0].counts.passed = 979)),
        ("sender service:x", |world| {
            world.with(|world| {
                world.traffic.senders[0].counts.messages = 100_000;
                world.traffic.senders[0].counts.passed = 100_000;
                world.traffic.senders.push(sender("service:x", Class::NeedsWork, 100, 94));
                world.traffic.senders[1].name = "service:x".to_owned();
            })
        }),
        ("undecided net:AS64500", |world| {
            world.with(|world| {
                let mut unknown = sender("net:AS64500", Class::Undecided, 20, 0);
                unknown.share = 0.011;
                unknown.name = "net:AS64500".to_owned();
                world.traffic.senders.push(unknown);
            })
        }),
        ("recent", |world| world.with(|world| world.now += 9 * DAY)),
    ];
    for (expected, change) in cases {
        let world = change(World::at("none"));
        assert_eq!(unmet(&world), [expected], "{expected}");
        assert!(!open(&world).contains(&"raise_to_quarantine".to_owned()), "{expected}");
        let plan = world.plan();
        let step = plan.steps.iter().find(|step| step.code == StepCode::RaiseToQuarantine).unwrap();
        assert_eq!((step.state, step.waits.len()), (State::Blocked, 1), "{expected}");
        for language in Language::ALL {
            let how = step.text(language).how;
            assert!(how.ends_with(&step.missing(language)[0]), "{how}");
        }
    }
}

#[test]
fn the_numbers_of_a_gate_are_exact() {
    let world = World::at("none").with(|world| world.traffic.senders[0].counts.passed = 979);
    let legitimate = gate(&world, Gate::LEGITIMATE);
    assert_eq!((legitimate.wanted, legitimate.found), (0.98, 0.979));
    assert_eq!(legitimate.text(Language::En), "Of your own mail 97.9 % passes; 98 % are needed.");
    assert_eq!(legitimate.text(Language::Nl), "Van uw eigen e-mail slaagt 97,9 %; 98 % is nodig.");
    let days = gate(&world, Gate::DAYS);
    assert_eq!((days.wanted, days.found, days.is_met), (30.0, 40.0, true));
}

#[test]
fn a_threat_or_a_forwarder_holds_nothing_up() {
    let world = World::at("none").sender(sender("net:AS64501", Class::Threat, 5_000, 0)).sender(sender(
        "service:list",
        Class::Forwarder,
        500,
        10,
    ));
    assert_eq!(open(&world), ["raise_to_quarantine"]);
}

#[test]
fn mailing_lists_want_signatures_before_reject() {
    let unsigned = |mut world: World| {
        world.traffic.senders[0].counts.dkim_aligned = 900;
        world
    };
    let world = unsigned(World::at("quarantine"));
    assert_eq!(open(&world), ["raise_to_reject"], "nobody writes mail by hand");
    let people = unsigned(World::at("quarantine")).with(|world| world.wishes.people = true);
    assert_eq!(unmet(&people), ["dkim"]);
    assert_eq!(open(&people), ["enable_dkim service:google"]);
    let earlier = unsigned(World::at("none")).with(|world| world.wishes.people = true);
    assert_eq!(
        open(&earlier),
        ["enable_dkim service:google", "raise_to_quarantine"],
        "it does not hold quarantine up"
    );
    let finished = people.with(|world| world.wishes.goal = Goal::Quarantine);
    assert_eq!(open(&finished), Vec::<String>::new(), "who stays at quarantine needs no more");
    assert!(finished.plan().readiness.is_none());
}

#[test]
fn little_mail_takes_longer_and_not_for_ever() {
    let little = |days: u32, messages: u64| {
        World::at("none").reported(days, "none").with(|world| {
            world.traffic.window.is_grown = true;
            world.traffic.policies[0].days = 9;
            world.traffic.senders[0].counts = crate::advice::Counts {
                messages,
                passed: messages,
                dkim_aligned: messages,
                ..Default::default()
            };
            world.traffic.window.messages = messages;
        })
    };
    let world = little(100, 20);
    assert_eq!(unmet(&world), ["messages"], "a report a week makes up for the days between");
    assert_eq!(gate(&world, Gate::MESSAGES).note, Some("window_grown"));
    assert!(gate(&world, Gate::MESSAGES).text(Language::En).contains("longer time"));
    let world = little(180, 20);
    assert_eq!(unmet(&world), Vec::<String>::new());
    assert_eq!(gate(&world, Gate::MESSAGES).note, Some("longest_window"));
    let failing = little(180, 20).with(|world| world.traffic.senders[0].counts.passed = 19);
    assert!(unmet(&failing).contains(&"messages".to_owned()), "{:?}", unmet(&failing));
    let nothing = little(180, 0);
    assert!(unmet(&nothing).contains(&"messages".to_owned()), "no mail at all proves nothing");
    let sparse = World::at("none").with(|world| world.traffic.policies[0].days = 9);
    assert_eq!(unmet(&sparse), ["days"], "without a grown window days without reports do not count");
}

#[test]
fn missing_data_weakens_nothing() {
    for policy in ["quarantine", "reject"] {
        let world = World::at(policy).with(|world| world.traffic = crate::advice::Traffic::default());
        let plan = world.plan();
        assert_eq!(plan.stage.name(), policy);
        assert_eq!(named(&plan, |step| step.is_open()), Vec::<String>::new(), "{policy}");
    }
    let aligning = World::at("none").with(|world| {
        world.traffic = crate::advice::Traffic::default();
        world.memory.stage = Some((Stage::Aligning, 5));
    });
    let plan = aligning.plan();
    assert_eq!(
        (plan.stage, plan.stage_since),
        (Stage::Aligning, 5),
        "a stage never falls by missing reports"
    );
}

#[test]
fn an_unanswered_question_keeps_the_stage() {
    let world = World::at("none").unknown(Mechanism::Dmarc).with(|world| {
        world.memory.stage = Some((Stage::Reject, 77));
        world.memory.perfect_since = Some(33);
        world.posture.dmarc = None;
        world.posture.policies = None;
        world.posture.reports_to_us = None;
    });
    let plan = world.plan();
    assert_eq!((plan.stage, plan.stage_since, plan.perfect_since), (Stage::Reject, 77, Some(33)));
    assert!(plan.readiness.is_none());
    assert_eq!(named(&plan, |_| true), Vec::<String>::new());
    let answered = World::at("none").plan();
    let unanswered = World::at("none").unknown(Mechanism::Dmarc).with(|world| {
        world.memory.stage = Some((Stage::Aligning, 77));
        world.posture.dmarc = None;
        world.posture.policies = None;
    });
    assert_eq!(unanswered.plan().progress, answered.progress);
}

#[test]
fn testing_ends_like_a_raise() {
    let record = format!("v=DMARC1; p=reject; t=y; rua=mailto:{OURS}");
    let world = World::at("quarantine").dmarc(&record).reported(40, "reject");
    let world = world.with(|world| world.traffic.window.messages = 1_000);
    assert_eq!(open(&world), ["end_testing"]);
    assert_eq!(value(&world, StepCode::EndTesting), format!("v=DMARC1; p=reject; rua=mailto:{OURS}"));
    assert_eq!(world.plan().stage, Stage::Quarantine, "t=y lowers it by one step");
    let failing = world.clone().with(|world| world.traffic.senders[0].counts.passed = 900);
    assert!(!open(&failing).contains(&"end_testing".to_owned()));
    let staying = world.with(|world| world.wishes.goal = Goal::Quarantine);
    assert_eq!(open(&staying), Vec::<String>::new(), "it is where the owner wants it");
    let first =
        World::at("quarantine").dmarc(&format!("v=DMARC1; p=quarantine; t=y; rua=mailto:{OURS}")).plan();
    assert_eq!(named(&first, |step| step.is_open()), ["end_testing"]);
    assert_eq!(named(&first, |step| step.state == State::Blocked), ["raise_to_reject"]);
}

#[test]
fn a_percentage_goes_first() {
    let record = format!("v=DMARC1; p=quarantine; pct=20; rua=mailto:{OURS}");
    let world = World::at("quarantine").dmarc(&record);
    assert_eq!(open(&world), ["drop_percentage"]);
    assert_eq!(later(&world), ["raise_to_reject", "add_logo"]);
    assert_eq!(value(&world, StepCode::DropPercentage), format!("v=DMARC1; p=quarantine; rua=mailto:{OURS}"));
    let failing = world.with(|world| world.traffic.senders[0].counts.passed = 900);
    assert!(!open(&failing).contains(&"drop_percentage".to_owned()), "it makes old receivers stricter");
    let harmless = World::at("none").dmarc(&format!("v=DMARC1; p=none; pct=20; rua=mailto:{OURS}"));
    assert_eq!(open(&harmless), ["drop_percentage"]);
}

#[test]
fn subdomains_follow_when_their_mail_passes() {
    let record = format!("v=DMARC1; p=quarantine; sp=none; rua=mailto:{OURS}");
    let mail = |messages, passed| {
        World::at("quarantine").dmarc(&record).with(|world| {
            world.traffic.senders[0].counts.subdomain = messages;
            world.traffic.senders[0].counts.subdomain_passed = passed;
        })
    };
    let world = mail(100, 100);
    assert_eq!(open(&world), ["protect_subdomains"]);
    assert_eq!(
        value(&world, StepCode::ProtectSubdomains),
        format!("v=DMARC1; p=quarantine; sp=quarantine; rua=mailto:{OURS}")
    );
    assert_eq!(open(&mail(0, 0)), ["protect_subdomains"], "no mail from there is lost");
    let failing = mail(100, 50);
    assert_eq!(open(&failing), ["raise_to_reject"], "the domain goes on without them");
    assert_eq!(
        value(&failing, StepCode::RaiseToReject),
        format!("v=DMARC1; p=reject; sp=none; rua=mailto:{OURS}")
    );
    let nonexistent = World::at("reject").dmarc(&format!("v=DMARC1; p=reject; np=none; rua=mailto:{OURS}"));
    assert_eq!(
        value(&nonexistent, StepCode::ProtectSubdomains),
        format!("v=DMARC1; p=reject; np=reject; rua=mailto:{OURS}")
    );
}

#[test]
fn subdomains_that_fail_are_not_dragged_along() {
    let world = World::at("none").with(|world| {
        world.traffic.senders[0].counts.subdomain = 10;
        world.traffic.senders[0].counts.subdomain_passed = 2;
    });
    assert_eq!(
        value(&world, StepCode::RaiseToQuarantine),
        format!("v=DMARC1; p=quarantine; sp=none; rua=mailto:{OURS}")
    );
}

#[test]
fn a_domain_that_follows_another_gets_a_record_of_its_own() {
    let above = format!("v=DMARC1; p=reject; sp=none; adkim=s; rua=mailto:{OURS}");
    let world = World::at("reject").inherited(&above);
    assert_eq!(open(&world), ["raise_to_quarantine"]);
    assert_eq!(
        records(&world, StepCode::RaiseToQuarantine),
        [("_dmarc.a.example".to_owned(), format!("v=DMARC1; p=quarantine; adkim=s; rua=mailto:{OURS}"))]
    );
    let elsewhere = World::at("reject").inherited("v=DMARC1; p=reject; rua=mailto:x@other.example");
    assert_eq!(open(&elsewhere), ["publish_dmarc"]);
    assert_eq!(
        value(&elsewhere, StepCode::PublishDmarc),
        format!("v=DMARC1; p=reject; rua=mailto:x@other.example,mailto:{OURS}"),
        "its policy is not lowered"
    );
    let fine = World::at("reject").inherited(&format!("v=DMARC1; p=reject; rua=mailto:{OURS}"));
    assert_eq!(open(&fine), Vec::<String>::new());
}

#[test]
fn the_goal_is_a_finished_state() {
    for (goal, policy) in [(Goal::Quarantine, "quarantine"), (Goal::Reject, "reject")] {
        let world = World::at(policy).with(|world| {
            world.wishes.goal = goal;
            world.memory.stage = Some((
                if goal == Goal::Reject { Stage::Reject } else { Stage::Quarantine },
                world.now - 31 * DAY,
            ));
        });
        let plan = world.plan();
        assert_eq!((plan.stage, plan.progress), (Stage::Maintained, 1.0), "{policy}");
        let early = world.clone().with(|world| {
            let (_, since) = world.memory.stage.as_mut().unwrap();
            *since = world.now - 29 * DAY;
        });
        assert_eq!(early.plan().stage.name(), policy);
        assert!(early.plan().progress < 1.0);
        let again = world.remembering(&plan).sender(sender("net:AS64500", Class::Undecided, 500, 0));
        assert_eq!(again.plan().stage, Stage::Maintained, "a new sender is upkeep");
        let fallen = again.dmarc(&format!("v=DMARC1; p=none; rua=mailto:{OURS}"));
        assert_eq!(fallen.plan().stage, Stage::Aligning);
    }
    let busy = World::at("reject").sender(sender("service:x", Class::NeedsWork, 100, 0)).with(|world| {
        world.memory.stage = Some((Stage::Reject, world.now - 300 * DAY));
    });
    assert_eq!(busy.plan().stage, Stage::Reject, "something is left to do");
}

#[test]
fn stages_begin_with_reports_that_come_here() {
    assert_eq!(World::new().plan().stage, Stage::Unprotected);
    assert_eq!(World::new().dmarc("v=DMARC1; p=none").plan().stage, Stage::Unprotected);
    let asked = World::new().dmarc(&format!("v=DMARC1; p=none; rua=mailto:{OURS}"));
    assert_eq!(asked.plan().stage, Stage::Monitoring);
    let refused = asked.clone().with(|world| world.posture.unauthorized = vec!["reports.example".to_owned()]);
    assert_eq!(refused.plan().stage, Stage::Unprotected);
    let before = refused.clone().with(|world| world.memory.stage = Some((Stage::Aligning, 5)));
    assert_eq!(before.plan().stage, Stage::Aligning);
    let six = asked.clone().reported(6, "none").sender(sender("service:google", Class::Aligned, 5, 5));
    assert_eq!(six.plan().stage, Stage::Monitoring);
    let seven = asked.reported(7, "none").sender(sender("service:google", Class::Aligned, 5, 5));
    assert_eq!(seven.plan().stage, Stage::Aligning);
    assert!(seven.plan().progress > six.plan().progress);
}

#[test]
fn a_policy_that_fell_is_restored_without_another_month() {
    let world = World::at("quarantine");
    let memory = |world: World, code| {
        world.with(|world| {
            world.memory.steps.push(crate::advice::Remembered {
                code,
                subject: String::new(),
                state: State::Done,
                opened_at: 1,
                done_at: Some(2),
            });
        })
    };
    let world = world.reported(2, "quarantine").sender(sender("service:y", Class::Aligned, 5, 5));
    assert_eq!(open(&world), Vec::<String>::new());
    let fallen = memory(memory(world, StepCode::RaiseToQuarantine), StepCode::RaiseToReject);
    let plan = fallen.plan();
    let step = plan.open_steps().next().unwrap();
    assert_eq!((step.code, step.state, step.done_at), (StepCode::RaiseToReject, State::Regressed, Some(2)));
    let failing = fallen.sender(sender("service:x", Class::NeedsWork, 500, 0));
    let steps = failing.plan().steps;
    let step = steps.iter().find(|step| step.code == StepCode::RaiseToReject).unwrap();
    assert_eq!(step.state, State::Blocked, "not while mail would be lost");
}

#[test]
fn a_decision_takes_a_sender_out_of_the_way() {
    let world = World::at("none").sender(sender("net:AS64500", Class::Undecided, 100, 0));
    assert_eq!(open(&world), ["decide_source net:AS64500"]);
    let plan = world.plan();
    let decided = world.remembering(&plan).with(|world| {
        let id = SenderId::parse("net:AS64500").unwrap();
        world.wishes.decisions.insert(id, Decision::Rejected);
        world.traffic.senders[1].class = Class::Threat;
    });
    assert_eq!(open(&decided), ["raise_to_quarantine"]);
    let plan = decided.plan();
    assert!(named(&plan, |step| step.state == State::Done).contains(&"decide_source net:AS64500".to_owned()));
}
