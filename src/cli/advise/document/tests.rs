use std::{collections::BTreeMap, sync::Arc};

use ruad::{
    advice::{
        Counts, Effort, Gate, Plan, Readiness, Recent, RecordType, Risk, Rule, Setup, Stage, StepCode,
        Traffic, Wait, Who, Window,
    },
    health::posture::Posture,
};
use ruad_dns::profile::Score;
use ruad_dns::{Mechanism, dmarc::Policy};
use ruad_registry::{Preferences, SenderId};

use super::*;
use crate::cli::advise::{Outcome, json, markdown, text};

const NOW: u64 = 1_800_000_000;

fn step(code: &'static str, state: State, instructions: Vec<Instruction>) -> Step {
    Step {
        code: StepCode::named(code).unwrap_or(StepCode::Unknown(code)),
        subject: String::new(),
        state,
        opened_at: NOW - 10 * DAY,
        done_at: (state == State::Done).then_some(NOW - DAY),
        instructions,
        who: Who::Dns,
        effort: Effort::Minutes,
        risk: Risk::Low,
        values: BTreeMap::new(),
        waits: if state == State::Blocked { vec![Wait::Reports] } else { Vec::new() },
    }
}

fn sender(name: &str, class: Class, messages: u64, passed: u64) -> Sender {
    Sender {
        id: SenderId::service("x"),
        name: name.to_owned(),
        category: None,
        counts: Counts { messages, passed, dkim_aligned: passed, ..Counts::default() },
        recent: Recent::default(),
        share: messages as f64 / 12_500.0,
        addresses: 1,
        active_days: 30,
        first_day: 20_000,
        last_day: 20_800,
        class,
        rule: Rule("a_rule"),
        setup: Setup::default(),
    }
}

fn advised(steps: Vec<Step>) -> Advised {
    let posture = Posture { unknown: [Mechanism::MtaSts].into(), ..Posture::empty("acme.example", NOW) };
    let gate = |name, wanted, found| Gate {
        name,
        subject: "Mailer".to_owned(),
        wanted,
        found,
        is_met: found >= wanted,
        note: None,
    };
    let plan = Plan {
        domain: "acme.example".to_owned(),
        at: NOW,
        stage: Stage::Aligning,
        stage_since: NOW - 40 * DAY,
        progress: 0.45,
        score: Some(Score::BEST),
        is_parked: false,
        readiness: Some(Readiness {
            target: Policy::Quarantine,
            gates: vec![gate(Gate::DAYS, 30.0, 34.0), gate(Gate::LEGITIMATE, 0.98, 0.75)],
        }),
        steps,
        perfect_since: None,
    };
    let traffic = Traffic {
        window: Window { from: 20_770, to: 20_800, days: 30, messages: 12_500, is_grown: false },
        senders: vec![
            sender("Mailer | [x](https://evil.example)", Class::Aligned, 12_345, 12_344),
            sender("\x1b[31mred", Class::Threat, 155, 0),
        ],
        ..Traffic::default()
    };
    Advised {
        plan,
        traffic,
        posture: Arc::new(posture),
        wishes: Preferences::default(),
        group: "acme".to_owned(),
    }
}

fn all() -> Advised {
    let value = "v=spf1 include:_spf.example ~all".to_owned();
    advised(vec![
        step(
            "spf.add",
            State::Open,
            vec![
                Instruction::Publish {
                    name: "acme.example".to_owned(),
                    kind: RecordType::Txt,
                    ttl: 3_600,
                    value,
                    replaces: Some("v=spf1 ?all".to_owned()),
                },
                Instruction::Remove {
                    name: "old.acme.example".to_owned(),
                    kind: RecordType::Txt,
                    value: "x".to_owned(),
                },
                Instruction::Serve {
                    url: "https://mta-sts.acme.example/x".to_owned(),
                    text: "a: b\nc: d".to_owned(),
                },
                Instruction::Setting {
                    service: "google".to_owned(),
                    hint: Some("Switch it on".to_owned()),
                    link: None,
                },
                Instruction::Run { command: "ruad dkim new ```acme.example".to_owned() },
            ],
        ),
        step("dkim.enable", State::Regressed, Vec::new()),
        step("dmarc.raise", State::Blocked, Vec::new()),
        step("dmarc.publish", State::Done, Vec::new()),
    ])
}

fn printed(advised: &Advised, language: Language) -> [String; 2] {
    let document = draw(advised, language);
    let (mut plain, mut ticket) = (Vec::new(), Vec::new());
    text::write(&mut plain, &document).unwrap();
    markdown::write(&mut ticket, &document).unwrap();
    [anstream::adapter::strip_bytes(&plain).into_vec(), ticket].map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn everything_is_on_the_page() {
    for language in Language::ALL {
        let [plain, ticket] = printed(&all(), language);
        for text in [&plain, &ticket] {
            for said in [
                "acme.example",
                "5.0 / 5",
                "45 %",
                "quarantine",
                "34",
                "75",
                "MTA-STS",
                "12\u{a0}345",
                "99.9 %",
                "spf.add",
                "acme.example. 3600 IN TXT \"v=spf1 include:_spf.example ~all\"",
                "v=spf1 ?all",
                "old.acme.example. IN TXT \"x\"",
                "c: d",
                "Switch it on",
                "ruad dkim new",
                "dmarc.raise. ",
                "dmarc.publish, 2027-01-14",
            ] {
                assert!(text.contains(said), "{language}: {said} is not in\n{text}");
            }
            for key in ["advise.", "{percent}", "{date}", "{how}", "{count}", "{mechanisms}", "{policy}"] {
                assert!(!text.contains(key), "{language}: {key} in\n{text}");
            }
        }
        let marks = ["✓", "✗"].map(|mark| plain.matches(mark).count());
        assert_eq!(marks, [2, 1], "a gate and a step; a gate\n{plain}");
    }
    let [english, _] = printed(&all(), Language::En);
    let [dutch, _] = printed(&all(), Language::Nl);
    assert!(english.contains("To do now") && english.contains("was done and is not any more"), "{english}");
    assert!(dutch.contains("Nu te doen") && dutch.contains("was gedaan en is dat niet meer"), "{dutch}");
}

#[test]
fn what_others_wrote_stays_text() {
    let [plain, ticket] = printed(&all(), Language::En);
    assert!(!plain.contains('\x1b') && plain.contains("[31mred"), "{plain}");
    assert!(ticket.contains("Mailer \\| \\[x\\](https://evil.example)"), "{ticket}");
    assert!(ticket.contains("````\nruad dkim new ```acme.example\n````"), "{ticket}");
    assert!(ticket.contains("- [x] dmarc.publish") && ticket.contains("- [ ] "), "{ticket}");
}

#[test]
fn a_domain_where_all_is_done_says_so() {
    let mut finished = advised(vec![step("dmarc.publish", State::Done, Vec::new())]);
    finished.plan.readiness = None;
    finished.traffic.window.days = 0;
    let [plain, _] = printed(&finished, Language::En);
    assert!(plain.contains("Nothing has to be done now.") && plain.contains("No reports"), "{plain}");
    assert_eq!(Outcome::of(&finished), Outcome::NothingOpen);
    let mut hidden = finished.clone();
    hidden.posture = Arc::new(Posture { unknown: [Mechanism::Spf].into(), ..(*finished.posture).clone() });
    assert_eq!(Outcome::of(&hidden), Outcome::Unknown);
    assert_eq!(Outcome::of(&all()), Outcome::Open);
    // An open step is certain.
    assert_eq!(Outcome::Open.max(Outcome::Unknown).code(), 1);
    assert_eq!(Outcome::Unknown.max(Outcome::NothingOpen).code(), 3);
}

#[test]
fn an_object_has_the_texts_and_the_records() {
    let report = serde_json::to_value(json::Report::new(&all(), Language::En)).unwrap();
    assert_eq!(report["domain"], "acme.example");
    assert_eq!(report["stage"], "aligning");
    assert_eq!(report["readiness"]["is_ready"], false);
    assert_eq!(report["unknown"][0], "mta_sts");
    assert_eq!(report["steps"][0]["instructions"][0]["what"], "publish");
    assert_eq!(report["steps"][0]["state"], "open");
    assert!(report["steps"][0]["title"].is_string());
    assert_eq!(report["traffic"]["senders"][0]["class"], "aligned");
}
