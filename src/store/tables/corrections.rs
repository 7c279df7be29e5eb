use uuid::Uuid;

use super::{millis, precedence, timestamp};
use crate::store::{
    block::table,
    column::{Day, Fixed, Identity, Millis, Push, Text, Timestamp, Words},
    copies::StoredCopy,
    correction::{Change, State},
};

table! {
    /// Rows of `report_corrections`.
    ReportCorrections in "report_corrections" {
        report_key: Fixed<Identity>,
        content_hash: Fixed<Identity>,
        segment: Fixed<Identity>,
        step: Fixed<u32>,
        batch: Fixed<Identity>,
        state: Fixed<u32>,
        action: Words<false>,
        changed_at: Fixed<Timestamp>,
        changed_by: Words<false>,
        reason: Text,
        number: Fixed<u32>,
        kind: Words<false>,
        received_at: Fixed<Millis>,
        policy_domain: Words<false>,
        day: Fixed<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        precedence: Fixed<u64>,
        report_id: Text,
        records: Fixed<u64>,
        messages: Fixed<u64>,
    }
}

impl ReportCorrections {
    /// Adds the next change of a copy.
    pub(in crate::store) fn add(
        &mut self,
        copy: &StoredCopy,
        batch: Uuid,
        change: &Change<'_>,
        state: State,
    ) {
        self.report_key.push(Identity(copy.report_key));
        self.content_hash.push(Identity(copy.content_hash));
        self.segment.push(copy.segment.into());
        self.step.push(copy.step);
        self.batch.push(batch.into());
        self.state.push(state as u32);
        self.action.push(change.action.as_str());
        self.changed_at.push(timestamp(change.at));
        self.changed_by.push(change.by);
        self.reason.push(change.reason);
        self.number.push(copy.number);
        self.kind.push(&copy.kind);
        self.received_at.push(millis(copy.received_at));
        self.policy_domain.push(&copy.policy_domain);
        self.day.push(Day(copy.day));
        self.group_name.push(&copy.group_name);
        self.reporter.push(&copy.reporter);
        self.verdict.push(copy.verdict.as_str());
        self.standing.push(&copy.standing);
        self.precedence.push(precedence(copy.segment, copy.verdict));
        self.report_id.push(&copy.report_id);
        self.records.push(copy.records);
        self.messages.push(copy.messages);
    }
}
