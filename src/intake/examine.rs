//! The first pass over a message: what is in it, and who sent it. Nothing is stored yet.

use std::{io, panic, panic::AssertUnwindSafe};

use super::{
    identity::{Earlier, Identity, ReportKind},
    read::{self, Limits, Refusal, Visitor},
    stranger::Origin,
};
use crate::{
    provenance::{Delivery, Doubt, Evidence, Letter},
    store::tables::RefusedPart,
};
use ruad_report::{
    aggregate::{Aggregate, Record},
    failure::FailureReport,
    tls::TlsReport,
};
use ruad_spool::{Envelope, Message, SpoolError};

/// What one message holds.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) number: u32,
    pub(super) origin: Origin,
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
    /// What `identity` was in earlier versions: reports stored then have it.
    pub(super) earlier: Earlier,
    /// Rows that storing it takes, rollups apart.
    pub(super) rows: u64,
    pub(super) org_name: Option<String>,
    pub(super) email: Option<String>,
}

/// A message that was read, whose sender was not asked after yet.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) number: u32,
    envelope: Envelope,
    /// What is needed to ask after the sender; nothing for a message without a report, so that spam costs no look-ups.
    pub(super) letter: Option<Letter>,
    contents: Contents,
    /// The sender cannot be told.
    doubt: Option<Doubt>,
}

impl Read {
    /// Reads `message`.
    ///
    /// # Errors
    ///
    /// When the spool cannot give the message now. That says nothing about the message.
    pub(super) async fn of(
        message: Message,
        limits: &Limits,
        provenance: &crate::provenance::Settings,
    ) -> Result<Self, SpoolError> {
        let number = message.number;
        let envelope = message.envelope.clone();
        let (limits, provenance) = (limits.clone(), provenance.clone());
        let read = tokio::task::spawn_blocking(move || {
            let contents = Contents::of(&message, &limits)?;
            let letter = (!contents.reports.is_empty()).then(|| read_letter(&message, &provenance));
            Ok::<_, SpoolError>((contents, letter))
        });
        let Ok(read) = read.await else {
            return Ok(Self::refused(number, envelope, Refusal::panicked()));
        };
        let (contents, letter) = read?;
        let (letter, doubt) = match letter {
            Some(Ok(letter)) => (Some(letter), None),
            Some(Err(_)) => (None, Some(Doubt::Header)),
            None => (None, None),
        };
        Ok(Self { number, envelope, letter, contents, doubt })
    }

    /// A message that is not read at all.
    pub(super) fn refused(number: u32, envelope: Envelope, refusal: Refusal) -> Self {
        let mut contents = Contents::new(envelope.received_at);
        contents.refused(&[], refusal);
        Self { number, envelope, letter: None, contents, doubt: None }
    }

    /// How it came.
    pub(super) fn delivery(&self) -> Delivery<'_> {
        let Envelope { received_at, client_ip, helo, mail_from, .. } = &self.envelope;
        Delivery { received_at: *received_at, client_ip: *client_ip, helo, mail_from }
    }

    /// What it holds, with what was found about its sender.
    pub(super) fn with(self, evidence: Option<Evidence>) -> Examined {
        let Self { number, envelope, mut contents, doubt, .. } = self;
        let evidence = evidence.or(doubt.map(Evidence::unknown)).unwrap_or_default();
        contents.name_reporters(&evidence);
        let origin = Origin::of(&envelope);
        Examined { number, origin, evidence, reports: contents.reports, refused: contents.refused }
    }
}

fn read_letter(message: &Message, provenance: &crate::provenance::Settings) -> io::Result<Letter> {
    let body = message.open().map_err(io::Error::other)?;
    Letter::read(body, provenance)
}

/// Collects what a message holds.
#[derive(Debug)]
struct Contents {
    received_at: u64,
    next_part: u32,
    reports: Vec<ExaminedReport>,
    refused: Vec<RefusedPart>,
}

impl Contents {
    fn new(received_at: u64) -> Self {
        Self { received_at, next_part: 0, reports: Vec::new(), refused: Vec::new() }
    }

    fn of(message: &Message, limits: &Limits) -> Result<Self, SpoolError> {
        let mut contents = Self::new(message.envelope.received_at);
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

    /// Takes a report, or the reason why it is none; `details` is the number of rows that it has besides its records.
    fn take(
        &mut self,
        path: &[String],
        identity: Result<(Identity, Earlier), Refusal>,
        details: usize,
        org_name: Option<String>,
        email: Option<String>,
    ) {
        match identity {
            Ok((identity, earlier)) => {
                let part = self.take_part();
                let path = path.to_vec();
                let rows = identity.records.saturating_add(details as u64).saturating_add(1);
                self.reports.push(ExaminedReport { part, path, identity, earlier, rows, org_name, email });
            }
            Err(refusal) => self.refused(path, refusal),
        }
    }

    fn take_part(&mut self) -> u32 {
        self.next_part += 1;
        self.next_part - 1
    }
}

impl Visitor for Contents {
    fn record(&mut self, _: &[String], _: &Record) {}

    fn aggregate(&mut self, path: &[String], report: Aggregate) {
        let identity = Identity::of_aggregate(&report, self.received_at).map(|identity| {
            let earlier = Earlier::of_aggregate(&report, &identity);
            (identity, earlier)
        });
        self.take(path, identity, 0, report.org_name, report.email);
    }

    fn tls(&mut self, path: &[String], report: TlsReport) {
        let identity = Identity::of_tls(&report, self.received_at).map(|identity| {
            let earlier = Earlier::of_tls(&report, &identity);
            (identity, earlier)
        });
        let failures = report.policies.iter().map(|policy| policy.failures.len()).sum();
        self.take(path, identity, failures, report.organization_name, report.contact_info);
    }

    fn failure(&mut self, path: &[String], report: FailureReport) {
        let identity = Identity::of_failure(&report, self.received_at).map(|identity| {
            let earlier = Earlier::of_failure(&identity);
            (identity, earlier)
        });
        self.take(path, identity, 0, None, None);
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
