//! `ruad simulate` against the real engine, with records made by hand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test fails by panicking, and shares its tools with others"
)]

#[path = "../support/engine.rs"]
mod engine;

#[path = "../support/dns.rs"]
mod server;

mod records;
mod rules;

use std::process::{Output, Stdio};

use engine::Engine;
use records::{Record, insert, sort};
use ruad::{
    advice::{
        Class,
        simulate::{Outcome, Question, Scenario, Verdict, simulate},
    },
    store::Store,
};
use ruad_dns::dmarc::Policy;
use serde_json::Value;
use server::Dns;
use tokio::process::Command;

const DOMAIN: &str = "domain.example";

/// Mailchimp's mail passes by DKIM, at a subdomain by SPF; Google's passes both ways; a gateway's fails.
fn records() -> Vec<Record> {
    let google = Record {
        source: "192.0.2.10".into(),
        count: 1_000,
        dkim: true,
        spf: true,
        signatures: vec![(DOMAIN.into(), "pass".into())],
        paths: vec![(DOMAIN.into(), "mfrom".into(), "pass".into())],
        ..Record::default()
    };
    let mailchimp = Record { source: "192.0.2.20".into(), count: 100, ..Record::default() };
    vec![
        google,
        // Aligned, but only by organization.
        Record {
            dkim: true,
            signatures: vec![("mail.domain.example".into(), "pass".into())],
            paths: vec![("mcsv.example".into(), "mfrom".into(), "pass".into())],
            ..mailchimp.clone()
        },
        Record {
            count: 10,
            spf: true,
            from: "news.domain.example".into(),
            paths: vec![("bounce.domain.example".into(), "mfrom".into(), "pass".into())],
            ..mailchimp.clone()
        },
        // Not set up at the other subdomain.
        Record { count: 7, from: "Shop.Domain.Example.".into(), ..mailchimp.clone() },
        // Forwarded by its receivers.
        Record { count: 5, reasons: vec!["Forwarded".into()], ..mailchimp.clone() },
        Record { count: 3, ..mailchimp },
        Record { source: "198.51.100.66".into(), count: 40, ..Record::default() },
        // What does not count: forged, a stranger's, too old, from the future, somebody else's.
        Record { verdict: "forged".into(), count: 9_999, ..Record::default() },
        Record {
            verdict: "unknown".into(),
            count: 6_666,
            from: "x.domain.example".into(),
            ..Record::default()
        },
        Record { days_ago: 31, count: 8_888, ..Record::default() },
        Record { policy_domain: "other.example".into(), count: 7_777, ..Record::default() },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_variation_changes_the_result() {
    let store = prepared().await;
    let dns = Dns::serve("_dmarc IN TXT \"v=DMARC1; p=none\"\n").await;
    // arguments, quarantined, rejected, spared, legitimate ones among the lost, exit code
    for (arguments, expected) in [
        (&["--policy", "none"][..], (0, 0, 0, 0, 0)),
        (&["--policy", "quarantine"], (50, 0, 5, 10, 1)),
        (&["--policy", "reject"], (0, 50, 5, 10, 1)),
        (&["--policy", "reject", "--sp", "none"], (0, 43, 5, 3, 1)),
        (&["--policy", "none", "--sp", "quarantine"], (7, 0, 0, 7, 1)),
        (&["--policy", "reject", "--sp", "quarantine"], (7, 43, 5, 10, 1)),
        (&["--policy", "reject", "--np", "none"], (0, 50, 5, 10, 1)),
        (&["--policy", "reject", "--adkim", "r"], (0, 50, 5, 10, 1)),
        (&["--policy", "reject", "--adkim", "s"], (0, 150, 5, 110, 1)),
        (&["--policy", "reject", "--aspf", "s"], (0, 60, 5, 20, 1)),
        (&["--policy", "reject", "--adkim", "s", "--aspf", "s"], (0, 160, 5, 120, 1)),
        (&["--policy", "reject", "--days", "32"], (0, 8_938, 5, 10, 1)),
    ] {
        let output = ruad(&store, &dns, &[&[DOMAIN, "--json"], arguments].concat()).await;
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let all = |what: &str| told["all"]["would"][what].as_u64().unwrap();
        let legitimate = &told["legitimate"]["would"];
        let lost = legitimate["quarantined"].as_u64().unwrap() + legitimate["rejected"].as_u64().unwrap();
        let found = (all("quarantined"), all("rejected"), all("spared"), lost, output.status.code().unwrap());
        assert_eq!(found, expected, "{arguments:?}: {told}");
    }
    let asked = dns.questions();
    assert!(asked.contains(&"_dmarc.domain.example TXT".to_owned()), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outcome_is_told_by_sender_class_and_subdomain() {
    let store = prepared().await;
    let outcome = outcome(&store, &scenario(Policy::Reject), 30).await;
    assert_eq!((outcome.all.messages, outcome.legitimate.messages), (1_165, 1_125));
    assert_eq!((outcome.domain_itself.messages, outcome.subdomains.messages), (1_148, 17));
    assert_eq!((outcome.coverage.reporters, outcome.coverage.days), (1, 1));
    let senders: Vec<_> = outcome
        .senders
        .iter()
        .map(|one| {
            (one.sender.as_str(), one.name.as_str(), one.class, one.tally.messages, one.tally.would.rejected)
        })
        .collect();
    assert_eq!(
        senders,
        [
            ("service:mailchimp", "Mailchimp", Class::NeedsWork, 125, 10),
            ("service:google", "Google Workspace", Class::Aligned, 1_000, 0),
            ("net:198.51.100.0/24", "198.51.100.0/24", Class::Threat, 40, 40),
        ]
    );
    let below: Vec<_> = outcome
        .by_subdomain
        .iter()
        .map(|one| (one.subdomain.as_str(), one.tally.messages, one.legitimate_lost))
        .collect();
    assert_eq!(below, [("news.domain.example", 10, 0), ("shop.domain.example", 7, 7)]);
    assert_eq!(outcome.verdict, Verdict::WouldLose);
    assert_eq!(
        outcome.conclusion(),
        "Of 1,125 legitimate messages 10 (0.9 %) would have been rejected, all from Mailchimp; 5 more fail, but their \
         receivers name a reason to deliver them all the same."
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_read_a_table() {
    let store = prepared().await;
    let dns = Dns::serve("").await;
    let output = ruad(&store, &dns, &[DOMAIN, "--policy", "reject", "--np", "reject"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "Of 1,125 legitimate messages 10 (0.9 %) would have been rejected, all from Mailchimp",
        "Mailchimp (needs_work)",
        "shop.domain.example",
        "1 receiver reported on 1 of the 30 days",
        "Reports do not tell which subdomains exist",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains('\x1b'), "colours in a pipe: {text}");
    assert!(dns.questions().is_empty(), "alignment is not varied, so nobody is asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_is_not_fine() {
    let dns = Dns::serve("").await;
    let store = Engine::shared().store().await;
    let says = async |store: &Store, arguments: &[&str]| {
        let output = ruad(store, &dns, &[&[DOMAIN, "--policy", "reject"], arguments].concat()).await;
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let text = says(&store, &[]).await;
    assert!(text.contains("There are no reports") && text.contains("never been any"), "{text}");
    insert(&store, &[Record { days_ago: 40, dkim: true, ..Record::default() }]).await;
    let text = says(&store, &[]).await;
    assert!(
        text.contains("no reports about domain.example from the last 30 days (the newest is of 20"),
        "{text}"
    );
    insert(&store, &[Record { dkim: true, ..Record::default() }]).await;
    let text = says(&store, &[]).await;
    assert!(text.contains("cannot be told: no sender of domain.example has been sorted"), "{text}");
    sort(&store, &[("service:google", "Google Workspace", "aligned")]).await;
    insert(&store, &[Record { count: 9, source: "203.0.113.9".into(), ..Record::default() }]).await;
    let text = says(&store, &[]).await;
    assert!(text.contains("9 messages of 203.0.113.0/24, about whom nothing is decided"), "{text}");
    let silent = Dns::serve("; servfail: domain.example\n").await;
    let output = ruad(&store, &silent, &[DOMAIN, "--policy", "reject", "--adkim", "r"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("organizational domain of domain.example"));
    let away = Store::connect(&ruad::store::Settings {
        url: Some("http://127.0.0.1:1".into()),
        ..store.settings().clone()
    });
    let text = says(&away.unwrap(), &[]).await;
    assert!(text.contains("nothing can be told about the mail of domain.example"), "{text}");
}

/// Under relaxed alignment a domain and those beside it are one organization.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_organization_is_asked_of_dns() {
    let store = Engine::shared().store().await;
    let record = Record {
        policy_domain: "mail.domain.example".into(),
        from: "mail.domain.example".into(),
        // It was judged strictly until now.
        signatures: vec![("bounce.domain.example".into(), "pass".into())],
        ..Record::default()
    };
    insert(&store, &[record]).await;
    let arguments = ["mail.domain.example", "--policy", "reject", "--adkim", "r", "--json"];
    let rejected = async |zone: &str| {
        let dns = Dns::serve(zone).await;
        let output = ruad(&store, &dns, &arguments).await;
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (
            told["organization"].as_str().unwrap().to_owned(),
            told["all"]["would"]["rejected"].as_u64().unwrap(),
        )
    };
    let above = "_dmarc IN TXT \"v=DMARC1; p=none\"\n_dmarc.mail IN TXT \"v=DMARC1; p=none\"\n";
    assert_eq!(rejected(above).await, (DOMAIN.to_owned(), 0));
    let own = "_dmarc IN TXT \"v=DMARC1; p=none\"\n_dmarc.mail IN TXT \"v=DMARC1; p=none; psd=n\"\n";
    assert_eq!(rejected(own).await, ("mail.domain.example".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_of_the_command_line() {
    let store = Engine::shared().store().await;
    let dns = Dns::serve("").await;
    for arguments in [
        &["not a domain", "--policy", "none"][..],
        &[DOMAIN],
        &[DOMAIN, "--policy", "block"],
        &[DOMAIN, "--policy", "none", "--adkim", "x"],
        &[DOMAIN, "--policy", "none", "--days", "0"],
    ] {
        let output = ruad(&store, &dns, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}

/// What the published record is, and that dropping its `sp` is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_tag_is_mentioned() {
    let store = prepared().await;
    let report = format!(
        "INSERT INTO aggregate_reports (policy_domain, day, verdict, report_key, received_at, p, sp, adkim) VALUES \
         ('{DOMAIN}', today() - 2, 'genuine', generateUUIDv4(), now64(3), 'none', 'reject', 'r'), \
         ('{DOMAIN}', today() - 1, 'genuine', generateUUIDv4(), now64(3), 'Quarantine', 'none', 's')"
    );
    store.client().query_raw(&report).execute().await.unwrap();
    let outcome = outcome(&store, &scenario(Policy::Reject), 30).await;
    let notes = outcome.notes().join("\n");
    assert!(notes.contains("The newest report shows p=quarantine; sp=none; adkim=s."), "{notes}");
    assert!(notes.contains("The record has sp=none now; without --sp it was left out"), "{notes}");
}

/// A store with the records and what is known of their senders.
async fn prepared() -> Store {
    let store = Engine::shared().store().await;
    insert(&store, &records()).await;
    let sources = "INSERT INTO sources (source_ip, service, category, checked_at) VALUES \
                   ('192.0.2.10', 'google', 'mailbox', now()), ('192.0.2.20', 'mailchimp', 'marketing', now())";
    store.client().query_raw(sources).execute().await.unwrap();
    sort(
        &store,
        &[
            ("service:google", "Google Workspace", "aligned"),
            ("service:mailchimp", "Mailchimp", "needs_work"),
            ("net:198.51.100.0/24", "", "threat"),
        ],
    )
    .await;
    store
}

fn scenario(policy: Policy) -> Scenario {
    Scenario {
        policy,
        subdomain_policy: None,
        nonexistent_policy: None,
        dkim_alignment: None,
        spf_alignment: None,
    }
}

async fn outcome(store: &Store, scenario: &Scenario, days: u32) -> Outcome {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let today = u32::try_from(seconds / 86_400).unwrap();
    let question = Question { domain: DOMAIN, organization: DOMAIN, today, days };
    simulate(store, &question, scenario, 0.01).await.unwrap()
}

async fn ruad(store: &Store, dns: &Dns, arguments: &[&str]) -> Output {
    let settings = store.settings();
    Command::new(env!("CARGO_BIN_EXE_ruad"))
        .arg("simulate")
        .args(arguments)
        .args(["--resolver", &dns.address().to_string()])
        .env("RUAD__CLICKHOUSE__URL", settings.url.as_deref().unwrap())
        .env("RUAD__CLICKHOUSE__DATABASE", &settings.database)
        .envs(engine::login(settings))
        .env("RUAD__DNS__TIMEOUT", "0.3")
        .env("RUAD__DNS__RETRIES", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}
