//! Each reporter's mails have the shape that is claimed for them.

use mail_parser::{Message, MimeHeaders};
use ruad_demo::{Mail, Month};

use crate::read::{archive, document, gunzip, labelled, month, parsed, texts};

#[test]
fn lines_end_in_crlf_and_are_short() {
    for mail in &month().mails {
        let text = String::from_utf8(mail.bytes.clone()).unwrap();
        assert!(text.is_ascii(), "{}", mail.label);
        let bare = text.replace("\r\n", "");
        assert!(!bare.contains(['\r', '\n']), "{}", mail.label);
        assert!(text.split("\r\n").all(|line| line.len() <= 998), "{}", mail.label);
        assert!(text.ends_with("\r\n"), "{}", mail.label);
    }
}

#[test]
fn every_mail_has_the_fields_a_mail_has() {
    for mail in &month().mails {
        let message = parsed(mail);
        let context = mail.label;
        assert!(message.from().is_some() && message.to().is_some(), "{context}");
        assert!(message.subject().is_some() && message.message_id().is_some(), "{context}");
        assert!(message.date().is_some_and(|date| date.is_valid()), "{context}");
        assert!(mail.client.is_loopback(), "{context}");
        assert!(mail.mail_from.contains('@') && mail.rcpt_to.ends_with("@reports.example"), "{context}");
    }
}

/// `main/sub` of every part in the order in which they stand.
fn types(message: &Message<'_>) -> Vec<String> {
    let name = |part: &mail_parser::MessagePart<'_>| match part.content_type() {
        Some(kind) => format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()),
        None => "-".to_owned(),
    };
    message.parts.iter().map(name).collect()
}

fn head(mail: &Mail) -> String {
    let text = String::from_utf8(mail.bytes.clone()).unwrap();
    text.split("\r\n\r\n").next().unwrap().to_owned()
}

fn all(month: &Month, label: &str, check: impl Fn(&Mail)) {
    labelled(month, label).into_iter().for_each(check);
}

#[test]
fn google() {
    all(month(), "google", |mail| {
        assert_eq!(types(&parsed(mail)), ["application/zip"]);
        let (name, archive) = archive(mail);
        assert!(name.starts_with("google.com!") && name.ends_with(".zip"), "{name}");
        let zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
        let names: Vec<_> = zip.file_names().map(Result::unwrap).collect();
        assert_eq!(names, [name.replace(".zip", ".xml")]);
        assert!(head(mail).contains("Subject: Report domain: "));
        assert!(head(mail).contains(" 15:59:59 -0800\r\n"));
        let document = document(mail);
        assert!(!document.contains("<version>") && !document.contains("envelope_from"));
        assert_eq!(texts(&document, "np").len(), 1);
        for signature in texts(&document, "dkim").into_iter().filter(|text| text.contains("<domain>")) {
            assert!(signature.find("<result>") < signature.find("<selector>"), "{signature}");
        }
    });
}

#[test]
fn microsoft() {
    let month = month();
    for label in ["outlook", "enterprise outlook"] {
        all(month, label, |mail| {
            assert_eq!(
                types(&parsed(mail)),
                [
                    "multipart/mixed",
                    "multipart/related",
                    "multipart/alternative",
                    "-",
                    "text/html",
                    "application/gzip"
                ]
            );
            let head = head(mail);
            let subject = head.lines().find(|line| line.starts_with("Subject: ")).unwrap();
            assert!(
                subject.starts_with("Subject: =?utf-8?B?")
                    && !subject.contains(' '.to_string().repeat(2).as_str())
            );
            assert!(parsed(mail).subject().unwrap().contains("protection.outlook.com Report-ID: "));
            assert!(String::from_utf8_lossy(&mail.bytes).contains(".xml.gz\";\r\n"), "the stray semicolon");
            let document = document(mail);
            assert!(document.contains("\r\n    <org_name>") && document.contains("<envelope_to>"));
            let ends: i64 = texts(&document, "end")[0].parse().unwrap();
            assert_eq!(ends % 86_400, 0);
        });
    }
    let documents: Vec<String> = labelled(month, "enterprise outlook").into_iter().map(document).collect();
    assert!(
        documents
            .iter()
            .any(|document| document.contains("<domain></domain>\r\n        <selector></selector>"))
    );
    let twice = |document: &String| {
        texts(document, "auth_results").iter().any(|results| {
            let signatures = texts(results, "dkim");
            signatures.len() > 1 && signatures[0] == signatures[1]
        })
    };
    assert!(documents.iter().any(twice));
}

#[test]
fn yahoo() {
    let month = month();
    all(month, "yahoo", |mail| {
        let document = document(mail);
        assert!(document.lines().all(|line| line.ends_with('\t')));
        assert!(!document.contains("<version>"));
        let id = texts(&document, "report_id")[0];
        assert_eq!(id.split_once('.').map(|(seconds, micros)| (seconds.len(), micros.len())), Some((10, 6)));
    });
    assert!(labelled(month, "yahoo").into_iter().any(|mail| !document(mail).contains("<sp>")));
}

#[test]
fn mail_ru() {
    all(month(), "mail.ru", |mail| {
        assert!(head(mail).contains("; Submitter: Mail.Ru;\r\n Report-ID: "));
        assert_eq!(document(mail).lines().count(), 1);
        assert!(document(mail).starts_with("<?xml version='1.0'"));
    });
}

#[test]
fn gmx_and_web_de() {
    let month = month();
    for label in ["gmx", "web.de"] {
        all(month, label, |mail| {
            let document = document(mail);
            assert!(document.contains("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">"));
            assert!(document.contains("<discovery_method>psl<") && document.contains("<testing>"));
            assert!(!document.contains("<pct>"));
            assert!(texts(&document, "type").iter().all(|kind| !["forwarded", "sampled_out"].contains(kind)));
            assert!(archive(mail).0.ends_with(&format!("!{}.xml.gz", texts(&document, "report_id")[0])));
        });
    }
    let tested = labelled(month, "gmx").into_iter().chain(labelled(month, "web.de")).map(document);
    assert!(tested.into_iter().any(|document| document.contains("policy_test_mode")));
}

#[test]
fn amazon_ses() {
    all(month(), "amazon ses", |mail| {
        let text = String::from_utf8_lossy(&mail.bytes);
        assert!(text.contains("application/octet-stream;\r\n\tname*0=\"amazonses.com!"));
        assert!(text.contains("\tfilename*1=\""));
        assert_eq!(text.matches("DKIM-Signature: ").count(), 2);
        assert!(head(mail).contains("Submitter: {Amazon SES}\r\n"));
        assert!(archive(mail).0.ends_with(".xml.gz"), "{}", archive(mail).0);
        assert_eq!(texts(&document(mail), "version"), ["0.1"]);
    });
}

#[test]
fn mimecast() {
    all(month(), "mimecast", |mail| {
        assert_eq!(types(&parsed(mail)), ["application/gzip"]);
        assert_eq!(gunzip(&archive(mail).1).1, 2, "stray bytes");
        let document = document(mail);
        assert_eq!(texts(&document, "report_id")[0].len(), 64);
        assert_eq!(document.contains("<dkim>\n"), document.contains("<human_result/>"));
    });
}

#[test]
fn small_reporters() {
    let month = month();
    all(month, "fastmail", |mail| {
        let document = document(mail);
        assert!(
            document.contains("<!--") && document.contains("<envelope_to>") && !document.contains("<adkim>")
        );
    });
    all(month, "seznam", |mail| assert!(archive(mail).0.ends_with(".xml.zip")));
    assert!(labelled(month, "seznam").into_iter().any(|mail| document(mail).contains("<sp/>")));
    all(month, "rspamd", |mail| {
        assert!(head(mail).contains("a=rsa-sha256") && head(mail).contains("a=ed25519-sha256"));
    });
    assert!(labelled(month, "rspamd").into_iter().any(|mail| document(mail).contains(">pass</disposition>")));
    all(month, "opendmarc", |mail| {
        assert_eq!(types(&parsed(mail)), ["multipart/mixed", "application/zip"]);
        assert!(!head(mail).contains("DKIM-Signature"));
    });
}

#[test]
fn tls() {
    let month = month();
    for label in ["google tls", "microsoft tls"] {
        all(month, label, |mail| {
            let message = parsed(mail);
            let kinds = types(&message);
            assert_eq!(kinds.first().map(String::as_str), Some("multipart/report"));
            assert_eq!(kinds.last().map(String::as_str), Some("application/tlsrpt+gzip"));
            assert!(
                head(mail).contains("TLS-Report-Domain: ") && head(mail).contains(":tls-report-submitter;")
            );
            let json: serde_json::Value = serde_json::from_str(&document(mail)).unwrap();
            assert!(json["policies"].as_array().is_some_and(|policies| !policies.is_empty()));
        });
    }
    let documents: String =
        month.mails.iter().filter(|mail| mail.label.ends_with("tls")).map(document).collect();
    for word in ["certificate-expired", "sts-policy-fetch-error", "no-policy-found", "\"[\\\"3 1 1 "] {
        assert!(documents.contains(word), "{word}");
    }
}

#[test]
fn failures() {
    let month = month();
    for (label, kinds) in [
        ("linkedin failure", ["multipart/report", "text/plain", "message/feedback-report", "message/rfc822"]),
        ("netease failure", ["multipart/mixed", "text/plain", "message/feedback-report", "message/rfc822"]),
        (
            "opendmarc failure",
            ["multipart/report", "text/plain", "message/feedback-report", "text/rfc822-headers"],
        ),
    ] {
        all(month, label, |mail| assert_eq!(types(&parsed(mail)), kinds));
    }
}

#[test]
fn trouble() {
    let month = month();
    all(month, "forged", |mail| {
        assert!(
            head(mail).contains("From: noreply-dmarc-support@google.com") && !head(mail).contains("DKIM")
        );
        assert!(!mail.mail_from.ends_with("google.com"));
    });
    all(month, "zip bomb", |mail| {
        let (packed, unpacked) = (archive(mail).1.len(), document(mail).len());
        assert!(unpacked / packed > 500, "{unpacked} from {packed}");
    });
    all(month, "spam", |mail| assert!(String::from_utf8_lossy(&mail.bytes).contains("\r\n.and more")));
    for label in ["cut gzip", "html instead", "the word unused", "empty zip"] {
        labelled(month, label);
    }
}
