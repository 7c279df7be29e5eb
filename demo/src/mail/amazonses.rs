//! Amazon SES: a subject in braces, no declared type to speak of, and a file name in RFC 2231 pieces.

use super::mime::{Headers, base64, continued, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::Report;

pub(super) static AMAZON_SES: Reporter = Reporter {
    label: "amazon ses",
    org_name: "AMAZON-SES",
    email: "postmaster@amazonses.com",
    submitter: "amazonses.com",
    origin: &ORIGIN,
    share: 0.012,
    reach: 0.1,
    hour: 10,
    ends_at_midnight: true,
    rfc9990: false,
    says_pass: false,
    list_reason: None,
    forward_reason: None,
    recipients: &[],
    id: |_, _, random| random.uuid(),
    write,
};

static ORIGIN: Origin = Origin {
    helo: "a14-92.smtp-out.amazonses.com",
    client: std::net::Ipv4Addr::new(127, 0, 15, 1),
    bounces: "amazonses.com",
    from: "amazonses.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1;p=quarantine;pct=100;rua=mailto:report@dmarc.amazon.com"),
    // It signs twice.
    keys: &[
        Key::rsa("amazonses.com", "a66wkfbz3zwxdt2n5p6d7lj2ja7sdwuc"),
        Key::rsa("amazonses.com", "6gbrjpgwjskckoa6a5zn6fwqkn67xbtw"),
    ],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, id) = (format!("{}.xml.gz", report.file_stem()), &report.id);
    let boundary = format!("----=_Part_{}_{}.{}", random.decimal(5), random.decimal(9), random.decimal(13));
    let message = format!("0100019{}-{}-000000", random.hex(9), random.uuid());
    let subject = format!(
        "Dmarc Aggregate Report Domain: {{{}}}  Submitter: {{Amazon SES}}\r\n  \
         Date: {{{}}}  Report-ID: {{{id}}}",
        report.domain, report.day
    );
    let headers = Headers::default()
        .add("From", report.reporter.email)
        .add("To", &report.recipient)
        .add("Message-ID", format!("<{message}@email.amazonses.com>"))
        .add("Subject", subject)
        .add("MIME-Version", "1.0")
        .add("Content-Type", format!("multipart/mixed; \r\n\tboundary=\"{boundary}\""))
        .add("Date", report.sent.mail_date(0))
        .add("X-SES-Outgoing", format!("{}-127.0.15.1", report.sent.day().to_string().replace('-', ".")))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=us-ascii")
        .add("Content-Transfer-Encoding", "7bit")
        .part("This MIME email was sent through Amazon SES.");
    let attachment = Headers::default()
        .add("Content-Type", format!("application/octet-stream;{}", continued("name", &name, 40)))
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment;{}", continued("filename", &name, 40)))
        .part(&base64(&gzip(document(report).as_bytes(), None), 76));
    let body = multipart("", &boundary, &[note, attachment]);
    Draft { mail_from: format!("{message}@amazonses.com"), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let mut nodes = vec![leaf("version", "0.1"), xml::metadata(report, None), xml::policy(report, true)];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout =
    Layout { declaration: "<?xml version=\"1.0\"?>", attributes: "", indent: "\t", newline: "\n" };
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: true,
    scope: false,
    selector: Selector::Absent,
    human_result: false,
};
