//! The second pass over a segment: rows. They are formed in the order of the messages and cut where the rows alone
//! say, so that every attempt makes the same blocks.

use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
    panic::{self, AssertUnwindSafe},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    decision::{Decision, MessageDecision, ReportDecision},
    read::{self, Limits, Refusal, Visitor},
    suspect::Watch,
};
use crate::{
    sources::Seen,
    store::{
        Batch, Day, Filling, Place, StoredCopy,
        tables::{AggregateRecords, AggregateReports, Context, FailureReports, TlsFailures, TlsPolicies},
    },
};
use ruad_registry::Registry;
use ruad_report::{
    aggregate::{Aggregate, Record},
    failure::FailureReport,
    tls::TlsReport,
};
use ruad_spool::{Message, Segment, SpoolError};

/// What forming rows needs to know beside the segment.
pub(super) struct Loader {
    pub(super) limits: Limits,
    pub(super) registry: std::sync::Arc<Registry>,
    /// Hears every sending address.
    pub(super) sources: Seen,
    /// Takes the blocks; when it is closed, nobody wants them any more.
    pub(super) batches: mpsc::Sender<Batch>,
}

impl Loader {
    /// Reads the messages with reports that are to be stored and sends their rows. Blocks.
    ///
    /// It stops at the first message that does not give what it gave in the first pass. All blocks sent by then are those
    /// that a later attempt makes again; one that went on would cut others and give them the same names.
    ///
    /// # Errors
    ///
    /// [`LoadError`]; the segment has to be done again.
    pub(super) fn run(
        self,
        segment: &Segment,
        decisions: &[MessageDecision],
        watch: &mut Watch,
    ) -> Result<(), LoadError> {
        let decisions: BTreeMap<_, _> =
            decisions.iter().map(|decision| (decision.number, decision)).collect();
        let segment_id = segment.id().uuid();
        let mut rows = Rows::default();
        for message in segment.messages() {
            let message = match message {
                Ok(message) => message,
                // The first pass has told of it, and the quarantine has it.
                Err(error) if error.is_set_aside() => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(decision) = decisions.get(&message.number) else { continue };
            if watch.is_culprit(message.number) || decision.stored().next().is_none() {
                continue;
            }
            watch.reading(message.number)?;
            self.form(segment_id, &message, decision, &mut rows, watch)?;
            if rows.is_unwanted {
                return Ok(watch.pausing()?);
            }
        }
        watch.passed()?;
        for batch in rows.cut().into_iter().flatten() {
            if self.batches.blocking_send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Forms the rows of one message.
    fn form(
        &self,
        segment: Uuid,
        message: &Message,
        decision: &MessageDecision,
        rows: &mut Rows,
        watch: &mut Watch,
    ) -> Result<(), LoadError> {
        let mut body = message.open()?;
        let received_at = message.envelope.received_at;
        let mut visit = Visit {
            loader: self,
            segment,
            received_at,
            decision,
            rows,
            watch,
            part: 0,
            record: 0,
            complete: 0,
            has_changed: false,
            trouble: None,
        };
        let reading = AssertUnwindSafe(|| read::message(&mut body, &self.limits, &mut visit));
        let has_panicked = panic::catch_unwind(reading).is_err();
        let Visit { complete, has_changed, trouble, .. } = visit;
        if let Some(error) = trouble {
            return Err(error.into());
        }
        let is_short = complete != decision.stored().count() && !rows.is_unwanted;
        if has_panicked || has_changed || is_short {
            return Err(LoadError::Changed { number: message.number });
        }
        Ok(())
    }
}

/// Why not all rows could be formed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("message {number} does not give the reports it gave when it was examined")]
    Changed { number: u32 },
}

/// The blocks being filled.
#[derive(Default)]
struct Rows {
    aggregate_reports: Filling<AggregateReports>,
    aggregate_records: Filling<AggregateRecords>,
    tls_policies: Filling<TlsPolicies>,
    tls_failures: Filling<TlsFailures>,
    failure_reports: Filling<FailureReports>,
    /// Addresses that were told of lately.
    seen: HashSet<IpAddr>,
    is_unwanted: bool,
}

impl Rows {
    /// Tells of an address, unless that was done lately.
    fn tell(&mut self, address: IpAddr, sources: &Seen) {
        if self.seen.len() >= MOST_SEEN {
            self.seen.clear();
        }
        if self.seen.insert(address) {
            sources.offer(address);
        }
    }

    /// The rest, in a fixed order.
    fn cut(&mut self) -> [Option<Batch>; 5] {
        [
            self.aggregate_reports.cut(),
            self.aggregate_records.cut(),
            self.tls_policies.cut(),
            self.tls_failures.cut(),
            self.failure_reports.cut(),
        ]
    }
}

/// Forms rows while a message is read.
struct Visit<'a> {
    loader: &'a Loader,
    segment: Uuid,
    received_at: u64,
    decision: &'a MessageDecision,
    rows: &'a mut Rows,
    watch: &'a mut Watch,
    /// Position among what the message brings up, counted as the first pass counts.
    part: u32,
    /// Position in the report being read.
    record: u32,
    /// Reports whose rows are all formed.
    complete: usize,
    /// A part that was a report in the first pass is none now.
    has_changed: bool,
    /// The watch could not be kept.
    trouble: Option<SpoolError>,
}

impl<'a> Visit<'a> {
    /// What was decided about the part being read, if it is to be stored and all before it is.
    fn stored(&self) -> Option<&'a ReportDecision> {
        if self.rows.is_unwanted {
            return None;
        }
        self.decision.stored().find(|report| report.part == self.part)
    }

    fn context(&self, report: &'a ReportDecision) -> Context<'a> {
        report.context(self.segment, self.decision.number, self.received_at)
    }

    fn send(&mut self, batch: Option<Batch>) {
        let Some(batch) = batch else { return };
        // ClickHouse may be away for days.
        let sent = self.watch.pausing().map(|()| self.loader.batches.blocking_send(batch).is_ok());
        let resumed = sent.and_then(|sent| self.watch.reading(self.decision.number).map(|()| sent));
        match resumed {
            Ok(sent) => self.rows.is_unwanted |= !sent,
            Err(error) => {
                self.rows.is_unwanted = true;
                self.trouble = Some(error);
            }
        }
    }

    fn next_part(&mut self) {
        self.part += 1;
        self.record = 0;
    }
}

impl Visitor for Visit<'_> {
    fn record(&mut self, _: &[String], record: &Record) {
        let Some(report) = self.stored() else { return };
        let context = self.context(report);
        let position = self.record;
        self.record += 1;
        let rows = &mut self.rows.aggregate_records;
        let batch = rows.add(self.decision.number, |rows| rows.add(&context, position, record));
        self.send(batch);
        self.rows.tell(record.source_ip(), &self.loader.sources);
    }

    fn aggregate(&mut self, _: &[String], report: Aggregate) {
        if let Some(decision) = self.stored() {
            let context = self.context(decision);
            let rows = &mut self.rows.aggregate_reports;
            let batch = rows.add(self.decision.number, |rows| rows.add(&context, &report));
            self.send(batch);
            self.complete += 1;
        }
        self.next_part();
    }

    fn tls(&mut self, _: &[String], report: TlsReport) {
        if let Some(decision) = self.stored() {
            for (position, policy) in (0..).zip(&report.policies) {
                let domain = report.domain_of(policy).unwrap_or_default();
                let context = Context {
                    policy_domain: &domain,
                    group_name: self.loader.registry.group_of(&domain),
                    ..self.context(decision)
                };
                let number = self.decision.number;
                let rows = &mut self.rows.tls_policies;
                let batch = rows.add(number, |rows| rows.add(&context, &report, position, policy));
                self.send(batch);
                for (place, failure) in (0..).zip(&policy.failures) {
                    let rows = &mut self.rows.tls_failures;
                    let batch = rows.add(number, |rows| rows.add(&context, position, policy, place, failure));
                    self.send(batch);
                }
            }
            self.complete += 1;
        }
        self.next_part();
    }

    fn failure(&mut self, _: &[String], mut report: FailureReport) {
        if let Some(decision) = self.stored() {
            let context = self.context(decision);
            report.redact();
            let rows = &mut self.rows.failure_reports;
            let batch = rows.add(self.decision.number, |rows| rows.add(&context, &report));
            self.send(batch);
            self.complete += 1;
        }
        self.next_part();
    }

    fn refused(&mut self, _: &[String], _: Refusal) {
        // It was a report the first time: nothing that follows may be sent.
        self.has_changed |= self.stored().is_some();
        self.rows.is_unwanted |= self.has_changed;
        self.next_part();
    }
}

impl ReportDecision {
    /// What the rows of the report have in common.
    pub(super) fn context(&self, segment: Uuid, number: u32, received_at: u64) -> Context<'_> {
        let identity = &self.identity;
        Context {
            segment,
            number,
            received_at,
            path: &self.path,
            report_key: identity.key.as_u128(),
            content_hash: identity.content.as_u128(),
            policy_domain: &identity.policy_domain,
            day: Day(identity.day),
            group_name: &self.group,
            reporter: &identity.reporter,
            verdict: self.verdict.as_str(),
            standing: self.standing.as_str(),
            conflict: self.decision == Decision::Conflict,
            date_suspect: identity.date_suspect,
        }
    }
}

impl ReportDecision {
    /// It as the store knows it, before anything was done to it.
    pub(super) fn copy(&self, segment: Uuid, number: u32, received_at: u64) -> StoredCopy {
        let identity = &self.identity;
        StoredCopy {
            report_key: identity.key.as_u128(),
            content_hash: identity.content.as_u128(),
            segment,
            number,
            kind: identity.kind.as_str().to_owned(),
            received_at,
            policy_domain: identity.policy_domain.clone(),
            day: identity.day,
            group_name: self.group.clone(),
            reporter: identity.reporter.clone(),
            verdict: self.verdict,
            standing: self.standing.as_str().to_owned(),
            report_id: identity.report_id.clone(),
            records: identity.records,
            messages: identity.messages,
            step: 0,
            place: Place::Counted,
            pending: None,
            changed_by: String::new(),
            reason: String::new(),
        }
    }
}

/// Addresses; a set of so many takes a few hundred kilobytes.
const MOST_SEEN: usize = 8192;
