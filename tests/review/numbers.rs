//! Every number of a document is one that was stored.

use ruad::{
    review::{Mail, Month, Request, Review},
    store::Store,
};
use ruad_common::texts::Language;
use ruad_registry::Registry;

use crate::{
    engine::Engine,
    rows::{self, Event, Record, Step, execute, keep},
};

#[tokio::test]
async fn the_numbers_are_those_of_the_rows() {
    let store = Engine::shared().store().await;
    senders(&store).await;
    let days = month().days();
    let [first, last] = [days.start, days.end - 1];
    let forger = Record { address: "203.0.113.9", passed: false, ..Record::default() };
    keep(
        &store,
        &[
            // The edges of the month.
            Record { day: first - 1, count: 1_000, ..Record::default() },
            Record { day: first, count: 10, ..Record::default() },
            Record { day: last, count: 20, ..Record::default() },
            Record { day: last + 1, count: 100_000, ..Record::default() },
            // One's own that fails, and what became of it.
            Record {
                day: first,
                address: "192.0.2.77",
                passed: false,
                count: 7,
                disposition: "quarantine",
                ..Record::default()
            },
            // Forged: refused, put aside, let through.
            Record { day: first + 4, count: 50, disposition: "reject", ..forger },
            Record { day: first + 4, count: 30, disposition: "quarantine", reporter: "yahoo.com", ..forger },
            Record { day: first + 4, count: 5, reporter: "yahoo.com", ..forger },
            Record { day: first + 5, count: 3, address: "203.0.113.10", ..forger },
            // Nobody knows.
            Record { day: first + 6, address: "198.51.100.1", passed: false, count: 2, ..Record::default() },
            // A forged report, a stranger's, and one about somebody else's domain.
            Record { day: first + 4, count: 9_999, verdict: "forged", ..forger },
            Record { day: first + 7, count: 1_000, verdict: "unknown", reporter: "x.example", ..forger },
            Record { day: first, domain: "other.example", count: 77, ..Record::default() },
            // Below the domain: its own, and another group's.
            Record {
                day: first,
                domain: "news.acme.example",
                author: "news.acme.example",
                count: 4,
                ..Record::default()
            },
            Record { day: first, domain: "eu.acme.example", count: 500, ..Record::default() },
        ],
    )
    .await;

    let review = gather(&store).await;
    assert_eq!(review.domains.len(), 2);
    let acme = domain(&review, "acme.example");
    let wanted = Mail {
        passed: 34,
        failed: 7,
        failed_stopped: 7,
        forged: 88,
        forged_rejected: 50,
        forged_quarantined: 30,
        undecided: 2,
        ..Mail::default()
    };
    assert_eq!(acme.mail(), wanted);
    assert_eq!((acme.days[0].passed, acme.days[0].failed, acme.days[30].passed), (14, 7, 20));
    assert_eq!((acme.days[4].forged, acme.days[5].forged, acme.days[6].undecided), (85, 3, 2));
    assert_eq!(acme.before, Mail { passed: 1_000, ..Mail::default() });
    assert_eq!((acme.reporters, acme.reported_days, acme.discredited), (2, 5, 10_999));
    assert_eq!(acme.abuse.addresses, 2);
    assert_eq!(acme.abuse.countries, [("RU".to_owned(), 85), ("BR".to_owned(), 3)]);
    assert_eq!(acme.abuse.networks, [("Somewhere Ltd".to_owned(), 85), ("Elsewhere".to_owned(), 3)]);
    let senders: Vec<_> = acme
        .senders
        .iter()
        .map(|sender| (sender.name.as_str(), sender.class.as_str(), sender.messages, sender.passed))
        .collect();
    assert_eq!(
        senders,
        [
            ("Somewhere Ltd", "threat", 85, 0),
            ("Microsoft 365", "aligned", 34, 34),
            ("Shop", "needs_work", 7, 0),
            ("Elsewhere", "threat", 3, 0),
            ("net:198.51.100.0/24", "", 2, 0),
        ]
    );
    assert_eq!(acme.sender_count, 5);
    let authors: Vec<_> = acme.authors.iter().map(|author| (author.name.as_str(), author.messages)).collect();
    assert_eq!(authors, [("acme.example", 127), ("news.acme.example", 4)]);
    assert!(domain(&review, "empty.example").is_blank());

    let html = review.html(Language::En);
    for text in [
        "receivers reported 131 messages",
        "34 messages were proven",
        "88 messages were forged",
        "<td class=\"number\">82.9%</td>",
        "Refused: 50. Put into spam folders: 30. Let through: 8.",
        "In September 2026 there were 1,000.",
    ] {
        assert!(html.contains(text), "{text}");
    }
}

#[tokio::test]
async fn rows_that_take_back_count_as_that() {
    let store = Engine::shared().store().await;
    let day = month().days().start;
    keep(&store, &[Record { day, count: 10, ..Record::default() }; 2]).await;
    for (table, columns, values) in [
        ("daily_sources", "source_ip, messages, passed", "toIPv6('192.0.2.1'), -10, -10"),
        ("daily_domains", "reporter, messages", "'google.com', -10"),
    ] {
        execute(&store, &format!(
            "INSERT INTO {table} (policy_domain, day, group_name, verdict, received_month, {columns}) VALUES \
             ('acme.example', '2026-10-01', 'acme', 'genuine', '2026-10-01', {values})"
        ))
        .await;
    }
    let review = gather(&store).await;
    assert_eq!(domain(&review, "acme.example").mail(), Mail { undecided: 0, passed: 10, ..Mail::default() });
}

#[tokio::test]
async fn the_month_alone_counts_for_what_happened() {
    let store = Engine::shared().store().await;
    let days = month().days();
    let [before, first, last, after] = [days.start - 1, days.start, days.end - 1, days.end];
    for (day, stage, progress) in [
        (before, "monitoring", 0.3),
        (first, "aligning", 0.5),
        (last, "quarantine", 0.8),
        (after, "reject", 0.9),
    ] {
        rows::state(&store, "acme.example", day, (stage, "none"), progress, Some(4.4), false).await;
    }
    for (day, subject) in [(before, "a"), (first, "b"), (last, "c"), (after, "d")] {
        let event = Event {
            domain: "acme.example",
            day,
            kind: "dkim.key_published",
            severity: "info",
            subject,
            old: "",
            new: "",
        };
        rows::event(&store, &event).await;
    }
    let step = Step {
        domain: "acme.example",
        code: "a",
        position: 0,
        state: "done",
        done_on: Some(before),
        who: "dns",
        effort: "minutes",
        title: "",
        why: "",
        instructions: "[]",
        values: &[],
    };
    for (code, done_on) in [("b", first), ("c", last), ("d", after)] {
        rows::step(&store, &Step { code, done_on: Some(done_on), ..step }).await;
    }
    rows::step(&store, &step).await;
    rows::step(&store, &Step { code: "open", state: "open", done_on: None, position: 2, ..step }).await;
    rows::step(
        &store,
        &Step { code: "undone", state: "regressed", done_on: Some(before), position: 1, ..step },
    )
    .await;
    rows::step(&store, &Step { code: "later", state: "blocked", done_on: None, ..step }).await;
    rows::key(&store, "acme.example", "old", 1_024, [100, before, before]).await;
    rows::key(&store, "acme.example", "s1", 2_048, [first - 400, last, last]).await;
    rows::key(&store, "acme.example", "new", 2_048, [after, after, after]).await;
    rows::certificate(&store, "acme.example", "R-1", first).await;
    rows::certificate(&store, "acme.example", "R-2", last).await;

    for (kind, subject) in [("sender.new", "net:AS64500"), ("step.done", "a"), ("stage.reached", "")] {
        let event =
            Event { domain: "acme.example", day: last, kind, severity: "warning", subject, old: "", new: "" };
        rows::event(&store, &event).await;
    }
    rows::sender(&store, "acme.example", "net:AS64500", "Somewhere Ltd", "threat", first).await;

    let review = gather(&store).await;
    let acme = domain(&review, "acme.example");
    assert_eq!(acme.began.as_ref().unwrap().stage.name(), "monitoring");
    let stages: Vec<_> = acme.states.iter().map(|state| (state.day, state.stage.name())).collect();
    assert_eq!(stages, [(first, "aligning"), (last, "quarantine")]);
    assert_eq!(acme.state().unwrap().score, Some(4.4));
    let subjects: Vec<_> = acme.events.iter().map(|event| event.subject.as_str()).collect();
    assert_eq!((subjects, acme.event_count), (vec!["b", "Somewhere Ltd", "c"], 3));
    let codes = |steps: &[ruad::review::Step]| steps.iter().map(|step| step.code.clone()).collect::<Vec<_>>();
    assert_eq!(codes(&acme.done), ["b", "c"]);
    assert_eq!(codes(&acme.open), ["undone", "open"]);
    assert!(acme.open[0].is_undone);
    let keys: Vec<_> =
        acme.keys.iter().map(|key| (key.selector.as_str(), key.first_day, key.used_on)).collect();
    assert_eq!(keys, [("s1", first - 400, Some(last))]);
    assert_eq!(acme.certificate.as_ref().unwrap().serial, "R-2");
}

#[tokio::test]
async fn hostile_names_are_shown_and_do_nothing() {
    let store = Engine::shared().store().await;
    let script = "<script>alert('1')</script>";
    let day = month().days().start;
    keep(
        &store,
        &[Record { day, passed: false, address: "203.0.113.9", reporter: script, ..Record::default() }],
    )
    .await;
    rows::source(&store, "203.0.113.9", "", 64_500, script, "<b").await;
    rows::sender(&store, "acme.example", "net:AS64500", script, "threat", day).await;
    rows::event(
        &store,
        &Event {
            domain: "acme.example",
            day,
            kind: "mx.changed",
            severity: "info",
            subject: script,
            old: script,
            new: script,
        },
    )
    .await;
    rows::key(&store, "acme.example", script, 2_048, [day, day, day]).await;
    let html = gather(&store).await.html(Language::Nl);
    assert!(!html.contains("<script") && !html.contains("<b<"), "{html}");
    assert!(html.matches("&lt;script&gt;").count() >= 4);
}

#[tokio::test]
async fn hundreds_of_domains_stay_readable() {
    let store = Engine::shared().store().await;
    let names: Vec<_> = (0..200).map(|number| format!("d{number:03}.example")).collect();
    let records: Vec<_> = names
        .iter()
        .flat_map(|name| {
            month().days().map(move |day| Record {
                domain: name,
                author: name,
                day,
                count: 3,
                ..Record::default()
            })
        })
        .collect();
    keep(&store, &records).await;
    let text = format!("[[group]]\nname = \"acme\"\ndomains = {names:?}\n");
    let registry = Registry::parse(&text, "domains.toml").unwrap();
    let domains: Vec<_> = names.iter().map(String::as_str).collect();
    let review = Review::gather(&store, &registry, &request(&domains)).await.unwrap();
    assert_eq!(review.domains.len(), 200);
    assert!(review.domains.iter().all(|domain| domain.mail().passed == 93));
    let html = review.html(Language::En);
    assert!(html.len() < 500_000, "{}", html.len());
    assert!(html.contains("18,600") && html.contains("d199.example"));
}

pub(crate) fn month() -> Month {
    "2026-10".parse().unwrap()
}

async fn gather(store: &Store) -> Review {
    let text = "[[group]]\nname = \"acme\"\ndomains = [\"acme.example\", \"empty.example\"]\n\
                [[group]]\nname = \"globex\"\ndomains = [\"eu.acme.example\", \"other.example\"]\n";
    let registry = Registry::parse(text, "domains.toml").unwrap();
    Review::gather(store, &registry, &request(&["acme.example", "empty.example"])).await.unwrap()
}

fn request<'a>(domains: &'a [&'a str]) -> Request<'a> {
    Request { title: "Acme B.V.", domains, month: month(), today: month().days().end + 2, made_by: None }
}

fn domain<'a>(review: &'a Review, name: &str) -> &'a ruad::review::Domain {
    review.domains.iter().find(|domain| domain.name == name).unwrap()
}

async fn senders(store: &Store) {
    let day = month().days().start;
    rows::source(store, "192.0.2.1", "microsoft-365", 8_075, "Microsoft", "US").await;
    rows::source(store, "192.0.2.77", "shop", 0, "", "NL").await;
    rows::source(store, "203.0.113.9", "", 64_500, "Somewhere Ltd", "RU").await;
    rows::source(store, "203.0.113.10", "", 64_501, "Elsewhere", "BR").await;
    rows::sender(store, "acme.example", "service:microsoft-365", "Microsoft 365", "aligned", day - 100).await;
    rows::sender(store, "acme.example", "service:shop", "Shop", "needs_work", day).await;
    rows::sender(store, "acme.example", "net:AS64500", "Somewhere Ltd", "threat", day).await;
    rows::sender(store, "acme.example", "net:AS64501", "Elsewhere", "threat", day).await;
}
