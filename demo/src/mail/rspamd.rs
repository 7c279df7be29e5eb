//! A brewery's own server running rspamd: no version, an id with a host name in it, signed with RSA and
//! Ed25519.

use super::mime::{Headers, base64, multipart};
use super::pack::gzip;
use super::xml::{self, Columns, Layout, Selector};
use super::{Draft, Key, Origin, Reporter};
use crate::random::Random;
use crate::report::Report;

pub(super) static RSPAMD: Reporter = Reporter {
    label: "rspamd",
    org_name: "Brouwerij De Sluis",
    email: "postmaster@brouwerij.example",
    submitter: "brouwerij.example",
    origin: &ORIGIN,
    share: 0.003,
    reach: 0.08,
    hour: 0,
    ends_at_midnight: false,
    // Takes over the words of the new standard without its namespace, as Stalwart did for a while.
    rfc9990: false,
    says_pass: true,
    list_reason: None,
    forward_reason: None,
    recipients: &[],
    id: |domain, day, _| format!("{domain}.{}.{}", day.begin(), day.plus(1).begin()),
    write,
};

static ORIGIN: Origin = Origin {
    helo: "mx0.brouwerij.example",
    client: std::net::Ipv4Addr::new(127, 0, 19, 1),
    bounces: "brouwerij.example",
    from: "brouwerij.example",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=quarantine; adkim=s"),
    keys: &[Key::rsa("brouwerij.example", "mail-2023"), Key::ed25519("brouwerij.example", "ed-2023")],
};

fn write(report: &Report, random: &mut Random) -> Draft {
    let (name, domain, id) = (format!("{}.xml.gz", report.file_stem()), report.domain, &report.id);
    let boundary = format!("----=_NextPart_{}", random.uuid());
    let headers = Headers::default()
        .add("From", "\"DMARC Aggregate Report\" <postmaster@brouwerij.example>")
        .add("To", &report.recipient)
        .add(
            "Subject",
            format!("Report Domain: {domain}\r\n\tSubmitter: brouwerij.example\r\n\tReport-ID: {id}"),
        )
        .add("Date", report.sent.mail_date(0))
        .add("MIME-Version", "1.0")
        .add("Message-ID", format!("<{}@brouwerij.example>", random.hex(16)))
        .add("Content-Type", format!("multipart/mixed;\r\n\tboundary=\"{boundary}\""))
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=\"us-ascii\"")
        .add("Content-Transfer-Encoding", "7bit")
        .part(&format!(
            "Aggregate report from brouwerij.example.\r\n\r\nReport domain: {domain}\r\nReport ID: {id}\r\n"
        ));
    let attachment = Headers::default()
        .add("Content-Type", "application/gzip")
        .add("Content-Transfer-Encoding", "base64")
        .add("Content-Disposition", format!("attachment;\r\n\tfilename=\"{name}\""))
        .part(&base64(&gzip(document(report).as_bytes(), None), 73));
    let body = multipart("This is a multipart message in MIME format.", &boundary, &[note, attachment]);
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
    indent: "  ",
    newline: "\n",
};
const COLUMNS: Columns = Columns {
    envelope_to: false,
    envelope_from: false,
    scope: false,
    selector: Selector::Absent,
    human_result: false,
};
