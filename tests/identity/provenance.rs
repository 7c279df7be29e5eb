use std::{
    io::Read,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mail_auth::dkim::{Canonicalization, DkimSigner};
use ruad::provenance::{
    Authenticator, Claim, Delivery, DkimReason, DkimResult, DmarcResult, Doubt, Evidence, Kind, Letter,
    Settings, SpfResult, SpfScope, Verdict,
};

use crate::{
    dns::Server,
    letters::{PUBLIC_768, base64, ed25519, forger, key_record, message, message_of, rsa, signed},
};

const CLIENT: &str = "192.0.2.10";
const STRANGER: &str = "203.0.113.66";

/// A reporter with SPF, DKIM and DMARC, the domain of an attacker with the same, and an authenticator.
async fn world() -> (Server, Authenticator) {
    let server = Server::start().await;
    for domain in ["reporter.example", "evil.example"] {
        server.txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=reject");
        server.txt(&format!("s1._domainkey.{domain}"), &key_record(""));
    }
    server.txt("reporter.example", &format!("v=spf1 ip4:{CLIENT} -all"));
    server.txt("evil.example", &format!("v=spf1 ip4:{STRANGER} -all"));
    let authenticator = Authenticator::new(&Settings::default(), server.resolver());
    (server, authenticator)
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A delivery by somebody whom no SPF record names.
fn delivery() -> Delivery<'static> {
    Delivery {
        received_at: now(),
        client_ip: STRANGER.parse().unwrap(),
        helo: "mx.forwarder.example",
        mail_from: "someone@forwarder.example",
    }
}

fn by_reporter() -> Delivery<'static> {
    Delivery { client_ip: CLIENT.parse().unwrap(), mail_from: "bounce@reporter.example", ..delivery() }
}

async fn check(authenticator: &Authenticator, delivery: &Delivery<'_>, message: &[u8]) -> Evidence {
    let letter = Letter::read(message, &Settings::default()).unwrap();
    let evidence = authenticator.check(delivery, &letter).await;
    let json = serde_json::to_string(&evidence).unwrap();
    assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), evidence, "{json}");
    evidence
}

fn aggregate<'a>(org_name: &'a str, email: &'a str) -> Claim<'a> {
    Claim { kind: Kind::Aggregate, org_name: Some(org_name), email: Some(email) }
}

fn tls(email: &str) -> Claim<'_> {
    Claim { kind: Kind::Tls, org_name: None, email: Some(email) }
}

fn reporter() -> Claim<'static> {
    aggregate("Reporter Inc.", "dmarc@reporter.example")
}

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

#[tokio::test]
async fn odd_headers_are_unknown() {
    let (_server, authenticator) = world().await;
    let good =
        String::from_utf8(signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"))).unwrap();
    for (mail, doubt) in [
        (good.replace("From: Reports <a@reporter.example>", "X: y"), Doubt::NoFrom),
        (format!("From: b@evil.example\r\n{good}"), Doubt::SeveralFrom),
        (good.replace("<a@reporter.example>", "<a@reporter.example>, b@evil.example"), Doubt::SeveralFrom),
        (String::new(), Doubt::Header),
        (format!("X: {}\r\n{good}", "y".repeat(300_000)), Doubt::Header),
    ] {
        let evidence = check(&authenticator, &by_reporter(), mail.as_bytes()).await;
        assert_eq!(evidence.doubt, Some(doubt));
        assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
    }
}

#[tokio::test]
async fn unanswered_questions_are_no_failure() {
    for name in ["s1._domainkey.reporter.example", "_dmarc.reporter.example"] {
        for is_silent in [false, true] {
            let (server, authenticator) = world().await;
            if is_silent {
                server.silent(name)
            } else {
                server.broken(name)
            };
            let mail = signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"));
            let evidence = check(&authenticator, &delivery(), &mail).await;
            assert_eq!(
                (evidence.dmarc, evidence.doubt),
                (DmarcResult::TempError, Some(Doubt::Dns)),
                "{name}"
            );
            assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
            // What is forged elsewhere stays so, and what passes otherwise passes.
            let mail = message("a@evil.example");
            assert_eq!(check(&authenticator, &delivery(), &mail).await.verdict(&reporter()), Verdict::Forged);
        }
    }
    let (server, authenticator) = world().await;
    server.broken("reporter.example");
    let evidence = check(&authenticator, &by_reporter(), &message("a@reporter.example")).await;
    assert_eq!((evidence.spf.result, evidence.dmarc), (SpfResult::TempError, DmarcResult::TempError));
    let mail = signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"));
    assert_eq!(check(&authenticator, &by_reporter(), &mail).await.verdict(&reporter()), Verdict::Genuine);
}

#[tokio::test]
async fn a_dead_name_is_waited_for_once() {
    let (server, authenticator) = world().await;
    server
        .silent("s1._domainkey.reporter.example")
        .silent("_dmarc.reporter.example")
        .silent("reporter.example");
    let mail = signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"));
    check(&authenticator, &by_reporter(), &mail).await;
    let asked = server.questions();
    let started = Instant::now();
    for _ in 0..200 {
        let evidence = check(&authenticator, &by_reporter(), &mail).await;
        assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(server.questions() <= asked + 5, "{} questions more", server.questions() - asked);
    server.mended("reporter.example");
}

#[tokio::test]
async fn one_reporter_costs_a_handful_of_questions() {
    let (server, authenticator) = world().await;
    let mail = signed(&message("a@dmarc.reporter.example"), &rsa("reporter.example", "s1"));
    for _ in 0..500 {
        let evidence = check(&authenticator, &by_reporter(), &mail).await;
        assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
    }
    assert!(server.questions() < 15, "{} questions", server.questions());
    assert_eq!(server.questions_for("s1._domainkey.reporter.example"), 1);
}

#[tokio::test]
async fn the_whole_takes_no_longer_than_allowed() {
    let server = Server::start().await;
    server.silent("_dmarc.reporter.example");
    let resolver = ruad::dns::Settings { timeout: Duration::from_secs(30), ..server.settings() };
    let settings = Settings { timeout: Duration::from_millis(200), ..Settings::default() };
    let authenticator = Authenticator::new(&settings, resolver.resolver(100).unwrap());
    let started = Instant::now();
    let evidence = check(&authenticator, &delivery(), &message("a@reporter.example")).await;
    assert_eq!(evidence.doubt, Some(Doubt::Timeout));
    assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn off_means_unknown_and_no_questions() {
    let (server, _) = world().await;
    let settings = Settings { enabled: false, ..Settings::default() };
    let authenticator = Authenticator::new(&settings, server.resolver());
    let mail = signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"));
    let letter = Letter::read(&mail[..], &settings).unwrap();
    let evidence = authenticator.check(&by_reporter(), &letter).await;
    assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
    assert_eq!((evidence.doubt, server.questions()), (Some(Doubt::Disabled), 0));
}

#[tokio::test]
async fn old_mail_is_not_called_forged() {
    let (_server, authenticator) = world().await;
    let old = Delivery { received_at: now() - 10 * 24 * 3_600_000, ..delivery() };
    let evidence = check(&authenticator, &old, &message("a@reporter.example")).await;
    assert_eq!((evidence.dmarc, evidence.doubt), (DmarcResult::Fail, Some(Doubt::Late)));
    assert_eq!(evidence.verdict(&reporter()), Verdict::Unknown);
}

#[tokio::test]
async fn a_large_message_is_examined_like_a_small_one() {
    let (_server, authenticator) = world().await;
    let line = b"PGZlZWRiYWNrPg \t and so on \r\n";
    let mail =
        signed(&message_of("a@reporter.example", &line.repeat(200_000)), &rsa("reporter.example", "s1"));
    assert!(mail.len() > 5_000_000);
    let large = check(&authenticator, &delivery(), &mail).await;
    let small = signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"));
    assert_eq!(large, check(&authenticator, &delivery(), &small).await);
    assert_eq!(large.verdict(&reporter()), Verdict::Genuine);
    // The last byte counts.
    let changed = Letter::read(mail.chain(&b"x"[..]), &Settings::default()).unwrap();
    let changed = authenticator.check(&delivery(), &changed).await;
    assert_eq!(changed.verdict(&reporter()), Verdict::Forged);
}

/// Whatever a message says, it is examined to an end, and never found to be from a reporter that did not sign it.
#[tokio::test]
async fn no_message_gets_the_better_of_it() {
    let (_server, authenticator) = world().await;
    let mail = signed(&message("a@reporter.example"), &forger("reporter.example", "s1"));
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let pieces: [&[u8]; 12] = [
        b";",
        b"=",
        b"\r\n",
        b"\r\n ",
        b":",
        b"l=99999999999999999999",
        b"i=@",
        b"a=rsa-sha1",
        b"h=",
        b"\xff\x00",
        b"From: ",
        b"x=-1",
    ];
    for _ in 0..3_000 {
        let mut mutant = mail.clone();
        for _ in 0..=next(4) {
            let at = next(mutant.len());
            match next(4) {
                0 => mutant[at] = u8::try_from(next(256)).unwrap(),
                1 => mutant.truncate(at.max(1)),
                2 => drop(mutant.drain(at..(at + 1 + next(30)).min(mutant.len()))),
                _ => drop(mutant.splice(at..at, pieces[next(pieces.len())].iter().copied())),
            }
            if mutant.is_empty() {
                break;
            }
        }
        let evidence = check(&authenticator, &delivery(), &mutant).await;
        let verdict = evidence.verdict(&reporter());
        assert!(
            matches!(verdict, Verdict::Forged | Verdict::Unknown),
            "{}",
            String::from_utf8_lossy(&mutant)
        );
    }
}

#[tokio::test]
async fn ten_thousand_signatures_are_not_verified() {
    let (server, authenticator) = world().await;
    let mut mail = signed(&message("a@reporter.example"), &rsa("reporter.example", "s1"));
    for number in 0..1_500 {
        let line = format!(
            "DKIM-Signature: v=1; a=rsa-sha256; d=d{number}.example; s=s; l={number}; h=from; bh=AAAA; b=AAAA\r\n"
        );
        mail.splice(0..0, line.into_bytes());
    }
    let evidence = check(&authenticator, &delivery(), &mail).await;
    assert_eq!((evidence.dkim.len(), evidence.dkim_skipped), (10, 1_491));
    assert_eq!(evidence.verdict(&reporter()), Verdict::Genuine);
    assert!(server.questions() < 25, "{} questions", server.questions());
}
