//! What else arrives at a report address: forgeries, broken attachments, and mail that is no report at all.

use super::mime::{Headers, base64, multipart};
use super::pack::{gzip, zip};
use super::{Draft, Key, Origin, google};
use crate::random::Random;
use crate::report::Report;

/// A kind of mail from which no report can be had.
#[derive(Debug)]
pub struct Broken {
    /// Its name in the demo.
    pub label: &'static str,
    /// The archive's name ends in this.
    suffix: &'static str,
    /// Makes the attachment for this report.
    content: fn(&Report) -> Vec<u8>,
}

/// Each kind.
pub const BROKEN: &[Broken] = &[
    Broken {
        label: "cut gzip",
        suffix: "xml.gz",
        content: |report| {
            let mut archive = gzip(google::document(report).as_bytes(), None);
            archive.truncate(archive.len() / 2);
            archive
        },
    },
    Broken { label: "html instead", suffix: "xml.gz", content: |_| gzip(ERROR_PAGE.as_bytes(), None) },
    // What Yahoo sent for a while in May 2023.
    Broken { label: "the word unused", suffix: "xml.gz", content: |_| gzip(b"unused", None) },
    Broken { label: "empty zip", suffix: "zip", content: |_| zip(&[]) },
    Broken {
        label: "zip bomb",
        suffix: "zip",
        content: |report| {
            let document = "<feedback>".to_owned() + &format!("<x>{:TEXT$}</x>", "").repeat(BOMB / TEXT);
            zip(&[(&format!("{}.xml", report.file_stem()), document.as_bytes())])
        },
    },
];

/// Mail systems that send no reports of their own.
pub const ORIGINS: &[&Origin] = &[&FORGER, &SLOPPY, &SPAMMER];

/// Claims to be Google, from somewhere else.
pub static FORGER: Origin = Origin {
    helo: "mail-ot1-f71.google.com",
    client: std::net::Ipv4Addr::new(127, 0, 66, 1),
    bounces: "secure-delivery.test",
    from: "secure-delivery.test",
    proves: "forged",
    dmarc: None,
    keys: &[],
};

/// A reporter whose software is broken.
pub static SLOPPY: Origin = Origin {
    helo: "mail.sloppy-reports.test",
    client: std::net::Ipv4Addr::new(127, 0, 67, 1),
    bounces: "sloppy-reports.test",
    from: "sloppy-reports.test",
    proves: "",
    dmarc: Some("v=DMARC1; p=none"),
    keys: &[Key::rsa("sloppy-reports.test", "s")],
};

/// Found the address in DNS and sends what it always sends.
pub static SPAMMER: Origin = Origin {
    helo: "localhost.localdomain",
    client: std::net::Ipv4Addr::new(127, 0, 68, 1),
    bounces: "bargain-news.test",
    from: "bargain-news.test",
    proves: "",
    dmarc: None,
    keys: &[],
};

/// `report` as Google would write it, under Google's name, in another mail system's hands.
pub fn forge(report: &Report, random: &mut Random) -> Draft {
    let (name, domain, id) = (report.file_stem(), report.domain, &report.id);
    let boundary = random.hex(28);
    let headers = Headers::default()
        .add("MIME-Version", "1.0")
        .add("Date", report.sent.mail_date(0))
        .add("Message-ID", format!("<{id}@google.com>"))
        .add("Subject", format!("Report domain: {domain} Submitter: google.com Report-ID: {id}"))
        .add("From", "noreply-dmarc-support@google.com")
        .add("To", &report.recipient)
        .add("Content-Type", format!("multipart/mixed; boundary=\"{boundary}\""))
        .block();
    let archive = zip(&[(&format!("{name}.xml"), google::document(report).as_bytes())]);
    let body = multipart("", &boundary, &[attachment(&format!("{name}.zip"), &archive)]);
    Draft { mail_from: "reports@secure-delivery.test".to_owned(), headers, body: body.into_bytes() }
}

impl Broken {
    /// A mail with this attachment, as if for `report`.
    pub fn write(&self, report: &Report, random: &mut Random) -> Draft {
        let (domain, boundary) = (report.domain, random.hex(28));
        let headers = Headers::default()
            .add("MIME-Version", "1.0")
            .add("Date", report.sent.mail_date(0))
            .add("Message-ID", format!("<{}@sloppy-reports.test>", random.uuid()))
            .add(
                "Subject",
                format!("Report Domain: {domain} Submitter: sloppy-reports.test Report-ID: {}", report.id),
            )
            .add("From", "dmarc@sloppy-reports.test")
            .add("To", &report.recipient)
            .add("Content-Type", format!("multipart/mixed; boundary=\"{boundary}\""))
            .block();
        let name =
            format!("sloppy-reports.test!{domain}!{}!{}.{}", report.day.begin(), report.end(), self.suffix);
        let body = multipart("", &boundary, &[attachment(&name, &(self.content)(report))]);
        Draft { mail_from: "dmarc@sloppy-reports.test".to_owned(), headers, body: body.into_bytes() }
    }
}

/// Advertising, with a dot at the start of a line.
pub fn spam(date: &str, recipient: &str, random: &mut Random) -> Draft {
    let headers = Headers::default()
        .add("From", "\"Bargain News\" <offers@bargain-news.test>")
        .add("To", recipient)
        .add("Subject", "=?utf-8?Q?Last_chance_=E2=80=93_50_%_off?=")
        .add("Date", date)
        .add("Message-ID", format!("<{}@bargain-news.test>", random.uuid()))
        .add("MIME-Version", "1.0")
        .add("Content-Type", "text/html; charset=utf-8")
        .add("Content-Transfer-Encoding", "quoted-printable")
        .block();
    let body = "<html><body><p>Printer toner, half the price=2E</p>\r\n..\r\n.and more\r\n</body></html>\r\n";
    Draft { mail_from: format!("bounce-{}@bargain-news.test", random.decimal(8)), headers, body: body.into() }
}

fn attachment(name: &str, bytes: &[u8]) -> String {
    Headers::default()
        .add("Content-Type", format!("application/octet-stream; name=\"{name}\""))
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment; filename=\"{name}\""))
        .part(&base64(bytes, 76))
}

const ERROR_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\
    <body><h1>502 Bad Gateway</h1></body></html>\n";
/// Packed a thousand to one: beyond any report, and still only this much if a limit should fail.
const BOMB: usize = 24 * 1024 * 1024;
/// Length of one text in it; shorter than what a text may have.
const TEXT: usize = 32 * 1024;
