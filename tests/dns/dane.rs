//! What is said about TLSA records by what DNS says.

use hickory_server::proto::rr::RecordType;
use ruad_dns::{Check, Proof, Status, Trouble, dane};

use crate::tree::{Tree, Zone};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const NEXT: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A signed domain with one mail server, and more.
fn domain(more: &str) -> Zone {
    Zone::signed("domain.example.", &format!("@ IN MX 10 mx\nmx IN A 192.0.2.1\n{more}\n"))
}

fn tlsa(host: &str, records: &[&str]) -> String {
    records.iter().map(|record| format!("_25._tcp.{host} IN TLSA {record}\n")).collect()
}

async fn examine(zones: &[Zone]) -> dane::Outcome {
    let tree = Tree::serve(zones).await;
    dane::examine(&tree.validator(), "domain.example").await
}

pub(crate) fn codes(check: &Check) -> Vec<&str> {
    let mut codes: Vec<_> = check.findings.iter().map(|finding| finding.code.name).collect();
    codes.sort_unstable();
    codes
}

async fn expect(zones: &[Zone], expected: &[&str]) -> dane::Outcome {
    let outcome = examine(zones).await;
    assert_eq!(codes(&outcome.check), expected, "{outcome:#?}");
    outcome
}

fn both() -> String {
    tlsa("mx", &[&format!("3 1 1 {KEY}"), &format!("3 1 1 {NEXT}")])
}

#[tokio::test]
async fn a_pair_of_records_is_fine() {
    let outcome = expect(&[domain(&both())], &[]).await;
    assert_eq!(outcome.check.status(), Status::Ok);
    assert!(outcome.hosts[0].is_in_force());
    assert_eq!(outcome.hosts[0].usable().len(), 2);
    let fact = outcome.check.facts["tlsa:mx.domain.example"].clone().unwrap();
    assert_eq!(fact, format!("3 1 1 {KEY}, 3 1 1 {NEXT}"));
    let issuer = tlsa("mx", &[&format!("2 1 1 {KEY}")]);
    expect(&[domain(&issuer)], &[]).await;
    let mixed = tlsa("mx", &[&format!("3 1 1 {KEY}"), &format!("2 0 1 {NEXT}")]);
    expect(&[domain(&mixed)], &[]).await;
}

#[tokio::test]
async fn a_domain_without_mail_needs_none() {
    expect(&[Zone::signed("domain.example.", "@ IN MX 0 .\n")], &[]).await;
    expect(&[Zone::signed("domain.example.", "@ IN TXT \"x\"\n")], &[]).await;
    let unsigned = Zone::unsigned("domain.example.", "@ IN MX 10 mx\nmx IN A 192.0.2.1\n");
    expect(&[unsigned], &[]).await;
}

#[tokio::test]
async fn missing() {
    let outcome = expect(&[domain("")], &["dane.missing"]).await;
    assert!(outcome.check.facts.is_empty(), "{outcome:#?}");
    // The domain receives its mail itself.
    let itself = Zone::signed("domain.example.", "@ IN A 192.0.2.1\n");
    expect(&[itself], &["dane.missing"]).await;
}

#[tokio::test]
async fn some_hosts() {
    let second = "@ IN MX 20 mx2\nmx2 IN A 192.0.2.2\n".to_owned() + &both();
    expect(&[domain(&second)], &["dane.some_hosts"]).await;
    let elsewhere = "@ IN MX 20 mx.plain.example.\n".to_owned() + &both();
    let plain = Zone::unsigned("plain.example.", "mx IN A 192.0.2.1\n");
    expect(&[domain(&elsewhere), plain], &["dane.some_hosts"]).await;
}

#[tokio::test]
async fn not_signed() {
    let host = "mx IN A 192.0.2.1\n".to_owned() + &both();
    let domain = Zone::signed("domain.example.", "@ IN MX 10 mx.plain.example.\n");
    let outcome = expect(&[domain, Zone::unsigned("plain.example.", &host)], &["dane.not_signed"]).await;
    assert!(!outcome.hosts[0].is_in_force());
    assert!(outcome.hosts[0].usable().is_empty());
}

#[tokio::test]
async fn domain_unsigned() {
    let host = "mx IN A 192.0.2.1\n".to_owned() + &both();
    let domain = Zone::unsigned("domain.example.", "@ IN MX 10 mx.fine.example.\n");
    expect(&[domain, Zone::signed("fine.example.", &host)], &["dane.domain_unsigned"]).await;
}

#[tokio::test]
async fn lookup_bogus() {
    let records = domain(&both()).with(|zone| zone.damaged = vec![RecordType::TLSA]);
    let outcome = expect(&[records], &["dane.lookup_bogus"]).await;
    assert_eq!(outcome.check.facts["tlsa:mx.domain.example"], None);
    // With addresses of both kinds nothing but the denial of TLSA is asked of the damaged chain.
    let denial = domain("mx IN AAAA 2001:db8::1\n").with(|zone| zone.damaged = vec![RecordType::NSEC]);
    expect(&[denial], &["dane.lookup_bogus"]).await;
}

/// What is wrong with the domain's own signatures is said once, by DNSSEC.
#[tokio::test]
async fn domain_bogus() {
    let list = domain(&both()).with(|zone| zone.damaged = vec![RecordType::MX]);
    let outcome = expect(&[list], &["dane.domain_bogus"]).await;
    assert_eq!((outcome.mx, outcome.hosts.len()), (Proof::Bogus, 0));
}

/// What Microsoft published to prove whose a domain is, and other names that DNS does not have.
#[tokio::test]
async fn names_that_dns_does_not_have_are_left_out() {
    let zone = domain(&format!("{}@ IN MX 32767 ms12345678.msv1.invalid.\n", both()));
    let outcome =
        expect(&[zone, Zone::signed("invalid.", "").with(|zone| zone.damaged = vec![RecordType::NSEC])], &[])
            .await;
    assert_eq!(outcome.hosts.len(), 1);
}

#[tokio::test]
async fn lookup_fails() {
    let failing = domain("").with(|zone| zone.failing = vec![RecordType::TLSA]);
    let outcome = expect(&[failing], &["dane.lookup_fails"]).await;
    assert_eq!(outcome.check.status(), Status::Unknown);
    assert_eq!(outcome.hosts[0].proof, Proof::Unknown(Trouble::ServerFailure));
    assert_eq!(outcome.check.facts["tlsa:mx.domain.example"], None);
    // Nobody asks for the records of a host with unsigned addresses.
    let domain = Zone::signed("domain.example.", "@ IN MX 10 mx.plain.example.\n");
    let plain = Zone::unsigned("plain.example.", "mx IN A 192.0.2.1\n");
    let outcome = expect(&[domain, plain.with(|zone| zone.failing = vec![RecordType::TLSA])], &[]).await;
    assert_eq!(outcome.check.status(), Status::Ok);
}

#[tokio::test]
async fn record_unusable() {
    let records = both() + &tlsa("mx", &[&format!("1 1 1 {KEY}"), "3 1 2 0011"]);
    let expected = ["dane.record_unusable", "dane.record_unusable"];
    let outcome = expect(&[domain(&records)], &expected).await;
    assert_eq!(outcome.hosts[0].usable().len(), 2);
}

#[tokio::test]
async fn no_usable_record() {
    let records = tlsa("mx", &[&format!("0 1 1 {KEY}")]);
    let expected = ["dane.no_usable_record", "dane.record_unusable"];
    let outcome = expect(&[domain(&records)], &expected).await;
    assert!(outcome.hosts[0].is_in_force());
}

#[tokio::test]
async fn whole_certificate() {
    let records = tlsa("mx", &[&format!("3 0 1 {KEY}"), &format!("3 1 1 {NEXT}")]);
    expect(&[domain(&records)], &["dane.whole_certificate"]).await;
}

#[tokio::test]
async fn not_hashed() {
    let records = both() + &tlsa("mx", &["3 1 0 3059301306"]);
    expect(&[domain(&records)], &["dane.not_hashed"]).await;
}

#[tokio::test]
async fn only_sha512() {
    let records = tlsa("mx", &[&format!("3 1 2 {KEY}{KEY}"), &format!("3 1 2 {KEY}{NEXT}")]);
    expect(&[domain(&records)], &["dane.only_sha512"]).await;
}

#[tokio::test]
async fn no_rollover() {
    let records = tlsa("mx", &[&format!("3 1 1 {KEY}")]);
    expect(&[domain(&records)], &["dane.no_rollover"]).await;
}

#[tokio::test]
async fn records_may_be_elsewhere() {
    // The records by an alias, as people do who keep them in one place.
    let alias =
        format!("_25._tcp.mx IN CNAME _dane\n_dane IN TLSA 3 1 1 {KEY}\n_dane IN TLSA 3 1 1 {NEXT}\n");
    let outcome = expect(&[domain(&alias)], &[]).await;
    assert_eq!(outcome.hosts[0].records.len(), 2);
    // An alias to nothing is as good as nothing.
    expect(&[domain("_25._tcp.mx IN CNAME _none\n")], &["dane.missing"]).await;
    // A host that is itself an alias: the name at its end comes first.
    let host = "mx IN CNAME real\nreal IN A 192.0.2.1\n@ IN MX 10 mx\n".to_owned()
        + &tlsa("real", &[&format!("3 1 1 {KEY}"), &format!("3 1 1 {NEXT}")]);
    let outcome = expect(&[Zone::signed("domain.example.", &host)], &[]).await;
    assert_eq!(outcome.hosts[0].base, "real.domain.example");
    // For all ports of a host.
    let wildcard = format!("*._tcp.mx IN TLSA 3 1 1 {KEY}\n*._tcp.mx IN TLSA 3 1 1 {NEXT}\n");
    expect(&[domain(&wildcard)], &[]).await;
}
