//! GMX and WEB.DE: RFC 9990's namespace and elements.

use super::mime::{Headers, base64, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Node, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::{Reason, Report};

pub(super) static GMX: Reporter = Reporter {
    label: "gmx",
    org_name: "GMX",
    email: "noreply-dmarc@sicher.gmx.net",
    submitter: "gmx.net",
    origin: &GMX_ORIGIN,
    share: 0.05,
    reach: 0.2,
    hour: 2,
    ..HABITS
};

pub(super) static WEBDE: Reporter = Reporter {
    label: "web.de",
    org_name: "WEB.DE",
    email: "noreply-dmarc@sicher.web.de",
    submitter: "web.de",
    origin: &WEBDE_ORIGIN,
    share: 0.04,
    reach: 0.18,
    hour: 3,
    ..HABITS
};

const HABITS: Reporter = Reporter {
    label: "",
    org_name: "",
    email: "",
    submitter: "",
    origin: &GMX_ORIGIN,
    share: 0.0,
    reach: 0.0,
    hour: 0,
    ends_at_midnight: false,
    rfc9990: true,
    says_pass: false,
    list_reason: Some(Reason { kind: "mailing_list", comment: Some("known list") }),
    forward_reason: None,
    recipients: &[],
    id: |_, _, random| random.hex(32),
    write,
};

static GMX_ORIGIN: Origin = Origin {
    helo: "mout.gmx.net",
    client: std::net::Ipv4Addr::new(127, 0, 14, 1),
    bounces: "sicher.gmx.net",
    from: "sicher.gmx.net",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=quarantine; sp=quarantine"),
    keys: &[Key::rsa("sicher.gmx.net", "s31663417")],
};

static WEBDE_ORIGIN: Origin = Origin {
    helo: "mout.web.de",
    client: std::net::Ipv4Addr::new(127, 0, 14, 2),
    bounces: "sicher.web.de",
    from: "sicher.web.de",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=quarantine; sp=quarantine"),
    keys: &[Key::rsa("sicher.web.de", "s29768273")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (domain, submitter, id) = (report.domain, report.reporter.submitter, &report.id);
    let name = format!("{}!{id}.xml.gz", report.file_stem());
    let boundary = format!("=_{}", random.hex(32));
    let headers = Headers::default()
        .add("MIME-Version", "1.0")
        .add("Message-ID", format!("<{id}@{submitter}>"))
        .add("From", format!("<{}>", report.reporter.email))
        .add("To", &report.recipient)
        .add("Subject", format!("Report Domain: {domain} Submitter: {submitter} Report-ID: {id}"))
        .add("Date", report.sent.mail_date(1))
        .add("Content-Type", format!("multipart/mixed;\r\n boundary=\"{boundary}\""))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=utf-8")
        .add("Content-Transfer-Encoding", "quoted-printable")
        .part(&format!("DMARC aggregate report for {domain} by {submitter}=2E\r\n"));
    let attachment = Headers::default()
        .add("Content-Type", format!("application/gzip;\r\n name=\"{name}\""))
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment;\r\n filename=\"{name}\""))
        .part(&base64(&gzip(document(report).as_bytes(), None), 76));
    let body = multipart("", &boundary, &[note, attachment]);
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let policy = &report.policy;
    let mut published = vec![leaf("domain", report.domain), leaf("discovery_method", "psl")];
    published.extend(xml::alignment(policy));
    published.push(leaf("p", policy.p.as_str()));
    published.push(leaf("sp", policy.effective_sp().as_str()));
    published.extend(policy.np.map(|np| leaf("np", np.as_str())));
    published.push(leaf("testing", if policy.testing { "y" } else { "n" }));
    let mut nodes = vec![
        leaf("version", "1.0"),
        xml::metadata(report, Some("https://postmaster.gmx.net/en/case?c=r2002")),
        Node::Branch("policy_published", published),
    ];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout = Layout {
    declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    attributes: " xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"",
    indent: "   ",
    newline: "\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: true,
    scope: true,
    selector: Selector::Before,
    human_result: false,
};
