use mail_auth::dkim::{Canonicalization, DkimSigner};
use ruad::provenance::{
    Claim, Delivery, DkimReason, DkimResult, DmarcResult, Doubt, Kind, SpfResult, SpfScope, Verdict,
};

use crate::{
    letters::{PUBLIC_768, base64, ed25519, forger, key_record, message, rsa, signed},
    world::{CLIENT, STRANGER, aggregate, by_reporter, check, delivery, now, reporter, tls, world},
};

#[tokio::test]
async fn a_signed_report_is_genuine() {
    let (_server, authenticator) = world().await;
    let mail = signed(&message("noreply@reporter.example"), &rsa("reporter.example", "s1"));
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.dmarc, DmarcResult::Pass);
    assert_eq!(evidence.from_domain.as_deref(), Some("reporter.example"));
    assert_eq!(evidence.dkim_summary(), "pass reporter.example/s1");
    assert_eq!(evidence.spf_summary(), "none mfrom=forwarder.example");
    assert!(evidence.dkim[0].aligned && evidence.tls_rpt_signed && evidence.doubt.is_none());
    for claim in [
        reporter(),
        aggregate("reporter.example", "dmarc@reporter.example"),
        aggregate("Reporter.Example", "\"DMARC\" <dmarc@mail.Reporter.example>"),
        Claim { kind: Kind::Aggregate, org_name: Some("reporter.example"), email: None },
        Claim { kind: Kind::Failure, org_name: None, email: None },
        tls("mailto:tls@reporter.example"),
    ] {
        assert_eq!(evidence.verdict(&claim), Verdict::Genuine, "{claim:?}");
    }
}

#[tokio::test]
async fn who_speaks_for_another_is_authenticated_only() {
    let (_server, authenticator) = world().await;
    let mail = signed(&message("noreply@evil.example"), &rsa("evil.example", "s1"));
    let evidence = check(&authenticator, &delivery(), &mail).await;
    for claim in [
        reporter(),
        aggregate("reporter.example", "dmarc@evil.example"),
        aggregate("Google Inc.", "dmarc@evil.example"),
        aggregate("Some Name", "not an address"),
        aggregate("example", "x@example"),
        Claim { kind: Kind::Aggregate, org_name: None, email: None },
        Claim { kind: Kind::Failure, org_name: Some("reporter.example"), email: None },
    ] {
        assert_eq!(evidence.verdict(&claim), Verdict::Authenticated, "{claim:?}");
    }
    assert_eq!(evidence.verdict(&aggregate("Evil", "x@evil.example")), Verdict::Genuine);
}

#[tokio::test]
async fn nothing_aligned_is_forged() {
    let (_server, authenticator) = world().await;
    let from = message("noreply@reporter.example");
    for (mail, dkim) in [
        (from.clone(), ""),
        (signed(&from, &rsa("evil.example", "s1")), "pass evil.example/s1"),
        (signed(&from, &forger("reporter.example", "s1")), "fail reporter.example/s1 (signature)"),
        (signed(&from, &forger("reporter.example", "s9")), "permerror reporter.example/s9 (no_key)"),
    ] {
        let evidence = check(&authenticator, &delivery(), &mail).await;
        assert_eq!(evidence.dkim_summary(), dkim);
        assert_eq!((evidence.dmarc, evidence.doubt), (DmarcResult::Fail, None));
        assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
        assert_eq!(evidence.verdict(&tls("x@reporter.example")), Verdict::Forged);
    }
}

#[tokio::test]
async fn tampering_shows() {
    let (_server, authenticator) = world().await;
    let mail = signed(&message("noreply@reporter.example"), &rsa("reporter.example", "s1"));
    let text = String::from_utf8(mail).unwrap();
    for (changed, reason) in [
        (text.replace("here is", "here was"), DkimReason::BodyHash),
        (text.replace("rua@customer", "rua@other"), DkimReason::Signature),
    ] {
        let evidence = check(&authenticator, &delivery(), changed.as_bytes()).await;
        assert_eq!(evidence.dkim[0].result, DkimResult::Fail);
        assert_eq!(evidence.dkim[0].reason, Some(reason));
        assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
    }
}

#[tokio::test]
async fn expiry_counts_from_arrival() {
    let (_server, authenticator) = world().await;
    let signer = rsa("reporter.example", "s1").expiration(600);
    let mail = signed(&message("noreply@reporter.example"), &signer);
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
    let later = Delivery { received_at: now() + 601_000, ..delivery() };
    let evidence = check(&authenticator, &later, &mail).await;
    assert_eq!(evidence.dkim_summary(), "neutral reporter.example/s1 (expired)");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
}

#[tokio::test]
async fn a_length_makes_it_unknown() {
    let (_server, authenticator) = world().await;
    let signer = rsa("reporter.example", "s1").body_length(true);
    let mut mail = signed(&message("noreply@reporter.example"), &signer);
    mail.extend_from_slice(b"and an attachment of somebody else's\r\n");
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.dkim_summary(), "policy reporter.example/s1 (length)");
    assert_eq!(evidence.doubt, Some(Doubt::WeakSignature));
    assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
    assert!(!evidence.tls_rpt_signed);
    // SPF is enough for DMARC, but not for a TLS report.
    let evidence = check(&authenticator, &by_reporter(), &mail).await;
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
    assert_eq!(evidence.verdict(&tls("x@reporter.example")), Verdict::Unknown);
    // Somebody else's weak signature is none.
    let mail = signed(&message("noreply@reporter.example"), &rsa("evil.example", "s1").body_length(true));
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
}

#[tokio::test]
async fn short_keys_prove_nothing() {
    let (server, authenticator) = world().await;
    server.txt("short._domainkey.reporter.example", &format!("v=DKIM1; p={}", PUBLIC_768.trim()));
    let mail = signed(&message("noreply@reporter.example"), &rsa("reporter.example", "short"));
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.dkim_summary(), "policy reporter.example/short (short_key)");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
}

#[tokio::test]
async fn sha1_proves_nothing() {
    let (_server, authenticator) = world().await;
    let mail = include_bytes!("../fixtures/dkim/sha1.eml");
    let evidence = check(&authenticator, &delivery(), mail).await;
    assert_eq!(evidence.dkim_summary(), "policy reporter.example/s1 (sha1)");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
}

#[tokio::test]
async fn a_signature_must_cover_the_author() {
    let (_server, authenticator) = world().await;
    let mut signer = rsa("reporter.example", "s1");
    signer.template.h = vec!["To".to_owned(), "Subject".to_owned()];
    let mail = signed(&message("noreply@reporter.example"), &signer);
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.dkim_summary(), "permerror reporter.example/s1 (from_not_signed)");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
}

#[tokio::test]
async fn spf_alone_is_enough_for_dmarc() {
    let (_server, authenticator) = world().await;
    let mail = message("noreply@reporter.example");
    let evidence = check(&authenticator, &by_reporter(), &mail).await;
    assert_eq!(evidence.spf_summary(), "pass mfrom=reporter.example");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
    assert_eq!(evidence.verdict(&tls("x@reporter.example")), Verdict::Unknown);
    let mapped = Delivery { client_ip: "::ffff:192.0.2.10".parse().unwrap(), ..by_reporter() };
    assert_eq!(check(&authenticator, &mapped, &mail).await.spf.result, SpfResult::Pass);
    let other = Delivery { client_ip: STRANGER.parse().unwrap(), ..by_reporter() };
    let evidence = check(&authenticator, &other, &mail).await;
    assert_eq!(evidence.spf.result, SpfResult::Fail);
    assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
    let unaligned = Delivery { mail_from: "x@evil.example", ..delivery() };
    let evidence = check(&authenticator, &unaligned, &mail).await;
    assert_eq!(evidence.spf.result, SpfResult::Pass);
    assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
}

#[tokio::test]
async fn the_null_sender_is_its_greeting() {
    let (server, authenticator) = world().await;
    server.txt("mx.reporter.example", &format!("v=spf1 ip4:{CLIENT} -all"));
    let null = Delivery { mail_from: "", helo: "MX.reporter.example", ..by_reporter() };
    let evidence = check(&authenticator, &null, &message("noreply@reporter.example")).await;
    assert_eq!(evidence.spf.scope, SpfScope::Helo);
    assert_eq!(evidence.spf_summary(), "pass helo=mx.reporter.example");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
    let literal = Delivery { helo: "[192.0.2.10]", ..null };
    let evidence = check(&authenticator, &literal, &message("noreply@reporter.example")).await;
    assert_eq!(evidence.spf_summary(), "none");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Forged);
}

#[tokio::test]
async fn ed25519_signatures() {
    let (server, authenticator) = world().await;
    let (key, public) = ed25519();
    let record = format!("v=DKIM1; k=ed25519; p={}", base64(&public));
    server.txt("ed._domainkey.reporter.example", &record);
    let signer = DkimSigner::from_key(key)
        .domain("reporter.example")
        .selector("ed")
        .headers(["From"])
        .header_canonicalization(Canonicalization::Relaxed)
        .body_canonicalization(Canonicalization::Simple);
    let mail = signed(&message("noreply@reporter.example"), &signer);
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.dkim_summary(), "pass reporter.example/ed");
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
}

#[tokio::test]
async fn subdomains_align_when_relaxed() {
    let (server, authenticator) = world().await;
    let relaxed = signed(&message("noreply@dmarc.reporter.example"), &rsa("reporter.example", "s1"));
    let evidence = check(&authenticator, &delivery(), &relaxed).await;
    assert_eq!(evidence.organization.as_deref(), Some("reporter.example"));
    assert!(evidence.dkim[0].aligned);
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);

    server.txt("_dmarc.strict.example", "v=DMARC1; p=none; adkim=s");
    server.txt("s1._domainkey.strict.example", &key_record(""));
    let strict = signed(&message("noreply@dmarc.strict.example"), &rsa("strict.example", "s1"));
    let evidence = check(&authenticator, &delivery(), &strict).await;
    assert_eq!((evidence.dmarc, evidence.dkim[0].aligned), (DmarcResult::Fail, false));
}

#[tokio::test]
async fn a_public_suffix_is_not_an_organisation() {
    let (server, authenticator) = world().await;
    server.txt("_dmarc.suffix.example", "v=DMARC1; p=reject; psd=y");
    for domain in ["one.suffix.example", "two.suffix.example"] {
        server.txt(&format!("s1._domainkey.{domain}"), &key_record(""));
    }
    let mail = signed(&message("a@one.suffix.example"), &rsa("one.suffix.example", "s1"));
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!(evidence.organization.as_deref(), Some("one.suffix.example"));
    assert_eq!(evidence.verdict(&aggregate("One", "a@mail.one.suffix.example")), Verdict::Genuine);
    assert_eq!(evidence.verdict(&aggregate("Two", "a@two.suffix.example")), Verdict::Authenticated);
}

#[tokio::test]
async fn customers_of_a_mailbox_provider_are_not_the_provider() {
    let (server, authenticator) = world().await;
    for domain in ["yahoo.com", "microsoft.com", "outlook.com"] {
        server.txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=reject");
        server.txt(&format!("s1._domainkey.{domain}"), &key_record(""));
    }
    for (from, signer, claim, verdict) in [
        (
            "anyone@yahoo.com",
            "yahoo.com",
            aggregate("Yahoo", "dmarchelp@yahooinc.com"),
            Verdict::Authenticated,
        ),
        (
            "noreply@dmarc.yahoo.com",
            "yahoo.com",
            aggregate("Yahoo", "dmarchelp@yahooinc.com"),
            Verdict::Genuine,
        ),
        ("postmaster@yahoo.com", "yahoo.com", aggregate("AOL", "postmaster@aol.com"), Verdict::Genuine),
        (
            "me@outlook.com",
            "outlook.com",
            aggregate("Outlook.com", "dmarcreport@microsoft.com"),
            Verdict::Authenticated,
        ),
        (
            "dmarcreport@microsoft.com",
            "microsoft.com",
            aggregate("Outlook.com", "dmarcreport@microsoft.com"),
            Verdict::Genuine,
        ),
        (
            "dmarcreport@microsoft.com",
            "microsoft.com",
            aggregate("Yahoo", "dmarcreport@microsoft.com"),
            Verdict::Authenticated,
        ),
    ] {
        let evidence = check(&authenticator, &delivery(), &signed(&message(from), &rsa(signer, "s1"))).await;
        assert_eq!(evidence.verdict(&claim), verdict, "{from} {claim:?}");
    }
}

#[tokio::test]
async fn tls_reports_need_a_key_that_allows_them() {
    let (server, authenticator) = world().await;
    let from = message("tls@reporter.example");
    for (selector, tags, verdict) in [
        ("any", "s=*; ", Verdict::Genuine),
        ("tls", "s=tlsrpt; ", Verdict::Genuine),
        ("both", "s=email:tlsrpt; ", Verdict::Genuine),
        ("email", "s=email; ", Verdict::Unknown),
    ] {
        server.txt(&format!("{selector}._domainkey.reporter.example"), &key_record(tags));
        let evidence =
            check(&authenticator, &delivery(), &signed(&from, &rsa("reporter.example", selector))).await;
        assert_eq!(evidence.dmarc, DmarcResult::Pass, "{selector}");
        assert_eq!(evidence.verdict(&tls("tls@reporter.example")), verdict, "{selector}");
        assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine, "{selector}");
    }
}

#[tokio::test]
async fn without_a_record_nothing_can_be_said() {
    let (server, authenticator) = world().await;
    server.txt("s1._domainkey.plain.example", &key_record(""));
    server.txt("_dmarc.odd.example", "v=DMARC1; p=maybe; adkim=x");
    server.txt("_dmarc.empty.example", "v=DMARC1");
    for (domain, dmarc, doubt) in [
        ("plain.example", DmarcResult::None, Doubt::NoRecord),
        ("empty.example", DmarcResult::None, Doubt::NoRecord),
        ("odd.example", DmarcResult::PermError, Doubt::BadRecord),
    ] {
        let mail = signed(&message(&format!("a@{domain}")), &rsa(domain, "s1"));
        let evidence = check(&authenticator, &delivery(), &mail).await;
        assert_eq!((evidence.dmarc, evidence.doubt), (dmarc, Some(doubt)), "{domain}");
        assert_eq!(evidence.verdict(&aggregate("A", &format!("a@{domain}"))), Verdict::Unknown);
    }
}
