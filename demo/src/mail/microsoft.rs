//! Microsoft: three multiparts in one another, one of them without a text, and a subject as one encoded word.
//! Two reporters share the form: the consumer service and the tenants' one.

use super::mime::{Headers, base64, encoded_word, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Selector, leaf};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::{Reason, Report, Signature};

pub(super) static OUTLOOK: Reporter = Reporter {
    label: "outlook",
    org_name: "Outlook.com",
    submitter: "protection.outlook.com",
    share: 0.11,
    reach: 0.5,
    hour: 4,
    recipients: &["outlook.com", "hotmail.com", "live.nl"],
    ..HABITS
};

pub(super) static ENTERPRISE: Reporter = Reporter {
    label: "enterprise outlook",
    org_name: "Enterprise Outlook",
    submitter: "enterprise.protection.outlook.com",
    share: 0.16,
    reach: 0.55,
    hour: 5,
    recipients: &["noordwal.example", "tulpadvies.example", "delta-works.test", "brouwerij.example"],
    ..HABITS
};

const HABITS: Reporter = Reporter {
    label: "",
    org_name: "",
    email: "dmarcreport@microsoft.com",
    submitter: "",
    origin: &ORIGIN,
    share: 0.0,
    reach: 0.0,
    hour: 0,
    ends_at_midnight: true,
    rfc9990: false,
    says_pass: false,
    list_reason: Some(Reason { kind: "local_policy", comment: None }),
    forward_reason: None,
    recipients: &[],
    id: |_, _, random| random.hex(32),
    write,
};

pub(super) static ORIGIN: Origin = Origin {
    helo: "NAM12-MW2-obe.outbound.protection.outlook.com",
    client: std::net::Ipv4Addr::new(127, 0, 11, 1),
    bounces: "microsoft.com",
    from: "microsoft.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=reject; pct=100; rua=mailto:itex-rua@microsoft.com; fo=1"),
    keys: &[Key::rsa("microsoft.com", "selector2")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, id) = (format!("{}.xml.gz", report.file_stem()), &report.id);
    let token = format!("{}piotk5m200exchangecorpm_", random.hex(32));
    let (mixed, related, alternative) =
        (format!("_mpm_{token}"), format!("_rv_{token}"), format!("_av_{token}"));
    let subject =
        format!("Report Domain: {} Submitter: {} Report-ID: {id}", report.domain, report.reporter.submitter);
    let headers = Headers::default()
        .add("Message-ID", format!("<{}@microsoft.com>", random.hex(32)))
        .add("X-Sender", "<dmarcreport@microsoft.com> XATTRDIRECT=Originating")
        .add("MIME-Version", "1.0")
        .add("From", "\"DMARC Aggregate Report\" <dmarcreport@microsoft.com>")
        .add("To", format!("<{}>", report.recipient))
        .add("Subject", encoded_word(&subject))
        .add("Content-Type", format!("multipart/mixed;\r\n\tboundary=\"{mixed}\""))
        .add("Date", report.sent.mail_date(0))
        .add("X-MS-PublicTrafficType", "Email")
        .block();

    let html = Headers::default()
        .add("Content-Type", "text/html; charset=us-ascii")
        .add("Content-Transfer-Encoding", "base64")
        .part(&base64(NOTE.as_bytes(), 78));
    let inner = |kind: &str, boundary: &str, parts: &[String]| {
        Headers::default()
            .add("Content-Type", format!("multipart/{kind};\r\n\tboundary=\"{boundary}\""))
            .part(&multipart("", boundary, parts))
    };
    // The first alternative has neither headers nor text.
    let related =
        inner("related", &related, &[inner("alternative", &alternative, &["\r\n".to_owned(), html])]);
    let attachment = Headers::default()
        .add("Content-Type", "application/gzip")
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-ID", format!("<{}>", random.uuid()))
        .add("Content-Description", &name)
        .add("Content-Disposition", format!("attachment; filename=\"{name}\";"))
        .part(&base64(&gzip(document(report).as_bytes(), None), 78));
    let body = multipart("This is a multi-part message in MIME format.", &mixed, &[related, attachment]);
    Draft { mail_from: report.reporter.email.to_owned(), headers, body: body.into_bytes() }
}

fn document(report: &Report) -> String {
    let mut listed = report.clone();
    if report.reporter.label == ENTERPRISE.label {
        for (index, record) in listed.records.iter_mut().enumerate() {
            burden(index, &mut record.signatures);
        }
    }
    let mut nodes = vec![leaf("version", "1.0"), xml::metadata(report, None), xml::policy(report, true)];
    nodes.extend(COLUMNS.records(&listed));
    LAYOUT.document(&nodes)
}

/// The tenants' service lists a signature twice, or adds one without a name.
fn burden(index: usize, signatures: &mut Vec<Signature>) {
    match index % 3 {
        0 => {
            let first = signatures.first().cloned();
            signatures.splice(0..0, first);
        }
        1 => signatures.push(Signature { domain: String::new(), selector: String::new(), result: "fail" }),
        _ => {}
    }
}

const NOTE: &str = "<div style =\"font-family:Segoe UI; font-size:14px;\">An aggregate report is \
    attached. You asked for it in the rua tag of your domain's DMARC record.</ div>";
const LAYOUT: Layout = Layout {
    declaration: "<?xml version=\"1.0\"?>",
    attributes: " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
    indent: "  ",
    newline: "\r\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: true,
    envelope_from: true,
    scope: true,
    selector: Selector::Before,
    human_result: false,
};
