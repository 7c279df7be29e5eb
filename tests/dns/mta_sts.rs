//! MTA-STS. What comes over HTTPS is said by the zones: `_policy` holds the status, the media type and the lines of the
//! policy, or alone what goes wrong; `_life` how many seconds the certificate is valid still, and was in all.

use std::{net::Ipv4Addr, time::Duration};

use ruad_dns::{
    Resolver, Trouble,
    mta_sts::{self, CertificateFault, FetchError, Mode, PolicyFile},
    mx,
};

use crate::{cases, server::Dns};

#[tokio::test]
async fn cases() {
    cases::run("mta_sts", async |resolver, domain| examine(&resolver, domain).await.check).await;
}

#[tokio::test]
async fn the_facts_show_a_policy_that_changes_while_its_id_stays() {
    let zone = |id: &str, mode: &str| {
        format!(
            "@ IN MX 10 mx\nmx IN A 192.0.2.1\n_mta-sts IN TXT \"v=STSv1; id={id}\"\n_policy IN TXT \"200\" \"text/plain\" \
             \"version: STSv1\" \"mode: {mode}\" \"mx: mx.domain.example\" \"max_age: 604800\"\n"
        )
    };
    let mut seen = Vec::new();
    for (id, mode) in [("1", "enforce"), ("1", "enforce"), ("1", "testing"), ("2", "enforce")] {
        let dns = Dns::serve(&zone(id, mode)).await;
        let outcome = examine(&dns.resolver(), "domain.example").await;
        assert_eq!(outcome.id.as_deref(), Some(id));
        assert_eq!(outcome.policy.as_ref().unwrap().mode.to_string(), mode);
        let fact = |name: &str| outcome.check.facts[name].clone().unwrap();
        assert_eq!((fact("id"), fact("mode")), (id.to_owned(), mode.to_owned()));
        seen.push(fact("policy"));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    assert_eq!(seen[0], seen[3]);
}

#[tokio::test]
async fn what_could_not_be_fetched_keeps_its_last_state() {
    let dns = Dns::serve("_mta-sts IN TXT \"v=STSv1; id=1\"\n_policy IN TXT \"timeout\"\n").await;
    let check = examine(&dns.resolver(), "domain.example").await.check;
    assert_eq!(check.facts["id"].as_deref(), Some("1"));
    assert_eq!((&check.facts["mode"], &check.facts["policy"]), (&None, &None));
    assert_eq!(check.unknown[0].name, "https://mta-sts.domain.example/.well-known/mta-sts.txt");
    assert_eq!(check.unknown[0].trouble, Trouble::Timeout);

    let dns = Dns::serve("_mta-sts IN TXT \"v=STSv1; id=1\"\n_policy IN TXT \"expired\"\n").await;
    let check = examine(&dns.resolver(), "domain.example").await.check;
    assert!(!check.facts.contains_key("mode") && !check.facts.contains_key("policy"));

    let dns = Dns::serve("; silent: _mta-sts.domain.example\n").await;
    let check = examine(&dns.resolver(), "domain.example").await.check;
    assert_eq!(check.facts.values().collect::<Vec<_>>(), [&None, &None, &None]);
}

#[tokio::test]
async fn findings_point_at_the_fault() {
    let dns = Dns::serve(
        "_mta-sts IN TXT \"v=STSv1; id=2026-01-01\"\n\
         _policy IN TXT \"200\" \"text/plain\" \"version: STSv1\" \"mode: on\" \"mx: mx.domain.example\" \"max_age: 604800\"\n",
    )
    .await;
    let outcome = examine(&dns.resolver(), "domain.example").await;
    let pointed: Vec<_> = outcome
        .check
        .findings
        .iter()
        .map(|finding| {
            let evidence = &finding.evidence;
            let record = evidence.record.as_deref().unwrap();
            (finding.code.name, record.get(evidence.position.clone().unwrap()).unwrap())
        })
        .collect();
    assert_eq!(pointed, [("mta_sts.bad_id", "2026-01-01"), ("mta_sts.policy_value", "on")]);
    assert_eq!(outcome.policy, None);
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_read() {
    let dns = Dns::serve(include_str!("cases/mta_sts.ok_wildcards.zone")).await;
    let outcome = examine(&dns.resolver(), "domain.example").await;
    let policy = outcome.policy.unwrap();
    assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 31_557_600));
    assert_eq!(policy.mx, ["mx.provider.example", "*.mx.provider.example"]);
    let kinds: Vec<_> = outcome.check.records.iter().map(|record| record.kind).collect();
    assert_eq!(kinds, ["TXT", "HTTPS"]);
}

async fn examine(resolver: &Resolver, domain: &str) -> mta_sts::Outcome {
    let mx = mx::examine(resolver, domain).await;
    mta_sts::examine(resolver, domain, &mx, async {
        let said = strings(resolver, &format!("_policy.{domain}")).await;
        let mut file = match said.as_slice() {
            [] => return Err(FetchError::NoHost),
            // A wildcard of the zone.
            [what] if what.starts_with("v=") => return Err(FetchError::NoHost),
            [what] => return Err(error(what)),
            [status, kind, lines @ ..] => PolicyFile {
                status: status.parse().unwrap(),
                content_type: Some(kind.clone()).filter(|kind| !kind.is_empty()),
                body: lines.join("\n").into_bytes(),
                ..PolicyFile::default()
            },
        };
        if let [left, whole] = strings(resolver, &format!("_life.{domain}")).await.as_slice() {
            let [left, whole] = [left, whole].map(|text| Duration::from_secs(text.parse().unwrap()));
            file.certificate_life = Some((left, whole));
        }
        Ok(file)
    })
    .await
}

fn error(what: &str) -> FetchError {
    let reason = "for a reason".to_owned();
    let fault = match what {
        "private" => {
            return FetchError::SpecialAddress { address: Ipv4Addr::LOCALHOST.into(), kind: "loopback" };
        }
        "refused" => return FetchError::Unreachable { reason },
        "not_http" => return FetchError::Http { reason },
        "tls" => return FetchError::Tls { reason },
        "too_large" => return FetchError::TooLarge { limit: 65_536 },
        "timeout" => return FetchError::Timeout,
        "no_route" => return FetchError::NoRoute { reason },
        "no_roots" => return FetchError::NoRoots,
        "servfail" => return FetchError::Resolve { trouble: Trouble::ServerFailure },
        "expired" => CertificateFault::Expired,
        "not_yet" => CertificateFault::NotYetValid,
        "name" => CertificateFault::WrongName,
        "issuer" => CertificateFault::UnknownIssuer,
        "certificate" => CertificateFault::Other(reason),
        _ => panic!("{what}"),
    };
    FetchError::Certificate { fault }
}

async fn strings(resolver: &Resolver, name: &str) -> Vec<String> {
    let answer = resolver.txt(name).await;
    let strings = answer.records().first().map(|text| text.strings.clone()).unwrap_or_default();
    strings.into_iter().map(|string| String::from_utf8(string).unwrap()).collect()
}
