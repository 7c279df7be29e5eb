//! Mimecast: the whole message is the gzip file, with a line end inside the base64 after it.

use super::mime::{Headers, base64};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Selector};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::{Reason, Report};

pub(super) static MIMECAST: Reporter = Reporter {
    label: "mimecast",
    org_name: "Mimecast",
    email: "no-reply@eu-1.mimecastreport.com",
    submitter: "mimecast.org",
    origin: &ORIGIN,
    share: 0.03,
    reach: 0.16,
    hour: 9,
    ends_at_midnight: false,
    rfc9990: false,
    says_pass: false,
    list_reason: None,
    forward_reason: Some(Reason { kind: "trusted_forwarder", comment: None }),
    recipients: &[],
    id: |_, _, random| random.hex(64),
    write,
};

static ORIGIN: Origin = Origin {
    helo: "eu-mta-51.eu.mimecast.lan",
    client: std::net::Ipv4Addr::new(127, 0, 16, 1),
    bounces: "eu-1.mimecastreport.com",
    from: "eu-1.mimecastreport.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=reject; rua=mailto:dmarc@mimecastreport.com"),
    keys: &[Key::rsa("eu-1.mimecastreport.com", "20221110")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (domain, id) = (report.domain, &report.id);
    let name = format!("{}!{id}.xml.gz", report.file_stem());
    let mut archive = gzip(document(report).as_bytes(), None);
    archive.extend_from_slice(b"\r\n");
    let headers = Headers::default()
        .add("From", report.reporter.email)
        .add("Subject", format!("Report domain: {domain} Submitter: mimecast.org Report-ID:\r\n {id}"))
        .add("To", format!("<{}>", report.recipient))
        .add("Message-Id", format!("<{}@eu-1.mimecastreport.com>", random.uuid()))
        .add("Date", report.sent.mail_date(0))
        .add("X-MC-UniqueId", random.uuid())
        .add("MIME-Version", "1.0")
        .add("Content-Type", "application/gzip")
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment;\r\n filename=\"{name}\""))
        .block();
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: base64(&archive, 76).into_bytes() }
}

fn document(report: &Report) -> String {
    let contact = Some("https://community.mimecast.com/s/knowledge");
    let mut nodes = vec![xml::metadata(report, contact), xml::policy(report, false)];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout = Layout {
    declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>",
    attributes: "",
    indent: "  ",
    newline: "\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: false,
    scope: false,
    selector: Selector::Before,
    human_result: true,
};
