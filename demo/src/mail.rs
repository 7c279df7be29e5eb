//! Mails as the reporters send them: one file per reporter's style, and the helpers they share.

mod amazonses;
pub mod dkim;
mod failure;
mod fastmail;
mod gmx;
mod google;
mod mailru;
mod microsoft;
mod mime;
mod mimecast;
mod opendmarc;
mod pack;
mod rspamd;
mod seznam;
mod tls;
pub mod trouble;
mod xml;
mod yahoo;

pub use failure::{Failure, STYLES as FAILURE_STYLES};
pub use tls::{REPORTERS as TLS_REPORTERS, Session, TlsPolicy, TlsReport, TlsReporter};

use std::net::{IpAddr, Ipv4Addr};

use ruad_spool::Envelope;

use crate::day::{Day, Moment};
use crate::random::Random;
use crate::report::{Reason, Report};

/// A mail ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mail {
    /// Which style or trouble it is an example of.
    pub label: &'static str,
    /// The address it comes from, of the loopback range.
    pub client: Ipv4Addr,
    /// What its sender says in EHLO.
    pub helo: &'static str,
    /// The reverse-path.
    pub mail_from: String,
    /// The only recipient.
    pub rcpt_to: String,
    /// The verdict that a report in it deserves; empty if there is none.
    pub verdict: &'static str,
    /// When it was written.
    pub sent: Moment,
    /// The message: CRLF only, no line over 998 bytes, dots not stuffed.
    pub bytes: Vec<u8>,
}

impl Mail {
    /// What a receiver would have noted when it was sent.
    pub fn envelope(&self) -> Envelope {
        Envelope {
            received_at: u64::try_from(self.sent.0).unwrap_or_default() * 1_000,
            client_ip: IpAddr::V4(self.client),
            helo: self.helo.to_owned(),
            tls: None,
            mail_from: self.mail_from.clone(),
            rcpt_to: vec![self.rcpt_to.clone()],
        }
    }
}

/// A mail before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The reverse-path.
    pub mail_from: String,
    /// Header fields, each ended by CRLF.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Draft {
    /// Signs with the keys of `origin` and addresses it.
    pub fn send(self, label: &'static str, origin: &'static Origin, rcpt_to: &str, sent: Moment) -> Mail {
        let mut bytes = Vec::with_capacity(self.headers.len() + self.body.len() + 2_048);
        for key in origin.keys {
            bytes.extend_from_slice(dkim::sign(key, &self.headers, &self.body).as_bytes());
        }
        bytes.extend_from_slice(self.headers.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        Mail {
            label,
            client: origin.client,
            helo: origin.helo,
            mail_from: self.mail_from,
            rcpt_to: rcpt_to.to_owned(),
            verdict: origin.proves,
            sent,
            bytes,
        }
    }
}

/// A mail system: where it connects from and what its DNS zone says.
#[derive(Debug)]
pub struct Origin {
    /// What it says in EHLO.
    pub helo: &'static str,
    /// Its address; each origin has its own in 127.0.0.0/8, so that SPF has something to decide on.
    pub client: Ipv4Addr,
    /// Domain of its reverse-paths, whose SPF record lists `client`.
    pub bounces: &'static str,
    /// Domain in From.
    pub from: &'static str,
    /// The verdict that its reports deserve: `genuine`, `authenticated`, `forged` or `unknown`; empty if it
    /// sends none.
    pub proves: &'static str,
    /// The record at `_dmarc` of the From domain's organisation.
    pub dmarc: Option<&'static str>,
    /// The keys it signs with.
    pub keys: &'static [Key],
}

/// A DKIM key by its name.
#[derive(Debug)]
pub struct Key {
    /// `d=`
    pub domain: &'static str,
    /// `s=`
    pub selector: &'static str,
    /// Which of the two demo keys stands for it.
    pub algorithm: Algorithm,
}

impl Key {
    const fn rsa(domain: &'static str, selector: &'static str) -> Self {
        Self { domain, selector, algorithm: Algorithm::Rsa }
    }

    const fn ed25519(domain: &'static str, selector: &'static str) -> Self {
        Self { domain, selector, algorithm: Algorithm::Ed25519 }
    }
}

/// Kind of a DKIM key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// RSA, 2048 bits.
    Rsa,
    /// Ed25519.
    Ed25519,
}

/// A sender of aggregate reports with its habits.
#[derive(Debug)]
pub struct Reporter {
    /// Its style's name in the demo.
    pub label: &'static str,
    /// `org_name`
    pub org_name: &'static str,
    /// `email`
    pub email: &'static str,
    /// The domain in file names and subjects.
    pub submitter: &'static str,
    /// Its mail system.
    pub origin: &'static Origin,
    /// Its share of a domain's mail.
    pub share: f64,
    /// The share of days on which it hears from a domain at all.
    pub reach: f64,
    /// Hour of the following day, UTC, at which its reports go out.
    pub hour: i64,
    /// The period ends at the next midnight instead of the last second of the day.
    pub ends_at_midnight: bool,
    /// It applies RFC 9989: `t` instead of `pct`.
    pub rfc9990: bool,
    /// It writes `pass` for aligned mail under an enforcing policy.
    pub says_pass: bool,
    /// The exception it makes for mailing lists.
    pub list_reason: Option<Reason>,
    /// What it remarks on forwarded mail.
    pub forward_reason: Option<Reason>,
    /// Recipient domains that it tells; empty if it does not.
    pub recipients: &'static [&'static str],
    /// Makes a report identifier.
    pub id: fn(domain: &str, day: Day, random: &mut Random) -> String,
    /// Writes a report as a mail. The random numbers are for boundaries and the like: the report's content is
    /// fixed.
    pub write: fn(report: &Report, random: &mut Random) -> Draft,
}

impl Reporter {
    /// Everyone who reports, the largest first.
    pub const ALL: &'static [&'static Self] = &[
        &google::GOOGLE,
        &microsoft::ENTERPRISE,
        &microsoft::OUTLOOK,
        &yahoo::YAHOO,
        &gmx::GMX,
        &gmx::WEBDE,
        &mimecast::MIMECAST,
        &amazonses::AMAZON_SES,
        &mailru::MAILRU,
        &seznam::SEZNAM,
        &fastmail::FASTMAIL,
        &rspamd::RSPAMD,
        &opendmarc::OPENDMARC,
    ];
}

/// All mail systems, for the zone.
pub fn origins() -> Vec<&'static Origin> {
    let aggregate = Reporter::ALL.iter().map(|reporter| reporter.origin);
    let tls = TLS_REPORTERS.iter().map(|reporter| reporter.origin);
    let failure = FAILURE_STYLES.iter().map(|style| style.origin);
    aggregate.chain(tls).chain(failure).chain(trouble::ORIGINS.iter().copied()).collect()
}
