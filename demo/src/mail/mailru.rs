//! Mail.ru: semicolons in a folded subject, a base64 note, everything on one line of XML.

use super::mime::{Headers, base64, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Selector};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::Report;

pub(super) static MAILRU: Reporter = Reporter {
    label: "mail.ru",
    org_name: "Mail.Ru",
    email: "dmarc_support@corp.mail.ru",
    submitter: "mail.ru",
    origin: &ORIGIN,
    share: 0.008,
    reach: 0.1,
    hour: 0,
    ends_at_midnight: true,
    rfc9990: false,
    says_pass: false,
    list_reason: None,
    forward_reason: None,
    recipients: &[],
    id: |_, day, random| format!("{}{}", random.decimal(19), day.begin()),
    write,
};

static ORIGIN: Origin = Origin {
    helo: "relay7.m.smailru.net",
    client: std::net::Ipv4Addr::new(127, 0, 13, 1),
    bounces: "corp.mail.ru",
    from: "corp.mail.ru",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=reject; rua=mailto:d@rua.agari.com,mailto:dmarc_rua@corp.mail.ru"),
    keys: &[Key::rsa("corp.mail.ru", "mail4")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, id) = (format!("{}.xml.gz", report.file_stem()), &report.id);
    let boundary = format!("==============={}==", random.decimal(19));
    let headers = Headers::default()
        .add("Content-Type", format!("multipart/mixed; boundary=\"{boundary}\""))
        .add("MIME-Version", "1.0")
        .add("Subject", format!("Report Domain: {}; Submitter: Mail.Ru;\r\n Report-ID: {id}", report.domain))
        .add("From", report.reporter.email)
        .add("To", &report.recipient)
        .add("Message-ID", format!("<dmarc-{}@corp.mail.ru>", report.sent.0))
        .add("Date", report.sent.mail_date(3))
        .add("Auto-Submitted", "auto-generated")
        .block();
    let note = Headers::default()
        .add("MIME-Version", "1.0")
        .add("Content-Type", "text/plain; charset=\"utf-8\"")
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(b"This is an aggregate report from Mail.Ru.", 76));
    let attachment = Headers::default()
        .add("Content-Type", "application/gzip")
        .add("MIME-Version", "1.0")
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment;\r\n filename=\"{name}\""))
        .part(&base64(&gzip(document(report).as_bytes(), Some(&format!("{}.xml", report.file_stem()))), 76));
    let body = multipart("", &boundary, &[note, attachment]);
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let contact = Some("http://help.mail.ru/mail-help");
    let mut nodes = vec![xml::metadata(report, contact), xml::policy(report, false)];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout =
    Layout { declaration: "<?xml version='1.0' encoding='utf-8'?>", attributes: "", indent: "", newline: "" };
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: false,
    scope: true,
    selector: Selector::Before,
    human_result: false,
};
