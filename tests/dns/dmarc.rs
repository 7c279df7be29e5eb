//! DMARC.

use ruad_dns::profile::Profile;
use ruad_dns::{
    Check,
    dmarc::{self, Policy, Reports},
};

use crate::{cases, server::Dns};

#[tokio::test]
async fn cases() {
    cases::run("dmarc", async |resolver, domain| dmarc::examine(&resolver, domain, &[]).await.check).await;
}

async fn examine(zone: &str, domain: &str, own: &[&str]) -> dmarc::Outcome {
    let own: Vec<_> = own.iter().map(|own| (*own).to_owned()).collect();
    dmarc::examine(&Dns::serve(zone).await.resolver(), domain, &own).await
}

fn facts(check: &Check) -> Vec<(&str, Option<&str>)> {
    check.facts.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
}

fn codes(check: &Check) -> Vec<&str> {
    check.findings.iter().map(|finding| finding.code.name).collect()
}

const REPORTS: &str =
    "reports.test. IN MX 10 mx.reports.test.\n*._report._dmarc.reports.test. IN TXT \"v=DMARC1;\"\n";

#[tokio::test]
async fn what_is_in_force() {
    let zone = "_dmarc IN TXT \"v=DMARC1; p=reject; sp=quarantine; np=none; t=y; rua=mailto:r@domain.example\"\n\
                @ IN MX 10 mx\nmail IN A 192.0.2.1\n";
    let own = examine(zone, "domain.example", &["r@domain.example"]).await;
    let record = "v=DMARC1; p=reject; sp=quarantine; np=none; t=y; rua=mailto:r@domain.example";
    assert_eq!(
        facts(&own.check),
        [
            ("at", Some("_dmarc.domain.example")),
            ("nonexistent_policy", Some("none")),
            ("policy", Some("quarantine")),
            ("record", Some(record)),
            ("reports_to_us", Some("yes")),
            ("subdomain_policy", Some("none")),
            ("testing", Some("y")),
        ]
    );
    assert_eq!(own.organization.as_deref(), Some("domain.example"));

    let below = examine(zone, "mail.domain.example", &[]).await;
    assert_eq!(below.policy_domain.as_deref(), Some("domain.example"));
    assert_eq!(below.policy, Some(Policy::None));
    assert!(codes(&below.check).contains(&"dmarc.inherited"), "{:?}", codes(&below.check));

    let stricter = zone.replace("np=none", "np=reject");
    let nowhere = examine(&stricter, "gone.domain.example", &[]).await;
    assert_eq!(nowhere.policy, Some(Policy::Quarantine), "np applies to what does not exist");
    let somewhere = examine(&stricter, "mail.domain.example", &[]).await;
    assert_eq!(somewhere.policy, Some(Policy::None), "sp applies to what does");
}

#[tokio::test]
async fn an_unanswered_question_leaves_its_facts_open() {
    let zone = "_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:r@domain.example\"\n@ IN MX 10 mx\n";
    let above =
        examine(&format!("{zone}; silent: _dmarc.example\n"), "domain.example", &["@domain.example"]).await;
    assert_eq!(above.policy, Some(Policy::Reject));
    assert_eq!(above.check.facts["policy"].as_deref(), Some("reject"));
    assert_eq!(above.check.facts["subdomain_policy"], None);
    assert_eq!(above.check.facts["nonexistent_policy"], None);
    assert_eq!(above.check.facts["reports_to_us"].as_deref(), Some("yes"));

    let own = examine("; servfail: _dmarc.domain.example\n", "domain.example", &["@domain.example"]).await;
    assert_eq!(own.check.facts.len(), 7);
    assert!(own.check.facts.values().all(Option::is_none), "{:?}", own.check.facts);
    assert_eq!(own.check.unknown[0].name, "_dmarc.domain.example");

    let existence = "_dmarc.example. IN TXT \"v=DMARC1; p=reject; sp=none; np=reject\"\n; servfail: domain.example\n\
                     ; servfail: x\n";
    let unanswered = examine(existence, "domain.example", &[]).await;
    assert_eq!(unanswered.check.facts["policy"], None, "{:?}", unanswered.check);
}

#[tokio::test]
async fn the_walk_asks_as_little_as_it_may() {
    let long = "a.b.c.d.e.f.g.h.domain.example";
    let zone = "_dmarc.domain.example. IN TXT \"v=DMARC1; p=reject; psd=n\"\n";
    let dns = Dns::serve(zone).await;
    let organization = dmarc::organization(&dns.resolver(), long).await.unwrap();
    assert_eq!(organization, "domain.example");
    let asked: Vec<_> = dns.questions();
    assert_eq!(
        asked,
        [
            "_dmarc.a.b.c.d.e.f.g.h.domain.example TXT",
            "_dmarc.d.e.f.g.h.domain.example TXT",
            "_dmarc.e.f.g.h.domain.example TXT",
            "_dmarc.f.g.h.domain.example TXT",
            "_dmarc.g.h.domain.example TXT",
            "_dmarc.h.domain.example TXT",
            "_dmarc.domain.example TXT",
        ]
    );
    let dns = Dns::serve("; servfail: _dmarc.example\n").await;
    let unanswered = dmarc::organization(&dns.resolver(), "domain.example").await.unwrap_err();
    assert_eq!(unanswered.name, "_dmarc.example");
    let dns = Dns::serve("").await;
    assert_eq!(dmarc::organization(&dns.resolver(), "domain.example").await.unwrap(), "domain.example");
}

#[tokio::test]
async fn a_long_name_does_not_govern_what_is_below_it() {
    // Eight labels: a name below is cut to seven, and this record is never asked for.
    let long = "a.b.c.d.e.f.domain.example";
    let zone = format!(
        "_dmarc.{long}. IN TXT \"v=DMARC1; p=reject; rua=mailto:r@domain.example\"\n\
         _dmarc.domain.example. IN TXT \"v=DMARC1; p=reject; sp=none\"\n@ IN MX 10 mx\n"
    );
    let outcome = examine(&zone, long, &[]).await;
    assert_eq!(outcome.policy, Some(Policy::Reject));
    assert_eq!(outcome.subdomain_policy, Some(Policy::None));
    assert_eq!(codes(&outcome.check), ["dmarc.subdomain_policy_none"]);
}

#[tokio::test]
async fn whether_the_reports_come_here() {
    let own = ["rua@reports.test", "@whole.test"];
    for (rua, comes) in [
        ("mailto:rua@reports.test", true),
        ("mailto:x@domain.example,mailto:rua%2Bacme@reports.test", true),
        ("mailto:any@whole.test", true),
        ("mailto:other@reports.test", false),
        ("mailto:x@domain.example", false),
    ] {
        let zone = format!(
            "{REPORTS}whole.test. IN MX 10 mx.reports.test.\n*._report._dmarc.whole.test. IN TXT \"v=DMARC1;\"\n\
             @ IN MX 10 mx\n_dmarc IN TXT \"v=DMARC1; p=reject; rua={rua}\"\n"
        );
        let outcome = examine(&zone, "domain.example", &own).await;
        let expected = if comes { ("yes", vec![]) } else { ("no", vec!["dmarc.not_to_us"]) };
        assert_eq!(outcome.check.facts["reports_to_us"].as_deref(), Some(expected.0), "{rua}");
        assert_eq!(codes(&outcome.check), expected.1, "{rua}");
        assert!(!examine(&zone, "domain.example", &[]).await.check.facts.contains_key("reports_to_us"));
    }
    // Failure reports alone are not what is meant.
    let zone = format!("{REPORTS}_dmarc IN TXT \"v=DMARC1; p=reject; ruf=mailto:rua@reports.test\"\n");
    let outcome = examine(&zone, "domain.example", &own).await;
    assert_eq!(outcome.check.facts["reports_to_us"].as_deref(), Some("no"));
    assert_eq!(codes(&outcome.check), ["dmarc.no_reports"]);
    let nothing = examine("", "domain.example", &own).await;
    assert_eq!(nothing.check.facts["reports_to_us"].as_deref(), Some("no"));
}

#[tokio::test]
async fn who_agreed_to_what() {
    let zone = format!(
        "{REPORTS}_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:a@domain.example,mailto:b@reports.test; \
         ruf=mailto:c@silent.test,https://third.test/\"\n@ IN MX 10 mx\nsilent.test. IN MX 10 mx.reports.test.\n"
    );
    let outcome = examine(&zone, "domain.example", &[]).await;
    let found: Vec<_> = outcome
        .destinations
        .iter()
        .map(|found| (found.reports, found.uri.host.as_str(), found.external, found.authorized))
        .collect();
    assert_eq!(
        found,
        [
            (Reports::Aggregate, "domain.example", Some(false), None),
            (Reports::Aggregate, "reports.test", Some(true), Some(true)),
            (Reports::Failure, "silent.test", Some(true), Some(false)),
            (Reports::Failure, "third.test", None, None),
        ]
    );
    // The host may have reports sent to another of its addresses, which is then the one that counts.
    let replaced = REPORTS.replace("v=DMARC1;\"", "v=DMARC1; rua=mailto:other@reports.test\"");
    let zone = format!("{replaced}_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:b@reports.test\"\n");
    assert!(examine(&zone, "domain.example", &["other@reports.test"]).await.destinations[0].ours);
    assert!(!examine(&zone, "domain.example", &["b@reports.test"]).await.destinations[0].ours);
}

#[tokio::test]
async fn several_records_are_remembered_in_one_order() {
    let mut seen = Vec::new();
    for records in [["p=none", "p=reject"], ["p=reject", "p=none"]] {
        let zone: String =
            records.iter().map(|record| format!("_dmarc IN TXT \"v=DMARC1; {record}\"\n")).collect();
        let check = examine(&zone, "domain.example", &[]).await.check;
        assert_eq!(check.records.len(), 2);
        assert!(!check.facts.contains_key("policy"));
        seen.push(check.facts["record"].clone().unwrap());
    }
    assert_eq!(seen, ["v=DMARC1; p=none\nv=DMARC1; p=reject"; 2]);
}

#[tokio::test]
async fn a_fault_is_pointed_at() {
    let zone =
        "_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:a@domain.example,b@domain.example\"\n@ IN MX 10 mx\n";
    let outcome = examine(zone, "domain.example", &[]).await;
    let [finding] = outcome.check.findings.as_slice() else { panic!("{:?}", outcome.check) };
    let record = finding.evidence.record.as_deref().unwrap();
    assert_eq!(record.get(finding.evidence.position.clone().unwrap()).unwrap(), "b@domain.example");
    assert_eq!(finding.evidence.name, "_dmarc.domain.example");
    assert!(finding.detail.contains("mailto:"), "{}", finding.detail);
}

#[tokio::test]
async fn a_record_full_of_mistakes_is_bounded() {
    let hosts: Vec<_> = (0..100).map(|n| format!("mailto:a@h{n}.test")).collect();
    let strings: Vec<_> = format!("v=DMARC1; p=none; rua={};{}", hosts.join(","), "x;".repeat(2_000))
        .as_bytes()
        .chunks(250)
        .map(|chunk| format!("\"{}\"", String::from_utf8_lossy(chunk)))
        .collect();
    let dns = Dns::serve(&format!("_dmarc IN TXT {}\n", strings.join(" "))).await;
    let outcome = dmarc::examine(&dns.resolver(), "domain.example", &[]).await;
    assert!(outcome.check.findings.len() < 100, "{}", outcome.check.findings.len());
    assert!(dns.questions().len() < 250, "{}", dns.questions().len());
}

/// The score that a profile gives for a record alone.
async fn score(profile: &str, record: &str) -> u16 {
    let zone = format!(
        "@ IN MX 10 mx\nmx IN A 192.0.2.1\n_dmarc IN TXT \"{record}\"\nreports.example. IN MX 10 mx\n"
    );
    let dns = Dns::serve(&zone).await;
    let outcome = dmarc::examine(&dns.resolver(), "domain.example", &[]).await;
    let codes = outcome.check.findings.iter().map(|finding| finding.code);
    Profile::named(profile).unwrap().score(codes).tenths()
}

/// RFC 9989 section 4.7: receivers apply the next weaker policy.
#[tokio::test]
async fn a_test_costs_what_its_policy_in_force_does() {
    let rua = "rua=mailto:rua@domain.example";
    for profile in ["default", "nl-gov"] {
        let score = async |tags: &str| score(profile, &format!("v=DMARC1; {tags}; {rua}")).await;
        assert_eq!(score("p=quarantine; t=y").await, score("p=none").await, "{profile}");
        assert_eq!(score("p=reject; t=y").await, score("p=quarantine").await, "{profile}");
        assert_eq!(score("p=none; t=y").await, score("p=none").await, "{profile}");
        assert!(score("p=none").await < score("p=quarantine").await, "{profile}");
    }
}

/// The results of its published code.
#[tokio::test]
async fn nl_gov_measures_as_internet_nl_does() {
    for (record, passes) in [
        ("v=DMARC1; p=reject; rua=mailto:rua@domain.example", true),
        ("v=DMARC1; p=reject; sp=none; rua=mailto:rua@domain.example", true),
        ("v=DMARC1; p=reject; np=none", true),
        ("v=DMARC1; p=reject", true),
        ("v=DMARC1; P=reject; pct=50; ri=86400", true),
        ("v=DMARC1; p=reject; rua=mailto:rua@reports.example", true),
        ("v=DMARC1; p=reject; t=y", true),
        ("v=DMARC1; p=reject; psd=n", true),
        ("v=DMARC1; p=reject; fo=0:1; ruf=mailto:rua@domain.example", true),
        ("v=DMARC1; p=reject;;", false),
        ("v=DMARC1; p=reject; ri=x", false),
        ("v=DMARC1; p=reject; t=yes", false),
        ("v=DMARC1; p=quarantine; t=y", false),
        ("v=DMARC1; p=none", false),
        ("v=DMARC1; rua=mailto:rua@domain.example", false),
        ("v=DMARC1; rua=mailto:rua@domain.example; p=reject", false),
        ("v=DMARC1; p=reject; x=y", false),
        ("v=DMARC1; p=reject; adkim=relaxed", false),
        ("v=DMARC1;; p=reject", false),
        ("v=DMARC1; p=reject; rua=rua@domain.example", false),
    ] {
        assert_eq!(score("nl-gov", record).await == 50, passes, "{record}");
    }
    let score = async |record| score("nl-gov", record).await;
    let unreadable = score("v=DMARC1; p=reject; x=y").await;
    for record in [
        "v=DMARC1; rua=mailto:rua@domain.example",
        "v=DMARC1; p=none; p=none",
        "v=DMARC1; p=none;; x=y; rua=rua@domain.example",
        "v=DMARC1; p=rejct; rua=mailto:rua@domain.example",
    ] {
        assert_eq!(score(record).await, unreadable, "what cannot be read counts once: {record}");
    }
    assert!(
        unreadable < score("v=DMARC1; p=none").await,
        "no policy at all weighs more than one that asks for nothing"
    );
}
