//! What holds in any world.

use proptest::prelude::*;

use super::*;
use crate::advice::{
    Class, Remembered, Step,
    world::{DOMAIN, OURS, TODAY, sender},
};
use ruad_common::texts::Language;
use ruad_dns::{Code, Mechanism, dkim, dmarc, mta_sts, mx, spf, tls_rpt};
use ruad_registry::Goal;

fn policies() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["none", "quarantine", "reject", "deny"])
}

/// A DMARC record of any kind, or none.
fn records_of_dmarc() -> impl Strategy<Value = Option<String>> {
    let tag = prop::sample::select(vec![
        "",
        "; sp=none",
        "; sp=quarantine",
        "; np=reject",
        "; np=none",
        "; t=y",
        "; pct=20",
        "; x=y",
        "; adkim=s",
    ]);
    let address = prop::sample::select(vec![
        String::new(),
        format!("; rua=mailto:{OURS}"),
        "; rua=mailto:x@y.example".into(),
    ]);
    let record = (policies(), tag.clone(), tag, address)
        .prop_map(|(policy, one, other, rua)| format!("v=DMARC1; p={policy}{one}{other}{rua}"));
    prop::option::weighted(0.9, record)
}

fn records_of_spf() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(
        0.8,
        prop::sample::select(vec![
            "v=spf1 include:a.example include:b.example ~all",
            "v=spf1 mx +all",
            "v=spf1 -all",
            "v=spf1 include:b.example -all a",
            "v=spf1 redirect=c.example",
            "v=spf1 ip4:192.0.2.1",
        ]),
    )
}

fn codes() -> impl Strategy<Value = Vec<Code>> {
    let codes = vec![
        dmarc::codes::UNKNOWN_TAG,
        dmarc::codes::NO_REPORTS,
        dmarc::codes::BAD_VALUE,
        dmarc::codes::ONLY_SUFFIX,
        spf::MISSING,
        spf::NO_ALL,
        spf::PASS_ALL,
        spf::TOO_MANY_LOOKUPS,
        dkim::ABSENT,
        mx::check::IMPLICIT,
        mx::check::ADDRESS,
        mta_sts::check::MISSING,
        tls_rpt::MISSING,
        tls_rpt::NOT_TO_US,
    ];
    prop::collection::vec(prop::sample::select(codes), 0..6)
}

fn name(code: Code) -> &'static str {
    if code.name.starts_with("dmarc.") { "_dmarc.a.example" } else { DOMAIN }
}

prop_compose! {
    fn any_sender()(
        id in prop::sample::select(vec!["service:google", "service:mail", "net:AS64500", "net:AS64501/x.example"]),
        class in prop::sample::select(Class::ALL.to_vec()),
        messages in 0_u64..2_000,
        part in 0.0_f64..=1.0,
        spf in prop::option::of(prop::sample::select(vec!["a.example", "new.example"])),
        subdomain in any::<bool>(),
    ) -> crate::advice::Sender {
        let passed = (messages as f64 * part) as u64;
        let mut sender = sender(id, class, messages, passed);
        sender.setup.spf = spf.into_iter().map(str::to_owned).collect();
        if subdomain {
            sender.counts.subdomain = messages / 2;
            sender.counts.subdomain_passed = passed / 2;
        }
        sender
    }
}

prop_compose! {
    fn any_memory()(
        code in prop::sample::select(StepCode::ALL.to_vec()),
        subject in prop::sample::select(vec!["", "s1", "service:mail", "include:b.example", "mx.address"]),
        state in prop::sample::select(vec![State::Open, State::Blocked, State::Regressed, State::Done, State::Obsolete]),
        ago in 0_u64..5_000_000,
        was_done in any::<bool>(),
    ) -> Remembered {
        let opened_at = u64::from(TODAY) * 86_400 - ago;
        Remembered { code, subject: subject.to_owned(), state, opened_at, done_at: was_done.then_some(opened_at + 5) }
    }
}

prop_compose! {
    fn any_world()(
        record in records_of_dmarc(),
        is_inherited in prop::bool::weighted(0.15),
        spf in records_of_spf(),
        found in codes(),
        unknown in prop::collection::btree_set(prop::sample::select(Mechanism::ALL.to_vec()), 0..3),
        days in 0_u32..200,
        reported_policy in prop::sample::select(vec!["none", "quarantine", "reject"]),
        senders in prop::collection::vec(any_sender(), 0..4),
        memory in prop::collection::vec(any_memory(), 0..5),
        (parked, people, goal, bits, age, last, mode) in (
            prop::option::weighted(0.3, any::<bool>()),
            any::<bool>(),
            prop::sample::select(vec![Goal::Quarantine, Goal::Reject]),
            prop::sample::select(vec![512_u32, 1_024, 2_048]),
            0_u32..500,
            prop::option::of(TODAY - 150..TODAY),
            prop::option::of(prop::sample::select(vec!["testing", "enforce", "none"])),
        ),
        stage in prop::option::of(prop::sample::select(crate::advice::Stage::ALL.to_vec())),
    ) -> World {
        let mut world = World::new();
        world = match record {
            Some(text) if is_inherited && dmarc::Record::parse(&text).and_then(|it| it.in_force()).is_some() => world.inherited(&text),
            Some(text) => world.dmarc(&text),
            None => world,
        };
        if let Some(text) = spf {
            world = world.spf(text);
            for term in text.split(' ').filter_map(|term| term.strip_prefix("include:")) {
                world = world.entry_seen(&format!("include:{term}"), Some(term), last);
            }
        }
        for code in found {
            world = world.found(code, name(code));
        }
        world = world.key("s1", bits, age);
        if age > 180 {
            world = world.found(dkim::KEY_AGING, "s1._domainkey.a.example");
        }
        if days > 0 {
            world = world.reported(days, reported_policy);
        }
        for sender in senders {
            world = world.sender(sender);
        }
        for step in memory {
            if !world.memory.steps.iter().any(|known| known.code == step.code && known.subject == step.subject) {
                world.memory.steps.push(step);
            }
        }
        world.memory.stage = stage.map(|stage| (stage, world.now - 100));
        world.posture.mta_sts_mode = mode.map(str::to_owned);
        world.posture.unknown = unknown;
        world.wishes.parked = parked;
        world.wishes.people = people;
        world.wishes.goal = goal;
        world
    }
}

fn mechanism_of(step: &Step) -> Option<Mechanism> {
    if step.code == StepCode::Repair {
        let name = step.subject.split('.').next().unwrap();
        return Mechanism::ALL.into_iter().find(|mechanism| mechanism.name() == name);
    }
    step.code.kind().mechanism
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_lowers_a_policy(world in any_world()) {
        for step in world.plan().steps {
            for (name, _, value) in step.instructions.iter().filter_map(Instruction::published) {
                if name != "_dmarc.a.example" {
                    continue;
                }
                let record = dmarc::Record::parse(value);
                prop_assert!(record.is_some(), "{} publishes {value}", step.code.as_str());
                let asked = record.and_then(|record| record.in_force());
                prop_assert!(asked.is_some(), "{} publishes {value}", step.code.as_str());
                let (Some(asked), Some(present)) = (asked, world.posture.policies) else { continue };
                prop_assert!(asked.domain >= present.domain, "{}: {value}", step.code.as_str());
                if world.posture.own_record().is_some() {
                    prop_assert!(asked.subdomains >= present.subdomains, "{}: {value}", step.code.as_str());
                    prop_assert!(asked.nonexistent >= present.nonexistent, "{}: {value}", step.code.as_str());
                }
            }
        }
    }

    #[test]
    fn open_steps_never_contradict(world in any_world()) {
        let plan = world.plan();
        let mut values: Vec<(String, RecordType, String, &str)> = Vec::new();
        for step in plan.open_steps() {
            for (name, kind, value) in step.instructions.iter().filter_map(Instruction::published) {
                for (other_name, other_kind, other, code) in &values {
                    let is_same_place = *other_name == name && *other_kind == kind;
                    prop_assert!(!is_same_place || other == value, "{code} and {}: {other} and {value}", step.code.as_str());
                }
                values.push((name.to_owned(), kind, value.to_owned(), step.code.as_str()));
            }
        }
    }

    #[test]
    fn what_was_not_answered_leads_to_no_advice(world in any_world()) {
        for step in world.plan().steps.iter().filter(|step| step.is_open() || step.state == State::Blocked) {
            let mechanism = mechanism_of(step);
            prop_assert!(
                mechanism.is_none_or(|mechanism| world.posture.knows(mechanism)),
                "{} {}", step.code.as_str(), step.subject
            );
        }
        if !world.posture.knows(Mechanism::Dmarc) {
            prop_assert!(world.plan().readiness.is_none());
            if let Some((stage, since)) = world.memory.stage {
                prop_assert_eq!((world.plan().stage, world.plan().stage_since), (stage, since));
            }
        }
    }

    #[test]
    fn only_one_change_of_the_policy_at_a_time(world in any_world()) {
        let raises = [
            StepCode::RaiseToQuarantine, StepCode::RaiseToReject, StepCode::EndTesting, StepCode::ProtectSubdomains,
        ];
        let plan = world.plan();
        let open: Vec<_> = plan.open_steps().filter(|step| raises.contains(&step.code)).map(|step| step.code.as_str()).collect();
        prop_assert!(open.len() <= 1, "{open:?}");
    }

    #[test]
    fn a_plan_is_in_order_and_can_be_read(world in any_world()) {
        let plan = world.plan();
        prop_assert!((0.0..=1.0).contains(&plan.progress), "{}", plan.progress);
        let mut seen = std::collections::BTreeSet::new();
        for step in &plan.steps {
            prop_assert!(seen.insert((step.code, step.subject.clone())), "{} {} twice", step.code.as_str(), step.subject);
            prop_assert_eq!(step.state == State::Blocked, !step.waits.is_empty());
            for language in Language::ALL {
                let text = step.text(language);
                for words in [text.title, text.why, text.how, text.verified] {
                    prop_assert!(!words.contains("{s") && !words.contains("{d"), "{words}");
                }
            }
            for (name, kind, value) in step.instructions.iter().filter_map(Instruction::published) {
                if name == DOMAIN && kind == RecordType::Txt {
                    let record = spf::Record::parse(value);
                    prop_assert!(record.is_some_and(|record| record.faults.is_empty()), "{value}");
                }
            }
        }
        let again = world.clone().remembering(&plan).plan();
        prop_assert_eq!(named(&again, Step::is_open), named(&plan, Step::is_open), "nothing has happened");
        prop_assert_eq!(again.stage.max(plan.stage), again.stage, "the stage fell by itself");
    }
}
