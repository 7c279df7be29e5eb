//! Yahoo: a tab at the end of every line, no version, no `sp` unless it is published.

use super::mime::{Headers, base64, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Node, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::{Reason, Report};

pub(super) static YAHOO: Reporter = Reporter {
    label: "yahoo",
    org_name: "Yahoo",
    email: "dmarchelp@yahooinc.com",
    submitter: "yahoo.com",
    origin: &ORIGIN,
    share: 0.08,
    reach: 0.45,
    hour: 1,
    ends_at_midnight: false,
    rfc9990: false,
    says_pass: false,
    list_reason: Some(Reason { kind: "mailing_list", comment: None }),
    forward_reason: Some(Reason { kind: "forwarded", comment: None }),
    recipients: &[],
    id: |_, day, random| {
        format!("{}.{}", day.plus(1).begin() + random.below(3_600) as i64, random.decimal(6))
    },
    write,
};

static ORIGIN: Origin = Origin {
    helo: "sonic312-24.consmr.mail.bf2.yahoo.com",
    client: std::net::Ipv4Addr::new(127, 0, 12, 1),
    bounces: "yahooinc.com",
    from: "yahooinc.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=reject; rua=mailto:d@rua.agari.com"),
    keys: &[Key::rsa("yahooinc.com", "fz2048")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, domain, id) = (format!("{}.xml.gz", report.file_stem()), report.domain, &report.id);
    let boundary = format!("----=_Part_{}_{}.{}", random.decimal(6), random.decimal(9), random.decimal(13));
    let headers = Headers::default()
        .add("Date", report.sent.mail_date(0))
        .add("From", "\"Yahoo DMARC Report\" <dmarchelp@yahooinc.com>")
        .add("To", &report.recipient)
        .add("Message-ID", format!("<{}.{}@yahooinc.com>", random.decimal(10), random.decimal(6)))
        .add("Subject", format!("Report Domain: {domain} Submitter: yahoo.com Report-ID: <{id}>"))
        .add("MIME-Version", "1.0")
        .add("Content-Type", format!("multipart/mixed; \r\n\tboundary=\"{boundary}\""))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=us-ascii")
        .add("Content-Transfer-Encoding", "7bit")
        .part(&format!("This is an aggregate report from Yahoo for {domain}.\r\n"));
    let attachment = Headers::default()
        .add("Content-Type", format!("application/gzip; name=\"{name}\""))
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment; \r\n\tfilename=\"{name}\""))
        .part(&base64(&gzip(document(report).as_bytes(), Some(&report.file_stem())), 76));
    let body = multipart("", &boundary, &[note, attachment]);
    Draft { mail_from: format!("bounce-{id}@yahooinc.com"), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let policy = &report.policy;
    let mut published = vec![leaf("domain", report.domain)];
    published.extend(xml::alignment(policy));
    published.push(leaf("p", policy.p.as_str()));
    published.extend(policy.sp.map(|sp| leaf("sp", sp.as_str())));
    published.push(leaf("pct", policy.pct.to_string()));
    let mut nodes = vec![xml::metadata(report, None), Node::Branch("policy_published", published)];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout =
    Layout { declaration: "<?xml version=\"1.0\"?>", attributes: "", indent: "  ", newline: "\t\n" };
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: false,
    scope: false,
    selector: Selector::Before,
    human_result: false,
};
