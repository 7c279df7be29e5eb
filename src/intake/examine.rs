//! The first pass over a message: what is in it, and who sent it. Nothing is stored yet.

use std::{io, panic, panic::AssertUnwindSafe};

use super::{
    identity::{Identity, ReportKind},
    read::{self, Limits, Refusal, Visitor},
};
use crate::{
    provenance::{Authenticator, Delivery, Doubt, Evidence, Letter},
    report::{
        aggregate::{Aggregate, Record},
        failure::FailureReport,
        tls::TlsReport,
    },
    spool::{Message, SpoolError},
    store::tables::RefusedPart,
};

/// What one message holds.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) number: u32,
    pub(super) evidence: Evidence,
    pub(super) reports: Vec<ExaminedReport>,
    pub(super) refused: Vec<RefusedPart>,
}

/// A report, and who it says it is from.
#[derive(Debug)]
pub(super) struct ExaminedReport {
    pub(super) part: u32,
    pub(super) path: Vec<String>,
    pub(super) identity: Identity,
    pub(super) org_name: Option<String>,
    pub(super) email: Option<String>,
}

impl Examined {
    /// Reads `message` and asks DNS about its sender. The sender of a message without a report is not asked after,
    /// so that spam costs no look-ups.
    ///
    /// # Errors
    ///
    /// When the spool cannot give the message now. That says nothing about the message.
    pub(super) async fn of(
        message: Message,
        limits: &Limits,
        provenance: &crate::provenance::Settings,
        authenticator: &Authenticator,
    ) -> Result<Self, SpoolError> {
        let number = message.number;
        let envelope = message.envelope.clone();
        let (limits, settings) = (limits.clone(), provenance.clone());
        let read = tokio::task::spawn_blocking(move || {
            let contents = Contents::of(&message, &limits)?;
            let letter = (!contents.reports.is_empty()).then(|| read_letter(&message, &settings));
            Ok::<_, SpoolError>((contents, letter))
        });
        let Ok(read) = read.await else {
            return Ok(Self::refused(number, Refusal::panicked()));
        };
        let (mut contents, letter) = read?;
        let delivery = Delivery {
            received_at: envelope.received_at,
            client_ip: envelope.client_ip,
            helo: &envelope.helo,
            mail_from: &envelope.mail_from,
        };
        let evidence = match letter {
            Some(_) if !provenance.enabled => Evidence::unknown(Doubt::Disabled),
            Some(Ok(letter)) => authenticator.check(&delivery, &letter).await,
            Some(Err(_)) => Evidence::unknown(Doubt::Header),
            None => Evidence::default(),
        };
        contents.name_reporters(&evidence);
        Ok(Self { number, evidence, reports: contents.reports, refused: contents.refused })
    }

    /// A message that is not read at all.
    pub(super) fn refused(number: u32, refusal: Refusal) -> Self {
        let refused =
            vec![RefusedPart { path: Vec::new(), code: refusal.code.to_owned(), message: refusal.message }];
        Self { number, evidence: Evidence::default(), reports: Vec::new(), refused }
    }
}

fn read_letter(message: &Message, provenance: &crate::provenance::Settings) -> io::Result<Letter> {
    let body = message.open().map_err(io::Error::other)?;
    Letter::read(body, provenance)
}

/// Collects what a message holds.
struct Contents {
    received_at: u64,
    next_part: u32,
    reports: Vec<ExaminedReport>,
    refused: Vec<RefusedPart>,
}

impl Contents {
    fn of(message: &Message, limits: &Limits) -> Result<Self, SpoolError> {
        let received_at = message.envelope.received_at;
        let mut contents = Self { received_at, next_part: 0, reports: Vec::new(), refused: Vec::new() };
        let mut body = message.open()?;
        // A fault of a parser costs its message, not the daemon.
        let reading = AssertUnwindSafe(|| read::message(&mut body, limits, &mut contents));
        if panic::catch_unwind(reading).is_err() {
            contents.reports.clear();
            contents.refused(&[], Refusal::panicked());
        }
        Ok(contents)
    }

    /// A failure report does not say who reports; the mail does.
    fn name_reporters(&mut self, evidence: &Evidence) {
        for report in self.reports.iter_mut().filter(|report| report.identity.kind == ReportKind::Failure) {
            report.identity.reporter = evidence.from_domain.clone().unwrap_or_default();
        }
    }

    fn push(&mut self, path: &[String], identity: Identity, org_name: Option<String>, email: Option<String>) {
        let part = self.take_part();
        self.reports.push(ExaminedReport { part, path: path.to_vec(), identity, org_name, email });
    }

    fn take_part(&mut self) -> u32 {
        self.next_part += 1;
        self.next_part - 1
    }
}

impl Visitor for Contents {
    fn record(&mut self, _: &[String], _: &Record) {}

    fn aggregate(&mut self, path: &[String], report: Aggregate) {
        let identity = Identity::of_aggregate(&report, self.received_at);
        self.push(path, identity, report.org_name, report.email);
    }

    fn tls(&mut self, path: &[String], report: TlsReport) {
        let identity = Identity::of_tls(&report, self.received_at);
        self.push(path, identity, report.organization_name, report.contact_info);
    }

    fn failure(&mut self, path: &[String], report: FailureReport) {
        let identity = Identity::of_failure(&report, self.received_at);
        self.push(path, identity, None, None);
    }

    fn refused(&mut self, path: &[String], refusal: Refusal) {
        self.take_part();
        let Refusal { code, message } = refusal;
        self.refused.push(RefusedPart { path: path.to_vec(), code: code.to_owned(), message });
    }
}

impl Refusal {
    fn panicked() -> Self {
        Self { code: "panicked", message: "reading it failed in the program".to_owned() }
    }
}
