//! Seznam: a zip that calls itself `.xml.zip`, empty `sp`; its mails go out through another company's
//! service, which signs and aligns them for itself: authenticated, but not by whom the report names.

use super::mime::{Headers, base64, multipart};
use super::pack::zip;
use super::xml::{self, Columns, Layout, Node, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::Report;

pub(super) static SEZNAM: Reporter = Reporter {
    label: "seznam",
    org_name: "seznam.cz a.s.",
    email: "abuse@seznam.cz",
    submitter: "seznam.cz",
    origin: &ORIGIN,
    share: 0.007,
    reach: 0.07,
    hour: 7,
    ends_at_midnight: false,
    rfc9990: false,
    says_pass: false,
    list_reason: None,
    forward_reason: None,
    recipients: &[],
    id: |domain, day, _| format!("{domain}:{}", day.begin()),
    write,
};

static ORIGIN: Origin = Origin {
    helo: "out7.report-relay.test",
    client: std::net::Ipv4Addr::new(127, 0, 18, 1),
    bounces: "report-relay.test",
    from: "report-relay.test",
    proves: "authenticated",
    dmarc: Some("v=DMARC1; p=reject"),
    keys: &[Key::rsa("report-relay.test", "r1")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, domain, id) = (report.file_stem(), report.domain, &report.id);
    let boundary = format!("=-{}", random.hex(20));
    let headers = Headers::default()
        .add("From", "\"Seznam DMARC\" <seznam@report-relay.test>")
        .add("Reply-To", report.reporter.email)
        .add("To", &report.recipient)
        .add("Date", report.sent.mail_date(1))
        .add("Subject", format!("Report Domain: {domain} Submitter: seznam.cz Report-ID: {id}"))
        .add("Message-ID", format!("<{}@report-relay.test>", random.uuid()))
        .add("MIME-Version", "1.0")
        .add("Content-Type", format!("multipart/mixed; boundary=\"{boundary}\""))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=utf-8")
        .part(&format!("DMARC report for {domain}\r\n"));
    let archive = zip(&[(&format!("{name}.xml"), document(report).as_bytes())]);
    let attachment = Headers::default()
        .add("Content-Type", "application/x-zip-compressed")
        .add("Content-Disposition", format!("attachment; filename=\"{name}.xml.zip\""))
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(&archive, 76));
    let body = multipart("", &boundary, &[note, attachment]);
    Draft { mail_from: "seznam@report-relay.test".to_owned(), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let policy = &report.policy;
    let mut published = vec![leaf("domain", report.domain)];
    published.extend(xml::alignment(policy));
    published.push(leaf("p", policy.p.as_str()));
    published.push(match policy.sp {
        Some(sp) => leaf("sp", sp.as_str()),
        None => Node::Empty("sp"),
    });
    published.push(leaf("pct", policy.pct.to_string()));
    let mut nodes = vec![xml::metadata(report, None), Node::Branch("policy_published", published)];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout = Layout {
    declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    attributes: "",
    indent: " ",
    newline: "\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: true,
    scope: true,
    selector: Selector::Before,
    human_result: false,
};
