use std::{
    io::Read,
    time::{Duration, Instant},
};

use ruad::provenance::{Authenticator, Delivery, DmarcResult, Doubt, Letter, Settings, SpfResult, Verdict};

use crate::{
    dns::Server,
    letters::{forger, message, message_of, rsa, signed},
    world::{by_reporter, check, delivery, now, reporter, world},
};

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
    let resolver = ruad_dns::Settings { timeout: Duration::from_secs(30), ..server.settings() };
    let settings = Settings { timeout: Duration::from_millis(200), ..Settings::default() };
    let authenticator = Authenticator::new(&settings, resolver.resolver(100).unwrap());
    let started = Instant::now();
    let evidence = check(&authenticator, &delivery(), &message("a@reporter.example")).await;
    assert_eq!(evidence.doubt, Some(Doubt::Timeout));
    assert_eq!(evidence.from_domain.as_deref(), Some("reporter.example"));
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

/// Whatever a message says, it is examined to an end, and never found to be from a reporter that did not sign
/// it.
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
