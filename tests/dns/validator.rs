//! What validation says about answers and about denials, against signed zones.

use hickory_server::proto::rr::{RData, RecordType};
use ruad_dns::{Proof, Resolver, Trouble, patient};

use crate::tree::{Ds, Tree, Zone};

const TEXT: &str = "@ IN MX 10 mx\nmx IN A 192.0.2.1\n*.wild IN TXT \"w\"\nalias IN CNAME mx\n\
    dead IN CNAME nowhere\nempty IN CNAME mx.plain.example.\nfar IN CNAME mx.plain.example.\n\
    a.b.c IN TXT \"deep\"\n";

async fn proofs(tree: &Tree, questions: &[(&str, RecordType)]) -> Vec<Proof> {
    let validator = tree.validator();
    let mut proofs = Vec::new();
    for (name, kind) in questions {
        proofs.push(validator.ask(name, *kind).await.proof);
    }
    proofs
}

#[tokio::test]
async fn answers_and_denials_of_a_signed_zone_are_secure() {
    for nsec3 in [None, Some((0, &b""[..])), Some((5, &b"salt"[..]))] {
        let domain = Zone::signed("domain.example.", TEXT).with(|zone| zone.nsec3 = nsec3);
        let tree = Tree::serve(&[domain]).await;
        let validator = tree.validator();
        for (name, kind) in [
            (".", RecordType::SOA),
            ("domain.example", RecordType::MX),
            ("domain.example", RecordType::DNSKEY),
            ("domain.example", RecordType::DS),
            ("mx.domain.example", RecordType::A),
            ("mx.domain.example", RecordType::AAAA),
            ("_25._tcp.mx.domain.example", RecordType::TLSA),
            ("x.wild.domain.example", RecordType::TXT),
            ("alias.domain.example", RecordType::A),
            ("alias.domain.example", RecordType::AAAA),
            ("dead.domain.example", RecordType::A),
            ("b.c.domain.example", RecordType::A),
            ("none.example", RecordType::A),
        ] {
            let judged = validator.ask(name, kind).await;
            assert_eq!(judged.proof, Proof::Secure, "{name} {kind} {nsec3:?} {judged:#?}");
        }
    }
}

#[tokio::test]
async fn an_unsigned_zone_is_proven_so() {
    let tree = Tree::serve(&[
        Zone::unsigned("plain.example.", "@ IN MX 10 mx\nmx IN A 192.0.2.1\n"),
        Zone::signed("island.example.", "@ IN MX 10 mx\n").with(|zone| zone.ds = Ds::None),
        Zone::signed("odd.example.", "@ IN MX 10 mx\n").with(|zone| zone.ds = Ds::Unknown),
        Zone::signed("domain.example.", TEXT),
    ])
    .await;
    let questions = [
        ("plain.example", RecordType::MX),
        ("plain.example", RecordType::TXT),
        ("none.plain.example", RecordType::A),
        ("island.example", RecordType::MX),
        ("none.island.example", RecordType::A),
        ("odd.example", RecordType::MX),
        ("far.domain.example", RecordType::A),
        ("empty.domain.example", RecordType::AAAA),
    ];
    assert_eq!(proofs(&tree, &questions).await, [Proof::Insecure; 8]);
}

#[tokio::test]
async fn what_should_be_signed_and_validly_is_not_is_bogus() {
    let tree = Tree::serve(&[
        Zone::signed("damaged.example.", TEXT).with(|zone| zone.damaged = vec![RecordType::MX]),
        Zone::signed("denial.example.", TEXT).with(|zone| zone.damaged = vec![RecordType::NSEC]),
        Zone::signed("expired.example.", TEXT).with(|zone| zone.inception = -60 * 86_400),
        Zone::signed("early.example.", TEXT).with(|zone| zone.inception = 86_400),
        Zone::signed("bare.example.", TEXT).with(|zone| zone.unsigned = vec![RecordType::MX]),
        Zone::signed("key.example.", TEXT).with(|zone| zone.ds = Ds::Wrong),
        Zone::unsigned("never.example.", TEXT).with(|zone| zone.ds = Ds::Good),
    ])
    .await;
    let questions = [
        ("damaged.example", RecordType::MX),
        ("none.denial.example", RecordType::A),
        ("expired.example", RecordType::MX),
        ("early.example", RecordType::MX),
        ("bare.example", RecordType::MX),
        ("key.example", RecordType::MX),
        ("never.example", RecordType::MX),
        ("none.never.example", RecordType::MX),
    ];
    assert_eq!(proofs(&tree, &questions).await, [Proof::Bogus; 8]);
    let fine = [("damaged.example", RecordType::SOA), ("denial.example", RecordType::MX)];
    assert_eq!(proofs(&tree, &fine).await, [Proof::Secure; 2]);
}

#[tokio::test]
async fn a_server_that_validates_is_made_to_tell() {
    let tree = Tree::serve(&[
        Zone::signed("damaged.example.", TEXT).with(|zone| zone.damaged = vec![RecordType::MX]),
        Zone::signed("domain.example.", TEXT),
    ])
    .await;
    tree.fail_without_cd();
    let questions = [("damaged.example", RecordType::MX), ("domain.example", RecordType::MX)];
    assert_eq!(proofs(&tree, &questions).await, [Proof::Bogus, Proof::Secure]);
}

#[tokio::test]
async fn a_failure_is_never_a_forgery() {
    let tree = Tree::serve(&[
        Zone::signed("keyless.example.", TEXT).with(|zone| zone.failing = vec![RecordType::DNSKEY]),
        Zone::signed("failing.example.", TEXT).with(|zone| zone.failing = vec![RecordType::TLSA]),
        Zone::signed("example.", "").with(|zone| zone.failing = vec![]),
    ])
    .await;
    let failed = Proof::Unknown(Trouble::ServerFailure);
    let questions = [
        ("keyless.example", RecordType::MX),
        ("none.keyless.example", RecordType::A),
        ("_25._tcp.mx.failing.example", RecordType::TLSA),
    ];
    assert_eq!(proofs(&tree, &questions).await, [failed; 3]);
    let tree = Tree::serve(&[
        Zone::signed("domain.example.", TEXT),
        Zone::signed("example.", "").with(|zone| zone.failing = vec![RecordType::DS]),
    ])
    .await;
    assert_eq!(proofs(&tree, &[("domain.example", RecordType::MX)]).await, [failed]);
}

#[tokio::test]
async fn a_server_that_strips_signatures_tells_nothing() {
    let tree = Tree::serve(&[Zone::signed("domain.example.", TEXT)]).await;
    tree.strip();
    let questions = [
        ("domain.example", RecordType::MX),
        ("none.domain.example", RecordType::A),
        ("_25._tcp.mx.domain.example", RecordType::TLSA),
    ];
    assert_eq!(proofs(&tree, &questions).await, [Proof::Unknown(Trouble::Unvalidated); 3]);
}

#[tokio::test]
async fn that_the_root_is_not_signed_is_found_once() {
    let tree = Tree::serve(&[Zone::signed("domain.example.", TEXT)]).await;
    tree.strip();
    let validator = tree.validator();
    let ask = async |name| validator.ask(name, RecordType::MX).await.proof;
    assert_eq!(ask("domain.example").await, Proof::Unknown(Trouble::Unvalidated));
    let count = tree.count();
    assert_eq!(ask("other.example").await, Proof::Unknown(Trouble::Unvalidated));
    assert_eq!(tree.count(), count);
}

#[tokio::test]
async fn that_the_root_does_not_answer_is_not_kept() {
    let root = Zone::signed(".", "").with(|zone| zone.failing = vec![RecordType::DNSKEY]);
    let tree = Tree::serve(&[root, Zone::signed("domain.example.", TEXT)]).await;
    let validator = tree.validator();
    for name in ["domain.example", "other.example"] {
        let count = tree.count();
        let proof = validator.ask(name, RecordType::MX).await.proof;
        assert_eq!(proof, Proof::Unknown(Trouble::ServerFailure));
        assert!(tree.count() > count, "{name} was not asked for");
    }
}

#[tokio::test]
async fn an_examination_says_the_same_with_fewer_questions() {
    let plain = "@ IN MX 10 mx\nmx IN A 192.0.2.1\nalias IN CNAME mx\nfar IN CNAME mx.damaged.example.\n";
    let tree = Tree::serve(&[
        Zone::unsigned("plain.example.", plain),
        Zone::signed("below.plain.example.", "@ IN MX 10 mx\n"),
        Zone::signed("island.example.", plain).with(|zone| zone.ds = Ds::None),
        Zone::signed("damaged.example.", TEXT).with(|zone| zone.damaged = vec![RecordType::A]),
    ])
    .await;
    for (domain, is_cheaper) in [
        ("plain.example", true),
        ("mx.plain.example", true),
        ("island.example", false),
        ("damaged.example", false),
    ] {
        let (resolver, plain) = (Resolver::new(&tree.settings(), 0, 10).unwrap(), tree.validator());
        let (_, patient) = patient(&resolver, &plain, domain).await;
        for (name, kind) in [
            (domain.to_owned(), RecordType::SOA),
            (domain.to_owned(), RecordType::MX),
            (domain.to_owned(), RecordType::DS),
            (domain.to_owned(), RecordType::DNSKEY),
            (format!("mx.{domain}"), RecordType::A),
            (format!("mx.{domain}"), RecordType::AAAA),
            (format!("none.{domain}"), RecordType::A),
            (format!("alias.{domain}"), RecordType::A),
            (format!("far.{domain}"), RecordType::A),
            (format!("below.{domain}"), RecordType::MX),
            (format!("below.{domain}"), RecordType::DS),
        ] {
            let (one, other) = (plain.ask(&name, kind).await, patient.ask(&name, kind).await);
            assert_eq!(one.proof, other.proof, "{name} {kind} {one:#?} {other:#?}");
            // Signatures are not asked for where they prove nothing.
            let text =
                |data: &RData| Some(data.to_string()).filter(|_| data.record_type() != RecordType::RRSIG);
            let (one, other) = (one.answer(text), other.answer(text));
            let texts = [&one, &other].map(|answer| {
                let mut texts = answer.records().to_vec();
                texts.sort();
                texts
            });
            assert_eq!(texts[0], texts[1], "{name} {kind}");
            assert_eq!((one.is_none(), one.trouble()), (other.is_none(), other.trouble()), "{name} {kind}");
        }
        // Where nothing is signed, a host's addresses cost a question each.
        let count = tree.count();
        patient.ask(&format!("mx2.{domain}"), RecordType::A).await;
        assert!(tree.count() - count == 1 || !is_cheaper, "{domain}");
        let count = tree.count();
        patient.ask(&format!("mx2.{domain}"), RecordType::A).await;
        assert_eq!(tree.count(), count, "{domain}");
    }
}

#[tokio::test]
async fn other_keys_than_the_roots_are_no_anchor() {
    let tree = Tree::serve(&[Zone::signed("domain.example.", TEXT)]).await;
    let settings = ruad_dns::Settings { trust_anchor: None, ..tree.settings() };
    let validator = ruad_dns::Validator::new(&settings, 100, 10).unwrap();
    let judged = validator.ask("domain.example", RecordType::MX).await;
    assert_eq!(judged.proof, Proof::Unknown(Trouble::Unvalidated));
}
