use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    advice::{
        Advised, Class, Effort, Gate, KeptRow, KeptStage, Memory, Plan, Readiness, Remembered, Risk, Rule,
        Stage, StepCode, Traffic, Who,
    },
    health::posture::Posture,
};
use ruad_dns::dmarc::Policy;
use ruad_dns::profile::{Profile, Score};
use ruad_registry::{Preferences, SenderId};

const NOW: u64 = 1_800_000_000;

fn advised(stage: Stage, steps: Vec<Step>) -> Advised {
    let plan = Plan {
        domain: "a.example".to_owned(),
        at: NOW,
        stage,
        stage_since: NOW,
        progress: 0.5,
        score: None,
        is_parked: false,
        readiness: None,
        steps,
        perfect_since: None,
    };
    let (traffic, posture) = (Traffic::default(), Arc::new(Posture::empty("a.example", NOW)));
    Advised { plan, traffic, posture, wishes: Preferences::default(), group: "acme".to_owned() }
}

fn step(code: &'static str, state: State) -> Step {
    Step {
        code: StepCode::named(code).unwrap_or(StepCode::Unknown(code)),
        subject: "s1".to_owned(),
        state,
        opened_at: NOW - 100,
        done_at: None,
        instructions: Vec::new(),
        waits: Vec::new(),
        who: Who::Dns,
        effort: Effort::Minutes,
        risk: Risk::None,
        values: BTreeMap::new(),
    }
}

fn known(stage: Stage, steps: &[(&'static str, State)]) -> Recollection {
    let remembered = |(code, state): &(&'static str, State)| Remembered {
        code: StepCode::named(code).unwrap_or(StepCode::Unknown(code)),
        subject: "s1".to_owned(),
        state: *state,
        opened_at: NOW - 100,
        done_at: None,
    };
    Recollection {
        memory: Memory {
            stage: Some((stage, NOW - 1_000)),
            score: Some(50),
            steps: steps.iter().map(remembered).collect(),
            ..Memory::default()
        },
        stage: Some(KeptStage {
            row: KeptRow { computed_at: NOW - 50, digest: 1 },
            ready_for: String::new(),
            first_day: 20_000,
        }),
        ..Recollection::default()
    }
}

fn kinds(advised: &Advised, known: &Recollection) -> Vec<String> {
    let events = events(advised, known, NOW);
    events.iter().map(|event| format!("{} {}", event.kind, event.subject).trim().to_owned()).collect()
}

#[test]
fn nothing_is_news_at_the_first_look() {
    let advised =
        advised(Stage::Reject, vec![step("spf.add", State::Done), step("dkim.on", State::Regressed)]);
    let mut advised = advised;
    advised.traffic.unusual.push(unusual(UnusualKind::New, 20_000, 5));
    assert!(events(&advised, &Recollection::default(), NOW).is_empty());
    // Rows of steps alone are left by a run that did not come to its end.
    let half = Recollection {
        memory: Memory { stage: None, ..known(Stage::Reject, &[]).memory },
        ..Recollection::default()
    };
    assert!(events(&advised, &half, NOW).is_empty());
}

#[test]
fn a_stage_is_reached_or_fell() {
    let here = advised(Stage::Quarantine, Vec::new());
    assert_eq!(kinds(&here, &known(Stage::Aligning, &[])), ["stage.reached"]);
    assert_eq!(kinds(&here, &known(Stage::Reject, &[])), ["stage.fell"]);
    assert_eq!(kinds(&here, &known(Stage::Quarantine, &[])), [""; 0]);
    let event = events(&here, &known(Stage::Reject, &[]), NOW).remove(0);
    assert_eq!(
        event.text,
        "a.example: the domain is back at an earlier stage; it was \"reject\", now it is \"quarantine\"."
    );
}

#[test]
fn steps_that_were_waited_for_are_told_of() {
    let told = |was, is| {
        kinds(&advised(Stage::Reject, vec![step("spf.add", is)]), &known(Stage::Reject, &[("spf.add", was)]))
    };
    for was in [State::Open, State::Regressed, State::Blocked] {
        assert_eq!(told(was, State::Done), ["step.done spf.add s1"], "{was:?}");
    }
    assert_eq!(told(State::Done, State::Regressed), ["step.undone spf.add s1"]);
    for (was, is) in [
        (State::Done, State::Done),
        (State::Open, State::Open),
        (State::Open, State::Obsolete),
        (State::Obsolete, State::Done),
        (State::Done, State::Obsolete),
    ] {
        assert_eq!(told(was, is), [""; 0], "{was:?} {is:?}");
    }
    // It was never a step: somebody had done it before.
    assert_eq!(
        kinds(&advised(Stage::Reject, vec![step("spf.add", State::Done)]), &known(Stage::Reject, &[])),
        [""; 0]
    );
}

#[test]
fn a_score_that_trembles_is_no_event() {
    let warning = ruad_dns::Code { name: "test.warning", severity: ruad_dns::Severity::Warning };
    let fell = |old, points| {
        let mut here = advised(Stage::Reject, Vec::new());
        let mut profile = Profile::all()[0].clone();
        profile.points.insert("test.warning".to_owned(), points);
        here.plan.score = Some(profile.score([warning]));
        let mut known = known(Stage::Reject, &[]);
        known.memory.score = old;
        kinds(&here, &known)
    };
    assert_eq!(fell(Some(50), 0.1), ["score.fell"], "from the full score");
    assert_eq!(fell(Some(48), 0.3), [""; 0], "4.8 to 4.7");
    assert_eq!(fell(Some(48), 0.5), ["score.fell"], "4.8 to 4.5");
    assert_eq!(fell(Some(45), 0.1), [""; 0], "it rose");
    assert_eq!(fell(None, 5.0), [""; 0]);
    assert_eq!(Score::BEST.to_string(), "5.0");
}

#[test]
fn readiness_is_told_when_it_comes() {
    let mut here = advised(Stage::Aligning, Vec::new());
    let gate =
        |is_met| Gate { name: "days", subject: String::new(), wanted: 30.0, found: 31.0, is_met, note: None };
    here.plan.readiness = Some(Readiness { target: Policy::Quarantine, gates: vec![gate(true)] });
    let mut known = known(Stage::Aligning, &[]);
    assert_eq!(kinds(&here, &known), ["domain.ready"]);
    let first = events(&here, &known, NOW).remove(0);
    assert_eq!(first.id, events(&here, &known, NOW + 9).remove(0).id);
    if let Some(stage) = &mut known.stage {
        stage.ready_for = "quarantine".to_owned();
    }
    assert_eq!(kinds(&here, &known), [""; 0], "it was before");
    here.plan.readiness = Some(Readiness { target: Policy::Reject, gates: vec![gate(true)] });
    assert_eq!(kinds(&here, &known), ["domain.ready"], "for another policy");
    here.plan.readiness = Some(Readiness { target: Policy::Reject, gates: vec![gate(true), gate(false)] });
    assert_eq!(kinds(&here, &known), [""; 0]);
}

#[test]
fn the_same_change_is_the_same_event_whenever_it_is_noticed() {
    let known = known(Stage::Aligning, &[("spf.add", State::Open)]);
    let at = |now: u64| {
        let mut here = advised(Stage::Quarantine, vec![step("spf.add", State::Done)]);
        (here.plan.at, here.plan.stage_since) = (now, now);
        events(&here, &known, now).iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(at(NOW), at(NOW + 86_400));
    assert_eq!(at(NOW).len(), 2);
    // The next time it is another one: it was open since later.
    let mut again = known.clone();
    again.memory.steps[0].opened_at += 1;
    let here = advised(Stage::Aligning, vec![step("spf.add", State::Done)]);
    assert_ne!(events(&here, &known, NOW)[0].id, events(&here, &again, NOW)[0].id);
}

#[test]
fn senders_are_told_of_once_and_spikes_once_a_day() {
    let known = known(Stage::Reject, &[]);
    let event = |unusual: Unusual| {
        let mut here = advised(Stage::Reject, Vec::new());
        here.traffic.unusual.push(unusual);
        events(&here, &known, NOW).remove(0)
    };
    let mut here = advised(Stage::Reject, Vec::new());
    here.traffic.unusual.push(unusual(UnusualKind::Spike, 19_999, 700));
    assert!(events(&here, &known, NOW).is_empty(), "before the first plan");
    let id = |unusual| event(unusual).id;
    let new = |day, messages| unusual(UnusualKind::New, day, messages);
    let spike = |day, messages| unusual(UnusualKind::Spike, day, messages);
    assert_eq!(id(new(20_000, 1)), id(new(20_001, 7)));
    assert_eq!(id(spike(20_000, 100)), id(spike(20_000, 300)));
    assert_ne!(id(spike(20_000, 100)), id(spike(20_001, 100)));
    let text = event(spike(20_000, 100)).text;
    assert_eq!(
        text,
        "a.example (service:x): far more mail than usual is sent in the domain's name; X, 100 messages in a day where 2 are usual."
    );
}

fn unusual(kind: UnusualKind, day: u32, messages: u64) -> Unusual {
    Unusual {
        kind,
        sender: SenderId::service("x"),
        name: "X".to_owned(),
        class: Class::Undecided,
        rule: Rule("nothing_known"),
        day,
        messages,
        usual: 2.0,
        limit: 3.0,
    }
}
