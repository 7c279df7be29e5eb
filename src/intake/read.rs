//! One message or file, read: every report in it goes to a [`Visitor`], and so does every part that had to be
//! refused. `ruad parse` and both passes of the intake share it, so they cannot disagree.

use std::io::BufRead;

use serde::Deserialize;

use ruad_report as report;
use ruad_report::{
    ReportError,
    aggregate::{self, Aggregate, Record},
    failure::{self, FailureReport},
    mail::{self, Content, Found, MailError},
    tls::{self, TlsReport},
};

/// The limits that unpacking and parsing keep.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of the message and its archives.
    pub mail: mail::Limits,
    /// Of a report's text.
    pub report: report::Limits,
}

/// Hears what a message holds, in the order of its parts. `path` leads from the message to the payload:
/// numbers of MIME parts, then names within archives.
pub trait Visitor {
    /// A record of the aggregate report at `path`; [`Visitor::aggregate`] or [`Visitor::refused`] follows.
    fn record(&mut self, path: &[String], record: &Record);
    /// The aggregate report at `path` is complete.
    fn aggregate(&mut self, path: &[String], report: Aggregate);
    /// An SMTP TLS report.
    fn tls(&mut self, path: &[String], report: TlsReport);
    /// A failure report, unredacted.
    fn failure(&mut self, path: &[String], report: FailureReport);
    /// The payload at `path` gave no report; records heard of it do not count.
    fn refused(&mut self, path: &[String], refusal: Refusal);
}

/// Why a payload, or a whole message, gave no report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Stable, for metrics and machines: `malformed_xml`, `limit_entries`.
    pub code: &'static str,
    /// One sentence with the value and the limit in it.
    pub message: String,
}

/// Reads an RFC 5322 message.
pub fn message(input: &mut dyn BufRead, limits: &Limits, visitor: &mut impl Visitor) {
    let mut reading = Reading::new(limits, visitor);
    let walked = mail::walk(input, &limits.mail, &mut |found| reading.take(found));
    reading.finish(walked);
}

/// Reads a file of any kind: a message, or a bare or packed report. `name` stands in the path of what it holds.
pub fn file(input: &mut dyn BufRead, name: &str, limits: &Limits, visitor: &mut impl Visitor) {
    let mut reading = Reading::new(limits, visitor);
    let opened = mail::open(input, name, &limits.mail, &mut |found| reading.take(found));
    reading.finish(opened);
}

struct Reading<'a, V> {
    limits: &'a Limits,
    visitor: &'a mut V,
    /// Whether the visitor heard anything.
    heard: bool,
    /// The first candidate that was something else, such as a picture in SVG. It only matters where nothing
    /// else was found.
    stranger: Option<(Vec<String>, Refusal)>,
}

impl<'a, V: Visitor> Reading<'a, V> {
    fn new(limits: &'a Limits, visitor: &'a mut V) -> Self {
        Self { limits, visitor, heard: false, stranger: None }
    }

    fn take(&mut self, found: Found<'_>) {
        let (path, limits) = (found.path, &self.limits.report);
        let taken = match found.content {
            Content::Aggregate(xml) => {
                aggregate::read(xml, limits, |record| self.visitor.record(path, record))
                    .map(|report| self.visitor.aggregate(path, report))
            }
            Content::Tls(json) => tls::read(json, limits).map(|report| {
                let announced_domain = tls::announced_domain(found.headers, path);
                self.visitor.tls(path, TlsReport { announced_domain, ..report });
            }),
            Content::Failure(parts) => {
                failure::read(parts, limits).map(|report| self.visitor.failure(path, report))
            }
            Content::Refused(error) => return self.refuse(path, Refusal::of_mail(&error)),
        };
        match taken {
            Ok(()) => self.heard = true,
            Err(error @ ReportError::NotAReport { .. }) => {
                self.stranger.get_or_insert_with(|| (path.to_vec(), Refusal::of_report(&error)));
            }
            Err(error) => self.refuse(path, Refusal::of_report(&error)),
        }
    }

    fn refuse(&mut self, path: &[String], refusal: Refusal) {
        self.heard = true;
        self.visitor.refused(path, refusal);
    }

    fn finish(mut self, outcome: Result<(), MailError>) {
        if let Err(error) = outcome {
            self.refuse(&[], Refusal::of_mail(&error));
        }
        if !self.heard {
            let nothing = || (Vec::new(), Refusal::nothing_found());
            let (path, refusal) = self.stranger.take().unwrap_or_else(nothing);
            self.visitor.refused(&path, refusal);
        }
    }
}

impl Refusal {
    fn of_mail(error: &MailError) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }

    /// A limit that a reader below the parser hit travels inside an I/O error; it is the real reason.
    fn of_report(error: &ReportError) -> Self {
        if let ReportError::Io(io) = error
            && let Some(limit) = io.get_ref().and_then(|inner| inner.downcast_ref::<MailError>())
        {
            return Self::of_mail(limit);
        }
        Self { code: error.code(), message: error.to_string() }
    }

    /// Of a report whose policy domain is not a domain name; `name` is as written.
    pub(super) fn no_domain(name: &str) -> Self {
        let shown: String = name.chars().take(MOST_SHOWN).collect();
        let dots = if shown.len() < name.len() { "..." } else { "" };
        let message = format!("the policy domain {shown:?}{dots} is not a domain name");
        Self { code: "policy_domain_invalid", message }
    }

    fn nothing_found() -> Self {
        Self { code: "not_a_report", message: "no part of it holds a report".to_owned() }
    }
}

/// Characters of a name that are quoted in a reason.
const MOST_SHOWN: usize = 100;
