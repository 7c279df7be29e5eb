//! Failure reports (RFC 6591, RFC 9991) in the forms of LinkedIn, Netease and OpenDMARC. What they hold is
//! invented; the names and addresses are there to be redacted.

use std::net::IpAddr;

use super::mime::{Headers, base64, multipart};
use super::{Draft, Key, Origin, opendmarc};
use crate::day::Moment;
use crate::random::Random;

/// A message that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The domain it claimed to be from.
    pub domain: &'static str,
    /// Where it came from.
    pub source: IpAddr,
    /// When it arrived; the report leaves at once.
    pub arrived: Moment,
}

/// A sender of failure reports.
#[derive(Debug)]
pub struct Style {
    /// Its name in the demo.
    pub label: &'static str,
    /// Its mail system.
    pub origin: &'static Origin,
    /// Writes a report as a mail.
    pub write: fn(failure: &Failure, recipient: &str, random: &mut Random) -> Draft,
}

/// Everyone who sends failure reports.
pub const STYLES: &[Style] = &[
    Style { label: "linkedin failure", origin: &LINKEDIN, write: linkedin },
    Style { label: "netease failure", origin: &NETEASE, write: netease },
    Style { label: "opendmarc failure", origin: &opendmarc::ORIGIN, write: opendmarc },
];

static LINKEDIN: Origin = Origin {
    helo: "mailf-cd.linkedin.com",
    client: std::net::Ipv4Addr::new(127, 0, 21, 1),
    bounces: "linkedin.com",
    from: "linkedin.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=reject; rua=mailto:d@rua.agari.com; pct=100"),
    keys: &[Key::rsa("linkedin.com", "d2048-202308-00")],
};

static NETEASE: Origin = Origin {
    helo: "m12-184.163.com",
    client: std::net::Ipv4Addr::new(127, 0, 22, 1),
    bounces: "163.com",
    from: "163.com",
    proves: "genuine",
    dmarc: Some("v=DMARC1; p=none;"),
    keys: &[Key::rsa("163.com", "s110527")],
};

/// `Version: 1.0`, an empty reverse-path, a Message-ID among the fields, and the whole message.
fn linkedin(failure: &Failure, recipient: &str, random: &mut Random) -> Draft {
    let (domain, source) = (failure.domain, failure.source);
    let arrived = failure.arrived.mail_date(0);
    let original = Original::new(failure, random);
    let boundary = format!("_----{}===_{}", random.hex(22), random.hex(8));
    let headers = Headers::default()
        .add("Date", &arrived)
        .add("Message-ID", format!("<{}@mail516.prod.linkedin.com>", random.hex(20)))
        .add("X-LinkedIn-Class", "EMAIL_REPORTS")
        .add("Subject", format!("DMARC Failure report for {domain} Mail-From: IP:{source}"))
        .add("To", recipient)
        .add("From", "dmarc-noreply@linkedin.com")
        .add("MIME-Version", "1.0")
        .add(
            "Content-Type",
            format!("multipart/report; report-type=feedback-report;\r\n    boundary=\"{boundary}\""),
        )
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain; charset=\"US-ASCII\"")
        .add("Content-Transfer-Encoding", "7bit")
        .part(&format!(
            "A message from IP {source} on {arrived} did not meet\r\nthe DMARC policy of {domain}.\r\n"
        ));
    let fields = Headers::default()
        .add("Feedback-Type", "auth-failure")
        .add("User-Agent", "Lua/1.0")
        .add("Version", "1.0")
        .add("Original-Mail-From", "")
        .add("Original-Rcpt-To", format!("{}@linkedin.com", original.to))
        .add("Arrival-Date", &arrived)
        .add("Message-ID", &original.id)
        .add("Authentication-Results", format!("dmarc=fail (p=reject; dis=none) header.from={domain}"))
        .add("Source-IP", source.to_string())
        .add("Delivery-Result", "delivered")
        .add("Auth-Failure", "dmarc")
        .add("Reported-Domain", domain)
        .part("");
    let feedback = Headers::default().add("Content-Type", "message/feedback-report").part(&fields);
    let message = Headers::default()
        .add("Content-Type", "message/rfc822")
        .add("Content-Disposition", "inline")
        .part(&original.message());
    Draft {
        mail_from: "dmarc-noreply@linkedin.com".to_owned(),
        headers,
        body: multipart("", &boundary, &[note, feedback, message]).into_bytes(),
    }
}

/// The fields in base64 after a relay, no Auth-Failure, a list of domains that did sign.
fn netease(failure: &Failure, recipient: &str, random: &mut Random) -> Draft {
    let (domain, source) = (failure.domain, failure.source);
    let arrived = failure.arrived.mail_date(8);
    let original = Original::new(failure, random);
    let boundary = format!("B_{}_{}", random.decimal(10), random.decimal(9));
    let headers = Headers::default()
        .add("MIME-Version", "1.0")
        .add("From", "<abuse@163.com>")
        .add("Subject", format!("[Netease DMARC Failure Report] {}", original.subject))
        .add("Date", &arrived)
        .add("To", format!("<{recipient}>"))
        .add("Message-ID", format!("<{}@m12-184.163.com>", random.hex(20).to_uppercase()))
        .add("Content-type", format!("multipart/mixed;\r\n\tboundary=\"{boundary}\""))
        .block();
    let note = Headers::default()
        .add("Content-type", "text/plain;\r\n\tcharset=\"UTF-8\"")
        .add("Content-transfer-encoding", "7bit")
        .part(&format!("A message from IP {source} on {arrived} failed\r\nauthentication for {domain}.\r\n"));
    let fields = Headers::default()
        .add("Feedback-Type", "auth-failure")
        .add("User-Agent", "NtesDmarcReporter/1.0")
        .add("Version", "1")
        .add("Original-Mail-From", format!("<bounces+{}@secure-delivery.test>", random.decimal(7)))
        .add("Arrival-Date", &arrived)
        .add("Source-IP", source.to_string())
        .add("Reported-Domain", domain)
        .add("Original-Envelope-Id", random.hex(24))
        .add("Authentication-Results", "163.com; dkim=pass header.d=secure-delivery.test; spf=pass")
        .add("DKIM-Domain", "secure-delivery.test; mailer.secure-delivery.test")
        .add("Delivery-Result", "delivered")
        .add("Identity-Alignment", "spf,dkim")
        .block();
    let feedback = Headers::default()
        .add("Content-type", "message/feedback-report; name=\"ATT00001\"")
        .add("Content-disposition", "attachment;\r\n\tfilename=\"ATT00001\"")
        .add("Content-transfer-encoding", "base64")
        .part(&base64(fields.as_bytes(), 72));
    let message = Headers::default()
        .add("Content-type", "message/rfc822")
        .add("Content-disposition", "attachment")
        .part(&original.message());
    Draft {
        mail_from: "abuse@163.com".to_owned(),
        headers,
        body: multipart("> This message is in MIME format.", &boundary, &[note, feedback, message])
            .into_bytes(),
    }
}

/// A comment after the address, no Arrival-Date, and the headers only.
fn opendmarc(failure: &Failure, recipient: &str, random: &mut Random) -> Draft {
    let (domain, source) = (failure.domain, failure.source);
    let arrived = failure.arrived.mail_date(1);
    let original = Original::new(failure, random);
    let boundary = format!("post.hofgeest.test:{}", random.hex(12).to_uppercase());
    let headers = Headers::default()
        .add("From", "OpenDMARC Filter <postmaster@hofgeest.test>")
        .add("To", recipient)
        .add("Date", &arrived)
        .add("Subject", "FW: ".to_owned() + original.subject)
        .add("MIME-Version", "1.0")
        .add("Message-ID", format!("<{}@post.hofgeest.test>", random.hex(16)))
        .add("Auto-Submitted", "auto-generated")
        .add(
            "Content-Type",
            format!("multipart/report;\r\n\treport-type=feedback-report;\r\n\tboundary=\"{boundary}\""),
        )
        .block();
    let note = Headers::default()
        .add("Content-Type", "text/plain")
        .part(&format!("Message headers follow; they failed the DMARC policy of {domain}.\r\n"));
    let fields = Headers::default()
        .add("Feedback-Type", "auth-failure")
        .add("Version", "1")
        .add("User-Agent", "OpenDMARC-Filter/1.4.2")
        .add("Auth-Failure", "dmarc")
        .add("Authentication-Results", format!("post.hofgeest.test; dmarc=fail header.from={domain}"))
        .add("Original-Envelope-Id", random.hex(10).to_uppercase())
        .add("Original-Mail-From", format!("{}@{domain}", original.from))
        .add("Source-IP", format!("{source} (host.invalid)"))
        .add("Reported-Domain", domain)
        .part("");
    let feedback = Headers::default().add("Content-Type", "message/feedback-report").part(&fields);
    let message = Headers::default().add("Content-Type", "text/rfc822-headers").part(&original.headers());
    Draft {
        mail_from: "postmaster@hofgeest.test".to_owned(),
        headers,
        body: multipart("", &boundary, &[note, feedback, message]).into_bytes(),
    }
}

/// The message that failed.
struct Original {
    domain: &'static str,
    from: &'static str,
    to: &'static str,
    subject: &'static str,
    id: String,
    date: String,
    source: IpAddr,
}

impl Original {
    fn new(failure: &Failure, random: &mut Random) -> Self {
        let mut pick = |choices: &[&'static str]| random.pick(choices).copied().unwrap_or_default();
        Self {
            domain: failure.domain,
            from: pick(&["billing", "service", "no-reply", "accounts", "it.helpdesk"]),
            to: pick(&["j.devries", "maria.jansen", "t.okafor", "s.lindqvist", "l.moreau"]),
            subject: pick(&[
                "Your invoice is overdue",
                "Parcel held at the depot",
                "Mailbox almost full",
                "Action required on your account",
            ]),
            id: format!("<{}@mailer.invalid>", random.hex(18)),
            date: failure.arrived.mail_date(0),
            source: failure.source,
        }
    }

    fn headers(&self) -> String {
        Headers::default()
            .add(
                "Received",
                format!("from mailer.invalid (unknown [{}])\r\n\tby mx.invalid; {}", self.source, self.date),
            )
            .add("From", format!("\"Customer service\" <{}@{}>", self.from, self.domain))
            .add("To", format!("<{}@linkedin.com>", self.to))
            .add("Subject", self.subject)
            .add("Date", &self.date)
            .add("Message-ID", &self.id)
            .add("MIME-Version", "1.0")
            .add("Content-Type", "text/plain; charset=us-ascii")
            .block()
    }

    fn message(&self) -> String {
        format!(
            "{}\r\nDear customer,\r\n\r\nplease see http://login.secure-delivery.test/ at once.\r\n..\r\n",
            self.headers()
        )
    }
}
