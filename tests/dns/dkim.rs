//! DKIM keys.

use ruad_dns::{
    Severity, Status,
    dkim::{self, Content, Kind, Origin, Outcome, Selector},
};

use crate::{cases, server::Dns};

#[tokio::test]
async fn every_case() {
    let common: Vec<_> = dkim::common().collect();
    cases::run("dkim", async |resolver, domain| dkim::examine(&resolver, domain, &common).await.check).await;
}

async fn examine(zone: &str, selectors: &[Selector]) -> (Outcome, Dns) {
    let dns = Dns::serve(zone).await;
    let outcome = dkim::examine(&dns.resolver(), "domain.example", selectors).await;
    (outcome, dns)
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    let mut codes: Vec<_> = outcome.check.findings.iter().map(|finding| finding.code.name).collect();
    codes.sort_unstable();
    codes
}

fn reported(name: &str, passed: bool, quiet_days: u32) -> Selector {
    Selector::new(name, Origin::Report { passed, quiet_days })
}

#[tokio::test]
async fn a_configured_selector_must_be_there() {
    let zone = format!("other._domainkey IN TXT \"{KEY}\"\ngone._domainkey IN CNAME key.service.test.\n");
    let selectors = [Selector::new("mine", Origin::Registry), Selector::new("gone", Origin::Registry)];
    let (outcome, _dns) = examine(&zone, &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.dangling_alias", "dkim.selector_missing", "dkim.selector_missing"]);
    assert_eq!(outcome.check.findings[0].code.severity, Severity::Error);
    let missing: Vec<_> = outcome.check.findings.iter().map(|finding| finding.detail.as_str()).collect();
    assert!(
        missing.iter().any(|detail| detail.contains("no record at mine._domainkey.domain.example")),
        "{missing:?}"
    );
    assert!(missing.iter().any(|detail| detail.contains("alias of key.service.test")), "{missing:?}");
    assert!(!outcome.check.facts.keys().any(|fact| fact.starts_with("key:")));
}

#[tokio::test]
async fn a_selector_in_recent_reports_must_be_there() {
    let selectors = [reported("now", true, 1), reported("never", false, 0), reported("long-ago", true, 90)];
    let (outcome, _dns) = examine("x._domainkey IN TXT \"-\"\n", &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.reported_selector_missing", "dkim.reported_selector_missing"]);
    let names: Vec<_> = outcome.check.findings.iter().map(|finding| finding.evidence.name.as_str()).collect();
    assert_eq!(names, ["now._domainkey.domain.example", "never._domainkey.domain.example"]);
    assert!(outcome.check.findings[1].detail.contains("none of which verified"));
}

#[tokio::test]
async fn a_selector_in_use_must_not_be_revoked() {
    let zone = ["a", "b", "c"].map(|name| format!("{name}._domainkey IN TXT \"v=DKIM1; p=\"\n")).concat();
    let selectors = [Selector::new("a", Origin::Registry), reported("b", true, 3), reported("c", true, 30)];
    let (outcome, _dns) = examine(&zone, &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.revoked", "dkim.revoked_in_use", "dkim.revoked_in_use"]);
    assert_eq!(outcome.check.facts["key:a"].as_deref(), Some("revoked"));
    let position = outcome.check.findings[0].evidence.position.clone().unwrap();
    assert_eq!(outcome.keys[0].text.get(position), Some("p="));
}

#[tokio::test]
async fn a_wildcard_that_revokes_all_leaves_a_selector_in_use_revoked() {
    let selectors = [reported("a", true, 0), Selector::new("google", Origin::Common)];
    let (outcome, _dns) = examine("*._domainkey IN TXT \"v=DKIM1; p=\"\n", &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.revoked_in_use"]);
    assert!(matches!(outcome.wildcard.unwrap().record.content, Content::Revoked));
}

#[tokio::test]
async fn a_record_with_the_domain_twice_is_found() {
    let zone = format!("mine._domainkey.domain.example IN TXT \"{KEY}\"\n");
    let (outcome, _dns) = examine(&zone, &[Selector::new("mine", Origin::Registry)]).await;
    assert_eq!(codes(&outcome), ["dkim.selector_missing"]);
    let detail = &outcome.check.findings[0].detail;
    assert!(detail.contains("one at mine._domainkey.domain.example.domain.example"), "{detail}");
}

#[tokio::test]
async fn the_outcome_says_what_is_published() {
    let zone = format!(
        "b._domainkey IN CNAME b.service.test.\nb.service.test. IN TXT \"{KEY}\"\n\
         a._domainkey IN TXT \"v=DKIM1; k=ed25519; t=s; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
    );
    let selectors = [Selector::new("B", Origin::Registry), reported("a", true, 0)];
    let (outcome, _dns) = examine(&zone, &selectors).await;
    let [a, b] = &outcome.keys[..] else { panic!("{:?}", outcome.keys) };
    assert_eq!((a.selector.as_str(), b.selector.as_str()), ("a", "b"));
    assert_eq!((a.alias.as_deref(), b.alias.as_deref()), (None, Some("b.service.test")));
    assert!(a.record.strict && !b.record.strict);
    let (a, b) = (a.key().unwrap(), b.key().unwrap());
    assert_eq!((a.kind, a.bits, b.kind, b.bits), (Kind::Ed25519, 256, Kind::Rsa, 1024));
    // The start of the SHA-256 of the 32 bytes of the key of RFC 8463 appendix A.
    assert_eq!(a.fingerprint, "21fe31dfa154a261626bf854046fd227");
    assert_eq!(outcome.check.facts["key:a"].as_deref(), Some(a.fingerprint.as_str()));
    assert_eq!(outcome.check.facts["key:b"].as_deref(), Some(b.fingerprint.as_str()));
    assert_eq!(outcome.check.records.len(), 2);
    assert_eq!(outcome.domainkey_exists, Some(true));
    let short = &outcome.check.findings[0];
    assert!(short.detail.contains("b.service.test"), "{}", short.detail);
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["keys"][0]["state"], "key");
    assert_eq!(json["keys"][0]["kind"], "ed25519");
    assert!(
        json["keys"][1].get("ttl_seconds").is_none(),
        "what is left of it is another number every second"
    );
    assert!((58..=60).contains(&outcome.keys[1].ttl.as_secs()));
}

#[tokio::test]
async fn a_position_points_into_the_joined_record() {
    let zone = "mine._domainkey IN TXT \"v=DKIM1; k=rsa; \" \"t=y; p=MIG_\"\n";
    let (outcome, _dns) = examine(zone, &[Selector::new("mine", Origin::Registry)]).await;
    for (code, text) in [("dkim.testing", "t=y"), ("dkim.bad_base64", "_")] {
        let finding = outcome.check.findings.iter().find(|finding| finding.code.name == code).unwrap();
        let position = finding.evidence.position.clone().unwrap();
        assert_eq!(finding.evidence.record.as_ref().unwrap().get(position), Some(text));
    }
}

#[tokio::test]
async fn nothing_is_asked_below_a_name_that_does_not_exist() {
    let common: Vec<_> = dkim::common().collect();
    let (outcome, dns) = examine("@ IN A 192.0.2.1\n", &common).await;
    assert_eq!(outcome.domainkey_exists, Some(false));
    assert_eq!(outcome.check.status(), Status::Ok);
    // `_domainkey`, the probe, and whether the domain sends mail at all.
    assert_eq!(dns.questions().len(), 6, "{:?}", dns.questions());
}

#[tokio::test]
async fn a_server_that_denies_the_name_above_its_keys_is_found_out() {
    let zone = format!(
        "; nxdomain: _domainkey.domain.example\nmine._domainkey IN TXT \"{KEY}\"\ngoogle._domainkey IN TXT \"{KEY}\"\n"
    );
    let selectors = [Selector::new("mine", Origin::Registry), Selector::new("google", Origin::Common)];
    let (outcome, _dns) = examine(&zone, &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.domainkey_nxdomain", "dkim.key_short", "dkim.key_short"]);
    // What the server says of the name is not to be believed, so the common selectors are asked for.
    assert_eq!(outcome.keys.len(), 2);
}

#[tokio::test]
async fn what_may_be_a_wildcard_is_no_fault_of_a_selector() {
    let zone = format!(
        "* IN TXT \"v=spf1 -all\"\nmine._domainkey IN TXT \"{KEY}\"\nyours._domainkey IN TXT \"v=spf1 -all\"\n\
         ; silent: is-there-a-wildcard-7f3a._domainkey.domain.example\n"
    );
    let mut selectors: Vec<_> = dkim::common().collect();
    selectors.extend(["mine", "yours"].map(|name| Selector::new(name, Origin::Registry)));
    let (outcome, dns) = examine(&zone, &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.key_short"]);
    assert_eq!(outcome.check.status(), Status::Unknown);
    assert_eq!(outcome.check.facts["key:yours"], None);
    assert!(outcome.check.facts["key:mine"].is_some());
    assert!(dns.questions().len() < 10, "{:?}", dns.questions());
}

#[tokio::test]
async fn an_alias_that_all_names_are_is_not_the_selectors() {
    let selectors = [Selector::new("mine", Origin::Registry)];
    let (outcome, _dns) = examine("* IN CNAME gone.test.\n", &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.selector_missing"]);
    let silent = "; silent: is-there-a-wildcard-7f3a._domainkey.domain.example\n* IN CNAME gone.test.\n";
    let (outcome, _dns) = examine(silent, &selectors).await;
    assert_eq!(codes(&outcome), ["dkim.selector_missing"]);
}

#[tokio::test]
async fn an_alias_of_nothing_denies_nothing_below_it() {
    let zone = format!("_domainkey IN CNAME gone.test.\nmine._domainkey IN TXT \"{KEY}\"\n");
    let (outcome, _dns) = examine(&zone, &[Selector::new("mine", Origin::Registry)]).await;
    assert_eq!(codes(&outcome), ["dkim.key_short"]);
}

#[tokio::test]
async fn a_silent_server_is_not_asked_again_and_again() {
    let mut selectors: Vec<_> = dkim::common().collect();
    selectors.push(Selector::new("mine", Origin::Registry));
    let (outcome, dns) = examine("; silent: _domainkey.domain.example\n", &selectors).await;
    assert_eq!(outcome.check.status(), Status::Unknown);
    assert_eq!(codes(&outcome), [""; 0]);
    let mut questions = dns.questions();
    questions.dedup();
    assert!(questions.len() <= 3 * 2, "{questions:?}");
    // What was known of any of them stays known.
    for fact in ["key:mine", "key:google", "key:selector1"] {
        assert_eq!(outcome.check.facts[fact], None);
    }
}

#[tokio::test]
async fn the_common_selectors_are_asked_once_each() {
    let common: Vec<_> = dkim::common().collect();
    let zone = format!("google._domainkey IN TXT \"{KEY}\"\n");
    let (outcome, dns) = examine(&zone, &common).await;
    assert_eq!(outcome.keys.len(), 1);
    let questions = dns.questions();
    let texts = questions.iter().filter(|question| question.ends_with(" TXT")).count();
    assert_eq!(texts, common.len() + 2);
    assert!(questions.len() < common.len() + 20, "{}", questions.len());
}

#[tokio::test]
async fn many_domains_are_examined_side_by_side() {
    let zone = (0..20).map(|number| format!("google._domainkey.d{number} IN TXT \"{KEY}\"\n"));
    let dns = Dns::serve(&zone.collect::<String>()).await;
    let examinations: Vec<_> = (0..20)
        .map(|number| {
            let (resolver, common) = (dns.resolver(), dkim::common().collect::<Vec<_>>());
            let domain = format!("d{number}.domain.example");
            tokio::spawn(async move { dkim::examine(&resolver, &domain, &common).await })
        })
        .collect();
    for examination in examinations {
        assert_eq!(examination.await.unwrap().keys.len(), 1);
    }
}

#[tokio::test]
async fn a_subdomain_may_sign_as_its_parent() {
    let common: Vec<_> = dkim::common().collect();
    let zone = format!("google._domainkey IN TXT \"{KEY}\"\nnews IN TXT \"v=spf1 mx -all\"\n");
    let dns = Dns::serve(&zone).await;
    let outcome = dkim::examine(&dns.resolver(), "news.domain.example", &common).await;
    assert_eq!(codes(&outcome), [""; 0]);
    dns.replace("news IN TXT \"v=spf1 mx -all\"\n");
    let outcome = dkim::examine(&dns.resolver(), "news.domain.example", &common).await;
    assert_eq!(codes(&outcome), ["dkim.absent"]);
}

#[tokio::test]
async fn whether_it_sends_mail_may_be_unknown() {
    let dns = Dns::serve("; servfail: other.example\n").await;
    let outcome = dkim::examine(&dns.resolver(), "other.example", &[]).await;
    assert_eq!(outcome.check.status(), Status::Unknown);
    assert_eq!(codes(&outcome), [""; 0]);
}

#[tokio::test]
async fn a_name_that_is_too_long_has_no_keys() {
    let dns = Dns::serve("").await;
    let domain = ["a".repeat(60).as_str(); 4].join(".") + ".example";
    let common: Vec<_> = dkim::common().collect();
    let outcome = dkim::examine(&dns.resolver(), &domain, &common).await;
    assert_eq!((outcome.domainkey_exists, outcome.check.status()), (Some(false), Status::Ok));
}

/// A key of 1024 bits, as two strings of a zone file.
pub(crate) const KEY: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCpWDlMYe3Kwm0EgZbAxNakbjcgEaG88H/ZQpqwhshZIcuxLQ837tAtoASGFvWul2myurPFeAnDIPHdIeGUr8bqHOHKIwieVDZBdZ+fgHQjMGjb6vygKAbEypQMRwkM93XBQN1kH09aE0zM62\" \"sZSrWchgkzcBE7hsgYe4ZGBcKDNQIDAQAB";
