//! A village's server running OpenDMARC: one zip part and nothing else in a multipart, unsigned, and no DMARC
//! record of its own: nobody can tell whether it is what it says.

use super::mime::{Headers, base64, multipart};
use super::pack::zip;
use super::xml::{self, Columns, Layout, Selector};
use super::{Draft, Origin, Reporter};
use crate::random::Random;
use crate::report::{Reason, Report};

pub(super) static OPENDMARC: Reporter = Reporter {
    label: "opendmarc",
    org_name: "hofgeest.test",
    email: "postmaster@hofgeest.test",
    submitter: "hofgeest.test",
    origin: &ORIGIN,
    share: 0.003,
    reach: 0.06,
    hour: 5,
    ends_at_midnight: false,
    rfc9990: false,
    says_pass: false,
    list_reason: Some(Reason { kind: "trusted_forwarder", comment: None }),
    forward_reason: None,
    recipients: &[],
    id: |_, day, random| format!("hofgeest.test-{}@post", day.plus(1).begin() + random.below(1_000) as i64),
    write,
};

pub(super) static ORIGIN: Origin = Origin {
    helo: "post.hofgeest.test",
    client: std::net::Ipv4Addr::new(127, 0, 20, 1),
    bounces: "hofgeest.test",
    from: "hofgeest.test",
    proves: "unknown",
    dmarc: None,
    keys: &[],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, domain, id) = (report.file_stem(), report.domain, &report.id);
    let boundary = format!("report_section_{}", random.hex(8));
    let headers = Headers::default()
        .add("To", &report.recipient)
        .add("From", report.reporter.email)
        .add(
            "Subject",
            format!("Report Domain: {domain}\r\n  Submitter: hofgeest.test\r\n  Report-ID: <{id}>"),
        )
        .add("X-Mailer", "opendmarc-reports v1.4.2")
        .add("Date", report.sent.mail_date(1))
        .add("Message-ID", format!("<{id}.hofgeest.test>"))
        .add("Auto-Submitted", "auto-generated")
        .add("MIME-Version", "1.0")
        .add("Content-Type", format!("multipart/mixed;\r\n\tboundary=\"{boundary}\""))
        .block();
    let archive = zip(&[(&format!("{name}.xml"), document(report).as_bytes())]);
    let attachment = Headers::default()
        .add("Content-Type", "application/zip")
        .add("Content-Disposition", format!("attachment; filename=\"{name}.zip\""))
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(&archive, 76));
    let body = multipart("This is a MIME-encapsulated message.", &boundary, &[attachment]);
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let mut nodes = vec![xml::metadata(report, None), xml::policy(report, false)];
    nodes.extend(COLUMNS.records(report));
    LAYOUT.document(&nodes)
}

const LAYOUT: Layout = Layout {
    declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>",
    attributes: "",
    indent: "\t",
    newline: "\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: true,
    scope: true,
    selector: Selector::Before,
    human_result: false,
};
