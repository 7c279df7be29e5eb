//! Mails of every shape that reporters send, through the front door of the mail room.

use std::fmt::Write as _;
use std::io::BufReader;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use ruad_report::failure::{self, Parts};
use ruad_report::mail::Limits;

use support::{opened, walked};

#[path = "support/mail.rs"]
mod support;

/// Each fixture is written for this project; its name says which quirk it has.
#[test]
fn fixtures_give_what_is_in_them() {
    let mut all = String::new();
    for (name, bytes) in fixtures() {
        let found = walked(&bytes[..], &text_failures());
        let found = if found.is_empty() { "nothing\n".to_owned() } else { found };
        writeln!(all, "{name}\n  {}", found.trim_end().replace('\n', "\n  "))
            .expect("a string takes everything");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_size_of_reads_makes_no_difference() {
    for (name, bytes) in fixtures() {
        let whole = walked(&bytes[..], &text_failures());
        for size in [1, 2, 3, 7, 64] {
            let pieces = walked(BufReader::with_capacity(size, &bytes[..]), &text_failures());
            assert_eq!(whole, pieces, "{name} in pieces of {size}");
        }
    }
}

#[test]
fn a_message_opened_as_a_file_gives_the_same() {
    for (name, bytes) in fixtures() {
        assert_eq!(walked(&bytes[..], &text_failures()), opened(&bytes[..], &text_failures()), "{name}");
    }
}

#[test]
fn a_report_in_prose_counts_only_when_asked_for() {
    for name in ["text-only-exim.eml", "text-only-single-part.eml"] {
        assert_eq!(walked(&fixture(name)[..], &Limits::default()), "");
        assert!(walked(&fixture(name)[..], &text_failures()).starts_with("failure [1]"));
    }
}

#[test]
fn nothing_private_leaves_a_failure_report() {
    for (name, bytes) in fixtures().into_iter().filter(|(name, _)| name.starts_with("arf-")) {
        ruad_report::mail::walk(&mut &bytes[..], &Limits::default(), &mut |found| {
            let ruad_report::mail::Content::Failure(parts) = found.content else {
                panic!("{name}: {found:?}")
            };
            let pieces = format!("{parts:?}");
            assert!(
                !pieces.contains(&format!("{:?}", b"private").replace(['[', ']'], "")),
                "{name} keeps the body"
            );
            let mut report =
                ruad_report::failure::read(parts, &ruad_report::Limits::default()).expect("a report");
            report.redact();
            let json = serde_json::to_string(&report).expect("it serialises");
            for person in ["joe", "doe", "ann"] {
                assert!(!json.contains(person), "{name} tells {person}: {json}");
            }
        })
        .expect("a readable message");
    }
}

#[test]
fn limits_are_told_by_name() {
    let mime = |depth: usize| {
        let mut message = String::from("MIME-Version: 1.0\r\n");
        for level in 0..depth {
            message += &format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n");
        }
        message + "Content-Type: text/plain\r\n\r\nhello\r\n"
    };
    let messages =
        |depth: usize| "Content-Type: message/rfc822\r\n\r\n".repeat(depth) + "Subject: x\r\n\r\nhello\r\n";
    let parts = |count: usize| {
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned()
            + &"--b\r\n\r\nx\r\n".repeat(count)
            + "--b--\r\n"
    };
    let cases = [
        (mime(16), ""),
        (mime(17), "refused [] limit_mime_depth: multiparts are nested more than 16 deep\n"),
        (messages(5), ""),
        (messages(6), "refused [] limit_message_depth: messages are nested more than 5 deep\n"),
        (parts(1_000), ""),
        (parts(100_000), "refused [] limit_parts: the message has more than 1000 parts\n"),
        (
            format!("Subject: {}\r\n\r\nx", "x".repeat(300_000)),
            "refused [] limit_header_bytes: a header block is longer than 262144 bytes\n",
        ),
        (
            "X-Line: x\r\n".repeat(30_000),
            "refused [] limit_header_bytes: a header block is longer than 262144 bytes\n",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(walked(message.as_bytes(), &Limits::default()), expected);
    }
}

#[test]
fn a_part_given_up_does_not_stop_the_next() {
    let long = format!("Content-Type: text/plain; x=\"{}\"\r\n\r\nx\r\n", "x".repeat(300_000));
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{long}--b\r\nContent-Type: text/xml\r\n\r\n<feedback><report_id>1</report_id></feedback>\r\n--b--\r\n"
    );
    assert_eq!(
        walked(message.as_bytes(), &Limits::default()),
        "refused [] limit_header_bytes: a header block is longer than 262144 bytes\naggregate [2] id=1 whole\n"
    );
}

/// How long the walk takes without the parsers; `cargo test --release --test mail -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    for name in [
        "google-whole-message-zip.eml",
        "microsoft-related-alternative-gzip.eml",
        "plain-xml-quoted-printable.eml",
    ] {
        let bytes = fixture(name);
        let started = std::time::Instant::now();
        for _ in 0..10_000 {
            ruad_report::mail::walk(&mut &bytes[..], &Limits::default(), &mut |_| {})
                .expect("a readable message");
        }
        println!("{name}: {:?} for {} bytes", started.elapsed() / 10_000, bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..2_000)) {
        let whole = walked(&bytes[..], &text_failures());
        prop_assert_eq!(whole, walked(BufReader::with_capacity(1, &bytes[..]), &text_failures()));
        let file = opened(&bytes[..], &text_failures());
        prop_assert_eq!(file, opened(BufReader::with_capacity(1, &bytes[..]), &text_failures()));
    }

    #[test]
    fn any_failure_report_can_be_redacted(
        feedback in "([A-Za-z-]{1,20}: [^\\x00]{0,60}\r?\n|Source-IP:|Original-Rcpt-To: |\\PC{0,30}@\\PC{0,30}){0,12}",
        headers in "(Subject: |From: |Message-ID: )?\\PC{0,80}\n",
    ) {
        let feedback = format!("Version: 1\n{feedback}");
        let parts = Parts { feedback: Some(feedback.into()), headers: Some(headers.into()), ..Parts::default() };
        let mut report = failure::read(&parts, &ruad_report::Limits::default()).expect("it has a version");
        report.content_hash();
        report.redact();
        let once = report.clone();
        report.redact();
        prop_assert_eq!(once, report);
    }

    #[test]
    fn mutated_mails_are_survived(which in any::<prop::sample::Index>(), edits in vec(edit(), 1..8)) {
        let fixtures = fixtures();
        let mut bytes = which.get(&fixtures).1.clone();
        for (at, length, with) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            let with = match with {
                Edit::Bytes(with) => with,
                Edit::Copy(from) => {
                    let from = from.index(bytes.len() + 1);
                    bytes[from..(from + 200).min(bytes.len())].to_vec()
                }
            };
            bytes.splice(at..end, with);
        }
        let whole = walked(&bytes[..], &text_failures());
        prop_assert_eq!(whole, walked(BufReader::with_capacity(1, &bytes[..]), &text_failures()));
    }
}

/// What takes the place of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Bytes(Vec<u8>),
    /// A piece of the message itself.
    Copy(prop::sample::Index),
}

fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Edit)> {
    let tokens = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b"--b\r\n",
        b"--",
        b"=",
        b"<",
        b"{",
        b" ",
        b"\r\n\r\n",
        b"PK\x03\x04",
    ]);
    let with = prop_oneof![
        vec(any::<u8>(), 0..5).prop_map(Edit::Bytes),
        tokens.prop_map(|token| Edit::Bytes(token.to_vec())),
        any::<prop::sample::Index>().prop_map(Edit::Copy),
    ];
    (any::<prop::sample::Index>(), prop_oneof![0..4_usize, 0..300_usize], with)
}

fn text_failures() -> Limits {
    Limits { text_failures: true, ..Limits::default() }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).expect("a readable fixture")
}

/// Every fixture with its name, sorted.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder of fixtures")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("an ASCII name"))
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fixture(&name))).collect()
}
