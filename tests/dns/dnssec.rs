//! What is said about signed and unsigned domains.

use std::time::{SystemTime, UNIX_EPOCH};

use hickory_server::proto::rr::RecordType;
use ruad_dns::{Check, Proof, Status, Trouble, dnssec};

use crate::tree::{Ds, Tree, Zone};

const TEXT: &str = "@ IN MX 10 mx\nmx IN A 192.0.2.1\n";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn domain() -> Zone {
    Zone::signed("domain.example.", TEXT)
}

async fn examine(zones: &[Zone]) -> dnssec::Outcome {
    let tree = Tree::serve(zones).await;
    dnssec::examine(&tree.validator(), "domain.example", now()).await
}

fn codes(check: &Check) -> Vec<&str> {
    let mut codes: Vec<_> = check.findings.iter().map(|finding| finding.code.name).collect();
    codes.sort_unstable();
    codes
}

/// The codes, the fact `secure` and the status for one domain.
async fn expect(zone: Zone, expected: &[&str], secure: &str, status: Status) {
    let outcome = examine(&[zone]).await;
    assert_eq!(codes(&outcome.check), expected, "{outcome:#?}");
    assert_eq!(outcome.check.facts["secure"].as_deref(), Some(secure), "{outcome:#?}");
    assert_eq!(outcome.check.status(), status, "{outcome:#?}");
}

#[tokio::test]
async fn a_well_signed_domain_has_no_findings() {
    for nsec3 in [None, Some((0, &b""[..]))] {
        let outcome = examine(&[domain().with(|zone| zone.nsec3 = nsec3)]).await;
        assert_eq!(outcome.check.status(), Status::Ok, "{outcome:#?}");
        assert_eq!(outcome.proof, Proof::Secure);
        assert_eq!(outcome.zone, "domain.example");
        assert_eq!((outcome.keys.len(), outcome.delegation.len()), (1, 1));
        assert_eq!(outcome.keys[0].tag, outcome.delegation[0].tag);
        assert!(outcome.delegation[0].matches);
        let left = outcome.expires.unwrap() - now();
        assert!((28 * 86_400..30 * 86_400).contains(&left), "{left}");
        assert_eq!(outcome.hosts.len(), 1);
    }
}

#[tokio::test]
async fn unsigned() {
    let plain = Zone::unsigned("domain.example.", TEXT);
    expect(plain, &["dnssec.unsigned"], "no", Status::Info).await;
}

#[tokio::test]
async fn no_chain() {
    expect(domain().with(|zone| zone.ds = Ds::None), &["dnssec.no_chain"], "no", Status::Warning).await;
    let above = Zone::unsigned("example.", "");
    let outcome = examine(&[above, domain()]).await;
    assert_eq!(codes(&outcome.check), ["dnssec.no_chain"]);
}

#[tokio::test]
async fn no_matching_key() {
    let codes = ["dnssec.no_matching_key"];
    let wrong = domain().with(|zone| zone.ds = Ds::Wrong);
    let outcome = examine(&[wrong]).await;
    assert_eq!(self::codes(&outcome.check), codes, "a broken DS record is one fault: {outcome:#?}");
    let outcome = examine(&[domain().with(|zone| zone.ds = Ds::WrongDigest)]).await;
    assert_eq!(self::codes(&outcome.check), codes, "{outcome:#?}");
    let tag = outcome.keys[0].tag.to_string();
    let detail = &outcome.check.findings[0].detail;
    assert!(detail.contains(&tag) && detail.contains("another digest"), "{detail}");
    let elsewhere = Zone::signed("domain.example.", "@ IN MX 10 mx.other.example.\n");
    let outcome = examine(&[
        elsewhere.with(|zone| zone.ds = Ds::Wrong),
        Zone::signed("other.example.", "mx IN A 192.0.2.1\n"),
    ])
    .await;
    assert_eq!(self::codes(&outcome.check), codes, "{outcome:#?}");
    let never = Zone::unsigned("domain.example.", "@ IN MX 0 .\n").with(|zone| zone.ds = Ds::Good);
    expect(never, &codes, "bogus", Status::Error).await;
}

#[tokio::test]
async fn stale_ds() {
    let zone = domain().with(|zone| zone.ds = Ds::GoodAndWrong);
    expect(zone, &["dnssec.stale_ds"], "yes", Status::Info).await;
}

#[tokio::test]
async fn signatures_missing() {
    let zone = domain().with(|zone| zone.unsigned = vec![RecordType::MX]);
    expect(zone, &["dnssec.signatures_missing"], "bogus", Status::Error).await;
}

#[tokio::test]
async fn signatures_expired() {
    let zone = Zone::signed("domain.example.", "@ IN MX 0 .\n");
    let expired = zone.clone().with(|zone| zone.inception = -32 * 86_400);
    let outcome = examine(&[expired]).await;
    assert_eq!(codes(&outcome.check), ["dnssec.signatures_expired"], "{outcome:#?}");
    assert!(outcome.check.findings[0].detail.contains("2 days ago"), "{outcome:#?}");
    let early = zone.with(|zone| zone.inception = 3_600);
    expect(early, &["dnssec.bogus"], "bogus", Status::Error).await;
}

#[tokio::test]
async fn bogus() {
    let zone = domain().with(|zone| zone.damaged = vec![RecordType::MX]);
    expect(zone, &["dnssec.bogus"], "bogus", Status::Error).await;
}

#[tokio::test]
async fn denial_unproven() {
    let zone = domain().with(|zone| zone.damaged = vec![RecordType::NSEC]);
    // The host has no IPv6 address, which cannot be proven either.
    expect(zone, &["dnssec.denial_unproven"], "bogus", Status::Error).await;
}

#[tokio::test]
async fn expires_soon() {
    let late = domain().with(|zone| zone.inception = -28 * 86_400);
    expect(late, &["dnssec.expires_soon"], "yes", Status::Warning).await;
    // Signatures of two days are made anew all the time, and OpenDNSSEC renews at three days of fourteen.
    let online = domain().with(|zone| (zone.inception, zone.validity) = (-86_400, 2 * 86_400));
    expect(online, &[], "yes", Status::Ok).await;
    let usual = domain().with(|zone| (zone.inception, zone.validity) = (-11 * 86_400 - 3_600, 14 * 86_400));
    expect(usual, &[], "yes", Status::Ok).await;
}

#[tokio::test]
async fn weak_algorithm() {
    let zone = domain().with(|zone| zone.idle_keys = vec![5, 7, 8]);
    let outcome = examine(&[zone]).await;
    assert_eq!(codes(&outcome.check), ["dnssec.weak_algorithm"]);
    assert!(outcome.check.findings[0].detail.ends_with("algorithm 5, 7"), "{outcome:#?}");
}

#[tokio::test]
async fn sha1_ds() {
    expect(domain().with(|zone| zone.ds = Ds::Sha1), &["dnssec.sha1_ds"], "yes", Status::Warning).await;
}

#[tokio::test]
async fn nsec3_iterations() {
    // With many of them others hold the denials for unsigned, and nobody for forged.
    for iterations in [1, 10, 200, 600] {
        let zone = domain().with(|zone| zone.nsec3 = Some((iterations, b"ab")));
        expect(zone, &["dnssec.nsec3_iterations"], "yes", Status::Warning).await;
    }
    let mailless = Zone::signed("domain.example.", "").with(|zone| zone.nsec3 = Some((200, b"ab")));
    expect(mailless, &["dnssec.nsec3_iterations"], "no", Status::Warning).await;
}

#[tokio::test]
async fn unknown_algorithm() {
    let zone = domain().with(|zone| zone.ds = Ds::Unknown);
    expect(zone, &["dnssec.unknown_algorithm"], "no", Status::Info).await;
}

#[tokio::test]
async fn hosts_of_others() {
    let domain = Zone::signed(
        "domain.example.",
        "@ IN MX 10 mx.plain.example.\n@ IN MX 20 mx.broken.example.\n@ IN MX 30 mx.fine.example.\n",
    );
    let host = "mx IN A 192.0.2.1\n";
    let outcome = examine(&[
        domain,
        Zone::unsigned("plain.example.", host),
        Zone::signed("fine.example.", host),
        Zone::signed("broken.example.", host).with(|zone| zone.damaged = vec![RecordType::A]),
    ])
    .await;
    assert_eq!(codes(&outcome.check), ["dnssec.mx_bogus", "dnssec.mx_unsigned"], "{outcome:#?}");
    let proofs: Vec<_> = outcome.hosts.iter().map(|host| (host.name.as_str(), host.proof)).collect();
    assert_eq!(
        proofs,
        [
            ("mx.broken.example", Proof::Bogus),
            ("mx.fine.example", Proof::Secure),
            ("mx.plain.example", Proof::Insecure),
        ]
    );
}

/// Resolvers answer for names that DNS does not have (RFC 6761) by themselves, and have no proof.
#[tokio::test]
async fn hosts_with_names_that_dns_does_not_have() {
    let text =
        "@ IN MX 10 mx\n@ IN MX 32767 ms12345678.msv1.invalid.\nmx IN A 192.0.2.1\nmx IN AAAA 2001:db8::1\n";
    let local = Zone::signed("invalid.", "").with(|zone| zone.damaged = vec![RecordType::NSEC]);
    let outcome = examine(&[Zone::signed("domain.example.", text), local]).await;
    assert_eq!(codes(&outcome.check), [""; 0], "{outcome:#?}");
    assert_eq!(outcome.hosts.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_told_is_unknown() {
    let outcome = examine(&[domain().with(|zone| zone.failing = vec![RecordType::DNSKEY])]).await;
    assert_eq!(outcome.check.status(), Status::Unknown, "{outcome:#?}");
    assert_eq!(outcome.check.findings, []);
    assert_eq!(outcome.check.facts["secure"], None);
    let tree = Tree::serve(&[domain()]).await;
    tree.strip();
    let outcome = dnssec::examine(&tree.validator(), "domain.example", now()).await;
    assert_eq!(outcome.check.status(), Status::Unknown, "{outcome:#?}");
    assert_eq!(outcome.proof, Proof::Unknown(Trouble::Unvalidated));
}

#[tokio::test]
async fn a_subdomain_has_the_keys_of_its_zone() {
    let tree = Tree::serve(&[domain()]).await;
    let outcome = dnssec::examine(&tree.validator(), "mx.domain.example", now()).await;
    assert_eq!(
        (outcome.check.status(), outcome.zone.as_str()),
        (Status::Ok, "domain.example"),
        "{outcome:#?}"
    );
    let outcome = dnssec::examine(&tree.validator(), "nowhere.example", now()).await;
    assert_eq!(outcome.check.status(), Status::Ok, "{outcome:#?}");
}
