//! Fastmail: tells the recipient's domain and a comment about it, but not the alignment modes.

use super::mime::{Headers, base64, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Node, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::{Reason, Report};

pub(super) static FASTMAIL: Reporter = Reporter {
    label: "fastmail",
    org_name: "FastMail Pty Ltd",
    email: "reports@fastmaildmarc.com",
    submitter: "fastmail.com",
    origin: &ORIGIN,
    share: 0.006,
    reach: 0.08,
    hour: 6,
    ends_at_midnight: false,
    rfc9990: false,
    says_pass: false,
    list_reason: Some(Reason { kind: "mailing_list", comment: Some("list-id lists.coopnet.test") }),
    forward_reason: None,
    recipients: &["fastmail.com", "fastmail.fm", "canal-house.example"],
    id: |_, _, random| random.decimal(9),
    write,
};

static ORIGIN: Origin = Origin {
    helo: "out4-smtp.messagingengine.com",
    client: std::net::Ipv4Addr::new(127, 0, 17, 1),
    bounces: "fastmaildmarc.com",
    from: "fastmaildmarc.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=none"),
    keys: &[Key::rsa("fastmaildmarc.com", "fm3")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, domain, id) = (format!("{}!{}", report.file_stem(), report.id), report.domain, &report.id);
    let boundary = random.hex(40);
    let headers = Headers::default()
        .add("MIME-Version", "1.0")
        .add("Date", report.sent.mail_date(0))
        .add("Message-ID", format!("<{id}-{domain}@fastmaildmarc.com>"))
        .add("To", &report.recipient)
        .add("From", "\"DMARC reports\" <reports@fastmaildmarc.com>")
        .add("Subject", format!("Report Domain: {domain} Submitter: fastmail.com\r\n Report-ID: <{id}>"))
        .add("Content-Type", format!("multipart/mixed; boundary={boundary}"))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=us-ascii")
        .part(&format!("An aggregate report about mail from {domain} is attached.\r\n"));
    let attachment = Headers::default()
        .add("Content-Type", "application/x-gzip")
        .add("Content-Disposition", format!("attachment; filename=\"{name}.xml.gz\""))
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(&gzip(document(report).as_bytes(), Some(&format!("{name}.xml"))), 76));
    let body = multipart("", &boundary, &[note, attachment]);
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let policy = &report.policy;
    let published = vec![
        leaf("domain", report.domain),
        leaf("p", policy.p.as_str()),
        leaf("sp", policy.effective_sp().as_str()),
        leaf("pct", policy.pct.to_string()),
        leaf("fo", "1"),
    ];
    let mut nodes = vec![
        leaf("version", "1.0"),
        xml::metadata(report, Some("https://fastmail.com/")),
        Node::Branch("policy_published", published),
    ];
    nodes.extend(COLUMNS.records(report));
    let remark = "<identifiers>\n\t\t\t<!-- the recipient's domain may be a customer's own -->";
    LAYOUT.document(&nodes).replace("<identifiers>", remark)
}

const LAYOUT: Layout =
    Layout { declaration: "<?xml version=\"1.0\"?>", attributes: "", indent: "\t", newline: "\n" };
const COLUMNS: Columns = Columns {
    envelope_to: true,
    envelope_from: true,
    scope: true,
    selector: Selector::Before,
    human_result: false,
};
