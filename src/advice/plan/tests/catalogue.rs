//! Every kind of step in some world, and its texts.

use std::collections::BTreeSet;

use super::*;
use crate::advice::{
    Class, Gate, Wait,
    world::{DOMAIN, OURS, key, sender},
};
use ruad_common::texts::Language;
use ruad_dns::{dkim, dmarc::codes, mta_sts, mx, spf, tls_rpt};

/// Worlds that together have every kind of step.
fn worlds() -> Vec<World> {
    let quarantine = |rest: &str| {
        World::at("quarantine").dmarc(&format!("v=DMARC1; p=quarantine; rua=mailto:{OURS}{rest}"))
    };
    let switching = {
        let world = World::at("none").found(dkim::KEY_AGING, "s1._domainkey.a.example");
        let plan = world.plan();
        world.remembering(&plan).later(3).with(|world| world.posture.keys.push(key("new", 2_048, 1)))
    };
    let mailbox = World::at("none").with(|world| {
        world.traffic.senders[0].counts.spf_aligned = 0;
        world.traffic.senders[0].setup.spf = vec!["spf.new.example".to_owned()];
    });
    let testing = World::at("none").with(|world| world.posture.mta_sts_mode = Some("testing".to_owned()));
    let plan = testing.plan();
    vec![
        World::new()
            .found(spf::MISSING, DOMAIN)
            .found(mta_sts::check::MISSING, "x")
            .found(tls_rpt::MISSING, "x"),
        World::at("none").dmarc("v=DMARC1; p=none; pct=5").found(codes::SYNTAX, "_dmarc.a.example"),
        World::at("none").with(|world| world.posture.unauthorized = vec!["reports.example".to_owned()]),
        World::new().parked().found(mx::check::IMPLICIT, DOMAIN),
        World::at("none")
            .sender(sender("net:AS64500", Class::Undecided, 500, 100))
            .sender(sender("service:mail", Class::NeedsWork, 500, 0))
            .sender(sender("net:AS64501/x.example", Class::NeedsWork, 500, 0)),
        World::at("none").spf("v=spf1 mx +all").found(spf::PASS_ALL, DOMAIN),
        mailbox,
        World::at("none").with(|world| world.posture.keys[0].bits = 1_024),
        switching,
        World::at("none").found(dkim::REVOKED, "s1._domainkey.a.example"),
        World::at("none"),
        World::at("quarantine"),
        quarantine("; sp=none"),
        quarantine("; t=y"),
        World::at("none")
            .reported(120, "none")
            .sender(sender("service:y", Class::Aligned, 5, 5))
            .spf("v=spf1 include:old.example ~all")
            .entry_seen("include:old.example", Some("old.example"), None),
        testing.remembering(&plan).later(20),
        World::at("none").found(mx::check::ADDRESS, DOMAIN),
        World::at("reject"),
    ]
}

#[test]
fn every_kind_of_step_is_met_with_all_its_texts() {
    let mut met = BTreeSet::new();
    for world in worlds() {
        for step in world.plan().steps {
            met.insert(step.code);
            for language in Language::ALL {
                let text = language
                    .step(step.code.as_str())
                    .unwrap_or_else(|| panic!("{} has no text", step.code.as_str()));
                let filled = step.text(language);
                let is_ended = matches!(step.state, State::Done | State::Obsolete);
                let mut used = vec![
                    (&text.title, filled.title),
                    (&text.why, filled.why),
                    (&text.verified, filled.verified),
                ];
                if is_ended {
                    assert!(filled.how.is_empty(), "nothing is left to do");
                } else {
                    used.push((&text.how, filled.how));
                }
                for (template, words) in used {
                    let missing: Vec<_> = placeholders(template)
                        .into_iter()
                        .filter(|name| !step.values.contains_key(name.as_str()))
                        .collect();
                    assert!(missing.is_empty(), "{language} {}: nothing for {missing:?}", step.code.as_str());
                    assert!(!words.trim().is_empty(), "{language} {} lacks a text", step.code.as_str());
                }
                assert!(!text.title.ends_with('.'), "{}", text.title);
            }
        }
    }
    let all: BTreeSet<_> = StepCode::ALL.iter().copied().collect();
    assert_eq!(met, all, "never met: {:?}", all.difference(&met).collect::<Vec<_>>());
}

#[test]
fn texts_of_ended_steps_speak_of_nothing_that_is_forgotten() {
    for code in StepCode::ALL {
        for language in Language::ALL {
            let text = language.step(code.as_str()).unwrap();
            let mut known = vec!["domain", "subject"];
            known.extend(code.is_about_sender().then_some("sender"));
            known.extend((*code == StepCode::Repair).then_some("problem"));
            for name in
                [&text.title, &text.why, &text.verified].into_iter().flat_map(|text| placeholders(text))
            {
                assert!(known.contains(&name.as_str()), "{language} {}: {name}", code.as_str());
            }
            assert!(!text.title.contains("{domain}"), "titles are shown beside the domain");
        }
    }
}

#[test]
fn there_is_no_text_without_a_step() {
    for (language, file) in [
        ("en", include_str!("../../../../texts/en/steps.toml")),
        ("nl", include_str!("../../../../texts/nl/steps.toml")),
    ] {
        let texts: toml::Table = toml::from_str(file).unwrap();
        for code in texts.keys() {
            assert!(StepCode::named(code).is_some(), "{language}: there is no step {code}");
        }
    }
}

#[test]
fn every_word_is_there() {
    let has = |key: String| {
        for language in Language::ALL {
            assert!(language.find(&key).is_some(), "{language} {key}");
        }
    };
    for gate in Gate::ALL.into_iter().chain(["undecided_nobody", "recent_never"]) {
        has(format!("stage.gate.{gate}"));
    }
    for note in ["window_grown", "longest_window", "nothing_seen"] {
        has(format!("stage.note.{note}"));
    }
    for stage in crate::advice::Stage::ALL {
        has(format!("stage.{}", stage.name()));
    }
    for code in StepCode::ALL {
        let kind = code.kind();
        has(format!("stage.who.{}", kind.who.name()));
        has(format!("stage.effort.{}", kind.effort.name()));
        has(format!("stage.risk.{}", kind.risk.name()));
    }
    for state in [State::Open, State::Blocked, State::Regressed, State::Done, State::Obsolete] {
        has(format!("stage.state.{}", state.name()));
    }
    let waits = [
        Wait::Step { code: StepCode::Repair, subject: "mx.address".to_owned() },
        Wait::Until { at: 1_800_000_000 },
        Wait::Reports,
        Wait::Choice,
    ];
    for wait in waits {
        for language in Language::ALL {
            let text = wait.text(language);
            assert!(!text.contains('{') && !text.contains("stage."), "{text}");
        }
    }
}

#[test]
fn codes_have_their_names_and_places() {
    let names: BTreeSet<_> = StepCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), StepCode::ALL.len());
    for (place, code) in StepCode::ALL.iter().enumerate() {
        assert_eq!((StepCode::named(code.as_str()), code.place()), (Some(*code), place));
    }
    assert_eq!(StepCode::named("nonsense"), None);
}

fn placeholders(text: &str) -> Vec<String> {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}
