//! What is written down about a segment when all its rows are stored: each delivery of a report, and each message.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    decision::{Decision, MessageDecision, Outcome, Reason},
    insert::Hopeless,
};
use crate::{
    intake::telemetry,
    store::{
        Batch, Filling,
        tables::{Deliveries, Delivery, MessageRow, Messages},
    },
};
use ruad_registry::UNASSIGNED;
use ruad_spool::{Message, Segment, SpoolError};

/// Forms the rows of `deliveries` and `messages`, and tells the log what became of each message. Of a message that ClickHouse refused there is nothing in the
/// ledger: when it comes again from the quarantine, it is new. Also returns the rows of `messages` that these replace: those of
/// messages that were put back from quarantine.
///
/// # Errors
///
/// When the spool cannot be read.
pub(super) fn batches(
    segment: &Segment,
    decisions: &[MessageDecision],
    hopeless: &Hopeless,
) -> Result<Written, SpoolError> {
    let mut replaced = Vec::new();
    let decisions: BTreeMap<_, _> = decisions.iter().map(|decision| (decision.number, decision)).collect();
    let id = segment.id().uuid();
    let mut deliveries = Filling::<Deliveries>::default();
    let mut messages = Filling::<Messages>::default();
    let mut batches = Vec::new();
    for message in segment.messages() {
        let message = match message {
            Ok(message) => message,
            Err(error) if error.is_set_aside() => continue,
            Err(error) => return Err(error),
        };
        let Some(decision) = decisions.get(&message.number) else { continue };
        replaced.extend(message.requeued_from.map(|from| (from.segment.uuid(), from.number)));
        let given_up = hopeless.get(&message.number);
        if given_up.is_none() {
            for report in decision.reports.iter().filter(|report| report.decision.is_in_ledger()) {
                let identity = &report.identity;
                let context = report.context(id, message.number, message.envelope.received_at);
                let delivery = Delivery {
                    part: report.part,
                    decision: report.decision.as_str(),
                    kind: identity.kind.as_str(),
                    organization: decision.evidence.proven_organization().unwrap_or_default(),
                    report_id: &identity.report_id,
                    records: identity.records,
                    messages: identity.messages,
                };
                batches.extend(deliveries.add(message.number, |rows| rows.add(&context, &delivery)));
            }
        }
        let summary = Summary::new(id, &message, decision, given_up);
        batches.extend(messages.add(message.number, |rows| rows.add(&summary.row())));
        summary.tell(segment);
    }
    batches.extend(deliveries.cut());
    batches.extend(messages.cut());
    Ok(Written { batches, replaced })
}

/// What is written down about a segment.
pub(super) struct Written {
    pub(super) batches: Vec<Batch>,
    /// Rows of `messages` that go: those of messages that were put back from quarantine, by segment and number.
    pub(super) replaced: Vec<(Uuid, u32)>,
}

/// A message and what became of it.
struct Summary<'a> {
    segment: Uuid,
    message: &'a Message,
    decision: &'a MessageDecision,
    outcome: Outcome,
    reason: Option<&'a Reason>,
    spf: String,
    dkim: String,
    dmarc: String,
}

impl<'a> Summary<'a> {
    fn new(
        segment: Uuid,
        message: &'a Message,
        decision: &'a MessageDecision,
        given_up: Option<&'a Reason>,
    ) -> Self {
        let outcome = if given_up.is_some() { Outcome::Quarantined } else { decision.outcome };
        let evidence = &decision.evidence;
        Self {
            segment,
            message,
            decision,
            outcome,
            reason: given_up.or(decision.reason.as_ref()),
            spf: evidence.spf_summary(),
            dkim: evidence.dkim_summary(),
            dmarc: evidence.dmarc_summary(),
        }
    }

    fn row(&self) -> MessageRow<'_> {
        let Self { message, decision, .. } = self;
        let first = decision.reports.first();
        let envelope = &message.envelope;
        MessageRow {
            segment: self.segment,
            number: message.number,
            received_at: envelope.received_at,
            group_name: first.map_or(UNASSIGNED, |report| &report.group),
            outcome: self.outcome.as_str(),
            code: self.code(),
            reason: self.reason.map_or("", |reason| &reason.text),
            verdict: first.map_or("unknown", |report| report.verdict.as_str()),
            from_domain: self.author(),
            spf: &self.spf,
            dkim: &self.dkim,
            dmarc: &self.dmarc,
            client_ip: envelope.client_ip,
            helo: &envelope.helo,
            tls: envelope.tls.as_deref().unwrap_or_default(),
            mail_from_domain: envelope.mail_from.rsplit_once('@').map_or("", |(_, domain)| domain),
            rcpt_to: &envelope.rcpt_to,
            size: message.size,
            reports: self.stored(Decision::Stored) + self.stored(Decision::Conflict),
            duplicates: self.stored(Decision::Duplicate),
            conflicts: self.stored(Decision::Conflict),
            records: self.records(),
            refused: &decision.refused,
        }
    }

    fn tell(&self, segment: &Segment) {
        let stored = self.stored(Decision::Stored) + self.stored(Decision::Conflict);
        telemetry::Done {
            segment: segment.id(),
            number: self.message.number,
            received_at: self.message.envelope.received_at,
            client: self.message.envelope.client_ip,
            from_domain: self.author(),
            outcome: self.outcome.as_str(),
            code: self.code(),
            stored: stored as usize,
            duplicates: self.stored(Decision::Duplicate) as usize,
            records: self.records(),
        }
        .record();
        for report in &self.decision.reports {
            telemetry::report(
                report.identity.kind.as_str(),
                report.decision.as_str(),
                report.verdict.as_str(),
                report.standing.as_str(),
            );
            if matches!(report.decision, Decision::Withheld | Decision::OverQuota) {
                telemetry::withheld(segment.id(), self.message, self.author(), self.code());
            }
            if report.identity.date_suspect && report.decision.is_stored() {
                telemetry::date_suspect(report.identity.kind.as_str());
            }
        }
        for part in &self.decision.refused {
            telemetry::refused(&part.code);
        }
    }

    fn code(&self) -> &str {
        self.reason.map_or("", |reason| &reason.code)
    }

    fn author(&self) -> &str {
        self.decision.evidence.from_domain.as_deref().unwrap_or_default()
    }

    /// Reports decided so; none of a message that ClickHouse refused.
    fn stored(&self, decision: Decision) -> u32 {
        let counts = self.outcome != Outcome::Quarantined || decision == Decision::Duplicate;
        let count = if counts { self.decision.count(decision) } else { 0 };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn records(&self) -> u64 {
        if self.outcome != Outcome::Stored {
            return 0;
        }
        self.decision.stored().fold(0, |sum, report| sum.saturating_add(report.identity.records))
    }
}
