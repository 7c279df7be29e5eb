//! Google: the whole message is the zip file.

use super::mime::{Headers, base64};
use super::pack::zip;
use super::xml::{self, Columns, Layout, Node, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::day::Moment;
use crate::random::Random;
use crate::report::{Reason, Report};

pub(super) static GOOGLE: Reporter = Reporter {
    label: "google",
    org_name: "google.com",
    email: "noreply-dmarc-support@google.com",
    submitter: "google.com",
    origin: &ORIGIN,
    share: 0.44,
    reach: 0.95,
    hour: 10,
    ends_at_midnight: false,
    rfc9990: false,
    says_pass: false,
    list_reason: Some(Reason { kind: "local_policy", comment: Some("arc=pass") }),
    forward_reason: None,
    recipients: &[],
    id: |_, _, random| random.decimal(19),
    write,
};

pub(super) static ORIGIN: Origin = Origin {
    helo: "mail-ot1-f71.google.com",
    client: std::net::Ipv4Addr::new(127, 0, 10, 1),
    bounces: "google.com",
    from: "google.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=reject; rua=mailto:mailauth-reports@google.com"),
    keys: &[Key::rsa("google.com", "20251104")],
};

fn write(report: &Report, _: &mut Random) -> Draft {
    let (name, domain, id) = (report.file_stem(), report.domain, &report.id);
    let archive = zip(&[(&format!("{name}.xml"), document(report).as_bytes())]);
    let headers = Headers::default()
        .add("MIME-Version", "1.0")
        // The last second reported on, in California.
        .add("Date", Moment(report.end()).mail_date(-8))
        .add("Message-ID", format!("<{id}@google.com>"))
        .add("Subject", format!("Report domain: {domain} Submitter: google.com Report-ID: {id}"))
        .add("From", report.reporter.email)
        .add("To", &report.recipient)
        .add("Content-Type", format!("application/zip; \r\n\tname=\"{name}.zip\""))
        .add("Content-Disposition", format!("attachment; \r\n\tfilename=\"{name}.zip\""))
        .add("Content-Transfer-Encoding", "base64")
        .block();
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: base64(&archive, 76).into_bytes() }
}

/// The XML; forgeries have it too.
pub(super) fn document(report: &Report) -> String {
    let policy = &report.policy;
    let mut published = vec![leaf("domain", report.domain)];
    published.extend(xml::alignment(policy));
    published.push(leaf("p", policy.p.as_str()));
    published.push(leaf("sp", policy.effective_sp().as_str()));
    published.push(leaf("pct", policy.pct.to_string()));
    // In RFC 7489 reports too, since 2023.
    published.push(leaf("np", policy.np.unwrap_or(policy.effective_sp()).as_str()));
    let mut nodes = vec![
        xml::metadata(report, Some("https://support.google.com/a/answer/2466580")),
        Node::Branch("policy_published", published),
    ];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout = Layout {
    declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>",
    attributes: "",
    indent: "  ",
    newline: "\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: false,
    scope: false,
    selector: Selector::After,
    human_result: false,
};
