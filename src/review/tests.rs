#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::{
    advice::{Instruction, RecordType, Stage},
    health::events::Kind,
};
use ruad_common::texts::Language;

#[test]
fn messages_are_told_apart() {
    let mut mail = Mail::default();
    mail.add("aligned", 100, 98, 1, 1);
    mail.add("needs_work", 10, 0, 0, 0);
    mail.add("forwarder", 5, 3, 0, 0);
    mail.add("threat", 40, 0, 10, 25);
    mail.add("", 7, 0, 0, 0);
    mail.add("undecided", 3, 1, 2, 0);
    let wanted = Mail {
        passed: 102,
        failed: 12,
        failed_stopped: 2,
        forwarded: 2,
        forged: 40,
        forged_rejected: 25,
        forged_quarantined: 10,
        undecided: 9,
    };
    assert_eq!(mail, wanted);
    assert_eq!((mail.messages(), mail.own(), mail.forged_delivered()), (165, 114, 5));
}

#[test]
fn numbers_that_cannot_be_do_no_harm() {
    let mut mail = Mail::default();
    mail.add("threat", 10, 20, 30, 40);
    assert_eq!(mail, Mail { passed: 10, ..Mail::default() });
    mail.add("threat", u64::MAX, 0, u64::MAX, u64::MAX);
    mail.add("threat", u64::MAX, 0, u64::MAX, u64::MAX);
    assert_eq!((mail.forged, mail.forged_delivered(), mail.messages()), (u64::MAX, 0, u64::MAX));
    for language in Language::ALL {
        let mut review = review("x");
        review.domains[0].days[3] = mail;
        assert!(!review.html(language).contains("NaN"));
    }
}

#[test]
fn a_document_is_complete_in_every_language() {
    for language in Language::ALL {
        let html = review("mailing.example").html(language);
        assert!(html.contains(&format!("<html lang=\"{language}\">")));
        // A key without a text, or a value without a place.
        let body = html.split("</style>").nth(1).unwrap();
        assert!(!body.contains("review."), "{language}: {}", around(body, "review."));
        assert!(!body.contains('{'), "{language}: {}", around(body, "{"));
        let headings = ["<h1>", "<h2", "<h3", "<h4"].map(|tag| body.matches(tag).count());
        assert_eq!(headings[0], 1);
        assert!(headings[1..].iter().all(|count| *count > 0), "{headings:?}");
    }
    let html = review("mailing.example").html(Language::Nl);
    for text in ["oktober 2026", "12.345", "75,0\u{a0}%", "4,2 van 5", "Duitsland", "3 okt", "1.096 dagen"] {
        assert!(html.contains(text), "{text}");
    }
    let html = review("mailing.example").html(Language::En);
    for text in ["October 2026", "12,345", "75.0%", "4.2 of 5", "Germany", "3 Oct", "1,096 days"] {
        assert!(html.contains(text), "{text}");
    }
}

#[test]
fn every_event_has_words() {
    assert!(gather::NOT_TOLD.iter().all(|name| Kind::ALL.iter().any(|kind| kind.name == *name)));
    for language in Language::ALL {
        for kind in Kind::ALL.iter().filter(|kind| !gather::NOT_TOLD.contains(&kind.name)) {
            let key = format!("review.event.{}", kind.name);
            assert!(language.find(&key).is_some(), "{language} {key}");
        }
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let html = review("mailing.example").html(Language::En);
    for mark in ["http:", "https:", " src=", "@import", "<link", "<script", "<iframe", "<img", "<object"] {
        assert!(!html.contains(mark), "{mark}: {}", around(&html, mark));
    }
    assert_eq!(html.matches("url(").count(), html.matches("url(#hatch)").count());
}

#[test]
fn every_anchor_is_there_once() {
    let mut review = review("a.example");
    review.domains.extend((0..3).map(|number| domain(&format!("b{number}.example"))));
    let html = review.html(Language::En);
    let ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
    for mark in [" href=\"#", " aria-labelledby=\"", " aria-describedby=\""] {
        for rest in html.split(mark).skip(1) {
            let target = rest.split('"').next().unwrap();
            assert!(distinct.contains(&target), "{target}");
        }
    }
}

#[test]
fn an_empty_month_says_so() {
    let month: Month = "2026-10".parse().unwrap();
    let blank = Domain {
        name: "a.example".to_owned(),
        is_active: true,
        days: vec![Mail::default(); 31],
        ..<_>::default()
    };
    let review = Review {
        title: "A".to_owned(),
        month,
        made_on: month.days().end,
        made_by: None,
        domains: vec![blank],
    };
    assert!(review.domains[0].is_blank());
    let html = review.html(Language::En);
    assert!(html.contains("No reports arrived"), "{html}");
    assert!(!html.contains("class=\"figures\"") && !html.contains("class=\"domain\""));
}

#[test]
fn a_month_that_goes_on_says_so() {
    let mut review = review("a.example");
    assert!(!review.html(Language::En).contains("not over yet"));
    review.made_on = review.month.days().start + 11;
    assert!(review.html(Language::En).contains("figures go up to 12 October 2026"));
}

#[test]
fn of_many_domains_only_some_are_described() {
    let mut review = review("a.example");
    review.domains.extend((0..100).map(|number| domain(&format!("b{number}.example"))));
    let quiet =
        Domain { days: vec![Mail { passed: 5, ..Mail::default() }; 31], is_active: true, ..<_>::default() };
    review
        .domains
        .extend((0..100).map(|number| Domain { name: format!("c{number}.example"), ..quiet.clone() }));
    let html = review.html(Language::En);
    assert_eq!(html.matches("<section class=\"domain\"").count(), 40);
    assert!(html.contains("c99.example") && html.contains("the 40 domains"));
    assert!(html.len() < 2_500_000, "{}", html.len());
}

#[test]
fn what_needs_no_section_has_none() {
    let mut domain = domain("a.example");
    assert!(domain.is_worth_telling());
    (domain.open, domain.done, domain.events) = <_>::default();
    domain.began = None;
    domain.days = vec![Mail { passed: 5, forwarded: 1, ..Mail::default() }; 31];
    assert!(!domain.is_worth_telling());
    domain.days[0].failed = 1;
    assert!(domain.is_worth_telling());
}

proptest! {
    #[test]
    fn nothing_that_is_stored_becomes_markup(name in "[<>&\"'a-z{}/=]{0,12}") {
        let hostile = format!("<script>{name}");
        let html = review(&hostile).html(Language::En);
        let clean = review("clean").html(Language::En);
        prop_assert_eq!(html.matches("<script").count(), 0);
        // The same elements as if the name were a harmless one.
        prop_assert_eq!(html.matches('<').count(), clean.matches('<').count());
        prop_assert_eq!(html.matches('>').count(), clean.matches('>').count());
        prop_assert_eq!(html.matches('"').count(), clean.matches('"').count());
    }
}

/// A document in which `name` stands everywhere.
fn review(name: &str) -> Review {
    let month: Month = "2026-10".parse().unwrap();
    Review {
        title: name.to_owned(),
        month,
        made_on: month.days().end + 2,
        made_by: Some(name.to_owned()),
        domains: vec![domain(name), Domain { name: "quiet.example".to_owned(), ..Domain::default() }],
    }
}

fn domain(name: &str) -> Domain {
    let month: Month = "2026-10".parse().unwrap();
    let first = month.days().start;
    let state = State {
        day: first + 14,
        stage: Stage::Quarantine,
        progress: 0.8,
        score: Some(4.2),
        policy: "quarantine".to_owned(),
        is_parked: true,
        is_perfect: false,
    };
    let mut days = vec![Mail::default(); 31];
    days[0] = Mail { passed: 9_000, failed: 3_000, failed_stopped: 1, ..Mail::default() };
    days[2] = Mail { forwarded: 44, forged: 300, forged_rejected: 200, undecided: 1, ..Mail::default() };
    let step = Step {
        code: name.to_owned(),
        is_undone: true,
        done_on: Some(first + 2),
        who: "dns".to_owned(),
        effort: "minutes".to_owned(),
        title: name.to_owned(),
        why: name.to_owned(),
        instructions: vec![
            Instruction::Publish {
                name: name.to_owned(),
                kind: RecordType::Txt,
                ttl: 3_600,
                value: name.to_owned(),
                replaces: Some(name.to_owned()),
            },
            Instruction::Remove { name: name.to_owned(), kind: RecordType::Txt, value: name.to_owned() },
            Instruction::Serve { url: name.to_owned(), text: name.to_owned() },
            Instruction::Setting {
                service: name.to_owned(),
                hint: Some(name.to_owned()),
                link: Some(name.to_owned()),
            },
            Instruction::Run { command: "ruad".to_owned() },
        ],
        ..Step::default()
    };
    let event = Event {
        day: first + 2,
        kind: "dmarc.policy_tightened".to_owned(),
        severity: name.to_owned(),
        subject: name.to_owned(),
        old: Some(name.to_owned()),
        new: Some(name.to_owned()),
        text: name.to_owned(),
    };
    let sender = Sender {
        name: name.to_owned(),
        class: name.to_owned(),
        messages: 12_345,
        passed: 10,
        first_day: Some(first),
    };
    Domain {
        name: name.to_owned(),
        is_active: true,
        days,
        before: Mail { passed: 10, ..Mail::default() },
        reporters: 3,
        reported_days: 2,
        discredited: 4,
        began: Some(State { day: first - 1, stage: Stage::Aligning, progress: 0.5, ..state.clone() }),
        states: vec![state],
        senders: vec![sender.clone(), Sender { class: "threat".to_owned(), ..sender }],
        sender_count: 5,
        abuse: Abuse {
            addresses: 7,
            countries: vec![("DE".to_owned(), 200), (name.to_owned(), 50), (String::new(), 50)],
            networks: vec![(name.to_owned(), 200), (String::new(), 100)],
        },
        authors: vec![Author { name: format!("news.{name}"), messages: 5, passed: 5 }],
        events: vec![event.clone(), Event { kind: name.to_owned(), ..event }],
        event_count: 3,
        open: vec![step.clone()],
        done: vec![step],
        keys: vec![Key {
            selector: name.to_owned(),
            kind: "rsa".to_owned(),
            bits: 2_048,
            first_day: month.days().end - 1 - 1_096,
            used_on: Some(first),
        }],
        certificate: Some(Certificate { serial: name.to_owned(), issued_on: first }),
    }
}

fn around<'a>(text: &'a str, mark: &str) -> &'a str {
    let at = text.find(mark).unwrap_or(0);
    let [from, to] =
        [at.saturating_sub(60), (at + 60).min(text.len())].map(|place| text.floor_char_boundary(place));
    text.get(from..to).unwrap_or_default()
}
