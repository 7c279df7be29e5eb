//! `ruad source` against the real engine.

use std::{
    fs,
    process::{Command, Output},
};

use ruad::store::{Settings, Store};

use crate::engine::Engine;

struct Bench {
    settings: Settings,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let settings = Engine::shared().settings();
        let store = Store::connect(&settings).unwrap();
        store.migrate().await.unwrap();
        let insert = "INSERT INTO domain_senders (domain, sender, computed_at, name, class, rule, messages, passed, \
            first_day, last_day) VALUES \
            ('acme.example', 'service:google', now(), 'Google', 'aligned', 'passes', 200, 199, '2026-01-02', '2026-11-20'), \
            ('acme.example', 'net:AS64500/mail.example', now(), 'mail.example', 'undecided', 'steady', 9, 0, '2026-03-04', \
             '2026-11-19'), \
            ('acme.example', 'net:others', now(), 'Others', 'threat', 'scattered', 5, 0, '2026-11-01', '2026-11-19')";
        store.client().query_raw(insert).execute().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let registry = "[[group]]\nname = \"acme\"\ndomains = [\"acme.example\"]\n[[domain]]\nname = \"acme.example\"\n\
            [[domain.source]]\nsender = \"google\"\ndecision = \"approved\"\n";
        fs::write(folder.path().join("domains.toml"), registry).unwrap();
        Self { settings, folder }
    }

    fn source(&self, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_ruad"))
            .arg("source")
            .args(arguments)
            .env("RUAD__CLICKHOUSE__URL", self.settings.url())
            .env("RUAD__CLICKHOUSE__DATABASE", &self.settings.database)
            .envs(crate::engine::login(&self.settings))
            .env("RUAD__DOMAINS__FILE", self.folder.path().join("domains.toml"))
            .env("USER", "tester")
            .output()
            .unwrap();
        (status.success(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
    }
}

#[tokio::test]
async fn senders_are_listed_and_decided_about() {
    let bench = Bench::new().await;
    let (is_fine, text) = bench.source(&["list", "Acme.example"]);
    assert!(is_fine, "{text}");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    for part in
        ["service:google", "set up", "200", "99.5%", "2026-01-02", "2026-11-20", "approved", "Nearly all"]
    {
        assert!(lines[1].contains(part), "{part}: {text}");
    }
    assert!(lines[2].contains("undecided") && !lines[2].contains("approved"), "{text}");

    let sender = "net:AS64500/mail.example";
    let (is_fine, text) = bench.source(&["reject", "acme.example", sender, "--note", "not ours"]);
    assert!(is_fine && text.contains("is rejected for acme.example"), "{text}");
    assert!(bench.source(&["list", "acme.example"]).1.contains("rejected"));
    let (is_fine, text) = bench.source(&["forget", "acme.example", sender]);
    assert!(is_fine, "{text}");
    assert!(!bench.source(&["list", "acme.example"]).1.contains("rejected"));
    let (_, text) = bench.source(&["list", "acme.example", "--lang", "nl"]);
    assert!(text.contains("onbeslist") && text.contains("Alle mail wordt afgekeurd"), "{text}");

    let (is_fine, text) = bench.source(&["reject", "acme.example", "google"]);
    assert!(is_fine && text.contains("the registry says approved"), "{text}");
    assert!(bench.source(&["list", "acme.example"]).1.lines().nth(1).unwrap().contains("approved"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_said() {
    let bench = Bench::new().await;
    for (arguments, said) in [
        (
            &["approve", "acme.example", "service:sendgrid"][..],
            "these are: service:google, net:AS64500/mail.example",
        ),
        (&["approve", "acme.example", "net:others"], "not one sender"),
        (&["approve", "other.example", "google"], "no senders of other.example are known"),
        (&["forget", "acme.example", "google"], "nothing was said of service:google"),
        (&["list", "not a domain"], "is not a domain name"),
    ] {
        let (is_fine, text) = bench.source(arguments);
        assert!(!is_fine && text.contains(said), "{arguments:?}: {text}");
    }
    let (is_fine, text) = bench.source(&["list", "other.example"]);
    assert!(is_fine && text.contains("no senders of other.example are known"), "{text}");
}
